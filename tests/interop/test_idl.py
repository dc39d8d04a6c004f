"""Messages described by OMG IDL (ros2idl), against rosbags, which parses the same IDL and writes the bytes."""
import base64
import json
import random
import re

import numpy
import pytest

mcap_writer = pytest.importorskip("mcap.writer")
rosbags = pytest.importorskip("rosbags")
from rosbags.typesys import Stores, get_types_from_idl, get_typestore

BAR = "=" * 80 + "\nIDL: "
TIME = "builtin_interfaces/msg/Time\nmodule builtin_interfaces {\n  module msg {\n    struct Time {\n      long sec;\n      unsigned long nanosec;\n    };\n  };\n};\n"
HEADER = """std_msgs/msg/Header
// generated from rosidl_adapter/resource/msg.idl.em
#include "builtin_interfaces/msg/Time.idl"
module std_msgs { module msg {
  @verbatim (language="comment", text=
    "Standard metadata: a ) and a \\" quote" "\\n"
    "two lines")
  struct Header { builtin_interfaces::msg::Time stamp; string frame_id; };
}; };
"""
ODD = """p/msg/Odd
#include "std_msgs/msg/Header.idl"
/* a comment; struct X { */
module p {
  module msg {
    typedef double double__9[9];
    typedef sequence<float, 4> few;
    typedef p::msg::Inner inner__2[2];
    module Odd_Constants {
      const int32 LIMIT = -7;
      @verbatim (language="comment", text="text of a constant; }")
      const string NAME = 'a b';
    };
    struct Inner {
      boolean flag;
      int16 a, b;
    };
    @topic
    struct Odd {
      std_msgs::msg::Header header;
      @unit (value="rad")
      double__9 covariance;
      few some;
      sequence<Inner> inners;
      inner__2 pair;
      octet raw;
      sequence<octet> bytes;
      uint8 four[4];
      long long big;
      unsigned long long bigger;
      unsigned short small;
      string name;
      string<8> short_name;
      sequence<string> names;
      builtin_interfaces::msg::Time when;
    };
  };
};
"""
TEXT = ODD.split("\n", 1)[1] + BAR + HEADER + BAR + TIME


def recorded(path, schema, messages, name="p/msg/Odd"):
    with open(path, "wb") as f:
        writer = mcap_writer.Writer(f)
        writer.start("ros2")
        sid = writer.register_schema(name, "ros2idl", schema.encode())
        cid = writer.register_channel("/odd", "cdr", sid)
        for i, data in enumerate(messages):
            writer.add_message(cid, 10 + i, data, 10 + i)
        writer.finish()
    return path


def test_against_rosbags(run, tmp_path):
    store = get_typestore(Stores.EMPTY)
    types = {}
    for part in (TIME, HEADER, ODD):
        # rosbags' parser is narrower: no includes or comments, one name in a declaration, no typedefs of arrays of structs.
        text = re.sub(r"#include.*|//.*|/\*.*?\*/|@verbatim[^@]*?\n.*?\"\)|@verbatim.*", "", part.split("\n", 1)[1])
        text = text.replace("int16 a, b;", "int16 a; int16 b;").replace("inner__2 pair;", "Inner pair[2];")
        text = text.replace("    typedef p::msg::Inner inner__2[2];\n", "")
        text = re.sub(r"module Odd_Constants.*?\};", "", text, flags=re.S).replace("    @topic\n", "")
        types.update(get_types_from_idl(text))
    store.register(types)
    of, r, messages, want = store.types, random.Random(4), [], []
    for i in range(50):
        inner = lambda: of["p/msg/Inner"](r.random() < .5, r.randrange(-9, 9), r.randrange(-2**15, 2**15))
        time = of["builtin_interfaces/msg/Time"](r.randrange(2**31), r.randrange(10**9))
        covariance, some = numpy.array([r.uniform(-1, 1) for _ in range(9)]), numpy.array([float(k) for k in range(r.randrange(5))], "float32")
        inners, pair, raw = [inner() for _ in range(r.randrange(4))], [inner(), inner()], r.randrange(128)
        octets, four = numpy.array([r.randrange(256) for _ in range(r.randrange(6))], "uint8"), numpy.array([1, 2, 3, r.randrange(256)], "uint8")
        names = [r.choice(["", "ü", "name"]) for _ in range(r.randrange(4))]
        odd = of["p/msg/Odd"](header=of["std_msgs/msg/Header"](time, "frame"), covariance=covariance, some=some, inners=inners, pair=pair, raw=raw,
                              bytes=octets, four=four, big=-2**40 - i, bigger=2**40 + i, small=i, name="n" * i, short_name="8", names=names, when=time)
        messages.append(bytes(store.serialize_cdr(odd, "p/msg/Odd", little_endian=i % 2 == 0)))
        ns = time.sec * 10**9 + time.nanosec
        ns = str(ns) if ns > 2**53 else ns
        plain = lambda x: {"flag": bool(x.flag), "a": int(x.a), "b": int(x.b)}
        want.append({"header": {"stamp": ns, "frame_id": "frame"}, "covariance": covariance.tolist(), "some": some.tolist(),
                     "inners": [plain(x) for x in inners], "pair": [plain(x) for x in pair], "raw": raw,
                     "bytes": base64.b64encode(octets.tobytes()).decode(), "four": base64.b64encode(four.tobytes()).decode(),
                     "big": -2**40 - i, "bigger": 2**40 + i, "small": i, "name": "n" * i, "short_name": "8", "names": names, "when": ns})
    rows = [json.loads(line) for line in run("log", "cat", recorded(tmp_path / "i.mcap", TEXT, messages)).stdout.splitlines()]
    assert [row["message"] for row in rows] == want


@pytest.mark.parametrize("body, found", [
    ("union U switch (long) { case 1: long x; };", 'found union'),
    ("struct T : S { long x; };", "a struct that inherits"),
    ("struct T { wchar c; };", "found wchar"),
    ("struct T { long double d; };", "long double"),
    ("struct T { sequence<sequence<long> > s; };", "found sequence"),
    ("typedef long l[2]; struct T { sequence<l> s; };", "a list of lists"),
    ("typedef x y; typedef y x; struct T { x a; };", "a typedef of itself"),
    ("struct T { long x; }", 'i.mcap:1: expected ; in the IDL, found "}"'),
    ("struct T { other::Type x; };", "expected a definition of other/Type"),
    ("struct S { long x; };", "expected a struct p/T in the IDL"),
    ("struct T { string<0> s; };", "expected a length"),
    ("struct T { @a(b x; };", 'expected ")"'),
])
def test_what_is_refused(run, tmp_path, body, found):
    text = "module p { module msg { " + body + " }; };"
    done = run("log", "doctor", recorded(tmp_path / "i.mcap", text, [b"\0\1\0\0\0\0\0\0"], "p/msg/T"), check=False)
    assert "cannot be decoded" in done.stdout and found in done.stdout, done.stdout


def test_enums_and_empty(run, tmp_path):
    text = ("module p { module msg { enum Color { @value(3) RED, GREEN }; struct E { uint8 structure_needs_at_least_one_member; };"
            " struct T { Color c; E e; ::p::msg::Color d; double m[2][2]; }; }; };")
    data = b"\0\1\0\0" + b"\1\0\0\0" + b"\0" + b"\0\0\0" + b"\xff\xff\xff\xff" + bytes(4) + numpy.arange(4.0).tobytes()
    (row,) = map(json.loads, run("log", "cat", recorded(tmp_path / "i.mcap", text, [data], "p/msg/T")).stdout.splitlines())
    message = row["message"]
    assert (message["c"], message["d"], message["m"]) == (1, -1, [0.0, 1.0, 2.0, 3.0])
