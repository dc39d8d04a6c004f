"""DBC files as cantools reads them: over all files of the data the same messages and signals, random frames decoded to the
same values; what cantools refuses is refused with its line."""
import json
import math
import random
import struct

import pytest
from mcap.writer import Writer

cantools = pytest.importorskip("cantools")


def write_frames(path, frames):
    with open(path, "wb") as file:
        w = Writer(file)
        w.start()
        channel = w.register_channel("can1", "can", 0)
        for k, (can_id, extended, data) in enumerate(frames):
            head = (can_id | (0x80000000 if extended else 0)).to_bytes(4, "big")
            fd = 4 if len(data) > 8 else 0
            w.add_message(channel, k + 1, head + bytes([len(data), fd, 0, 0]) + data, k + 1, k)
        w.finish()


def files(data):
    return sorted((data / "logs" / "dbc").rglob("*.dbc")) + sorted((data / "logs").rglob("dbc_files/*.dbc"))


def load(path):
    for encoding in ("cp1252", "utf-8"):
        try:
            return cantools.database.load_file(path, strict=False, encoding=encoding, database_format="dbc")
        except UnicodeDecodeError:
            continue
    return None


# Why cantools refuses files of production cars that we read: none of it keeps a frame from being decoded.
REFUSED_BY_CANTOOLS = ("more than 11 bits", "more than 29 bits", "unused VAL_ entries", "Invalid syntax at line 1656", "Invalid syntax at line 165,")


# Messages that the two decode differently, and why we keep to ours.
DIFFERENT = {
    ("tesla_model3_vehicle.dbc", "VCLEFT_switchStatus"): "its multiplexer has a value without signals: for us that is a reason, not a message",
    ("vw_pq.dbc", "Motor_2"): "a signal marked m without a value: cantools leaves out another signal of its message",
}


def close(ours, theirs):
    if ours is None:
        return not math.isfinite(theirs)
    return ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)


def number(signal, payload):
    """A signal's physical value by the numbers of its bits alone; cantools cannot decode signals that overlap."""
    if signal.byte_order == "little_endian":
        places = [signal.start + k for k in range(signal.length)]
    else:
        places, at = [], signal.start
        for _ in range(signal.length):
            places.insert(0, at)
            at = at - 1 if at % 8 else at + 15
    raw = sum((payload[p // 8] >> (p % 8) & 1) << k for k, p in enumerate(places))
    if signal.is_float:
        raw = struct.unpack("<f" if signal.length == 32 else "<d", raw.to_bytes(signal.length // 8, "little"))[0]
    elif signal.is_signed and raw >> (signal.length - 1):
        raw -= 1 << signal.length
    return raw * signal.scale + signal.offset


def expected(message, payload):
    try:
        return message.decode(payload, decode_choices=False, scaling=True, allow_truncated=False, decode_containers=False)
    except cantools.database.errors.DecodeError:
        if message.is_multiplexed():
            return None
        try:
            return {s.name: number(s, payload) for s in message.signals}
        except IndexError:  # a signal ends behind the message
            return None


def test_every_file(run, data, tmp_path):
    rng, frame_count, signal_count, one_sided, differing = random.Random(1), 0, 0, {}, {}
    for path in files(data):
        try:
            db = load(path)
        except Exception as fault:
            db = None
            theirs = str(fault)
        frames, wanted = [], []
        for message in (db.messages if db else []):
            if message.length == 0 or message.length > 64 or message.is_multiplexed() and message.length > 8:
                continue
            for _ in range(2):
                payload = bytes(rng.randrange(256) for _ in range(message.length))
                frames.append((message.frame_id, message.is_extended_frame, payload))
                wanted.append(message)
        log = tmp_path / "frames.mcap"
        write_frames(log, frames or [(1, False, b"\0")])
        done = run("log", "cat", "--dbc", path, log, check=False)
        if (done.returncode == 0) != (db is not None):
            if db is not None or not any(reason in theirs for reason in REFUSED_BY_CANTOOLS):
                one_sided[path.name] = done.stderr.strip() if db else "they: " + theirs
            continue
        if db is None:
            assert f"{path.name}:" in done.stderr, done.stderr
            continue
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        if not frames:
            continue
        assert len(rows) == len(frames)
        for row, message, (_, _, payload) in zip(rows, wanted, frames):
            if row.get("note") or message.length > 8:
                continue  # several frames make one message; see test_transports
            frame_count += 1
            values, ours = expected(message, payload), row.get("signals", {})
            if values is None:
                # A signal ends behind the message, or cantools finds no signals for one of several multiplexers.
                if "error" not in row and not message.is_multiplexed():
                    differing.setdefault((path.name, message.name), ("they do not decode", list(ours)))
                continue
            if values and ours.keys() != values.keys():
                differing.setdefault((path.name, message.name), (sorted(ours.keys() ^ values.keys())[:4], row.get("error")))
                continue
            for name, value in values.items():
                signal_count += 1
                if not close(ours[name], float(value)):
                    differing.setdefault((path.name, message.name), (name, ours[name], value))
    assert one_sided == {}
    assert {k: v for k, v in differing.items() if k not in DIFFERENT} == {}
    assert frame_count > 7_000 and signal_count > 40_000


def decoded(run, path, *dbcs):
    """(message name's) signal -> [(log_ns, value)] of a recording of frames."""
    words = [w for d in dbcs for w in ("--dbc", d)]
    out = {}
    for line in run("log", "cat", "--file-order", *words, path).stdout.splitlines():
        row = json.loads(line)
        for name, value in row.get("signals", {}).items():
            out.setdefault(name, []).append((int(row["log_ns"]), value))
    return out


@pytest.mark.parametrize("number", [1, 5])
def test_the_decoded_twins_of_a_drive(run, data, number):
    """Raw frames with the DBC give every sample of the signals that the maker's own script decoded."""
    asammdf = pytest.importorskip("asammdf")
    top = data / "logs" / "mf4-canedge" / "drive"
    raw = next((top / "LOG_datastore").rglob(f"{number:08d}-*"))
    twin = next((top / "LOG_mf4_decoded").rglob(raw.stem + ".mf4"))
    ours = decoded(run, raw, *sorted((top / "dbc_files").glob("*.dbc")))
    with asammdf.MDF(twin) as mdf:
        start = mdf.header.abs_time
        signals = samples = 0
        for index, group in enumerate(mdf.groups):
            for position, channel in enumerate(group.channels):
                if channel.channel_type in (2, 3):  # the time
                    continue
                signal = mdf.get(group=index, index=position)
                mine = ours[channel.name]
                assert len(mine) == len(signal.samples), channel.name
                for (ns, value), t, want in zip(mine, signal.timestamps, signal.samples):
                    assert abs(ns - (start + round(float(t) * 1e9))) <= 500
                    assert abs(value - float(want)) <= 1e-9 * abs(float(want)), (channel.name, value, want)
                signals += 1
                samples += len(mine)
    assert signals >= 20 and samples > 20_000
