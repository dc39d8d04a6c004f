"""`train` and `runs` on a version that synth makes: what they print, errors with line and column, a run done once."""
import re
import resource
import signal
import subprocess
import time

import pytest


@pytest.fixture(scope="module")
def version(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    home = folder / "home"
    run("init", home)
    run("synth", folder / "fleet", "--seed", "3", "--quiet")
    run("ingest", folder / "fleet", "--home", home, "--quiet")
    run("dataset", "create", "made", "--home", home, "--split", "recording", "--share", "train=0.5", "--share",
        "validation=0.5", "--quiet")
    (folder / "small.yaml").write_text("width: 16\nblocks: 1\nheads: 2\nhidden: 16\nbatch: 4\nsteps: 40\n")
    return folder


def test_train_once_then_runs(run, version):
    words = ["train", version / "small.yaml", "--dataset", "made", "--home", version / "home"]
    first = run(*words, "--json").json()
    assert first["steps"] == 40 and not first["already"] and len(first["run"]) == 64
    again = run(*words, "--json").json()
    assert again["already"] and again["weights"] == first["weights"] and again["loss_last"] == first["loss_last"]
    other = run(*words, "--seed", "1", "--json").json()
    assert other["run"] != first["run"] and other["weights"] != first["weights"]
    listed = run("runs", "--home", version / "home", "--json").json()
    assert {r["run"] for r in listed} == {first["run"], other["run"]}
    shown = run("runs", "show", first["run"][:8], "--home", version / "home", "--json").json()
    assert [p["step"] for p in shown["curve"]] == [20, 40]
    assert shown["body"]["config"]["width"] == 16 and shown["body"]["weights"] == first["weights"]
    text = run(*words).stdout
    assert "done before" in text and "next: roadmill eval --dataset" in text


def test_tensorboard_reads_the_curve(run, version):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    done = run("train", version / "small.yaml", "--dataset", "made", "--home", version / "home", "--json").json()
    folder = version / "home/runs" / done["run"]
    seen = EventAccumulator(str(folder)).Reload()
    names = (folder / "curve.csv").read_text().splitlines()[0].split(",")[1:]
    assert sorted(seen.Tags()["scalars"]) == sorted(names)
    shown = run("runs", "show", done["run"], "--home", version / "home", "--json").json()["curve"]
    for name in names:
        points = [(p["step"], p[name]) for p in shown if p[name] is not None]
        found = [(s.step, s.value) for s in seen.Scalars(name)]
        assert [s for s, _ in found] == [s for s, _ in points] and points
        assert all(abs(a - b) <= 1e-6 * abs(b) for (_, a), (_, b) in zip(found, points))


def test_wrong_configurations(run, version):
    cases = [
        ("widht: 16\n", 'bad.yaml:1:1: '),
        ("width: 16\nsteps: many\n", "bad.yaml:2:8: "),
        ("batch: 0\n", "bad.yaml:1:8: expected batch to be a whole number from 1 to 65536, found 0"),
    ]
    for text, expected in cases:
        (version / "bad.yaml").write_text(text)
        done = run("train", version / "bad.yaml", "--dataset", "made", "--home", version / "home", check=False)
        assert done.returncode != 0 and expected in done.stderr and done.stderr.count("\n") == 1, done.stderr
    done = run("train", version / "small.yaml", "--home", version / "home", check=False)
    assert done.returncode == 2 and "--dataset NAME" in done.stderr


def test_a_disk_without_room(run, program, version):
    """A checkpoint that cannot be written ends the run and names the file; the one before stays, and it goes on from there.
    A limit on the size of files stands for the full disk: the same call fails."""
    (version / "wide.yaml").write_text("width: 64\nblocks: 2\nheads: 2\nbatch: 4\nsteps: 300\ncheckpoint_every: 20\n")
    words = ["train", version / "wide.yaml", "--dataset", "made", "--json", "--home"]
    calm, home = version / "calm", version / "full"
    for place in [calm, home]:
        subprocess.run(["cp", "-r", version / "home", place], check=True)
    whole = run(*words, calm).json()

    def checkpoints():
        return sorted(p.name for p in home.glob("runs/*/checkpoint-*") if (p / "curve.csv").exists())

    before = checkpoints()
    job = subprocess.Popen([program, *map(str, words), str(home)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while checkpoints() == before:
        assert job.poll() is None
        time.sleep(0.005)
    job.send_signal(signal.SIGTERM)
    assert job.wait(60) == 130
    stopped = checkpoints()

    def without_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000))

    done = subprocess.run([program, *map(str, words), str(home)], capture_output=True, text=True, preexec_fn=without_room)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert re.search(r"runs/\w{64}/beside-\d{10}/\w{64}\.safetensors: cannot write", done.stderr), done.stderr
    assert checkpoints() == stopped
    again = run(*words, home).json()
    assert again["weights"] == whole["weights"] and again["resumed_at"] == int(stopped[-1].split("-")[1])
    assert not list(home.glob("runs/*/beside-*"))
