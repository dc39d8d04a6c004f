"""`train` and `runs` on a version that synth makes: what they print, errors with line and column, a run done once."""
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
