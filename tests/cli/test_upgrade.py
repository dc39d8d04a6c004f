"""A home that the program of 0e67bf3 made (tools/golden_home.sh) is refused, brought over, and loses nothing; and files
are held against their log."""
import hashlib
import json
import pathlib
import subprocess
import tarfile
import time

import pytest

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden/home_0e67bf3.tar.xz"


@pytest.fixture
def old(tmp_path):
    """The home as it was made, and what its program said of it."""
    home = tmp_path / "old"
    with tarfile.open(GOLDEN) as tar:
        tar.extractall(home, filter="data")
    return home


def tables(run, home):
    return {t["name"]: t for t in run("lake", "tables", "--home", home, "--json").json()}


def contents(home):
    """Every file but catalog and logs, by its SHA-256."""
    return {str(p.relative_to(home)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(home.rglob("*"))
            if p.is_file() and "_delta_log" not in p.parts and not p.name.startswith("catalog.db")}


def tags(home):
    """The tags of every live file."""
    out = {}
    for log in sorted(home.glob("lake/*/_delta_log/*.json")):
        for line in log.read_text().splitlines():
            action = json.loads(line)
            if "add" in action:
                out[log.parent.parent.name, action["add"]["path"]] = action["add"]["tags"]
            if "remove" in action:
                out.pop((log.parent.parent.name, action["remove"]["path"]), None)
    return out


def test_a_home_of_another_format_is_refused_by_the_command_that_helps(run, old):
    done = run("lake", "tables", "--home", old, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == (f"roadmill: {old}: expected a home of format 2, found one of format 1; roadmill home upgrade "
                           "brings it over\n")


def test_an_upgrade_changes_no_data_and_loses_nothing(run, old):
    said = {t["name"]: t for t in json.loads((old / "tables.json").read_text())}
    lineage = json.loads((old / "lineage.json").read_text())
    before, before_tags = contents(old), tags(old)
    made = run("home", "upgrade", "--home", old, "--json").json()
    assert made["upgraded"] and contents(old) == before
    assert {t["table"]: t["before"] for t in made["tables"]} == {n: t["state"] for n, t in said.items()}
    now = tables(run, old)
    assert {t["table"]: t["after"] for t in made["tables"]} == {n: t["state"] for n, t in now.items()}
    for name, t in said.items():
        assert (now[name]["rows"], now[name]["files"], now[name]["bytes"]) == (t["rows"], t["files"], t["bytes"]), name
    # What the program of then reads stands there still.
    for key, tag in tags(old).items():
        assert {k: v for k, v in tag.items() if k in before_tags[key]} == before_tags[key], key
        assert tag["sha256"] == hashlib.sha256((old / "lake" / key[0] / key[1]).read_bytes()).hexdigest()
    # Versions, runs and models of then.
    assert run("lineage", "tiny/1", "--home", old, "--json").json() == lineage
    run("dataset", "verify", "tiny", "--home", old)
    assert run("lake", "check", "--home", old).returncode == 0
    again = run("home", "upgrade", "--home", old, "--json").json()
    assert not again["upgraded"] and tables(run, old) == now


def test_an_upgraded_state_is_that_of_the_rows(run, old):
    """What the log was told is what any reader of the rows finds."""
    deltalake = pytest.importorskip("deltalake")
    run("home", "upgrade", "--home", old)
    before = tables(run, old)
    for name in ("tracks", "maps", "signals_sensor_msgs_msg_imu", "ego"):
        path = str(old / "lake" / name)
        rows = deltalake.DeltaTable(path).to_pyarrow_table()
        deltalake.write_deltalake(path, rows.take(list(reversed(range(rows.num_rows)))), mode="overwrite")
    assert {n: t["state"] for n, t in tables(run, old).items()} == {n: t["state"] for n, t in before.items()}


def test_an_upgrade_that_is_killed_leaves_the_home_as_it_was(run, program, old, tmp_path):
    said = {t["name"]: t["state"] for t in json.loads((old / "tables.json").read_text())}
    before = tags(old)
    for wait_s in [0.01, 0.03, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3]:
        job = subprocess.Popen([program, "home", "upgrade", "--home", str(old)], stdout=subprocess.PIPE)
        time.sleep(wait_s)
        job.kill()
        job.communicate()
        for key, tag in tags(old).items():
            assert {k: v for k, v in tag.items() if k in before[key]} == before[key]
        if run("lake", "tables", "--home", old, check=False).returncode == 0:
            break  # it was done
    made = run("home", "upgrade", "--home", old, "--json").json()
    assert not made["upgraded"] or {t["table"]: t["before"] for t in made["tables"]} == said
    run("lake", "check", "--home", old)


def test_a_changed_byte_is_found_and_named(run, old):
    run("home", "upgrade", "--home", old)
    [path] = (old / "lake/maps").glob("*/*.parquet") if len(list((old / "lake/maps").glob("*/*.parquet"))) == 1 else \
        sorted((old / "lake/maps").glob("*/*.parquet"))[:1]
    data = bytearray(path.read_bytes())
    right = hashlib.sha256(data).hexdigest()
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = run("lake", "check", "--home", old, check=False)
    assert done.returncode == 3
    assert f"{path}: expected SHA-256 {right}, found {hashlib.sha256(data).hexdigest()}" in done.stdout
    assert "1 not as the log says" in done.stdout
    path.unlink()
    done = run("lake", "check", "maps", "--home", old, check=False)
    assert done.returncode == 3 and f"{path}: expected SHA-256 {right}, found no file" in done.stdout
