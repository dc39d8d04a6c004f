"""`sweep` on a version that synth makes: the same trainings by one job, by two, and after it was stopped and killed;
what diverges; `train --until`; errors."""
import json
import signal
import subprocess
import time

import pytest

SWEEP = """
train: {blocks: 1, heads: 2, hidden: 16, batch: 4, steps: 180, warmup: 10}
search:
  learning_rate: {from: 3e-4, to: 1, log: true}
  width: [8, 16]
  muon: [false, true]
trials: 40
"""


@pytest.fixture(scope="module")
def made(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    run("synth", folder / "fleet", "--seed", "3", "--quiet")
    (folder / "sweep.yaml").write_text(SWEEP)

    def home(name, validation=0.1):
        path = folder / name
        run("init", path)
        run("ingest", folder / "fleet", "--home", path, "--quiet")
        run("dataset", "create", "made", "--home", path, "--split", "recording", "--share", "train=0.5", "--share",
            f"{'validation' if validation else 'dev'}=0.5", "--quiet")
        return path

    home.folder = folder
    return home


def journal(home):
    (path,) = home.glob("sweeps/*/jobs.jsonl")
    return path.read_text()


def test_one_job_two_jobs_stopped_and_killed(run, program, made):
    words = ["sweep", made.folder / "sweep.yaml", "--dataset", "made"]
    one = made("one")
    first = run(*words, "--home", one, "--jobs", "1", "--json").json()
    assert len(first["trials"]) == 40 and first["jobs"] > 40 and first["jobs_again"] == 0
    two = made("two")
    kills = [signal.SIGKILL, signal.SIGINT, signal.SIGKILL, signal.SIGTERM]
    for kill in kills:
        before = len(list(two.glob("sweeps/*/jobs.jsonl"))) and journal(two).count("\n")
        job = subprocess.Popen([program, *map(str, words), "--home", str(two), "--jobs", "2"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        while not list(two.glob("sweeps/*/jobs.jsonl")) or journal(two).count("\n") < before + 7:
            assert job.poll() is None, job.communicate()
            time.sleep(0.005)
        job.send_signal(kill)
        _, told = job.communicate(timeout=60)
        assert job.returncode == (-9 if kill == signal.SIGKILL else 130), told
    last = run(*words, "--home", two, "--jobs", "2", "--json").json()
    assert last["jobs_again"] >= 28
    assert journal(one) == journal(two)
    assert {k: v for k, v in last.items() if k != "jobs_again"} == {k: v for k, v in first.items() if k != "jobs_again"}


def test_what_came_of_it(run, made):
    home = made.folder / "one"
    words = ["sweep", made.folder / "sweep.yaml", "--dataset", "made", "--home", home]
    done = run(*words, "--json").json()
    assert done["jobs"] == done["jobs_again"]
    trials = done["trials"]
    assert [t["steps"] for t in trials] == sorted((t["steps"] for t in trials), reverse=True)
    assert {t["steps"] for t in trials} == {20, 60, 180}
    assert done["best"] == trials[0]["run"]
    full = [t for t in trials if t["steps"] == 180]
    assert [t["loss_validation"] for t in full] == sorted(t["loss_validation"] for t in full)
    # Those that went all the way are runs like any other.
    listed = {r["run"]: r["body"] for r in run("runs", "--home", home, "--json").json()}
    assert set(listed) == {t["run"] for t in full}
    for t in full:
        assert listed[t["run"]]["loss_validation"] == t["loss_validation"]
        assert {k: listed[t["run"]]["config"][k] for k in t["values"]} == t["values"]
    text = run(*words).stdout
    assert "40 trials" in text and f"--run {done['best'][:12]}" in text


def test_until_then_on(run, made):
    home = made.folder / "one"
    (made.folder / "plain.yaml").write_text("width: 8\nblocks: 1\nheads: 2\nhidden: 16\nbatch: 4\nsteps: 60\n")
    words = ["train", made.folder / "plain.yaml", "--dataset", "made", "--home", home]
    part = run(*words, "--until", "30", "--json").json()
    assert part["steps"] == 30 and part["weights"] == "" and part["loss_validation"] is not None
    assert "without --until goes on" in run(*words, "--until", "30").stdout
    done = run(*words, "--json").json()
    assert done["resumed_at"] == 30 and done["run"] == part["run"]
    calm = run("train", made.folder / "plain.yaml", "--dataset", "made", "--home", made.folder / "two", "--json").json()
    assert calm["weights"] == done["weights"]


def test_errors(run, made):
    home = made("none", validation=0)
    failed = run("sweep", made.folder / "sweep.yaml", "--dataset", "made", "--home", home, check=False)
    assert failed.returncode != 0 and "validation split" in failed.stderr and "--share validation" in failed.stderr
    home = made.folder / "two"
    (path,) = home.glob("sweeps/*/jobs.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    for bad, told in [(lines[:3] + lines[4:], "expected job 4 of the sweep"), (["{}\n"], "jobs.jsonl:1: ")]:
        path.write_text("".join(bad))
        failed = run("sweep", made.folder / "sweep.yaml", "--dataset", "made", "--home", home, check=False)
        assert failed.returncode != 0 and told in failed.stderr and "remove its folder" in failed.stderr, failed.stderr
    path.write_text("".join(lines))
    assert json.loads(lines[0])["trial"] == 0
