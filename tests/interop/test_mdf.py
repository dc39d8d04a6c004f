"""MDF 4: the same channels, times, raw values, physical values and texts as asammdf reads, over every file of the data;
frames of bus loggers one by one."""
import base64
import datetime
import json
import math
import random

import numpy as np
import pytest

asammdf = pytest.importorskip("asammdf")


@pytest.fixture(scope="module")
def blocks(data):
    return data / "logs" / "mf4-blocks"


def rows_of(run, path):
    """topic -> rows in the order of the file."""
    out = {}
    for line in run("log", "cat", "--file-order", path).stdout.splitlines():
        row = json.loads(line)
        out.setdefault(row["topic"], []).append(row)
    return out


def same(ours, theirs):
    if ours is None:
        return theirs is None or (isinstance(theirs, float) and not math.isfinite(theirs))
    if isinstance(theirs, (bytes, np.bytes_)):
        # asammdf gives text as bytes in the file's own character set.
        text = bytes(theirs)
        text += b"\0" * (len(text) % 2)  # numpy cuts zeros at the end
        candidates = []
        for codec in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
            try:
                candidates.append(text.decode(codec).rstrip("\0").strip("\ufeff"))
            except UnicodeDecodeError:
                pass
        return ours in candidates
    if isinstance(theirs, complex):  # real and imaginary part as they stand in the file
        raw = base64.b64decode(ours)
        return theirs in (np.frombuffer(raw, f"{order}c{len(raw)}")[0] for order in "<>")
    if isinstance(theirs, np.ndarray):
        if isinstance(ours, str):
            return base64.b64decode(ours) == theirs.tobytes()
        return len(ours) == theirs.size and all(map(same, ours, theirs.reshape(-1).tolist()))
    if isinstance(ours, str) and isinstance(theirs, (int, float)):
        if isinstance(theirs, float) and math.isnan(theirs):
            return not ours.replace(".", "").isdigit()  # asammdf loses texts of a table that also leads to numbers
        return float(ours) == pytest.approx(theirs, rel=1e-9)
    if isinstance(theirs, (int, float, bool)):
        return ours == theirs or abs(ours - theirs) <= 1e-9 * max(abs(ours), abs(theirs)) or np.float32(ours) == np.float32(theirs)
    return ours == theirs


# asammdf ends in an exception of its own on them; we read their channels.
ASAMMDF_DOES_NOT_OPEN = {"sample_with_hl.mf4"}
PARTIAL = {"Vector_StatusStringTableConversionAlgebraic.mf4", "Vector_PartialConversionLinearIdentityAlgebraic.mf4",
           "Vector_PartialConversionValueRange2TextRational.mf4"}
# Files on which asammdf and we differ, and why.
DIFFERENT = {
    "Vector_CANOpenDate.mf4": "asammdf gives the fields of a date, we nanoseconds",
    "Vector_CANOpenTime.mf4": "asammdf gives the fields of a time, we nanoseconds",
}


def test_every_file(run, blocks):
    compared, differing = 0, {}
    for path in sorted(p for p in blocks.rglob("*") if p.suffix.lower() == ".mf4"):
        ours = rows_of(run, path)
        topics = [c["topic"] for c in run("log", "info", "--json", path, check=False).json()["recordings"][0]["ledger"]["channels"]]
        try:
            opened = asammdf.MDF(path)
        except Exception as fault:  # what it raises has no common base
            assert path.name in ASAMMDF_DOES_NOT_OPEN, (path.name, fault)
            continue
        with opened as mdf:
            if path.name in DIFFERENT or path.name in PARTIAL or any("CAN" in c.name and "DataFrame" in c.name for g in mdf.groups for c in g.channels):
                continue
            start_ns = mdf.header.start_time.timestamp() if mdf.header.start_time.tzinfo else None
            for index, topic in enumerate(topics):
                rows = ours.get(topic, [])
                for number, channel in enumerate(mdf.groups[index].channels):
                    if rows and channel.name not in rows[0]["message"]:
                        continue
                    if [c.name for c in mdf.groups[index].channels].count(channel.name) > 1:
                        continue
                    theirs = mdf.get(group=index, index=number)
                    values = theirs.samples
                    assert len(values) == len(rows), (path.name, topic, channel.name)
                    invalid = theirs.invalidation_bits
                    for k, row in enumerate(rows):
                        value = values[k]
                        value = value.item() if isinstance(value, np.generic) and not isinstance(value, (np.bytes_, np.void)) else value
                        if invalid is not None and invalid[k]:
                            value = None
                        if isinstance(value, np.void):  # an array with its axes
                            value = value[channel.name]
                        if not same(row["message"][channel.name], value):
                            differing.setdefault((path.name, channel.name), (k, row["message"][channel.name], value))
                        compared += 1
                    if rows and start_ns is not None:
                        assert int(rows[-1]["log_ns"]) * 1e-9 == pytest.approx(start_ns + theirs.timestamps[-1], abs=2e-6)
    assert not differing, differing
    assert compared > 100_000


def physical(conversion, x):
    """What a conversion of a real number gives by the standard: ranges are [lower, upper)."""
    kind = conversion.conversion_type
    if kind == 8:
        for k in range(conversion.links_nr - 5):
            if conversion[f"lower_{k}"] <= x < conversion[f"upper_{k}"]:
                picked = conversion.referenced_blocks[f"text_{k}"]
                break
        else:
            picked = conversion.referenced_blocks["default_addr"]
        return picked.decode() if isinstance(picked, bytes) else physical(picked, x)
    if kind == 0:
        return x
    if kind == 1:
        return conversion["a"] * x + conversion["b"]
    if kind == 2:
        p1, p2, p3, p4, p5, p6 = (conversion[f"P{k}"] for k in range(1, 7))
        return (p1 * x * x + p2 * x + p3) / (p4 * x * x + p5 * x + p6)
    assert kind == 3
    with np.errstate(divide="ignore"):
        return eval(conversion.formula, {"X": np.float64(x)})


@pytest.mark.parametrize("name", sorted(PARTIAL))
def test_tables_of_texts_and_numbers(run, blocks, name):
    """asammdf picks wrong rows of these tables (raw 0.0 is not in [0.5, 2.2)), or gives NaN; the standard decides."""
    path = next(blocks.rglob(name))
    with asammdf.MDF(path) as mdf:
        table = mdf.groups[0].channels[0].conversion
        raw = mdf.get("Data channel", raw=True).samples
        wanted = [physical(table, float(x)) for x in raw]
    rows = [row["message"]["Data channel"] for rows in rows_of(run, path).values() for row in rows]
    assert len(rows) == len(wanted) > 100
    for ours, want in zip(rows, wanted):
        if isinstance(want, str):
            assert ours == want
        else:
            assert float(ours.replace("Infinity", "inf")) == pytest.approx(want, rel=1e-9)


BUS = ["mf4-canedge/datalogger/LOG/FCBF0606/00003482/00000001-60B621D9.MF4", "mf4-canedge/datalogger/LOG/17BD1DB7/00000006/00000170.MF4",
       "mf4-canedge/datalogger/LOG/2F6913DB/00000004/00000001.MF4", "mf4-canedge/drive/LOG_datastore/3BA199E2/00000164/00000005-60FEB5A8.MF4",
       "mf4-canedge/concatenate-mf4-by-period/LOG/2F6913DB/00001089/00000001-63BEF5CD.MF4", "mf4-blocks/mdf4-rs/29-bit-obd2.MF4"]


@pytest.mark.parametrize("name", BUS)
def test_frames_of_bus_loggers(run, data, name):
    path = data / "logs" / name
    ours = []
    for topic, rows in rows_of(run, path).items():
        for row in rows:
            frame = row["message"]
            ours.append((int(row["log_ns"]), topic, frame["id"], frame["extended"], base64.b64decode(frame["data"])))
    theirs = []
    with asammdf.MDF(path) as mdf:
        start = mdf.header.abs_time  # nanoseconds, as the header holds them
        for group_index, group in enumerate(mdf.groups):
            names = [c.name for c in group.channels]
            if "CAN_DataFrame" not in names:
                continue
            frames = mdf.get("CAN_DataFrame", group=group_index)
            s = frames.samples
            get = lambda field: s[f"CAN_DataFrame.{field}"]
            sent = get("Dir") if "CAN_DataFrame.Dir" in s.dtype.names else np.zeros(len(s))
            for t, bus, i, ide, length, payload, tx in zip(frames.timestamps, get("BusChannel"), get("ID"), get("IDE"), get("DataLength"), get("DataBytes"), sent):
                theirs.append((start + round(float(t) * 1e9), f"can{int(bus)}" + ("/tx" if tx else ""), int(i), bool(ide), bytes(payload[:int(length)])))
    assert len(ours) == len(theirs) and len(ours) >= 30
    for mine, other in zip(sorted(ours), sorted(theirs)):
        assert mine[1:] == other[1:]
        assert abs(mine[0] - other[0]) <= 1000


def test_what_is_not_mdf_is_refused(run, data):
    for path in sorted((data / "logs").rglob("*.MFC")):
        done = run("log", "info", path, check=False)
        assert done.returncode == 1 and "expected a recording" in done.stderr, path


# ---- MDF 3 -----------------------------------------------------------------------------------------------------------------


def group(row_count, tables):
    """Signals of a group with every kind of value and conversion that asammdf writes."""
    t = np.arange(row_count, dtype="<f8") * 0.01 + 0.5
    ints = np.arange(row_count) % 7
    signal = lambda name, samples, conversion=None, unit="": asammdf.Signal(samples=samples, timestamps=t, name=name, unit=unit, conversion=conversion)
    return [signal("u8", ints.astype("u1")), signal("i16", (ints - 3).astype("i2"), unit="°C"), signal("u64", ints.astype("u8") * 2**40),
            signal("f32", (ints / 4).astype("f4")), signal("f64", ints / 8 - 1e9),
            signal("linear", ints.astype("u2"), {"a": 0.25, "b": -7.0}, "km/h"),
            signal("formula", ints.astype("u2"), {"formula": "X1*3 + 1"}),
            signal("rational", ints.astype("u2"), {"P1": 0, "P2": 2, "P3": 1, "P4": 0, "P5": 0, "P6": 4}),
            signal("table", ints.astype("u1"), tables["table"]), signal("stepped", ints.astype("u1"), tables["stepped"]),
            signal("texts", ints.astype("u1"), tables["texts"]),
            signal("a_name_that_is_longer_than_the_thirty_one_letters_of_version_2", ints.astype("i4"))]


TABLES = {"table": {"raw_0": 0, "phys_0": 10, "raw_1": 6, "phys_1": 70, "interpolation": True},
          "stepped": {f"{kind}_{i}": v for i in range(7) for kind, v in (("raw", i), ("phys", i * 1.5))},
          "texts": {f"{kind}_{i}": v for i in range(7) for kind, v in (("val", i), ("text", f"text {i}".encode()))}}


@pytest.mark.parametrize("version", ["2.14", "3.00", "3.10", "3.20", "3.30"])
def test_mdf3_by_asammdf(run, tmp_path, version):
    path = tmp_path / f"v{version}.mdf"
    with asammdf.MDF(version=version) as mdf:
        mdf.start_time = datetime.datetime(2021, 3, 4, 5, 6, 7, tzinfo=datetime.timezone.utc)
        mdf.append(group(40, TABLES), comment="first")
        mdf.append(group(9, TABLES)[:4], comment="second")
        mdf.save(path, overwrite=True)
    ours = rows_of(run, path)
    assert {len(v) for v in ours.values()} == {40, 9}
    with asammdf.MDF(path) as mdf:
        for number, rows in enumerate(sorted(ours.values(), key=len, reverse=True)):
            names = [c.name for c in mdf.groups[number].channels]
            assert len(names) == len({k for k in rows[0]["message"] if not k.endswith("_raw") or k in names})
            start = round(mdf.start_time.timestamp() * 1e9)
            for name in names:
                index = names.index(name)
                theirs = mdf.get(group=number, index=index, raw=name in ("texts", "formula")).samples
                theirs = theirs * 3 + 1 if name == "formula" else theirs  # asammdf evaluates none without numexpr
                times = mdf.get(group=number, index=index).timestamps
                assert [int(r["log_ns"]) for r in rows] == [start + round(t * 1e9) for t in times]
                for row, value in zip(rows, theirs.tolist()):
                    if name == "texts":
                        assert row["message"]["texts"] == f"text {value}" and row["message"]["texts_raw"] == value
                    elif name == "u64":
                        assert int(row["message"][name]) == value
                    else:
                        assert same(row["message"][name], value), (name, row["message"][name], value)
    summary = run("log", "info", path).stdout
    assert "mdf3" in summary and "whole" in summary


def test_mdf3_of_another_program(run, blocks):
    path = blocks / "openatfx-mdf" / "NI_RealTypes.mdf"
    (rows,) = rows_of(run, path).values()
    with asammdf.MDF(path) as mdf:
        for index, channel in enumerate(mdf.groups[0].channels):
            theirs = mdf.get(group=0, index=index).samples.tolist()
            assert len(theirs) == len(rows) and all(same(r["message"][channel.name], v) for r, v in zip(rows, theirs)), channel.name


def test_mdf3_damage(run, blocks, tmp_path):
    """Cut and flipped anywhere: an error or an account that adds up."""
    whole = (blocks / "openatfx-mdf" / "NI_RealTypes.mdf").read_bytes()
    r = random.Random(3)
    for trial in range(150):
        data = bytearray(whole[:r.randrange(70, len(whole))] if trial % 3 == 0 else whole)
        for _ in range(0 if trial % 3 == 0 else 3):
            data[r.randrange(64, len(data))] = r.choice([0, 255, r.randrange(256)])
        path = tmp_path / "d.mdf"
        path.write_bytes(data)
        done = run("log", "recover", path, "--out", tmp_path / "s.mcap", "--json", check=False)
        assert done.returncode in (0, 1, 3), done.stderr
        if done.returncode != 1:
            account = done.json()
            assert account["bytes_in"] == len(data) == account["bytes_kept"] + account["bytes_lost"]
            assert account["messages_in"] == account["messages_kept"] + account["messages_left_out"] + account["messages_failed"]


def test_channels_that_are_not_read_are_told(run, blocks, tmp_path):
    """A conversion that MDF 4 has none for (7: exponential): its channel is left out, and said to be."""
    data = bytearray((blocks / "openatfx-mdf" / "NI_RealTypes.mdf").read_bytes())
    at = [i for i in range(len(data) - 46) if data[i:i + 2] == b"CC" and int.from_bytes(data[i + 2:i + 4], "little") in range(46, 200)]
    for i in at[-1:]:
        data[i + 42:i + 44] = (7).to_bytes(2, "little")
    path = tmp_path / "seven.mdf"
    path.write_bytes(data)
    assert "channels of kinds that are not read: 1" in run("log", "info", "--full", path).stdout
    (rows,) = rows_of(run, path).values()
    assert len(rows[0]["message"]) == 4
