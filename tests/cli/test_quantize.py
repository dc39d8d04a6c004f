"""`quantize`: a run in int8 is a run like any other; every tensor is accounted for; the same bytes at any number of
threads; ONNX Runtime and the emitted C give what the engine gives; `eval --against` pairs it with where it came from."""
import json
import re
import subprocess
import xml.etree.ElementTree

import numpy as np
import pytest

CONFIG = "width: 16\nblocks: 2\nheads: 2\nhidden: 32\nbatch: 8\nsteps: 200\nlearning_rate: 0.01\n"


@pytest.fixture(scope="module")
def made(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("quantize")
    home = folder / "home"
    run("init", home)
    run("synth", folder / "fleet", "--seed", "3", "--quiet")
    run("ingest", folder / "fleet", "--home", home, "--quiet")
    run("dataset", "create", "made", "--home", home, "--split", "recording", "--share", "train=0.4", "--share",
        "validation=0.3", "--share", "dev=0.3", "--quiet")
    (folder / "small.yaml").write_text(CONFIG)
    done = run("train", folder / "small.yaml", "--dataset", "made", "--home", home, "--json").json()
    int8 = run("quantize", done["run"], "--dataset", "made", "--home", home, "--json").json()
    return home, done["run"], int8


def tensors_of(home, name):
    raw = (home / "runs" / name / "model/weights.safetensors").read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    body = raw[8 + size:]
    return {k: np.frombuffer(body[v["data_offsets"][0]:v["data_offsets"][1]], "<f4").reshape(v["shape"])
            for k, v in header.items()}


def test_every_tensor_is_accounted_for(made):
    home, before, int8 = made
    tensors, old = tensors_of(home, int8["run"]), tensors_of(home, before)
    assert {t["name"]: t["elements"] for t in int8["tensors"]} == {k: v.size for k, v in tensors.items()}
    layers = {layer["name"]: layer for layer in int8["layers"]}
    assert len(layers) == 16 and sum(layer["int8"] for layer in layers.values()) == 12
    for t in int8["tensors"]:
        layer, _, end = t["name"].rpartition(".")
        whole = layer in layers and layers[layer]["int8"] and end == "weight"
        assert t["type"] == ("int8" if whole else "float32") and (t["why"] == "") == whole, t
        if whole:
            w, scale = tensors[t["name"]], tensors[layer + ".scale"]
            assert np.all(w == np.round(w)) and np.abs(w).max() <= 127
            # Brought back they are the old weights, but for the channels that were equalised.
            back = w * scale[:, None] / layers[layer]["scale"]
            if not layers[layer]["equalised"] and not layer.endswith("value"):
                error = np.sqrt(np.sum((back - old[t["name"]]) ** 2) / np.sum(old[t["name"]] ** 2))
                assert error == pytest.approx(layers[layer]["weight_error"], rel=1e-3) and error < 0.02
    assert all(layer["input_error"] < 0.05 for layer in layers.values() if layer["int8"])


def test_equalising_changes_nothing_by_itself(run, made):
    """With every layer kept in float32 only the equalised channels are left of it."""
    home, before, _ = made
    words = ["quantize", before, "--dataset", "made", "--home", home, "--keep", "blocks", "--json"]
    kept = run(*words).json()
    assert any(layer["equalised"] for layer in kept["layers"]) and not any(layer["int8"] for layer in kept["layers"])
    assert kept["loss_validation"] == pytest.approx(kept["loss_validation_before"], rel=1e-4)
    plain = run(*words, "--no-equalise").json()
    assert plain["loss_validation"] == plain["loss_validation_before"]


def test_same_bytes_at_any_number_of_threads(run, made):
    home, before, int8 = made
    for threads in ["1", "3"]:
        again = run("quantize", before, "--dataset", "made", "--home", home, "--json", env={"ROADMILL_THREADS": threads}).json()
        assert again["weights"] == int8["weights"] and again["run"] == int8["run"]


def test_it_is_judged_against_where_it_came_from(run, made):
    home, before, int8 = made
    words = ["eval", "--dataset", "made", "--home", home, "--run", int8["run"], "--against", before]
    document = run(*words, "--json").json()
    models = [m for m in document["models"] if m["kind"] == "model"]
    assert [(m["name"], m["hash"]) for m in models] == [("model", int8["run"]), ("against", before)]
    values = [{m["name"]: m["value"] for m in model["slices"][0]["metrics"]} for model in models]
    pairs = {d["metric"]: d for d in models[0]["slices"][0]["against"] if d["baseline"] == "against"}
    assert "min_fde_6" in pairs
    for name, d in pairs.items():
        assert d["relative"] == pytest.approx(values[0][name] / values[1][name] - 1, abs=1e-9)
    assert abs(pairs["min_fde_1"]["relative"]) < 0.02
    assert not [d for d in models[1]["slices"][0]["against"] if d["baseline"] in ("model", "against")]
    text = run(*words).stdout
    assert re.search(r"all +min_fde_6 +[+-]\d", text)
    alone = run("eval", "--dataset", "made", "--home", home, "--against", before, check=False)
    assert alone.returncode != 0 and "to pair with" in alone.stderr


def test_it_leaves(run, made, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    home, before, int8 = made
    run("export", int8["run"], tmp_path / "int8", "--home", home)
    run("export", before, tmp_path / "float", "--home", home)
    source = (tmp_path / "int8/predictor.c").read_text()
    assert source.count("static const int8_t bytes_") == 12
    subprocess.run(["gcc", "-std=c99", "-O2", "-o", tmp_path / "test", tmp_path / "int8/predictor.c",
                    tmp_path / "int8/predictor_test.c", "-lm"], check=True)
    subprocess.run([tmp_path / "test"], check=True)
    sessions = [onnxruntime.InferenceSession(tmp_path / f / "predictor.onnx", providers=["CPUExecutionProvider"])
                for f in ("int8", "float")]
    rng = np.random.default_rng(1)
    feed = {i.name: rng.normal(size=i.shape).astype("f4") for i in sessions[0].get_inputs()}
    feed["token_valid"] = np.ones_like(feed["token_valid"])
    got, want = (s.run(None, feed)[0] for s in sessions)
    assert np.sqrt(np.mean((got - want) ** 2)) < 0.1 * np.std(want)


def test_it_is_a_run_like_any_other(run, made):
    home, before, int8 = made
    shown = run("runs", "show", int8["run"], "--home", home, "--json").json()
    assert shown["body"]["quantized_from"] == before
    assert before in run("lineage", int8["run"], "--home", home, "--json").stdout
    drawn = home.parent / "plan.svg"
    assert run("graph", "show", int8["run"], "--home", home, "--plot", drawn).stdout.count("quantize") >= 8
    picture = xml.etree.ElementTree.parse(drawn)
    labels = [t.text for t in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert sum(t.startswith("quantize ") for t in labels) >= 8 and any("MFLOP" in t for t in labels)


def test_errors(run, made):
    home, before, int8 = made
    cases = [
        ([int8["run"]], "expected a run in float32, found one that is quantized"),
        ([before, "--keep", "blocks.7"], "expected linear layers that begin with blocks.7, found none"),
    ]
    for words, told in cases:
        failed = run("quantize", *words, "--dataset", "made", "--home", home, check=False)
        assert failed.returncode != 0 and told in failed.stderr, failed.stderr
    path = home / "runs" / int8["run"] / "model/config.json"
    good = path.read_text()
    for old, new in [('"zero":', '"zero":-'), ('"layer":"blocks', '"layer":"rocks'), ('"scale":', '"scale":-')]:
        assert old in good
        path.write_text(good.replace(old, new, 1))
        failed = run("eval", "--dataset", "made", "--home", home, "--run", int8["run"], check=False)
        assert failed.returncode not in (0, -11) and failed.stderr.count("\n") == 1, failed.stderr
    path.write_text(good)
