"""Versions and evaluations against plain Python: the export read by pyarrow, metrics by NumPy, and predictions that
another program wrote."""
import importlib.util
import json
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def city(run, tmp_path_factory):
    """A small fleet with a version that has scenes in train, dev and gate."""
    home = tmp_path_factory.mktemp("city") / "home"
    run("init", home)
    run("synth", home.parent / "fleet", "--drives", 8, "--seed", 3)
    run("ingest", home.parent / "fleet" / "scenarios", "--home", home, "--licence", "CC-BY-4.0")
    made = run("dataset", "create", "city", "--home", home, "--stride", 20, "--share", "train=.5", "--share", "dev=.25",
               "--share", "gate=.25", "--json").json()
    return home, made


@pytest.fixture(scope="module")
def exported(run, city, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "city"
    run("dataset", "export", "city", "--to", folder, "--home", city[0])
    return folder


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("torch_dataset", ROOT / "examples/torch_dataset.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_export_is_read_by_others(city, exported, example):
    manifest = json.loads((exported / "manifest.json").read_text())
    assert len((ROOT / "examples/torch_dataset.py").read_text().splitlines()) <= 40
    for split in ("train", "dev", "gate"):
        values, rows = example.arrays(exported, split)
        assert rows.num_rows == city[1]["counts"][split] == manifest["counts"][split]
        for tensor in manifest["tensors"]:
            assert values[tensor["name"]].shape == (rows.num_rows, *tensor["shape"])
            assert values[tensor["name"]].dtype == np.float32
        # The frame of a scene is the focus now: its position is the origin, the history ends there.
        assert np.abs(values["position"]).max() == 0
        assert np.abs(values["history"][:, 0, -1]).max() == 0
        assert set(values["target_valid"].ravel()) <= {0.0, 1.0}


def test_manifest_conserves_windows(city, exported):
    windows = json.loads((exported / "manifest.json").read_text())["windows"]
    assert windows["in"] == windows["scenes"] + sum(windows["left_out"].values())
    assert city[1]["windows"] == windows["in"]


def rows_of(split, modes, rng, example, exported, probabilities=True):
    """Predictions of some other program: noise around constant velocity, in the map frame."""
    values, rows = example.arrays(exported, split)
    steps = values["target"].shape[2]
    ahead = np.arange(1, steps + 1) * 0.1
    velocity = values["velocity"][:, 0].astype(float)
    xy = velocity[:, None, None, :] * ahead[None, None, :, None] + rng.normal(0, 1.5, (len(velocity), modes, steps, 2))
    p = rng.dirichlet(np.ones(modes), len(velocity))
    pose = [np.array(rows[name]) for name in ("x_m", "y_m", "yaw_rad")]
    columns = {name: [] for name in ("scene_id", "track_id", "mode", "t_ns", "x", "y")}
    probability = []
    for i in range(len(velocity)):
        c, s = np.cos(pose[2][i]), np.sin(pose[2][i])
        for m in range(modes):
            for t in range(steps):
                x, y = xy[i, m, t]
                columns["scene_id"].append(rows["scene_id"][i].as_py())
                columns["track_id"].append(rows["track_id"][i].as_py())
                columns["mode"].append(10 * m)  # any numbers
                columns["t_ns"].append(rows["t0_ns"][i].as_py() + (t + 1) * 100_000_000)
                columns["x"].append(pose[0][i] + c * x - s * y)
                columns["y"].append(pose[1][i] + s * x + c * y)
                probability.append(p[i, m])
    table = pa.table(columns)
    if probabilities:
        table = table.append_column("probability", pa.array(probability))
    return table, xy, p, values["target"][:, 0].astype(float), np.array(rows["family"])


def plain_metrics(xy, p, target):
    """The metrics as docs/evaluation.md states them, one number a scene."""
    error = np.linalg.norm(xy - target[:, None], axis=-1)  # [n, modes, steps]
    n = np.arange(len(p))
    top = p.argmax(1)
    end, mean = error[:, :, -1], error.mean(-1)
    best = end.argmin(1)
    density = np.exp(-end**2 / 2) / (2 * np.pi)
    return {
        "min_ade_1": mean[n, top], "min_ade_6": mean.min(1),
        "min_fde_1": end[n, top], "min_fde_6": end.min(1),
        "miss_rate_1": end[n, top] > 2.0, "miss_rate_6": end.min(1) > 2.0,
        "brier_min_fde_1": end[n, top] + (1 - p[n, top])**2, "brier_min_fde_6": end.min(1) + (1 - p[n, best])**2,
        "nll_1": -np.log(density[n, top]), "nll_6": -np.log((p * density).sum(1)),
    }


def model_of(document, name="model"):
    return next(m for m in document["models"] if m["name"] == name)


def test_metrics_against_numpy(run, city, exported, example, tmp_path):
    table, xy, p, target, family = rows_of("dev", 6, np.random.default_rng(1), example, exported)
    shuffled = table.take(np.random.default_rng(2).permutation(table.num_rows))
    pq.write_table(shuffled, tmp_path / "p.parquet")
    document = run("eval", "--dataset", "city", "--predictions", tmp_path / "p.parquet", "--home", city[0],
                   "--json").json()
    assert document["windows"] == len(p) and document["families"] == len(set(family)) and document["looks"] == 0
    model = model_of(document)
    everything = model["slices"][0]
    assert everything["name"] == "all" and everything["windows"] == len(p)
    want = plain_metrics(xy, p, target)
    got = {m["name"]: m["value"] for m in everything["metrics"]}
    assert set(got) == set(want)
    for name, values in want.items():
        assert got[name] == pytest.approx(values.mean(), rel=2e-5), name
    # Paired against constant velocity: the ratio of sums.
    velocity = example.arrays(exported, "dev")[0]["velocity"][:, 0].astype(float)
    cv = np.linalg.norm(velocity * 3.0 - target[:, -1], axis=-1)
    against = next(a for a in everything["against"] if a["baseline"] == "cv_1" and a["metric"] == "min_fde_6")
    assert against["relative"] == pytest.approx((want["min_fde_6"] - cv).sum() / cv.sum(), rel=1e-4)
    # Calibration: how often the most probable mode is the best one.
    end = np.linalg.norm(xy[:, :, -1] - target[:, None, -1], axis=-1)
    top, hit = p.max(1), p.argmax(1) == end.argmin(1)
    bins = np.minimum((top * 10).astype(int), 9)
    ece = sum((bins == b).mean() * abs(top[bins == b].mean() - hit[bins == b].mean()) for b in set(bins))
    assert model["calibration"]["error"] == pytest.approx(ece, abs=1e-4)


def test_predictions_without_probabilities_are_marked(run, city, exported, example, tmp_path):
    table, xy, p, target, _ = rows_of("dev", 3, np.random.default_rng(4), example, exported, probabilities=False)
    pq.write_table(table, tmp_path / "p.parquet")
    model = model_of(run("eval", "--dataset", "city", "--predictions", tmp_path / "p.parquet", "--home", city[0],
                         "--json").json())
    got = {m["name"]: m["value"] for m in model["slices"][0]["metrics"]}
    assert model["has_probability"] is False
    assert got["min_fde_6"] == pytest.approx(plain_metrics(xy, p, target)["min_fde_6"].mean(), rel=2e-5)
    assert got["min_fde_1"] is None and got["brier_min_fde_6"] is None and got["nll_6"] is None


@pytest.mark.parametrize("spoil, said", [
    (lambda t: t.slice(6 * 30), "found none for 1"),
    (lambda t: t.slice(1), "each mode to have each step once"),
    (lambda t: t.slice(0, t.num_rows - 1), "as many points in each mode as the future has steps"),
    (lambda t: t.set_column(3, "t_ns", pa.array(np.array(t["t_ns"]) + 1)), "whole number of steps"),
    (lambda t: t.set_column(6, "probability", pa.array(np.array(t["probability"]) * 0.5)), "sum to 1"),
    (lambda t: t.set_column(4, "x", pa.array(np.where(np.arange(t.num_rows) == 7, np.nan, np.array(t["x"])))), "finite"),
    (lambda t: t.drop_columns("y"), "found no y"),
])
def test_wrong_predictions_are_refused_by_name(run, city, exported, example, tmp_path, spoil, said):
    table = rows_of("dev", 6, np.random.default_rng(1), example, exported)[0]
    pq.write_table(spoil(table), tmp_path / "p.parquet")
    done = run("eval", "--dataset", "city", "--predictions", tmp_path / "p.parquet", "--home", city[0], check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert "p.parquet" in done.stderr and said in done.stderr and done.stderr.count("\n") == 1


def test_looks_at_the_gate_are_counted(run, city):
    looks = [run("eval", "--dataset", "city", "--split", "gate", "--home", city[0], "--json").json()["looks"]
             for _ in range(2)]
    assert looks == [1, 2]
    assert run("eval", "--dataset", "city", "--split", "dev", "--home", city[0], "--json").json()["looks"] == 0


def test_versions_are_listed_compared_and_verified(run, city):
    home, made = city
    assert [v["version"] for v in run("dataset", "list", "--home", home, "--json").json()] == [made["version"]]
    shown = run("dataset", "show", made["version"][:6], "--home", home, "--json").json()
    assert shown["licence"] == "CC-BY-4.0" and shown["purpose"] == "not-stated"
    again = run("dataset", "create", "city", "--home", home, "--stride", 20, "--share", "train=.5", "--share", "dev=.25",
                "--share", "gate=.25", "--json", env={"ROADMILL_THREADS": "1"}).json()
    assert again["version"] == made["version"] and again["already"]
    diff = run("dataset", "diff", "city", "city", "--home", home, "--json").json()
    assert diff["same"] == made["scenes"] and diff["moved"] == 0 and diff["same_inputs"]
    verified = run("dataset", "verify", "city", "--home", home, "--json").json()
    assert verified["leaks"]["clean"], verified["leaks"]["worst"]


def test_wrong_options_are_refused(run, city):
    done = run("dataset", "create", "nowhere", "--home", city[0], "--split", "place", check=False)
    assert done.returncode == 2 and "expected places" in done.stderr
    done = run("dataset", "create", "x", "--home", city[0], "--share", "train", check=False)
    assert done.returncode == 2 and "--share SPLIT=SHARE" in done.stderr
    done = run("mine", "--dataset", "city", "--home", city[0], check=False)
    assert done.returncode == 2 and "expected --run RUN, found none" in done.stderr


def test_a_slice_by_query_is_the_one_of_the_rows(run, city, exported, example):
    _, rows = example.arrays(exported, "dev")
    speed = np.array(rows["speed_mps"])
    bar = float(np.round(np.median(speed), 1))
    document = run("eval", "--dataset", "city", "--home", city[0], "--json", "--slice",
                   f"fast=fast(a: vehicle): speed(a) > {bar} m/s").json()
    slices = {s["name"]: s for s in document["models"][0]["slices"]}
    assert 0 < (speed > bar).sum() < len(speed)
    assert slices["fast"]["windows"] == (speed > bar).sum()
    assert slices["moving"]["windows"] == (speed >= 0.5).sum()


def test_a_batch_is_mined_and_makes_a_child(run, city, tmp_path):
    home, made = city
    config = tmp_path / "small.yaml"
    config.write_text("width: 16\nblocks: 1\nheads: 2\nhidden: 32\nsteps: 5\nagents: 4\nmap: 4\n")
    trained = run("train", config, "--dataset", "city", "--home", home, "--json").json()
    mined = run("mine", "--dataset", "city", "--run", trained["run"], "--budget", 6, "--home", home, "--json").json()
    again = run("mine", "--dataset", "city", "--run", trained["run"], "--budget", 6, "--home", home, "--json",
                env={"ROADMILL_THREADS": "1"}).json()
    assert mined == again and len(mined["picks"]) == 6 and mined["candidates"] == made["counts"]["dev"]
    assert {p["reason"] for p in mined["picks"]} <= {"hard", "novel", "diverse"}
    child = run("dataset", "create", "child", "--parent", "city", "--add", mined["selection"], "--home", home, "--json").json()
    assert child["counts"]["train"] == made["counts"]["train"] + 6
    assert child["counts"]["gate"] == made["counts"]["gate"]
    assert run("dataset", "verify", "child", "--home", home, "--json").json()["leaks"]["clean"]
    refused = run("mine", "--dataset", "city", "--run", trained["run"], "--from", "gate", "--home", home, check=False)
    assert refused.returncode == 2 and 'expected --from dev or train, found "gate"' in refused.stderr
