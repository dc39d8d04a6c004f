"""kill -9 at ten random moments of `ingest`, then the same command again: the tables of the undisturbed run."""
import os
import random
import shutil
import signal
import subprocess
import time

import pytest

MOMENTS = int(os.environ.get("RML_KILLS", "10"))


def states(run, home):
    return {t["name"]: t["state"] for t in run("lake", "tables", "--home", home, "--json").json()}


def to_the_end(words):
    """Done, or done with loss: the damaged copies lose bytes the first time that they come in."""
    assert subprocess.run(words, stdout=subprocess.DEVNULL).returncode in (0, 3)


def damage(path):
    """A cut copy and one with a flipped byte beside the whole file: their rejects must be the same, too."""
    whole = path.read_bytes()
    path.with_name("cut.mcap").write_bytes(whole[: len(whole) * 2 // 3])
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 0x10
    path.with_name("flipped.mcap").write_bytes(flipped)


@pytest.fixture(scope="module")
def sources(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    run("synth", folder, "--drives", 1, "--duration", 3, "--vehicles", 6)
    damage(sorted((folder / "recordings").glob("*.mcap"))[0])
    return folder


def ingest(program, home, sources):
    return [program, "ingest", "--home", str(home), "--vehicle", "v", "--quiet", str(sources)]


def test_killed_ingest_gives_the_same_tables(run, program, sources, tmp_path):
    calm = tmp_path / "calm"
    run("init", calm)
    start = time.monotonic()
    to_the_end(ingest(program, calm, sources))
    span = time.monotonic() - start
    expected = states(run, calm)
    assert {"recordings", "drives", "rejects", "signals_sensor_msgs_msg_imu"} <= set(expected)
    rng = random.Random(7)
    killed = 0
    for moment in range(MOMENTS):
        home = tmp_path / "killed"
        run("init", home)
        process = subprocess.Popen(ingest(program, home, sources), stdout=subprocess.DEVNULL)
        time.sleep(rng.uniform(0, span))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        to_the_end(ingest(program, home, sources))
        assert states(run, home) == expected, f"moment {moment}"
        shutil.rmtree(home)
    to_the_end(ingest(program, calm, sources))
    assert states(run, calm) == expected, "one run more changes nothing"
    assert killed >= MOMENTS // 2, "most kills fall into the run"


def test_conservation_is_in_the_tables(run, sources, tmp_path):
    home = tmp_path / "home"
    run("init", home)
    done = run("ingest", "--home", home, "--vehicle", "v", sources, check=False)
    assert done.returncode == 3 and "bytes could not be read" in done.stdout, done.stderr
    sql = "SELECT count(*) AS n FROM recordings WHERE messages <> \"rows\" + blobs + rejects"
    assert run("query", "--home", home, "--json", sql).json()["rows"] == [{"n": 0}]
    tables = [t["name"] for t in run("lake", "tables", "--home", home, "--json").json()]
    signals = " + ".join(f"(SELECT count(*) FROM {t})" for t in tables if t.startswith("signals_"))
    sql = f"SELECT (SELECT sum(\"rows\") FROM recordings WHERE format = 'mcap') AS a, {signals} AS b"
    row = run("query", "--home", home, "--json", sql).json()["rows"][0]
    assert int(row["a"]) == int(row["b"]) > 0
    sql = "SELECT completeness, count(*) AS n FROM recordings GROUP BY 1 ORDER BY 1"
    found = {r["completeness"]: r["n"] for r in run("query", "--home", home, "--json", sql).json()["rows"]}
    assert found["cut"] == 1 and found["damaged"] == 1
    sql = "SELECT min(length) AS n FROM rejects WHERE stage = 'container'"
    assert run("query", "--home", home, "--json", sql).json()["rows"][0]["n"] is not None
