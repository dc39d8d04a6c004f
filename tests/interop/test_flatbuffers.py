"""FlatBuffers by their binary schema, against flatc, which writes messages of every kind of field from JSON and reads them back, and
against foxglove's generated Python classes."""
import base64
import importlib
import json
import math
import random
import shutil
import struct
import subprocess

import pytest

mcap_writer = pytest.importorskip("mcap.writer")
deltalake = pytest.importorskip("deltalake")
flatbuffers = pytest.importorskip("flatbuffers")
foxglove = pytest.importorskip("foxglove_schemas_flatbuffer")

SCHEMA = """namespace t;
enum Color : ubyte { Red, Green = 5 }
enum Big : long { A = -5, B = 1 }
struct Time { sec: uint32; nsec: uint32; }
struct V3 { x: float64; y: float32; z: int16; }
struct Arr { v: [int32:3]; b: [ubyte:4]; p: V3; q: [V3:2]; }
table Leaf { name: string; n: int8 = -3; opt: int32 = null; f: float64 = 2.5; on: bool = true; }
table Other { u: uint64; l: [Leaf]; }
union Any { Leaf, o2: Other }
table Root {
  timestamp: Time;
  b: bool; i8: int8; u8: uint8; i16: int16; u16: uint16; i32: int32; u32: uint32; i64: int64; u64: uint64; f: float32; d: float64;
  s: string; bytes: [ubyte]; i8s: [int8]; ds: [float64]; us: [uint64]; bs: [bool]; strs: [string];
  c: Color = Green; big: Big = B; cs: [Color];
  leaf: Leaf; leaves: [Leaf]; v: V3; vs: [V3]; arr: Arr; when: [Time];
  any: Any; old: int32 (deprecated); last: int32 = 7;
}
root_type Root;
"""
NAMES = {"Red": 0, "Green": 5, "A": -5, "B": 1, "NONE": 0, "Leaf": 1, "o2": 2}
RANGES = {"i8": (-128, 127), "u8": (0, 255), "i16": (-2**15, 2**15 - 1), "u16": (0, 2**16 - 1), "i32": (-2**31, 2**31 - 1),
          "u32": (0, 2**32 - 1), "i64": (-2**63, 2**63 - 1), "u64": (0, 2**64 - 1)}


def recorded(path, name, schema, messages):
    with open(path, "wb") as f:
        writer = mcap_writer.Writer(f)
        writer.start()
        sid = writer.register_schema(name, "flatbuffer", schema)
        cid = writer.register_channel("/f", "flatbuffer", sid)
        for i, data in enumerate(messages):
            writer.add_message(cid, 1000 + i, data, 1000 + i)
        writer.finish()
    return path


def cat(run, path, check=True):
    return [json.loads(line) for line in run("log", "cat", path, check=check).stdout.splitlines()]


# ---- Against flatc -------------------------------------------------------------------------------------------------------


def v3(r):
    return {"x": r.uniform(-9, 9), "y": float(r.randrange(-99, 99)), "z": r.randrange(-2**15, 2**15)}


def leaf(r):
    every = {"name": r.choice(["", "é", "leaf"]), "n": r.randrange(-128, 128), "opt": r.randrange(-9, 9), "f": r.uniform(-1, 1), "on": r.random() < .5}
    return {k: v for k, v in every.items() if r.random() < .6}


def root(r):
    some = lambda make: [make() for _ in range(r.randrange(4))]
    every = {"timestamp": {"sec": r.randrange(2**32), "nsec": r.randrange(10**9)}, "b": r.random() < .5,
             **{k: r.choice([low, high, r.randint(low, high)]) for k, (low, high) in RANGES.items()},
             "f": float(r.randrange(-99, 99)) / 4, "d": r.uniform(-1e9, 1e9), "s": r.choice(["", "text", "ü" * 9]),
             "bytes": some(lambda: r.randrange(256)), "i8s": some(lambda: r.randrange(-128, 128)), "ds": some(lambda: r.uniform(-1, 1)),
             "us": some(lambda: r.randrange(2**64)), "bs": some(lambda: r.random() < .5), "strs": some(lambda: r.choice(["", "a", "ß"])),
             "c": r.choice(["Red", "Green"]), "big": r.choice(["A", "B"]), "cs": some(lambda: r.choice(["Red", "Green"])),
             "leaf": leaf(r), "leaves": some(lambda: leaf(r)), "v": v3(r), "vs": some(lambda: v3(r)),
             "arr": {"v": [r.randrange(9) for _ in range(3)], "b": [r.randrange(256) for _ in range(4)], "p": v3(r), "q": [v3(r), v3(r)]},
             "when": some(lambda: {"sec": r.randrange(99), "nsec": r.randrange(10**9)}), "last": r.randrange(99)}
    out = {k: v for k, v in every.items() if r.random() < .7}
    if r.random() < .7:
        out["any_type"], out["any"] = r.choice([("Leaf", leaf(r)), ("o2", {"u": r.randrange(9), "l": some(lambda: leaf(r))})])
    return out


def number(value):
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53 else value


def wanted(theirs, kind=None):
    """flatc's JSON as `log cat` prints it."""
    if isinstance(theirs, dict):
        if set(theirs) == {"sec", "nsec"}:
            return number(theirs["sec"] * 10**9 + theirs["nsec"])
        out = {}
        for k, v in theirs.items():
            if k in ("bytes", "b") and isinstance(v, list):
                out[k] = base64.b64encode(bytes(v)).decode()
            elif k == "any":
                out[k] = {"Leaf": None, "o2": None, theirs["any_type"]: wanted(v)}
            else:
                out[k] = wanted(v, k)
        return out
    if isinstance(theirs, list):
        return [wanted(v, kind) for v in theirs]
    return NAMES[theirs] if kind in ("c", "big", "cs", "any_type") else number(theirs)


def same(ours, theirs):
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and theirs.keys() <= ours.keys() and all(same(v, theirs.get(k)) for k, v in ours.items())
    if isinstance(ours, list):
        return isinstance(theirs, list) and len(ours) == len(theirs) and all(map(same, ours, theirs))
    return ours == theirs if not isinstance(ours, float) else math.isclose(ours, theirs, rel_tol=1e-7, abs_tol=1e-12)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The binary schema, and messages with what flatc reads in them."""
    if shutil.which("flatc") is None:
        pytest.skip("skipped: no flatc")
    folder, r = tmp_path_factory.mktemp("flat"), random.Random(11)
    (folder / "t.fbs").write_text(SCHEMA)
    flatc = lambda *words: subprocess.run(["flatc", *words], cwd=folder, check=True, capture_output=True)
    flatc("--schema", "--binary", "t.fbs")
    names = [f"m{i}" for i in range(60)]
    for name in names:
        (folder / f"{name}.json").write_text(json.dumps(root(r)))
    flatc("--binary", "t.fbs", *(f"{n}.json" for n in names))
    messages = [(folder / f"{n}.bin").read_bytes() for n in names]
    flatc("--json", "--strict-json", "--natural-utf8", "--defaults-json", "--raw-binary", "t.fbs", "--", *(f"{n}.bin" for n in names))
    return (folder / "t.bfbs").read_bytes(), messages, [json.loads((folder / f"{n}.json").read_text()) for n in names]


def test_every_kind_of_field(run, made, tmp_path):
    schema, messages, texts = made
    ours = cat(run, recorded(tmp_path / "f.mcap", "t.Root", schema, messages))
    assert len(ours) == 60
    for row, theirs in zip(ours, texts):
        want = wanted(theirs)
        assert "old" not in row["message"]
        wrong = {k: (v, want.get(k)) for k, v in row["message"].items() if not same(v, want.get(k))}
        assert not wrong and want.keys() <= row["message"].keys()


def test_columns_and_sensor_time(run, home, made, tmp_path):
    schema, messages, texts = made
    event = run("ingest", "--json", "--home", home, recorded(tmp_path / "f.mcap", "t.Root", schema, messages)).json()["files"][0]
    assert event["rows"] == 60 and event["message_rejects"] == 0
    table = deltalake.DeltaTable(str(home / "lake/signals_t_root")).to_pyarrow_table().to_pylist()
    for row, theirs in zip(sorted(table, key=lambda r: r["log_ns"]), texts):
        stamp = theirs.get("timestamp")
        assert row["sensor_ns"] == (None if stamp is None else stamp["sec"] * 10**9 + stamp["nsec"])
        assert row["last"] == theirs["last"] and int(row["u64"]) == theirs["u64"]


def test_damage_is_told(run, made, tmp_path):
    """Bytes changed at random: a message is decoded or refused with its reason; nothing else happens."""
    schema, messages, _ = made
    r, torn = random.Random(12), []
    for message in messages * 4:
        data = bytearray(message)
        for _ in range(r.randrange(1, 4)):
            data[r.randrange(len(data))] = r.choice([0, 255, r.randrange(256)])
        torn.append(bytes(data[:r.randrange(len(data))]) if r.random() < .3 else bytes(data))
    done = run("log", "cat", recorded(tmp_path / "t.mcap", "t.Root", schema, torn), check=False)
    assert done.returncode in (0, 3) and len(done.stdout.splitlines()) == len(torn)
    assert any("message" in json.loads(line) for line in done.stdout.splitlines())
    for cut in (0, 7, 40, len(schema) - 40):
        done = run("log", "doctor", recorded(tmp_path / f"s{cut}.mcap", "t.Root", schema[:cut], messages[:1]), check=False)
        assert done.returncode in (0, 3) and ("bfbs" in done.stdout or "BFBS" in done.stdout)
    other = run("log", "doctor", recorded(tmp_path / "o.mcap", "t.Nobody", schema, messages[:1]), check=False)
    assert "expected a table t.Nobody" in other.stdout


def test_shared_parts_are_bounded(run, tmp_path, made):
    """A list of 200,000 offsets to one long text would be gigabytes."""
    schema = made[0]
    b = flatbuffers.Builder()
    text = b.CreateString("x" * 100000)
    b.StartVector(4, 200000, 4)
    for _ in range(200000):
        b.PrependUOffsetTRelative(text)
    strs = b.EndVector()
    b.StartObject(33)
    b.PrependUOffsetTRelativeSlot(18, strs, 0)
    b.Finish(b.EndObject())
    done = run("log", "doctor", recorded(tmp_path / "l.mcap", "t.Root", schema, [bytes(b.Output())]), check=False)
    assert done.returncode == 3 and "shared at most 16 times" in done.stdout


# ---- foxglove's schemas --------------------------------------------------------------------------------------------------


def test_foxglove(run, tmp_path):
    module = importlib.import_module("foxglove_schemas_flatbuffer.LocationFix")
    times = importlib.import_module("foxglove_schemas_flatbuffer.Time")
    b = flatbuffers.Builder()
    frame = b.CreateString("gps")
    b.StartVector(8, 9, 8)
    for i in reversed(range(9)):
        b.PrependFloat64(i / 2)
    covariance = b.EndVector()
    module.Start(b)
    module.AddTimestamp(b, times.CreateTime(b, 12, 34))
    module.AddFrameId(b, frame)
    module.AddLatitude(b, 48.5)
    module.AddLongitude(b, -9.25)
    module.AddPositionCovariance(b, covariance)
    module.AddPositionCovarianceType(b, 2)
    b.Finish(module.End(b))
    schema = foxglove.get_schema("LocationFix")
    (row,) = cat(run, recorded(tmp_path / "g.mcap", "foxglove.LocationFix", schema, [bytes(b.Output())]))
    message = row["message"]
    assert (message["timestamp"], message["frame_id"], message["latitude"], message["longitude"]) == (12 * 10**9 + 34, "gps", 48.5, -9.25)
    assert message["position_covariance"] == [i / 2 for i in range(9)] and message["position_covariance_type"] == 2
    assert message["altitude"] == 0


def test_every_foxglove_schema_compiles(run, tmp_path):
    import pathlib
    schemas = sorted(pathlib.Path(foxglove.__file__).parent.glob("*.bfbs"))
    assert len(schemas) > 30
    with open(tmp_path / "all.mcap", "wb") as f:
        writer = mcap_writer.Writer(f)
        writer.start()
        empty = flatbuffers.Builder()
        empty.StartObject(0)
        empty.Finish(empty.EndObject())
        for path in schemas:
            if path.stem in ("Time", "Duration"):
                continue  # structs: no message
            sid = writer.register_schema(f"foxglove.{path.stem}", "flatbuffer", path.read_bytes())
            cid = writer.register_channel(f"/{path.stem}", "flatbuffer", sid)
            writer.add_message(cid, 5, bytes(empty.Output()), 5)
        writer.finish()
    rows = cat(run, tmp_path / "all.mcap", check=False)
    assert len(rows) > 30 and all("message" in row for row in rows), [r["topic"] for r in rows if "message" not in r]
