"""Muon against AdamW on NGSIM: each tuned by a sweep of its own, then given the same wall time, five seeds each.
Prints the table of docs/benchmarks.md.

  bench/optimisers.py [TRIALS] [SEEDS]     RML_PROGRAM, RML_DATA as ./run bench sets them

Learning rate and weight decay are searched for both, over the same ranges. Trials are compared on families of
recordings that neither the training nor the table's split has. The wall time of a step is the median of
trainings in turn; the slower optimiser gets fewer steps.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("RML_PROGRAM", str(ROOT / "build/bench/roadmill"))
BASE = {"width": 64, "blocks": 2, "heads": 4, "hidden": 128, "agents": 16, "map": 16, "batch": 64, "drop_tokens": 0.35}
STEPS, ROUNDS, PROBE_STEPS = 900, 5, 120
SEARCH = """search:
  learning_rate: {from: 3e-4, to: 3e-2, log: true}
  weight_decay: {from: 0.003, to: 1, log: true}
"""


def call(home, *words):
    done = subprocess.run([PROGRAM, *map(str, words), "--home", str(home), "--quiet", "--json"], capture_output=True,
                          text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def flow(settings):
    return "{" + ", ".join(f"{k}: {str(v).lower()}" for k, v in settings.items()) + "}"


def write(path, settings):
    path.write_text("".join(f"{k}: {str(v).lower()}\n" for k, v in settings.items()))
    return path


def step_seconds(home, folder):
    """Median seconds of a step, by optimiser, measured in turn so that a slow moment meets both."""
    seen = {False: [], True: []}
    for r in range(ROUNDS):
        for muon in seen:
            config = write(folder / "probe.yaml", {**BASE, "steps": PROBE_STEPS, "muon": muon, "seed": 1000 + r})
            done = call(home, "train", config, "--dataset", "ngsim")
            seen[muon].append((done["seconds"] - done["first_step_s"]) / PROBE_STEPS)
    return {muon: statistics.median(s) for muon, s in seen.items()}


def metric(document, name):
    model = next(m for m in document["models"] if m["kind"] == "model")
    cut = next(s for s in model["slices"] if s["name"] == "all")
    m = next(m for m in cut["metrics"] if m["name"] == name)
    return f"{m['value']:.3f} [{m['low']:.3f}, {m['high']:.3f}]"


def main():
    if not os.environ.get("RML_DATA"):
        return print("optimisers: skipped: no data")
    trials, seeds = (int(a) for a in (sys.argv[1:] + ["20", "5"][len(sys.argv) - 1:]))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        home = folder / "home"
        subprocess.run([PROGRAM, "init", str(home)], check=True, capture_output=True)
        scenarios = pathlib.Path(os.environ["RML_DATA"]) / "scenes/ngsim-commonroad/2020a"
        call(home, "ingest", "--licence", "BSD-3-Clause", scenarios / "US101", scenarios / "Lankershim")
        call(home, "dataset", "create", "ngsim", "--split", "family", "--keep-one", "--stride", "5",
             "--share", "train=0.6", "--share", "validation=0.2", "--share", "dev=0.2")
        cost = step_seconds(home, folder)
        print(f"one step: AdamW {1e3 * cost[False]:.2f} ms, Muon {1e3 * cost[True]:.2f} ms", flush=True)
        print("optimiser  steps  seconds  learning_rate  weight_decay  validation loss  minFDE k=1  minFDE k=6  minADE k=6")
        for muon in (False, True):
            steps = round(STEPS * min(1, cost[False] / cost[True]) / 20) * 20 if muon else STEPS
            base = {**BASE, "steps": steps, "muon": muon}
            sweep = folder / "sweep.yaml"
            sweep.write_text(f"train: {flow(base)}\n{SEARCH}trials: {trials}\nrungs: 3\n")
            found = call(home, "sweep", sweep, "--dataset", "ngsim")
            best = found["trials"][0]
            runs, seconds = [], []
            for seed in range(11, 11 + seeds):
                config = write(folder / "best.yaml", {**base, **best["values"], "seed": seed})
                done = call(home, "train", config, "--dataset", "ngsim")
                runs += ["--run", done["run"]]
                seconds.append(done["seconds"])
            document = call(home, "eval", "--dataset", "ngsim", "--split", "dev", *runs)
            v = best["values"]
            print(f"{'Muon' if muon else 'AdamW'}  {steps}  {statistics.median(seconds):.1f}  {v['learning_rate']}  "
                  f"{v['weight_decay']}  {best['loss_validation']:.4f}  {metric(document, 'min_fde_1')}  "
                  f"{metric(document, 'min_fde_6')}  {metric(document, 'min_ade_6')}", flush=True)


main()
