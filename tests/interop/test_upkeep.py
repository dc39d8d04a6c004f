"""Checkpoints and vacuum: tables read the same by delta-rs and by us when the log before the checkpoint is gone; nothing that a
version of the last days needs is removed."""
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

deltalake = pytest.importorskip("deltalake")
WEEK = 7 * 24 * 3600


@pytest.fixture
def lake(run, tmp_path):
    """A home with four recordings in it, one commit of each table for each."""
    run("synth", tmp_path / "fleet", "--drives", 4, "--seed", 3)
    home = tmp_path / "home"
    for recording in sorted((tmp_path / "fleet").rglob("*.mcap"))[:4]:
        run("ingest", "--home", home, recording, check=False)
    return home


def rows_of(path):
    table = deltalake.DeltaTable(str(path)).to_pyarrow_table()
    return table.num_rows, sorted(table.column("recording_id").to_pylist())


def states(run, home):
    tables = run("lake", "tables", "--home", home, "--json").json()
    return {t["name"]: (t["version"], t["rows"], t["state"]) for t in tables}


def test_a_checkpoint_stands_for_the_log_before_it(run, lake):
    before = states(run, lake)
    table = lake / "lake" / "recordings"
    theirs = rows_of(table)
    made = run("lake", "optimize", "--home", lake, "--json").json()["tables"]
    assert {t["table"]: t["version"] for t in made} == {name: state[0] for name, state in before.items()}
    assert all(t["written"] for t in made)
    hint = json.loads((table / "_delta_log" / "_last_checkpoint").read_text())
    assert hint["version"] == before["recordings"][0] and hint["size"] >= 4
    for log in lake.glob("lake/*/_delta_log"):
        for commit in sorted(log.glob("*.json"))[:-1]:
            commit.unlink()
    assert states(run, lake) == before
    assert rows_of(table) == theirs
    again = run("lake", "optimize", "--home", lake, "--json").json()["tables"]
    assert not any(t["written"] for t in again)


def test_writing_goes_on_behind_a_checkpoint(run, lake, tmp_path):
    run("lake", "optimize", "--home", lake)
    for commit in lake.glob("lake/*/_delta_log/*.json"):
        commit.unlink()
    run("synth", tmp_path / "more", "--drives", 1, "--seed", 9)
    recording = next((tmp_path / "more").rglob("*.mcap"))
    count = states(run, lake)["recordings"][1]
    run("ingest", "--home", lake, recording, check=False)
    assert states(run, lake)["recordings"][1] == count + 1
    assert rows_of(lake / "lake" / "recordings")[0] == count + 1
    made = run("ingest", "--home", lake, recording, "--json", check=False).json()
    assert made["files"][0]["already"]


def test_vacuum_takes_what_nobody_needs(run, lake):
    before = states(run, lake)
    table = lake / "lake" / "recordings"
    live = next(table.rglob("part-*.parquet"))
    old, young = table / "left" / "part-old.parquet", table / "left" / "part-young.parquet"
    old.parent.mkdir()
    for path in (old, young):
        shutil.copy(live, path)
    os.utime(old, (time.time() - WEEK - 3600,) * 2)
    os.utime(live, (time.time() - 9 * WEEK,) * 2)
    told = run("lake", "vacuum", "recordings", "--home", lake, "--dry-run")
    assert str(old) in told.stdout and str(young) not in told.stdout and old.exists()
    made = run("lake", "vacuum", "--home", lake, "--json").json()["tables"]
    assert {t["table"]: (t["files"], t["kept_young"]) for t in made if t["files"] or t["kept_young"]} == {"recordings": (1, 1)}
    assert not old.exists() and young.exists() and live.exists() and states(run, lake) == before
    refused = run("lake", "vacuum", "--home", lake, "--retain", 1, check=False)
    assert refused.returncode != 0 and "168" in refused.stderr and young.exists()
    run("lake", "vacuum", "--home", lake, "--retain", 0, "--insist")
    assert not young.exists() and states(run, lake) == before


def test_a_checkpoint_comes_by_itself(program, tmp_path):
    """After a hundred commits, with every action that delta-rs asks for."""
    tool = pathlib.Path(program).parent / "examples/lake_write"
    (tmp_path / "schema.json").write_text(json.dumps([{"name": "row", "type": "i64", "nullable": True}]))
    for i in range(102):
        (tmp_path / "rows.jsonl").write_text(json.dumps({"row": i}) + "\n")
        subprocess.run([tool, tmp_path / "lake", "t", f"o{i}", tmp_path / "schema.json", tmp_path / "rows.jsonl"], check=True,
                       stdout=subprocess.DEVNULL)
    log = tmp_path / "lake" / "t" / "_delta_log"
    assert [p.name for p in log.glob("*.checkpoint.parquet")] == [f"{100:020}.checkpoint.parquet"]
    for commit in sorted(log.glob("*.json"))[:101]:
        commit.unlink()
    table = deltalake.DeltaTable(str(tmp_path / "lake" / "t"))
    assert sorted(table.to_pyarrow_table()["row"].to_pylist()) == list(range(102))
    assert table.transaction_version("o7") == 7


def test_a_checkpoint_of_another_engine_is_honoured(run, lake, tmp_path):
    """One in parts, the log before it cleaned up, a commit behind it: what it lists stays, and is not checkpointed away."""
    run("lake", "optimize", "--home", lake)
    log = lake / "lake" / "recordings" / "_delta_log"
    made = next(log.glob("*.checkpoint.parquet"))
    made.rename(log / made.name.replace(".parquet", ".0000000001.0000000001.parquet"))
    for commit in log.glob("*.json"):
        commit.unlink()
    run("synth", tmp_path / "more", "--drives", 1, "--seed", 9)
    run("ingest", "--home", lake, next((tmp_path / "more").rglob("*.mcap")), check=False)
    before = states(run, lake)["recordings"]
    files = {f for f in (lake / "lake" / "recordings").rglob("part-*.parquet")}
    for command in (["vacuum", "recordings", "--retain", 0, "--insist"], ["optimize", "recordings"]):
        done = run("lake", *command, "--home", lake, check=False)
        assert done.returncode == 0 or "checkpoint" in done.stderr, done.stderr
        assert all(f.exists() for f in files), command
        assert states(run, lake)["recordings"] == before and rows_of(lake / "lake" / "recordings")[0] == 5
