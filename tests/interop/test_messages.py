"""Protocol Buffers and JSON by `roadmill log cat`, against the Python packages `protobuf` and `json`: real recordings, and
messages of every kind of field made at random."""
import base64
import json
import math
import pathlib
import random
import struct

import pytest

mcap_reader = pytest.importorskip("mcap.reader")
mcap_writer = pytest.importorskip("mcap.writer")
descriptor_pb2 = pytest.importorskip("google.protobuf.descriptor_pb2")
descriptor_pool = pytest.importorskip("google.protobuf.descriptor_pool")
message_factory = pytest.importorskip("google.protobuf.message_factory")

EXACT_MAX = 2**53
TIMES = ("google.protobuf.Timestamp", "google.protobuf.Duration", "osi3.Timestamp")
F = descriptor_pb2.FieldDescriptorProto
KINDS = [F.TYPE_DOUBLE, F.TYPE_FLOAT, F.TYPE_INT64, F.TYPE_UINT64, F.TYPE_INT32, F.TYPE_FIXED64, F.TYPE_FIXED32, F.TYPE_BOOL,
         F.TYPE_STRING, F.TYPE_BYTES, F.TYPE_UINT32, F.TYPE_ENUM, F.TYPE_SFIXED32, F.TYPE_SFIXED64, F.TYPE_SINT32, F.TYPE_SINT64]


# ---- A decoded message as log cat prints it ---------------------------------------------------------------------------


def number(value):
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT_MAX else value


def value_of(field, value, path):
    if field.message_type is not None:
        if field.message_type.full_name in TIMES:
            nanos = value.nanos if hasattr(value, "nanos") else value.nanosecond
            return number(value.seconds * 10**9 + nanos)
        if field.message_type.full_name in path or not field.message_type.fields:
            return "a type within itself"
        return plain(value, path)
    if field.type == F.TYPE_BYTES:
        return base64.b64encode(value).decode()
    if field.type == F.TYPE_FLOAT:
        return number(struct.unpack("f", struct.pack("f", value))[0])
    return number(value)


def repeated(field):
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == F.LABEL_REPEATED


def plain(message, path=()):
    path = (*path, message.DESCRIPTOR.full_name)
    out = {}
    for field in sorted(message.DESCRIPTOR.fields, key=lambda f: f.number):
        if repeated(field):
            values = getattr(message, field.name)
            if field.message_type is not None and field.message_type.GetOptions().map_entry:
                of = field.message_type.fields_by_name
                out[field.name] = [{"key": value_of(of["key"], k, path), "value": value_of(of["value"], values[k], path)} for k in values]
            else:
                out[field.name] = [value_of(field, v, path) for v in values]
        elif field.has_presence and not message.HasField(field.name):
            out[field.name] = None
        else:
            out[field.name] = value_of(field, getattr(message, field.name), path)
    return out


def same(ours, theirs):
    if theirs == "a type within itself":
        return ours is None or isinstance(json.loads(ours), dict)
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and list(ours) == list(theirs) and all(same(ours[k], theirs[k]) for k in ours)
    if isinstance(theirs, list) and theirs and isinstance(theirs[0], dict) and list(theirs[0]) == ["key", "value"]:
        # Python's maps keep one value a key, the last; their order is not that of the wire.
        by_key = {json.dumps(e["key"]): e["value"] for e in ours}
        return all(same(by_key[json.dumps(e["key"])], e["value"]) for e in theirs) and len(by_key) == len(theirs)
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(same, ours, theirs))
    return ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool)


def decoded(run, path):
    return [json.loads(line) for line in run("log", "cat", "--file-order", path).stdout.splitlines()]


def classes_of(data):
    pool, left = descriptor_pool.DescriptorPool(), list(descriptor_pb2.FileDescriptorSet.FromString(data).file)
    while left:  # a file after those that it needs
        rest = []
        for file in left:
            try:
                pool.Add(file)
            except TypeError:
                rest.append(file)
        assert len(rest) < len(left)
        left = rest
    return lambda name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


# ---- Real recordings --------------------------------------------------------------------------------------------------


def test_real_protobuf(run, data):
    checked = 0
    for path in sorted((data / "logs" / "mcap-schemas").rglob("*.mcap")):
        with open(path, "rb") as file:
            theirs = list(mcap_reader.make_reader(file).iter_messages(log_time_order=False))
        classes = {}
        for (schema, channel, message), ours in zip(theirs, decoded(run, path)):
            if channel.message_encoding != "protobuf":
                continue
            if schema.id not in classes:
                classes[schema.id] = classes_of(schema.data)(schema.name)
            if checked % 29 == 0:
                assert same(ours["message"], plain(classes[schema.id].FromString(message.data))), path
            checked += 1
    assert checked > 1_000


def test_real_json(run, data):
    checked = 0
    for path in sorted((data / "logs" / "mcap-schemas" / "lichtblick").glob("*.mcap")):
        with open(path, "rb") as file:
            theirs = [json.loads(m.data) for _, _, m in mcap_reader.make_reader(file).iter_messages(log_time_order=False)]
        for ours, their in zip(decoded(run, path), theirs):
            got = ours["message"]
            time = their.pop("timestamp", None)
            if time is not None:
                assert int(got.pop("timestamp")) == time["sec"] * 10**9 + time["nsec"]
            for key, value in their.items():
                assert got[key] == value, (path, key)
            checked += 1
    assert checked == 141


# ---- Every kind of field ----------------------------------------------------------------------------------------------


def add_field(message, name, number, kind, label=F.LABEL_OPTIONAL, type_name=None, packed=None):
    field = message.field.add(name=name, number=number, type=kind, label=label)
    if type_name:
        field.type_name = type_name
    if packed is not None:
        field.options.packed = packed
    return field


def definition(syntax):
    """A file with a type that has every kind: alone, repeated packed and not, in a oneof, in a map, nested, in itself."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{syntax}.proto", package=f"t.{syntax}", syntax=syntax)
    at = f".t.{syntax}"
    enum = file.enum_type.add(name="E")
    for name, value in (("ZERO", 0), ("ONE", 1), ("LESS", -5)):
        enum.value.add(name=name, number=value)
    inner = file.message_type.add(name="Inner")
    add_field(inner, "x", 1, F.TYPE_SINT32)
    add_field(inner, "texts", 200, F.TYPE_STRING, F.LABEL_REPEATED)
    all_kinds = file.message_type.add(name="All")
    n = 1
    for kind in KINDS:
        enum_name = f"{at}.E" if kind == F.TYPE_ENUM else None
        add_field(all_kinds, f"one_{kind}", n, kind, type_name=enum_name)
        add_field(all_kinds, f"many_{kind}", n + 1, kind, F.LABEL_REPEATED, enum_name)
        if kind not in (F.TYPE_STRING, F.TYPE_BYTES):
            add_field(all_kinds, f"packed_{kind}", n + 2, kind, F.LABEL_REPEATED, enum_name, packed=True)
            add_field(all_kinds, f"loose_{kind}", n + 3, kind, F.LABEL_REPEATED, enum_name, packed=False)
        n += 4
    add_field(all_kinds, "inner", n, F.TYPE_MESSAGE, type_name=f"{at}.Inner")
    add_field(all_kinds, "inners", n + 1, F.TYPE_MESSAGE, F.LABEL_REPEATED, f"{at}.Inner")
    all_kinds.oneof_decl.add(name="choice")
    for i, kind in enumerate((F.TYPE_INT32, F.TYPE_STRING)):
        add_field(all_kinds, f"choice_{kind}", n + 2 + i, kind).oneof_index = 0
    entry = all_kinds.nested_type.add(name="TableEntry")
    entry.options.map_entry = True
    add_field(entry, "key", 1, F.TYPE_STRING)
    add_field(entry, "value", 2, F.TYPE_MESSAGE, type_name=f"{at}.Inner")
    add_field(all_kinds, "table", n + 4, F.TYPE_MESSAGE, F.LABEL_REPEATED, f"{at}.All.TableEntry")
    add_field(all_kinds, "self", n + 5, F.TYPE_MESSAGE, type_name=f"{at}.All")
    if syntax == "proto2":
        group = all_kinds.nested_type.add(name="Legs")
        add_field(group, "count", 1, F.TYPE_INT32)
        add_field(all_kinds, "legs", n + 6, F.TYPE_GROUP, F.LABEL_REPEATED, f"{at}.All.Legs")
    return file


def random_value(rng, kind):
    if kind in (F.TYPE_DOUBLE, F.TYPE_FLOAT):
        return rng.choice([0.0, -1.5, rng.uniform(-1e6, 1e6), math.inf, math.nan])
    if kind == F.TYPE_BOOL:
        return rng.random() < 0.5
    if kind == F.TYPE_STRING:
        return "".join(rng.choice("aß€😀 ") for _ in range(rng.randrange(6)))
    if kind == F.TYPE_BYTES:
        return rng.randbytes(rng.randrange(9))
    if kind == F.TYPE_ENUM:
        return rng.choice([0, 1, -5])
    bits = 32 if kind in (F.TYPE_INT32, F.TYPE_UINT32, F.TYPE_FIXED32, F.TYPE_SFIXED32, F.TYPE_SINT32) else 64
    signed = kind not in (F.TYPE_UINT32, F.TYPE_FIXED32, F.TYPE_UINT64, F.TYPE_FIXED64)
    raw = rng.getrandbits(rng.choice([3, bits - 1, bits]))
    return raw - 2**bits if signed and raw >= 2 ** (bits - 1) else raw


def fill(rng, message, depth=0):
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.3:
            continue
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        if is_map:
            for key in "abc"[: rng.randrange(3)]:
                fill(rng, getattr(message, field.name)[key], depth + 1)
        elif field.message_type is not None and depth < 2:
            many = repeated(field)
            for _ in range(rng.randrange(4) if many else 1):
                fill(rng, getattr(message, field.name).add() if many else getattr(message, field.name), depth + 1)
            if not many:
                getattr(message, field.name).SetInParent()
        elif field.message_type is None and repeated(field):
            getattr(message, field.name).extend(random_value(rng, field.type) for _ in range(rng.randrange(5)))
        elif field.message_type is None:
            setattr(message, field.name, random_value(rng, field.type))


def write(path, set_data, name, payloads, encoding="protobuf", schema_encoding="protobuf"):
    with open(path, "wb") as file:
        writer = mcap_writer.Writer(file, compression=mcap_writer.CompressionType.NONE)
        writer.start()
        schema = writer.register_schema(name, schema_encoding, set_data) if schema_encoding else 0
        channel = writer.register_channel("/t", encoding, schema)
        for i, payload in enumerate(payloads):
            writer.add_message(channel, i, payload, i)
        writer.finish()


@pytest.mark.parametrize("syntax", ["proto2", "proto3"])
def test_every_kind_of_field(run, tmp_path, syntax):
    data = descriptor_pb2.FileDescriptorSet(file=[definition(syntax)]).SerializeToString()
    cls = classes_of(data)(f"t.{syntax}.All")
    rng, payloads = random.Random(4), []
    for i in range(200):
        message = cls()
        fill(rng, message)
        payload = message.SerializeToString()
        if i % 3 == 0:  # pieces of one message one behind the other, and fields that nobody knows
            more = cls()
            fill(rng, more)
            payload += b"\xf8\xff\xff\x0f\x05" + more.SerializeToString() + b"\xfa\xff\xff\x0f\x02ab"
        payloads.append(payload)
    path = tmp_path / "made.mcap"
    write(path, data, f"t.{syntax}.All", payloads)
    ours = decoded(run, path)
    assert len(ours) == len(payloads)
    for one, payload in zip(ours, payloads):
        theirs = plain(cls.FromString(payload))
        assert {k: (one["message"][k], v) for k, v in theirs.items() if not same(one["message"][k], v)} == {}


def test_what_is_no_message_is_told(run, tmp_path):
    data = descriptor_pb2.FileDescriptorSet(file=[definition("proto3")]).SerializeToString()
    bad = [b"\x08", b"\x07\x01", b"\x0a\x05ab", b"\xff" * 11, b"\x0b" * 200, b"\x00\x01"]
    path = tmp_path / "bad.mcap"
    write(path, data, "t.proto3.All", bad + [b""])
    ours = decoded(run, path)
    assert ["error" in m for m in ours] == [True] * len(bad) + [False]
    for cut in (b"", data[: len(data) // 2], b"\x0a\xff\xff", b"nonsense"):
        write(path, cut, "t.proto3.All", [b""])
        assert "data" in decoded(run, path)[0]
        assert "cannot be decoded" in run("log", "doctor", path).stdout


def test_json_by_its_schema(run, tmp_path):
    schema = {"type": "object", "$defs": {"p": {"type": "object", "properties": {"x": {"type": "number"}, "on": {"$ref": "#/$defs/p"}}}},
              "properties": {"a": {"type": ["integer", "null"]}, "b": {"type": "string", "contentEncoding": "base64"},
                             "c": {"type": "array", "items": {"$ref": "#/$defs/p"}}, "any": {}, "t": {"type": "boolean"},
                             "stamp": {"type": "object", "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}}}}}
    good = {"a": 5, "b": base64.b64encode(b"hello!?").decode(), "c": [{"x": 1.5, "on": {"x": 2}}, {}], "any": [1, {"k": "v"}], "t": True,
            "stamp": {"sec": 7, "nsec": 9}, "unknown": 1}
    bad = [{"a": 1.5}, {"b": "no!base64"}, {"c": {}}, {"t": 1}, {"stamp": {"sec": 1}}, []]
    path = tmp_path / "made.mcap"
    write(path, json.dumps(schema).encode(), "T", [json.dumps(v).encode() for v in [good, {"a": None}, *bad]] + [b"{"], "json", "jsonschema")
    ours = decoded(run, path)
    message = ours[0]["message"]
    assert message["c"][0]["x"] == 1.5 and json.loads(message["c"][0]["on"]) == {"x": 2} and message["c"][1] == {"x": None, "on": None}
    assert json.loads(message["any"]) == [1, {"k": "v"}] and message["t"] is True and int(message["stamp"]) == 7 * 10**9 + 9
    assert message["a"] == 5 and base64.b64decode(message["b"]) == b"hello!?" and "unknown" not in message
    assert ours[1]["message"] == {"a": None, "b": None, "c": None, "any": None, "t": None, "stamp": None}
    assert all("expected" in m["error"] for m in ours[2:]) and len(ours) == 9
    write(path, b"", "", [b'{"free": [1]}', b"no"], "json", None)
    ours = decoded(run, path)
    assert ours[0]["message"] == {"json": '{"free": [1]}'} and "error" in ours[1]


# ---- Channels without a definition ------------------------------------------------------------------------------------


def random_ros(rng, store, name, depth=0):
    """A message of a type store with numbers in every field."""
    typesys = pytest.importorskip("rosbags.interfaces")

    def one(node):
        kind, args = node
        if kind == typesys.Nodetype.NAME:
            return random_ros(rng, store, args, depth + 1)
        if kind == typesys.Nodetype.BASE:
            return "ab" if args[0] == "string" else rng.random() < 0.5 if args[0] == "bool" else rng.randrange(100) * (
                1.0 if args[0].startswith("float") else 1)
        inner, count = args
        count = count if kind == typesys.Nodetype.ARRAY else rng.randrange(3)
        values = [one(inner) for _ in range(count)]
        numeric = inner[0] == typesys.Nodetype.BASE and inner[1][0] not in ("string",)
        types = {"byte": "uint8", "char": "uint8", "octet": "uint8", "bool": "bool"}
        return numpy.array(values, types.get(inner[1][0], inner[1][0])) if numeric else values

    numpy = pytest.importorskip("numpy")
    fields = store.fielddefs[name][1]
    return store.types[name](**{field: one(node) for field, node in fields})


def test_common_types_need_no_definition(run, tmp_path):
    typesys = pytest.importorskip("rosbags.typesys")
    store = typesys.get_typestore(typesys.Stores.ROS2_HUMBLE)
    table = (pathlib.Path(__file__).parents[2] / "src/message/common_table.h").read_text()
    names = [line.split('"')[1] for line in table.splitlines() if line.startswith("{")]
    rng, path, read, told = random.Random(6), tmp_path / "bare.mcap", 0, 0
    with open(path, "wb") as file:
        writer = mcap_writer.Writer(file, compression=mcap_writer.CompressionType.NONE)
        writer.start()
        for i, name in enumerate(sorted(set(names))):
            full = name.replace("/", "/msg/")
            if full in store.fielddefs:
                channel = writer.register_channel(f"/{name}", "cdr", writer.register_schema(full, "", b""))
                writer.add_message(channel, i, bytes(store.serialize_cdr(random_ros(rng, store, full), full)), i)
        writer.finish()
    for line in decoded(run, path):
        if "message" in line:
            read += 1
            fields = [f for f, _ in store.fielddefs[line["type"]][1] if f != "structure_needs_at_least_one_member"]
            assert list(line["message"]) == fields
        else:
            told += 1
    assert read > 120 and told < 12, (read, told)
    odd = run("log", "doctor", path, check=False).stdout
    assert "sensor_msgs/Range differently (" in odd and "jazzy" in odd and "do not fit" not in odd


def test_where(run, tmp_path):
    """log cat and log filter keep the messages for which a condition on their fields holds."""
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "p": {"type": "object", "properties": {"x": {"type": "number"}}}}}
    messages = [{"a": i, "p": {"x": i / 2}} if i % 5 else {} for i in range(100)]
    path, out = tmp_path / "made.mcap", tmp_path / "some.mcap"
    write(path, json.dumps(schema).encode(), "T", [json.dumps(m).encode() for m in messages], "json", "jsonschema")
    want = [i for i, m in enumerate(messages) if m and (m["a"] >= 90 or m["p"]["x"] < 2)]
    condition = "a >= 90 or p.x < 2"
    cat = run("log", "cat", "--where", condition, path).stdout.splitlines()
    assert [int(json.loads(line)["log_ns"]) for line in cat] == want
    made = run("log", "filter", path, "--where", condition, "--out", out, "--json").json()
    assert made["messages_kept"] == len(want) and made["messages_left_out"] == 100 - len(want)
    assert [int(m["log_ns"]) for m in decoded(run, out)] == want
    wrong = run("log", "cat", "--where", "a >", path, check=False)
    assert wrong.returncode != 0 and "condition:1:4" in wrong.stderr
