"""A second task through the whole wheel: `stands`, the seconds until an agent stands, one number with its own cutter, loss,
metric and baselines. What is cut is recomputed here from the files; the model must beat the blind baseline by its gate."""
import json
import math
import shutil
import subprocess

import pyarrow.parquet
import pytest

STATES, STEP_S, HORIZON, STANDS_MPS = 90, 0.1, 30, 0.5


def positions(recording, car):
    """Cars that brake, each from its own time on, until they stand."""
    speed, brakes_at, rate = 6 + (recording * 7 + car * 3) % 9, 8 + (recording * 11 + car * 17) % 60, 3 + car % 3
    x, out = 25.0 * car, []
    for t in range(STATES):
        out.append((x, 0.05 * math.sin(0.2 * t + car)))
        wave = 0.2 * math.sin(0.37 * t + 1.7 * recording + 0.9 * car)  # no two recordings are alike
        x += STEP_S * max(0.0, speed + wave - max(0, t - brakes_at) * STEP_S * rate)
    return out


def state(t, x, y):
    return (f"<position><point><x>{x:.6f}</x><y>{y:.6f}</y></point></position><orientation><exact>0</exact></orientation>"
            f"<time><exact>{t}</exact></time>")


def scenario(number):
    lane = "".join(f"<{side}><point><x>0</x><y>{y}</y></point><point><x>900</x><y>{y}</y></point></{side}>"
                   for side, y in (("leftBound", 2), ("rightBound", -2)))
    cars = ""
    for car in range(6):
        states = [state(t, x, y) for t, (x, y) in enumerate(positions(number, car))]
        cars += (f'<dynamicObstacle id="{10 + car}"><type>car</type><shape><rectangle><length>4.5</length><width>1.8</width>'
                 f"</rectangle></shape><initialState>{states[0]}</initialState><trajectory>" +
                 "".join(f"<state>{s}</state>" for s in states[1:]) + "</trajectory></dynamicObstacle>")
    return (f'<?xml version="1.0"?><commonRoad commonRoadVersion="2020a" timeStepSize="{STEP_S}" benchmarkID="TST_Halt-{number}_1_T-1">'
            "<location><geoNameId>0</geoNameId><gpsLatitude>0</gpsLatitude><gpsLongitude>0</gpsLongitude></location>"
            f'<lanelet id="1">{lane}<laneletType>urban</laneletType></lanelet>{cars}</commonRoad>')


def stands_s(recording, car, now):
    """As docs/scenes.md defines it, from what the file says."""
    p = positions(recording, car)
    speed = [math.dist(p[t], p[t - 1]) / STEP_S for t in range(1, STATES)]  # speed[t - 1]: at sample t
    if speed[now - 1] < STANDS_MPS:
        return 0.0
    for k in range(1, HORIZON + 1):
        if speed[now + k - 1] < STANDS_MPS:
            return k * STEP_S
    return HORIZON * STEP_S


@pytest.fixture(scope="module")
def halts(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks")
    for number in range(24):
        (folder / f"TST_Halt-{number}_1_T-1.xml").write_text(scenario(number))
    home = folder / "home"
    run("init", home)
    for number in range(24):
        run("ingest", folder / f"TST_Halt-{number}_1_T-1.xml", "--home", home, "--licence", "CC0-1.0", "--quiet")
    run("dataset", "create", "halts", "--task", "stands", "--home", home, "--split", "recording", "--stride", "4", "--share",
        "train=.4", "--share", "validation=.1", "--share", "dev=.25", "--share", "gate=.25", "--quiet")
    (folder / "stands.yaml").write_text("task: stands\nsteps: 800\nbatch: 64\nnoise: 0.005\nlearning_rate: 0.004\n")
    return folder


@pytest.fixture(scope="module")
def trained(run, halts):
    return run("train", halts / "stands.yaml", "--dataset", "halts", "--home", halts / "home", "--json").json()


def test_cut_is_what_the_files_say(run, halts):
    home = halts / "home"
    run("dataset", "verify", "halts", "--home", home)
    run("dataset", "export", "halts", "--to", halts / "out", "--home", home)
    manifest = json.loads((halts / "out/manifest.json").read_text())
    assert manifest["format"] == "roadmill-dataset-2" and manifest["cutter"] == "stands"
    tensors = {t["name"]: t for t in manifest["tensors"]}
    assert tensors["stands_s"] == {"name": "stands_s", "shape": [1], "type": "float32", "ragged": False, "future": True, "unit": "s"}
    assert tensors["token_valid"]["type"] == "uint8"
    names = {r["recording_id"]: r["uri"] for r in run("recordings", "--home", home, "--json").json()}
    seen = set()
    for split in ("train", "validation", "dev", "gate"):
        for row in pyarrow.parquet.read_table(halts / f"out/{split}.parquet").to_pylist():
            number = int(names[row["recording_id"]].split("Halt-")[1].split("_")[0])
            now = round(row["t0_ns"] * 1e-9 / STEP_S)
            want = stands_s(number, int(row["track_id"]) - 10, now)
            assert row["stands_s"] == [pytest.approx(want, abs=1e-5)], (number, row["track_id"], now)
            seen.add(want)
    assert {0.0, HORIZON * STEP_S} < seen and len(seen) > 20


def test_model_beats_the_blind_baseline_and_passes_its_gate(run, halts, trained):
    home = halts / "home"
    words = ["eval", "--dataset", "halts", "--run", trained["run"], "--name", "halts", "--home", home]
    document = run(*words, "--split", "gate", "--json").json()
    assert document["task"] == "stands" and document["best_blind"] == "stands_blind"
    assert [m["name"] for m in document["metrics"]] == ["stands_error"]
    model, never, blind = document["models"]
    assert (model["kind"], never["kind"], blind["kind"]) == ("model", "baseline", "blind")
    value = {m["name"]: m["slices"][0]["metrics"][0]["value"] for m in document["models"]}
    assert value["halts"] < 0.7 * value["stands_blind"] < 0.7 * value["stands_never"]
    against = {a["baseline"]: a for a in model["slices"][0]["against"]}
    assert against["stands_blind"]["high"] < -0.1
    assert "stands_error" in run(*words).stdout
    (halts / "policy.yaml").write_text(
        "name: stands\nsplit: gate\nmin_windows: 30\nmin_units: 3\nleaks: ignored\nlicences: [CC0-1.0]\nmargins:\n"
        "  - {metric: stands_error, slice: all, against: best_blind, at_most: -0.1}\n")
    run("export", trained["run"], halts / "bundle", "--home", home)
    for file in (home / "runs" / trained["run"] / "model").iterdir():
        shutil.copy(file, halts / "bundle")
    run("models", "add", "halts", halts / "bundle", "--run", trained["run"], "--home", home)
    gate = run("gate", "halts", "--policy", halts / "policy.yaml", "--home", home, "--json", check=False).json()
    margin = [c for c in gate["conditions"] if "stands_error" in c["name"] or "stands_error" in c["reason"]]
    assert gate["verdict"] == "pass" and margin, gate


def test_export_says_the_same(run, halts, trained):
    run("export", trained["run"], halts / "export", "--home", halts / "home")
    assert (halts / "export/stands.onnx").stat().st_size > 0
    subprocess.run(["cc", "-std=c99", "-O2", "-o", "test", "stands.c", "stands_test.c", "-lm"], cwd=halts / "export", check=True)
    subprocess.run(["./test"], cwd=halts / "export", check=True, capture_output=True)


def test_mined_scenes_become_a_child(run, halts, trained):
    home = halts / "home"
    run("mine", "--dataset", "halts", "--run", trained["run"], "--budget", "10", "--name", "pick", "--home", home)
    child = run("dataset", "create", "child", "--parent", "halts", "--add", "pick", "--home", home, "--json").json()
    whole = run("dataset", "show", "halts", "--home", home, "--json").json()
    assert child["counts"]["train"] == whole["counts"]["train"] + 10
    refused = run("dataset", "create", "other", "--parent", "halts", "--task", "predictor", "--home", home, check=False)
    assert refused.returncode != 0 and "expected the cutter of the parent version (stands), found agents_map" in refused.stderr


def test_tasks_and_versions_do_not_mix(run, halts):
    (halts / "predictor.yaml").write_text("steps: 20\n")
    wrong = run("train", halts / "predictor.yaml", "--dataset", "halts", "--home", halts / "home", check=False)
    assert wrong.returncode != 0 and "use a version that was cut for this task" in wrong.stderr
    (halts / "typo.yaml").write_text("task: stnads\n")
    typo = run("train", halts / "typo.yaml", "--dataset", "halts", "--home", halts / "home", check=False)
    assert 'expected a task (predictor, stands), found "stnads"' in typo.stderr and "typo.yaml:1:7" in typo.stderr
    (halts / "field.yaml").write_text("task: stands\nblocks: 2\n")
    field = run("train", halts / "field.yaml", "--dataset", "halts", "--home", halts / "home", check=False)
    assert field.returncode != 0 and "blocks" in field.stderr and "field.yaml:2:1" in field.stderr


def test_turn(run, halts, tmp_path):
    (tmp_path / "turn.yaml").write_text(
        "name: halts\ntask: stands\ndataset: {split: recording, stride: 6}\ntrain: {steps: 200, hidden: 32}\n"
        "mine: {budget: 10, seeds: 2, steps: 60, width: 16}\n")
    words = ["turn", "--config", tmp_path / "turn.yaml", "--home", tmp_path / "home", "--licence", "CC0-1.0",
             *sorted(halts.glob("TST_*.xml"))]
    first = run(*words, check=False)
    assert "report:" in first.stdout, first.stderr
    page = (tmp_path / "home/report.html").read_text()
    assert "stands_blind" in page and "stands_error is " in page and "minFDE K=1" not in page
    assert (tmp_path / "home/models/halts/1/stands.onnx").exists()
    again = run(*words, check=False)
    assert again.stdout.count("unchanged, not done again") == 7, again.stdout
