"""Muon against AdamW on NGSIM: each tuned by a sweep of its own, then given the same wall time, five seeds each.
Prints the table of docs/benchmarks.md.

  bench/optimisers.py [TRIALS] [SEEDS]     RML_PROGRAM, RML_DATA as ./run bench sets them

Learning rate and weight decay are searched for both, over the same ranges. Trials are compared on families of
recordings that neither the training nor the table's split has. The wall time of a step is the median of
trainings in turn; the slower optimiser gets fewer steps.
"""
import os
import pathlib
import statistics
import sys
import tempfile

from ngsim_home import call, make, metrics

BASE = {"width": 64, "blocks": 2, "heads": 4, "hidden": 128, "agents": 16, "map": 16, "batch": 64, "drop_tokens": 0.35}
STEPS, ROUNDS, PROBE_STEPS = 900, 5, 120
SEARCH = """search:
  learning_rate: {from: 3e-4, to: 3e-2, log: true}
  weight_decay: {from: 0.003, to: 1, log: true}
"""


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


def text(m):
    return f"{m['value']:.3f} [{m['low']:.3f}, {m['high']:.3f}]"


def main():
    if not os.environ.get("RML_DATA"):
        return print("optimisers: skipped: no data")
    trials, seeds = (int(a) for a in (sys.argv[1:] + ["20", "5"][len(sys.argv) - 1:]))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        home = folder / "home"
        make(home)
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
                runs.append(done["run"])
                seconds.append(done["seconds"])
            table = metrics(home, *runs)
            v = best["values"]
            print(f"{'Muon' if muon else 'AdamW'}  {steps}  {statistics.median(seconds):.1f}  {v['learning_rate']}  "
                  f"{v['weight_decay']}  {best['loss_validation']:.4f}  {text(table['min_fde_1'])}  "
                  f"{text(table['min_fde_6'])}  {text(table['min_ade_6'])}", flush=True)


main()
