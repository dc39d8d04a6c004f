"""What takes long about recordings: kills in the middle of an ingest of all real ones, memory at 4 GB out of order with messages of
100 MB, every cut and flip of each container."""
import os
import random
import resource
import shutil
import signal
import subprocess
import time

import pytest
from mcap.writer import CompressionType, Writer

KILLS = int(os.environ.get("RML_KILLS", "200"))
BIG, CEILING = 100_000_000, 256 << 20
GB4 = int(os.environ.get("RML_SOAK_BYTES", 4_000_000_000))


# ---- Kills ------------------------------------------------------------------------------------------------------------


def states(run, home):
    return {t["name"]: (t["rows"], t["state"]) for t in run("lake", "tables", "--home", home, "--json").json()}


def test_killed_ingest_of_all_real_recordings(run, program, data, tmp_path):
    logs = data / "logs"
    dbc = logs / "mf4-canedge" / "drive" / "dbc_files" / "canmod-gps.dbc"
    sources = [str(logs / name) for name in ("ros1-bags", "ros2-bags", "mf4-blocks", "mf4-canedge", "mcap-schemas")]

    def words(home):
        return [program, "ingest", "--home", str(home), "--dbc", str(dbc), "--quiet", *sources]

    calm = tmp_path / "calm"
    assert subprocess.run(words(calm), stdout=subprocess.DEVNULL).returncode in (0, 3)
    expected = states(run, calm)
    rng, killed, homes = random.Random(8), 0, 0
    home = tmp_path / "killed"
    while killed < KILLS:
        process = subprocess.Popen(words(home), stdout=subprocess.DEVNULL)
        try:
            code = process.wait(timeout=rng.uniform(0, 4))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            continue
        assert code in (0, 3)
        assert states(run, home) == expected
        homes += 1
        shutil.rmtree(home)
    assert subprocess.run(words(home), stdout=subprocess.DEVNULL).returncode in (0, 3)
    assert states(run, home) == expected
    print(f"{killed} kills over {homes + 1} homes")


# ---- Memory -----------------------------------------------------------------------------------------------------------


def write_large(path):
    """Small messages with large ones among them, log times far out of order."""
    rng = random.Random(9)
    block = rng.randbytes(1 << 20)
    big = (block * (BIG // len(block) + 1))[:BIG]
    with open(path, "wb") as file:
        writer = Writer(file, compression=CompressionType.LZ4, chunk_size=1 << 20)
        writer.start()
        schema = writer.register_schema("T", "jsonschema", b'{"type":"object","properties":{"a":{"type":"number"}}}')
        small = writer.register_channel("/small", "json", schema)
        large = writer.register_channel("/large", "raw", 0)
        for i in range(GB4 // BIG):
            for k in range(20_000):
                t = (i * 20_000 + k) * 1_000_000 + rng.randrange(60_000_000_000)
                writer.add_message(small, t, b'{"a":1}', t, k)
            t = i * 20_000_000_000 + rng.randrange(60_000_000_000)
            writer.add_message(large, t, big, t, i)
        writer.finish()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "large.mcap"
    write_large(path)
    yield path
    path.unlink()


def limit():
    resource.setrlimit(resource.RLIMIT_DATA, (CEILING + BIG, CEILING + BIG))


@pytest.mark.parametrize("words", [
    ["log", "info", "--full"], ["log", "doctor"], ["log", "cat", "--raw"], ["log", "recover", "--out"], ["log", "sort", "--out"],
    ["log", "filter", "--topic", "/small", "--out"], ["log", "convert", "--to", "mcap", "--out"], ["log", "merge", "--out"], ["ingest", "--home"]],
    ids=lambda words: words[1] if words[0] == "log" else words[0])
def test_memory_at_4_gb_out_of_order(program, large, tmp_path, words):
    out = [str(tmp_path / "out")] if words[-1] in ("--out", "--home") else []
    sources = [str(large)] * (2 if words[1] == "merge" else 1)
    start = time.monotonic()
    process = subprocess.Popen([program, *words, *out, *sources, "--threads", "2"], stdout=subprocess.DEVNULL, preexec_fn=limit)
    _, status, usage = os.wait4(process.pid, 0)
    peak = usage.ru_maxrss * 1024
    print(f"{words[1]}: {peak >> 20} MiB, {time.monotonic() - start:.0f} s")
    assert os.waitstatus_to_exitcode(status) == 0
    assert peak <= CEILING + BIG
