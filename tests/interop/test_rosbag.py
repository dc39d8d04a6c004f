"""ROS 1 and ROS 2 bags: the same channels, messages, times and bytes as the package rosbags reads, on every real bag;
one real recording in five forms gives one stream; decoded values as rosbags decodes them."""
import base64
import dataclasses
import hashlib
import json
import math
import pathlib
import shutil
import sqlite3

import numpy as np
import pytest
import zstandard
from mcap.reader import make_reader
from rosbags.rosbag1 import Reader as Reader1
from rosbags.rosbag2 import Reader as Reader2
from rosbags.rosbag2 import ReaderError
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

# Bags that rosbags does not open as they are, and what we read of them.
ROSBAGS_REFUSES = {
    "test_unindexed.bag": 14,   # "Bag is not indexed": never closed; all chunks are whole
    "test_truncated.bag": 3,    # cut in its second chunk
    "example-unsorted-chunks.bag": 3,
}


@pytest.fixture(scope="module")
def logs(data):
    return data / "logs"


def dump(run, path, *words):
    """What we read, in the order of time: (log_ns, topic, digest of the raw bytes)."""
    out = run("log", "cat", "--raw", *words, path, check=False)
    rows = [json.loads(line) for line in out.stdout.splitlines()]
    return [(int(r["log_ns"]), r["topic"], r["sha256"]) for r in rows], out


def ros1_bags(logs):
    return sorted(p for p in (logs / "ros1-bags").rglob("*.bag") if p.stat().st_size > 0)


def test_every_ros1_bag(run, logs):
    compared = 0
    for path in ros1_bags(logs):
        ours, _ = dump(run, path)
        if path.name in ROSBAGS_REFUSES:
            assert len(ours) == ROSBAGS_REFUSES[path.name], path
            continue
        with Reader1(path) as reader:
            theirs = [(t, c.topic, hashlib.sha256(raw).hexdigest()) for c, t, raw in reader.messages()]
        assert sorted(ours) == sorted(theirs), path
        assert [t for t, _, _ in ours] == sorted(t for t, _, _ in ours)
        compared += len(theirs)
    assert compared > 50000


def ros2_bags(logs):
    return sorted({p.parent for p in (logs / "ros2-bags").rglob("metadata.yaml")})


def stored_messages(folder):
    """What lies in the files of a bag, by SQLite and the package mcap themselves."""
    out = []
    for path in sorted(folder.iterdir()):
        if path.suffix == ".db3":
            db = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
            rows = db.execute("SELECT timestamp, name, data FROM messages JOIN topics ON topics.id = topic_id")
            out += [(t, name, hashlib.sha256(data).hexdigest()) for t, name, data in rows]
        elif path.suffix == ".mcap":
            packed = "compression_mode: MESSAGE" in (folder / "metadata.yaml").read_text()
            with open(path, "rb") as file:
                for _, c, m in make_reader(file).iter_messages():
                    data = zstandard.ZstdDecompressor().decompressobj().decompress(m.data) if packed else m.data
                    out.append((m.log_time, c.topic, hashlib.sha256(data).hexdigest()))
    return out


# rosbags gives none of their messages (it goes by their metadata); the files hold them all the same.
ROSBAGS_GIVES_NONE = {"convert_a", "convert_b", "talker"}
# rosbags does not open them: files that the metadata names are missing; an encoding that is none.
ROSBAGS_DOES_NOT_OPEN = {"soccer_goal": "missing", "wrong_rmw_test": "Serialization format"}


def test_every_ros2_bag(run, logs):
    compared = 0
    for path in ros2_bags(logs):
        ours, _ = dump(run, path)
        try:
            with Reader2(path) as reader:
                theirs = [(t, c.topic, hashlib.sha256(raw).hexdigest()) for c, t, raw in reader.messages()]
        except ReaderError as fault:
            assert ROSBAGS_DOES_NOT_OPEN[path.name] in str(fault), path
            theirs = stored_messages(path)
        if not theirs and path.name in ROSBAGS_GIVES_NONE:
            theirs = stored_messages(path)
        assert sorted(ours) == sorted(theirs), path
        compared += len(theirs)
    assert compared > 90000


def test_one_recording_in_five_forms(run, logs):
    forms = sorted((logs / "ros2-bags" / "derived").glob("test1_*"))
    assert len(forms) == 5
    texts = {run("log", "cat", form).stdout for form in forms}
    assert len(texts) == 1
    assert texts.pop().count("\n") == 16806


def test_a_write_ahead_log_left_behind_is_read_and_left_alone(run, logs, tmp_path):
    source = logs / "ros2-bags" / "derived" / "test1_db3" / "test1_db3.db3"
    path = tmp_path / "bag.db3"
    shutil.copy(source, path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("INSERT INTO messages (topic_id, timestamp, data) SELECT topic_id, timestamp + 1, data FROM messages WHERE id = 1")
    db.commit()
    kept = tmp_path / "left"
    kept.mkdir()
    for name in ("bag.db3", "bag.db3-wal"):
        shutil.copy(tmp_path / name, kept / name)
    db.close()
    before = {p.name: p.read_bytes() for p in kept.iterdir()}
    assert "bag.db3-wal" in before and before["bag.db3-wal"]
    ours, _ = dump(run, kept / "bag.db3")
    assert len(ours) == 16807
    assert {p.name: p.read_bytes() for p in kept.iterdir()} == before


def plain(value):
    """A value of rosbags as ours: stamps in nanoseconds, arrays as lists, NaN as null."""
    if type(value).__name__.endswith(("builtin_interfaces__msg__Time", "builtin_interfaces__msg__Duration")):
        return str(value.sec * 10**9 + value.nanosec)
    if hasattr(value, "__dataclass_fields__"):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name != "__msgtype__" and not f.name.isupper()}  # constants
    if isinstance(value, np.ndarray):
        return bytes(value) if value.dtype == np.uint8 else [plain(v) for v in value.tolist()]
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def same(ours, theirs):
    if isinstance(theirs, bytes):
        return base64.b64decode(ours) == theirs
    if isinstance(theirs, dict):
        if isinstance(ours, str):  # a time: ours is one number
            return ours == str(theirs["sec"] * 10**9 + theirs["nanosec"])
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in theirs)
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(theirs, float):
        return (ours is None and not math.isfinite(theirs)) or ours == theirs or np.float32(ours) == np.float32(theirs)
    if isinstance(ours, int) and isinstance(theirs, str):  # a time that JSON can hold as a number
        return str(ours) == theirs
    if isinstance(theirs, int) and isinstance(ours, str):
        return int(ours) == theirs
    return ours == theirs


@pytest.mark.parametrize("name", ["robot_localization/test1.bag", "fuse/turtlebot3.bag", "foxglove-rosbag/example-lz4.bag"])
def test_decoded_values_of_ros1(run, logs, name):
    path = logs / "ros1-bags" / name
    store = get_typestore(Stores.ROS1_NOETIC)
    with Reader1(path) as reader:
        for c in reader.connections:
            store.register({k: v for k, v in get_types_from_msg(c.msgdef.data, c.msgtype).items() if k not in store.fielddefs})
        theirs = [(t, c.topic, plain(store.deserialize_ros1(raw, c.msgtype))) for c, t, raw in reader.messages()]
    ours = [json.loads(line) for line in run("log", "cat", path).stdout.splitlines()]
    assert len(ours) == len(theirs)
    left = {}
    for t, topic, message in theirs:
        left.setdefault((t, topic), []).append(message)
    for row in ours:
        candidates = left[(int(row["log_ns"]), row["topic"])]
        match = next((k for k, c in enumerate(candidates) if same(row["message"], c)), None)
        assert match is not None, (row, candidates)
        candidates.pop(match)
