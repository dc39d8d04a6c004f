"""Makes the seeds of fuzz/corpus/log, message, can and picture with the programs of others. usage: make_corpus.py [FOLDER]

The seeds are committed; this is how they came to be. Needs rosbags, asammdf, mcap, protobuf, numpy.
"""
import json
import pathlib
import sqlite3
import struct
import subprocess
import sys
import tempfile

import numpy as np
from asammdf import MDF, Signal
from google.protobuf import descriptor_pb2
from mcap.writer import CompressionType, Writer
from rosbags.rosbag1 import Writer as BagWriter
from rosbags.rosbag2 import Writer as Bag2Writer
from rosbags.typesys import Stores, get_typestore

top = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus")
for name in ("log", "message", "can", "picture"):
    (top / name).mkdir(parents=True, exist_ok=True)


def bags():
    store = get_typestore(Stores.ROS1_NOETIC)
    types = store.types
    for name, compression in (("none", None), ("bz2", BagWriter.CompressionFormat.BZ2), ("lz4", BagWriter.CompressionFormat.LZ4)):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.bag"
            bag = BagWriter(path)
            if compression:
                bag.set_compression(compression)
            with bag as writer:
                text = writer.add_connection("/s", "std_msgs/msg/String", typestore=store)
                for i in (3, 1, 2):
                    message = types["std_msgs/msg/String"](data=f"hello {i}")
                    writer.write(text, i * 10**9, store.serialize_ros1(message, "std_msgs/msg/String"))
            (top / "log" / f"{name}.bag").write_bytes(path.read_bytes())


def ros2():
    store = get_typestore(Stores.ROS2_HUMBLE)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "b"
        with Bag2Writer(path, version=8) as writer:
            text = writer.add_connection("/s", "std_msgs/msg/String", typestore=store)
            for i in (1, 2):
                message = store.types["std_msgs/msg/String"](data=f"hello {i}")
                writer.write(text, i * 10**9, store.serialize_cdr(message, "std_msgs/msg/String"))
        found = next(path.glob("*.db3"))
        small = sqlite3.connect(found)
        small.execute("PRAGMA page_size = 512")
        small.execute("VACUUM")
        small.close()
        (top / "log" / "small.db3").write_bytes(found.read_bytes())


def mdf():
    t = np.arange(5) * 0.1
    signals = [Signal(np.array([1, 2, 3, 2, 1], "u1"), t, name="u"), Signal(np.array([0.5, 1, 2, 3, 4], "<f8"), t, name="f", unit="m"),
               Signal(np.array([b"a", b"bc", b"", b"d", b"e"]), t, name="text", encoding="utf-8"),
               Signal(np.array([0, 1, 2, 1, 0], "u2"), t, name="state",
                      conversion={"val_0": 0, "val_1": 1, "text_0": b"off", "text_1": b"on", "default": b"?"})]
    for name, compression in (("none", 0), ("deflate", 1), ("transposed", 2)):
        with tempfile.TemporaryDirectory() as folder, MDF(version="4.10") as file:
            file.append(signals, comment="seed")
            path = pathlib.Path(folder) / "a.mf4"
            file.save(path, compression=compression, overwrite=True)
            (top / "log" / f"{name}.mf4").write_bytes(path.read_bytes())
    with tempfile.TemporaryDirectory() as folder, MDF(version="3.30") as file:
        file.append(signals[:2] + [Signal(np.array([0, 1, 2, 1, 0], "u2"), t, name="scaled", conversion={"a": 2.0, "b": 1.0})] +
                    [Signal(np.array([0, 1, 2, 1, 0], "u2"), t, name="named", conversion={"val_0": 0, "val_1": 1, "text_0": b"off", "text_1": b"on"})])
        path = pathlib.Path(folder) / "a.mdf"
        file.save(path, overwrite=True)
        (top / "log" / "small.mdf").write_bytes(path.read_bytes())


def mcap():
    for compression in (CompressionType.NONE, CompressionType.ZSTD):
        with open(top / "log" / f"{compression.name.lower()}.mcap", "wb") as file:
            writer = Writer(file, compression=compression, chunk_size=60)
            writer.start()
            schema = writer.register_schema("T", "jsonschema", b'{"type":"object","properties":{"a":{"type":"number"}}}')
            channel = writer.register_channel("/j", "json", schema)
            for i in (2, 1, 3):
                writer.add_message(channel, i, b'{"a": %d}' % i, i)
            writer.add_attachment(1, 1, "n", "t", b"x")
            writer.add_metadata("m", {"k": "v"})
            writer.finish()


def message(name, kind, schema, data):
    (top / "message" / name).write_bytes(bytes([kind]) + struct.pack("<H", len(schema)) + schema + data)


def messages():
    f = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="f.proto", package="f", syntax="proto3")
    t = file.message_type.add(name="T")
    t.field.add(name="a", number=1, type=f.TYPE_SINT64, label=f.LABEL_OPTIONAL)
    t.field.add(name="b", number=2, type=f.TYPE_FLOAT, label=f.LABEL_REPEATED)
    t.field.add(name="c", number=3, type=f.TYPE_MESSAGE, type_name=".f.T", label=f.LABEL_REPEATED)
    t.field.add(name="d", number=4, type=f.TYPE_STRING, label=f.LABEL_OPTIONAL)
    t.field.add(name="e", number=5, type=f.TYPE_MESSAGE, type_name=".f.U", label=f.LABEL_OPTIONAL)
    u = file.message_type.add(name="U")
    u.field.add(name="x", number=1, type=f.TYPE_INT32, label=f.LABEL_REPEATED)
    schema = descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()
    message("protobuf", 0, schema, b"\x08\x03\x12\x08\0\0\x80?\0\0\0@\x1a\x02\x08\x01\x22\x02hi\x2a\x03\x0a\x01\x05\x2a\x02\x08\x07")
    message("jsonschema", 1, json.dumps({"type": "object", "properties": {
        "a": {"type": "integer"}, "b": {"type": "string", "contentEncoding": "base64"}, "c": {"type": "array", "items": {"type": "number"}},
        "t": {"type": "object", "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}}}, "r": {"$ref": "#"}}}).encode(),
        b'{"a": 1, "b": "aGk=", "c": [1, 2.5], "t": {"sec": 1, "nsec": 2}, "r": {"a": 2}}')
    message("json", 2, b"", b'{"a": [null, true]}')
    message("ros1", 4, b"std_msgs/Header h\nstring s\nfloat64[] v\n===\nMSG: std_msgs/Header\nuint32 seq\ntime stamp\nstring frame_id\n",
            b"\1\0\0\0\2\0\0\0\3\0\0\0\1\0\0\0f\2\0\0\0hi\1\0\0\0" + struct.pack("<d", 1.5))
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/interop"))
        import random

        import test_flatbuffers as flat

        folder, r = pathlib.Path(folder), random.Random(1)
        (folder / "t.fbs").write_text(flat.SCHEMA)
        (folder / "m.json").write_text(json.dumps({**flat.root(r), "any_type": "Leaf", "any": flat.leaf(r)}))
        subprocess.run(["flatc", "--schema", "--binary", "t.fbs"], cwd=folder, check=True)
        subprocess.run(["flatc", "--binary", "t.fbs", "m.json"], cwd=folder, check=True)
        message("flatbuffer", 8, (folder / "t.bfbs").read_bytes(), (folder / "m.bin").read_bytes())
    message("ros2idl", 9, b"module f { module msg { typedef double d__2[2]; enum E { A, B }; struct U { long x; };\n@verbatim(text=\"a)\")\n"
            b"struct T { d__2 d; sequence<U, 3> u; string<9> s; E e; octet o[2]; const_ c; }; struct const_ { boolean b; }; }; };",
            b"\0\1\0\0" + struct.pack("<2d", 1, 2) + struct.pack("<Ii", 1, 5) + b"\2\0\0\0h\0\0\0" + struct.pack("<i", 1) + b"\1\2\1")
    message("can", 6, b"", struct.pack(">IBBBB", 0x123, 3, 0, 0, 0) + b"abc")


def can():
    text = (b'VERSION ""\nBU_: A\nBO_ 256 M: 8 A\n SG_ Mux M : 0|4@1+ (1,0) [0|15] "" A\n SG_ S1 m1 : 8|12@1- (0.5,-3) [0|0] "m" A\n'
            b' SG_ S2 m2 : 15|16@0+ (1,0) [0|0] "" A\nBO_ 2566834942 J: 12 A\n SG_ Long : 0|32@1- (1,0) [0|0] "" A\n'
            b'VAL_ 256 S1 1 "on" 0 "off" ;\nSIG_VALTYPE_ 2566834942 Long : 1;\nCM_ SG_ 256 S1 "text";\n'
            b'BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","reserved","J1939PG";\nBA_DEF_DEF_ "VFrameFormat" "J1939PG";\n')

    def frame(identifier, data):
        body = struct.pack(">IBBBB", identifier, len(data), 0, 0, 0) + data
        return bytes([len(body)]) + body

    frames = frame(256, b"\x01\x34\x12" + bytes(5)) + frame(256, b"\x02\x34\x12" + bytes(5)) + frame(256, b"\x01")
    frames += frame(0x98ECFF01, b"\x20\x0c\x00\x02\xff\xfe\xfe\x00") + frame(0x98EBFF01, b"\x01abcdefg") + frame(0x98EBFF01, b"\x02hijkl\xff\xff")
    frames += frame(0x7E8, b"\x10\x0a123456") + frame(0x7E8, b"\x217890\0\0\0")
    (top / "can" / "all").write_bytes(text + b"\0" + frames)


def pictures():
    """The first frame of streams and stills, by PyAV; tests/interop/test_frames.py says how they are made."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/interop"))
    import test_frames as frames

    for encoder, _, width, height, pixels, options in frames.STREAMS:
        data = bytes(frames.encoded(encoder, width, height, 1, pixels, options)[0])
        (top / "picture" / f"{encoder}_{width}").write_bytes((b"\4" if encoder == "libx264" else b"\5") + data[:200])
    for name, form, codec, pixels in (("jpeg", b"\1", "mjpeg", "yuvj420p"), ("png", b"\2", "png", "rgb24"), ("depth", b"\3" + bytes(12), "png", "rgb24")):
        (top / "picture" / name).write_bytes(form + frames.still(codec, pixels, 16, 16))


bags()
ros2()
mdf()
mcap()
messages()
can()
pictures()
