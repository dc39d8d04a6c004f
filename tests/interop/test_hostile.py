"""Small files whose descriptions say the same thing again and again, or go in circles: told within seconds and little memory."""
import struct
import subprocess

import pytest

mcap_writer = pytest.importorskip("mcap.writer")
flatbuffers = pytest.importorskip("flatbuffers")

MEMORY_KIB, SECONDS = 2_000_000, 60


def doctor(program, path):
    done = subprocess.run(["sh", "-c", f"ulimit -v {MEMORY_KIB}; exec \"$@\"", "sh", program, "log", "doctor", path], capture_output=True,
                          text=True, timeout=SECONDS)
    assert done.returncode in (0, 1, 3), done.stderr
    return done.stdout + done.stderr


def recorded(path, name, schema_encoding, schema, message_encoding, pairs):
    with open(path, "wb") as f:
        writer = mcap_writer.Writer(f)
        writer.start()
        sid = writer.register_schema(name, schema_encoding, schema)
        cid = writer.register_channel("/t", message_encoding, sid, pairs)
        writer.add_message(cid, 5, b"\0\1\0\0" + bytes(8), 5)
        writer.finish()
    return path


BAR = "=" * 80 + "\nMSG: "


@pytest.mark.parametrize("encoding, message, pair", [("ros1msg", "ros1", {"md5sum": "0" * 32}),
                                                     ("ros2msg", "cdr", {"topic_type_hash": "RIHS01_" + "0" * 64})])
def test_types_that_use_the_next_twice(program, tmp_path, encoding, message, pair):
    """2^30 of the last type, if each were summed as often as it is used."""
    text = "p/T1 a\np/T1 b\n" + "".join(BAR + f"p/T{i}\n" + (f"p/T{i + 1} a\np/T{i + 1} b\n" if i < 30 else "int8 a\n") for i in range(1, 31))
    told = doctor(program, recorded(tmp_path / "t.mcap", "p/T0" if message == "ros1" else "p/msg/T0", encoding, text.encode(), message, pair))
    assert "is not that of its type" in told and "expected at most 4096 fields" in told


def test_idl_of_many_names(program, tmp_path):
    n = 40000
    text = "module p { module msg {" + "".join(f"typedef long t{i};" for i in range(n))
    text += "struct T {" + "".join(f"t{n - 1 - i} f{i};" for i in range(n)) + "}; }; };"
    told = doctor(program, recorded(tmp_path / "i.mcap", "p/msg/T", "ros2idl", text.encode(), "cdr", {}))
    assert "expected at most 4096 fields" in told


def test_binary_schema_that_lists_one_type_again(program, tmp_path):
    b = flatbuffers.Builder()
    name = b.CreateString("n" * 1000)
    slot = lambda number, value: b.PrependUOffsetTRelativeSlot(number, value, 0)

    def again(what, count=30000):
        b.StartVector(4, count, 4)
        for _ in range(count):
            b.PrependUOffsetTRelative(what)
        return b.EndVector()

    b.StartObject(6)
    b.PrependInt8Slot(0, 7, 0)
    kind = b.EndObject()
    b.StartObject(13)
    slot(0, name)
    slot(1, kind)
    fields = again(b.EndObject())
    b.StartObject(8)
    slot(0, name)
    slot(1, fields)
    objects = again(b.EndObject())
    b.StartObject(8)
    slot(0, objects)
    b.Finish(b.EndObject(), file_identifier=b"BFBS")
    told = doctor(program, recorded(tmp_path / "f.mcap", "t.T", "flatbuffer", bytes(b.Output()), "flatbuffer", {}))
    assert "expected at most 65536 types and fields in a schema" in told


def mdf3(bits):
    """One channel that links to itself, with a name of 64 KiB."""
    dg, cg, cn, tx = 272, 300, 330, 558
    head = (b"MDF     3.30    me      " + bytes(4) + struct.pack("<HH", 330, 0)).ljust(64, b"\0")
    head += b"HD" + struct.pack("<HI", 208, dg) + bytes(200)
    head += b"DG" + struct.pack("<HIIIIHH", 28, dg, cg, 0, tx, 1, 0) + bytes(4)
    head += b"CG" + struct.pack("<HIIIHHHI", 30, cg, cn, 0, 0, 1, 8, 1) + bytes(4)
    head += b"CN" + struct.pack("<HIIIIIH", 228, cn, 0, 0, 0, 0, 0) + b"x".ljust(32, b"\0") + bytes(128)
    head += struct.pack("<HHH", 0, bits, 0) + bytes(26) + struct.pack("<IIH", tx, 0, 0)
    return head + b"TX" + struct.pack("<H", 65535) + b"n" * 65531


@pytest.mark.parametrize("bits", [0, 8], ids=["not read", "read"])
def test_mdf3_in_a_circle(program, tmp_path, bits):
    path = tmp_path / "c.mdf"
    path.write_bytes(mdf3(bits))
    assert "expected at most 65536 channels in a group" in doctor(program, path)
