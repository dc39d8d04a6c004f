"""Files of the Python package mcap are read here, and files written here are read by it."""
import json
import random

import pytest

mcap_reader = pytest.importorskip("mcap.reader")
mcap_writer = pytest.importorskip("mcap.writer")
IMU = (
    "std_msgs/Header header\nfloat64[3] v\n"
    "================================================================================\n"
    "MSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n"
)
COMPRESSIONS = [mcap_writer.CompressionType.NONE, mcap_writer.CompressionType.LZ4, mcap_writer.CompressionType.ZSTD]


def write(path, compression, count=3000, chunk_size=8192, crcs=True, seed=1):
    """Messages out of order on three topics; gives (topic, sequence, log_ns, publish_ns, data) in file order."""
    rng = random.Random(seed)
    messages = []
    with open(path, "wb") as file:
        writer = mcap_writer.Writer(file, chunk_size=chunk_size, compression=compression, enable_crcs=crcs,
                                    enable_data_crcs=crcs)
        writer.start(profile="ros2", library="test")
        schema = writer.register_schema("t/msg/Imu", "ros2msg", IMU.encode())
        channels = [(t, writer.register_channel(t, "bytes", schema)) for t in ("/a", "/b", "/c")]
        for i in range(count):
            topic, channel = channels[rng.randrange(3)]
            log_ns = 10**18 + i * 1000 + rng.randrange(-200_000, 200_000)
            data = bytes(rng.randrange(4) for _ in range(rng.randrange(200)))
            writer.add_message(channel, log_ns, data, log_ns - 5, i)
            messages.append((topic, i, log_ns, log_ns - 5, data))
            if i == count // 2:
                writer.add_attachment(0, 0, "notes", "text/plain", b"hello")
                writer.add_metadata("meta", {"key": "value"})
        writer.finish()
    return messages


def cat(run, *words, check=True):
    import base64

    done = run("log", "cat", *words, check=check)
    lines = map(json.loads, done.stdout.splitlines())
    return [(m["topic"], m["sequence"], int(m["log_ns"]), int(m["publish_ns"]), base64.b64decode(m["data"]))
            for m in lines], done


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_read_theirs(run, tmp_path, compression):
    path = tmp_path / "theirs.mcap"
    messages = write(path, compression)
    by_time = sorted(messages, key=lambda m: m[2])
    assert cat(run, "--file-order", path)[0] == messages
    assert cat(run, path)[0] == by_time
    low, high = by_time[500][2], by_time[900][2]
    assert cat(run, "--start", low, "--end", high, path)[0] == [m for m in by_time if low <= m[2] < high]
    assert cat(run, "--topic", "/b", path)[0] == [m for m in by_time if m[0] == "/b"]
    assert cat(run, "--topic", "/none", path)[0] == []
    info = run("log", "info", "--json", path).json()["recordings"][0]["ledger"]
    full = run("log", "info", "--full", "--json", path).json()["recordings"][0]["ledger"]
    assert info["by_index"] and not full["by_index"] and all(info[k] == full[k] for k in ("messages", "start_ns", "end_ns"))
    assert info["messages"] == len(messages) and info["completeness"] == "whole" and info["has_index"]
    assert {c["topic"]: c["messages"] for c in info["channels"]} == {
        t: sum(m[0] == t for m in messages) for t in ("/a", "/b", "/c")}


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_every_cut_gives_what_lies_before(run, tmp_path, compression):
    path = tmp_path / "theirs.mcap"
    messages = write(path, compression, count=300, chunk_size=2048)
    whole = path.read_bytes()
    rng = random.Random(2)
    for size in sorted(rng.sample(range(40, len(whole) - 1), 25)):
        cut = tmp_path / "cut.mcap"
        cut.write_bytes(whole[:size])
        found, done = cat(run, "--file-order", cut, check=False)
        assert found == messages[: len(found)]
        assert done.returncode != 0 and "byte" in done.stderr
        by_time, _ = cat(run, cut, check=False)
        assert by_time == sorted(found, key=lambda m: m[2])


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_flipped_bit_is_found_and_costs_its_chunk(run, tmp_path, compression):
    path = tmp_path / "theirs.mcap"
    messages = write(path, compression, count=600, chunk_size=4096)
    whole = bytearray(path.read_bytes())
    with open(path, "rb") as file:
        chunks = mcap_reader.make_reader(file).get_summary().chunk_indexes
    rng = random.Random(3)
    for chunk in rng.sample(chunks, 6):
        at = chunk.chunk_start_offset + chunk.chunk_length - 1 - rng.randrange(chunk.compressed_size - 20)
        bad = bytearray(whole)
        bad[at] ^= 1 << rng.randrange(8)
        damaged = tmp_path / "damaged.mcap"
        damaged.write_bytes(bad)
        found, done = cat(run, "--file-order", damaged, check=False)
        assert done.returncode != 0 and f"byte {chunk.chunk_start_offset}" in done.stderr
        assert found == [m for m in messages if m in found] and len(found) < len(messages)
        lost = [m for m in messages if m not in found]
        first = messages.index(lost[0])
        assert lost == messages[first : first + len(lost)], "one chunk is missing, nothing else"
        info = run("log", "info", "--full", "--json", damaged, check=False).json()["recordings"][0]["ledger"]
        assert info["completeness"] == "damaged" and info["bytes_lost"] >= chunk.compressed_size


def test_crc_of_attachment_and_summary(run, tmp_path):
    path = tmp_path / "theirs.mcap"
    write(path, mcap_writer.CompressionType.NONE, count=50)
    whole = path.read_bytes()
    for needle, named in ((b"hello", "attachment"), (b"notes", "summary")):
        at = whole.rindex(needle)
        bad = bytearray(whole)
        bad[at] ^= 1
        path.write_bytes(bad)
        done = run("log", "doctor", path, check=False)
        assert done.returncode == 3 and named in done.stdout, done.stdout


@pytest.mark.parametrize("faults", [[], ["--faults"]])
def test_theirs_reads_ours(run, tmp_path, faults):
    run("synth", tmp_path, "--drives", 1, "--duration", 3, *faults)
    paths = sorted(tmp_path.rglob("*.mcap"))
    assert paths
    for path in paths:
        with open(path, "rb") as file:
            reader = mcap_reader.make_reader(file, validate_crcs=True)
            summary = reader.get_summary()
            by_time = [(c.topic, m.sequence, m.log_time, m.publish_time) for _, c, m in reader.iter_messages()]
        assert summary.statistics.message_count == len(by_time) > 0
        assert summary.statistics.chunk_count == len(summary.chunk_indexes) > 0
        lines = [json.loads(x) for x in run("log", "cat", path).stdout.splitlines()]
        ours = [(m["topic"], m["sequence"], int(m["log_ns"]), int(m["publish_ns"])) for m in lines]
        assert ours == by_time
