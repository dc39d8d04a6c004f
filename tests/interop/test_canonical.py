"""Names by hash: the canonical form of RFC 8785 against the Python package rfc8785, over random documents."""
import ctypes
import hashlib
import json
import pathlib
import random
import struct

import pytest

rfc8785 = pytest.importorskip("rfc8785")


class Text(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("len", ctypes.c_size_t)]


@pytest.fixture(scope="module")
def text_hash(program):
    path = pathlib.Path(program).parent / "libroadmill.so"
    if not path.exists():
        pytest.skip(f"skipped: no {path}")
    call = ctypes.CDLL(str(path)).rml_json_text_hash
    call.argtypes = [Text, ctypes.c_char_p, ctypes.c_void_p]

    def hash_of(text):
        out = ctypes.create_string_buffer(32)
        return out.raw if call(Text(text, len(text)), out, None) == 0 else None

    return hash_of


def random_double(r):
    while True:
        value = struct.unpack("d", struct.pack("Q", r.getrandbits(64)))[0]
        if value == value and abs(value) != float("inf"):
            return value


def random_text(r):
    planes = [(0, 0x20), (0, 0x80), (0x80, 0x800), (0xE000, 0x10000), (0x10000, 0x110000)]
    return "".join(chr(r.randrange(*r.choice(planes))) for _ in range(r.randrange(6)))


def random_value(r, depth=0):
    kind = r.randrange(8 if depth < 4 else 6)
    if kind == 6:
        return [random_value(r, depth + 1) for _ in range(r.randrange(5))]
    if kind == 7:
        return {random_text(r): random_value(r, depth + 1) for _ in range(r.randrange(6))}
    scalars = [lambda: None, lambda: r.random() < 0.5, lambda: r.randrange(-(2**53) + 1, 2**53),
               lambda: random_double(r), lambda: r.uniform(-1000, 1000), lambda: random_text(r)]
    return scalars[kind]()


def test_the_same_names(text_hash):
    r = random.Random(3)
    for _ in range(3000):
        value = random_value(r)
        text = json.dumps(value, ensure_ascii=r.random() < 0.5).encode()
        assert text_hash(text) == hashlib.sha256(rfc8785.dumps(value)).digest(), text
