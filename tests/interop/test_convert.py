"""Round trips and recovery: what can go to another container and back comes back identical, message for message; what
others read of our files is what went in; damaged files give an account that adds up."""
import json
import os
import random

import pytest
from mcap.reader import make_reader
from rosbags.rosbag1 import Reader as Reader1
from rosbags.rosbag2 import Reader as Reader2


def raw(run, path):
    return [(r["topic"], r["log_ns"], r["publish_ns"], r["sequence"], r["type"], r["sha256"])
            for r in map(json.loads, run("log", "cat", "--file-order", "--raw", path, check=False).stdout.splitlines())]


def without(rows, *columns):
    return [tuple(v for k, v in enumerate(row) if k not in columns) for row in rows]


def convert(run, source, out, *words):
    return run("log", "convert", source, "--out", out, "--json", *words, check=False).json()


def bags(data):
    return sorted(p for p in (data / "logs" / "ros1-bags").rglob("*.bag") if p.stat().st_size > 0)


@pytest.mark.parametrize("compression", ["none", "lz4", "bz2"])
def test_bag_to_mcap_and_back(run, data, tmp_path, compression):
    for number, path in enumerate(bags(data)):
        there, back = tmp_path / f"{number}.mcap", tmp_path / f"{number}.bag"
        account = convert(run, path, there)
        assert account["verified"] and account["messages_kept"] == account["messages_in"]
        convert(run, there, back, "--compression", compression)
        assert raw(run, back) == raw(run, path), path
        with Reader1(back) as reader:
            assert reader.message_count == account["messages_kept"]
            assert len(list(reader.messages())) == account["messages_kept"]


def test_ros2_bag_to_mcap_and_back(run, data, tmp_path):
    folders = sorted({p.parent for p in (data / "logs" / "ros2-bags").rglob("metadata.yaml")})
    trips = 0
    for number, path in enumerate(folders):
        there, back = tmp_path / f"{number}.mcap", tmp_path / f"{number}.ros2"
        account = convert(run, path, there)
        assert account["verified"], path
        assert raw(run, there) == raw(run, path), path
        if any(c["encoding"] != "cdr" for c in account["channels"]):
            refused = run("log", "convert", there, "--out", back, check=False)
            assert refused.returncode == 1 and "expected messages in cdr" in refused.stderr
            assert not back.exists()
            continue
        convert(run, there, back)
        # A ROS 2 bag keeps the log time alone.
        assert without(raw(run, back), 2, 3) == without(raw(run, path), 2, 3), path
        with Reader2(back) as reader:
            assert reader.message_count == account["messages_kept"]
        trips += 1
    assert trips > 15


def test_mdf_frames_to_mcap(run, data, tmp_path):
    path = next((data / "logs" / "mf4-canedge" / "drive" / "LOG_datastore").rglob("00000005-*"))
    out = tmp_path / "frames.mcap"
    account = convert(run, path, out)
    assert account["verified"] and account["messages_kept"] == 5477
    assert {c["written_as"] for c in account["channels"]} == {"json"}
    with open(out, "rb") as file:
        frames = [json.loads(m.data) for _, _, m in make_reader(file).iter_messages()]
    assert len(frames) == 5477 and {"id", "extended", "data"} <= frames[0].keys()


def test_every_conformance_file(run, data, tmp_path):
    """sort, filter and recover take all 416 without a refusal, and keep their messages, attachments and metadata."""
    files = sorted((data / "logs" / "mcap-conformance" / "data").rglob("*.mcap"))
    assert len(files) == 416
    rng = random.Random(3)
    for path in files if os.environ.get("RML_SOAK") else rng.sample(files, 15):
        for command in ("sort", "filter", "recover"):
            out = tmp_path / "out.mcap"
            account = run("log", command, path, "--out", out, "--json").json()
            assert account["bytes_lost"] == 0 and account["verified"]
            want = raw(run, path)
            assert raw(run, out) == (sorted(want, key=lambda r: int(r[1])) if command == "sort" else want), path
            records = json.loads(path.with_suffix(".json").read_text())["records"]
            assert account["extras_kept"] == sum(r["type"] in ("Attachment", "Metadata") for r in records)
            with open(out, "rb") as file:
                ours = make_reader(file, validate_crcs=True)
                assert len(list(ours.iter_messages())) == len(want)
                assert len(list(ours.iter_attachments())) + len(list(ours.iter_metadata())) == account["extras_kept"]


def test_recovery_has_an_account_that_adds_up(run, data, tmp_path):
    sources = [next((data / "logs" / "ros2-bags" / "derived" / "test1_mcap").glob("*.mcap")),
               data / "logs" / "ros1-bags" / "foxglove-rosbag" / "example-lz4.bag",
               next((data / "logs" / "mf4-canedge" / "drive" / "LOG_datastore").rglob("00000005-*"))]
    rng = random.Random(5)
    for source in sources:
        whole = source.read_bytes()
        all_messages = len(raw(run, source))
        for trial in range(6):
            damaged = bytearray(whole)
            if trial % 2:
                damaged = damaged[:rng.randrange(len(whole) // 4, len(whole))]
            else:
                for _ in range(5):
                    damaged[rng.randrange(4096, len(damaged))] ^= 1 << rng.randrange(8)
            path = tmp_path / f"damaged{source.suffix.lower()}"
            path.write_bytes(damaged)
            done = run("log", "recover", path, "--out", tmp_path / "saved.mcap", "--json", check=False)
            if done.returncode == 1:
                # A chunk that is the whole file, or the descriptions of an MDF file, which may stand at its end.
                assert "nothing could be saved" in done.stderr or "expected a block of MDF" in done.stderr
                continue
            assert done.returncode in (0, 3), done.stderr
            account = done.json()
            assert account["bytes_in"] == len(damaged) == account["bytes_kept"] + account["bytes_lost"]
            assert account["messages_in"] == account["messages_kept"] <= all_messages
            assert account["verified"]
            assert len(raw(run, tmp_path / "saved.mcap")) == account["messages_kept"]
            if account["bytes_lost"]:
                assert done.returncode == 3 and account["losses"]
