"""What a setting does on NGSIM: the same seeds trained without and with it, judged on families of recordings that
neither saw. Prints minFDE of both by seed, the interval of their difference, and whether two one-sided tests call them
equivalent at 1 %.

  bench/setting.py [SEEDS] [NAME=VALUE ...]     bfloat16=true if none; RML_PROGRAM, RML_DATA as ./run bench sets them

The tests (Schuirmann, J. Pharmacokinetics and Biopharmaceutics 15, 1987) are of the mean over seeds of the paired
difference as a share of the mean without: equivalent where the 90 % t interval lies within +-1 %.
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
METRICS, MARGIN = ("min_fde_1", "min_fde_6"), 0.01
T95 = {2: 6.314, 3: 2.920, 4: 2.353, 5: 2.132, 6: 2.015, 8: 1.895, 10: 1.833, 15: 1.761, 20: 1.729, 30: 1.699}


def call(home, *words):
    done = subprocess.run([PROGRAM, *map(str, words), "--home", str(home), "--quiet", "--json"], capture_output=True,
                          text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def make_home(home):
    subprocess.run([PROGRAM, "init", str(home)], check=True, capture_output=True)
    scenarios = pathlib.Path(os.environ["RML_DATA"]) / "scenes/ngsim-commonroad/2020a"
    call(home, "ingest", "--licence", "BSD-3-Clause", scenarios / "US101", scenarios / "Lankershim")
    call(home, "dataset", "create", "ngsim", "--split", "family", "--keep-one", "--stride", "5",
         "--share", "train=0.6", "--share", "validation=0.2", "--share", "dev=0.2")


def judge(home, run):
    document = call(home, "eval", "--dataset", "ngsim", "--split", "dev", "--run", run)
    model = next(m for m in document["models"] if m["kind"] == "model")
    cut = next(s for s in model["slices"] if s["name"] == "all")
    return {m["name"]: m["value"] for m in cut["metrics"]}


def interval(shares):
    """90 % t interval of the mean: both one-sided tests at 5 % at once."""
    known = max(n for n in T95 if n <= len(shares))
    reach = T95[known] * statistics.stdev(shares) / len(shares) ** 0.5
    mean = statistics.mean(shares)
    return mean, mean - reach, mean + reach


def main():
    if not os.environ.get("RML_DATA"):
        return print("setting: skipped: no data")
    seeds = int((sys.argv[1:] + ["5"])[0])
    changes = "".join(a.replace("=", ": ", 1) + "\n" for a in sys.argv[2:] or ["bfloat16=true"])
    config = (ROOT / "examples/ngsim.yaml").read_text()
    with tempfile.TemporaryDirectory() as name:
        home = pathlib.Path(name) / "home"
        make_home(home)
        settings, found = pathlib.Path(name) / "train.yaml", {"": [], changes: []}
        print("seed  " + "  ".join(f"{m} without  {m} with" for m in METRICS))
        for seed in range(11, 11 + seeds):
            for added in found:
                settings.write_text(config + added)
                found[added].append(judge(home, call(home, "train", settings, "--dataset", "ngsim", "--seed",
                                                     seed)["run"]))
            print(f"{seed}    " + "  ".join(f"{found[k][-1][m]:.4f}" for m in METRICS for k in found), flush=True)
        for m in METRICS:
            base = statistics.mean(r[m] for r in found[""])
            mean, low, high = interval([(b[m] - a[m]) / base for a, b in zip(*found.values())])
            verdict = "equivalent" if -MARGIN < low and high < MARGIN else "not equivalent, or undecided,"
            spread = statistics.stdev(r[m] for r in found[""]) / base
            print(f"{m}: {100 * mean:+.2f} % [{100 * low:+.2f}, {100 * high:+.2f}]: {verdict} at 1 %; spread over seeds "
                  f"without {100 * spread:.1f} %", flush=True)


main()
