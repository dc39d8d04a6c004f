"""What a setting does on NGSIM: the same seeds trained without and with it, judged on families of recordings that
neither saw. Prints minFDE of both by seed, the interval of their difference, and whether two one-sided tests call them
equivalent at 1 %.

  bench/setting.py [SEEDS] [NAME=VALUE ...]     bfloat16=true if none; RML_PROGRAM, RML_DATA as ./run bench sets them

The tests (Schuirmann, J. Pharmacokinetics and Biopharmaceutics 15, 1987) are of the mean over seeds of the paired
difference as a share of the mean without: equivalent where the 90 % t interval lies within +-1 %.
"""
import os
import pathlib
import statistics
import sys
import tempfile

from ngsim_home import ROOT, call, make, metrics

METRICS, MARGIN = ("min_fde_1", "min_fde_6"), 0.01
T95 = {2: 6.314, 3: 2.920, 4: 2.353, 5: 2.132, 6: 2.015, 8: 1.895, 10: 1.833, 15: 1.761, 20: 1.729, 30: 1.699}


def interval(shares):
    """90 % t interval of the mean: both one-sided tests at 5 % at once."""
    known = max(n for n in T95 if n <= len(shares))
    reach = T95[known] * statistics.stdev(shares) / len(shares) ** 0.5
    mean = statistics.mean(shares)
    return mean, mean - reach, mean + reach


def main():
    if not os.environ.get("RML_DATA"):
        return print("setting: skipped: no data")
    first = (sys.argv[1:] + ["5"])[0]
    if not first.isdigit() or int(first) < 2 or not all("=" in a for a in sys.argv[2:]):
        sys.exit("setting: expected two seeds or more, then settings as NAME=VALUE")
    seeds = int(first)
    changes = dict(a.split("=", 1) for a in sys.argv[2:] or ["bfloat16=true"])
    lines = (ROOT / "examples/ngsim.yaml").read_text().splitlines()
    kept = [line for line in lines if line.split(":")[0] not in changes]
    configs = {"without": lines, "with": kept + [f"{k}: {v}" for k, v in changes.items()]}
    with tempfile.TemporaryDirectory() as name:
        home = pathlib.Path(name) / "home"
        make(home)
        settings, found = pathlib.Path(name) / "train.yaml", {k: [] for k in configs}
        print("seed  " + "  ".join(f"{m} without  {m} with" for m in METRICS))
        for seed in range(11, 11 + seeds):
            for way, config in configs.items():
                settings.write_text("\n".join(config) + "\n")
                run = call(home, "train", settings, "--dataset", "ngsim", "--seed", seed)["run"]
                found[way].append({name: m["value"] for name, m in metrics(home, run).items()})
            print(f"{seed}    " + "  ".join(f"{found[k][-1][m]:.4f}" for m in METRICS for k in found), flush=True)
        for m in METRICS:
            base = statistics.mean(r[m] for r in found["without"])
            mean, low, high = interval([(b[m] - a[m]) / base for a, b in zip(*found.values())])
            apart = low > MARGIN or high < -MARGIN
            verdict = "equivalent" if -MARGIN < low and high < MARGIN else "different" if apart else "undecided"
            spread = statistics.stdev(r[m] for r in found["without"]) / base
            print(f"{m}: {100 * mean:+.2f} % [{100 * low:+.2f}, {100 * high:+.2f}]: {verdict} at 1 %; spread over seeds "
                  f"without {100 * spread:.1f} %", flush=True)


main()
