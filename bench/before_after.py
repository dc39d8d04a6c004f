"""Two programs on the same data: what each makes (names by hash), and what it costs.

    before_after.py OLD NEW [--data DIR] [--instructions] [--pairs N]

Ingests recorded traffic and a robot's bag, makes a version, trains a small predictor, evaluates it and exports
it, with either program, and prints a table of what is equal. --instructions counts them by callgrind (one thread,
AVX2, which valgrind knows); --pairs N times N pairs by turns and gives the mean ratio with its 95 % interval
(Student's t over pairs). A ratio above 1 is more work for NEW.
"""
import argparse
import hashlib
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONFIG = "width: 32\nblocks: 2\nheads: 4\nhidden: 64\nsteps: 40\nbatch: 16\nseed: 1\n"
T95 = {4: 2.776, 9: 2.262, 14: 2.145, 19: 2.093, 29: 2.045}  # degrees of freedom


def run(program, *words, prefix=(), threads=None):
    environment = {**os.environ, "ROADMILL_HOME": ""}
    if threads:
        environment |= {"ROADMILL_THREADS": str(threads), "ROADMILL_CPU": "avx2"}
    done = subprocess.run([*prefix, program, *map(str, words)], capture_output=True, text=True, env=environment)
    if done.returncode not in (0, 3):
        sys.exit(f"{program} {' '.join(map(str, words))}: {done.stderr}")
    return done


def steps(home, data, config):
    """Name, words of the command: each is what a person would type."""
    traffic = data / "scenes/ngsim-commonroad/2020a"
    bag = data / "logs/ros1-bags/fuse/turtlebot3.bag"
    return [
        ("start", ("--version",)),
        ("ingest traffic", ("ingest", "--home", home, traffic)),
        ("dataset", ("dataset", "create", "one", "--home", home, "--split", "family", "--keep-one")),
        ("train", ("train", config, "--home", home, "--dataset", "one")),
        ("eval", ("eval", "--home", home, "--dataset", "one", "--run", "RUN", "--split", "dev")),
        ("export", ("export", "RUN", home / "out", "--home", home, "--format", "c")),
        ("ingest a bag", ("ingest", "--home", home.parent / "bag", bag)),
    ]


def answer(program, *words):
    return json.loads(run(program, *words, "--json").stdout)


def named(words, run_hash):
    return [run_hash if word == "RUN" else word for word in words]


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "-"


def made(program, folder, data):
    """Everything once; the hashes of what was made."""
    home, config = folder / "home", folder / "train.yaml"
    config.write_text(CONFIG)
    found = {}
    for name, words in steps(home, data, config):
        run_hash = next((path.name for path in sorted((home / "runs").glob("*"))), "") if (home / "runs").is_dir() else ""
        done = run(program, *named(words, run_hash), *(["--json"] if name == "eval" else []))
        if name == "dataset":
            found["version"] = next((home / "versions").iterdir()).name
        if name == "train":
            found["run"] = next((home / "runs").iterdir()).name
            found["weights"] = sha256(next((home / "runs").glob("*/model/weights.safetensors")))
        if name == "eval":
            found["evaluation"] = hashlib.sha256(done.stdout.encode()).hexdigest()
        if name == "export":
            found["emitted C"] = sha256(next((home / "out").glob("*[!t].c")))
    shards = b"".join(path.read_bytes() for path in sorted((home / "versions").glob("*/shard-*")))
    found["shards"] = hashlib.sha256(shards).hexdigest()
    for table in answer(program, "lake", "tables", "--home", home):
        found[f"state of {table['name']}"] = table["state"]
    return found


def cost(program, folder, data, measure):
    home, config = folder / "home", folder / "train.yaml"
    config.write_text(CONFIG)
    costs = {}
    for name, words in steps(home, data, config):
        run_hash = next((path.name for path in sorted((home / "runs").glob("*"))), "") if (home / "runs").is_dir() else ""
        costs[name] = measure(program, named(words, run_hash))
    return costs


def instructions(program, words):
    with tempfile.NamedTemporaryFile() as out:
        done = run(program, *words, threads=1,
                   prefix=("valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}"))
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def seconds(program, words):
    start = time.perf_counter()
    run(program, *words)
    return time.perf_counter() - start


def interval(ratios):
    mean = statistics.fmean(ratios)
    half = T95.get(len(ratios) - 1, 2.0) * statistics.stdev(ratios) / math.sqrt(len(ratios)) if len(ratios) > 1 else math.nan
    return f"{mean:.3f} [{mean - half:.3f}, {mean + half:.3f}]"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("old")
    options.add_argument("new")
    options.add_argument("--data", type=pathlib.Path, default=ROOT / "build/data")
    options.add_argument("--instructions", action="store_true")
    options.add_argument("--pairs", type=int, default=0)
    given = options.parse_args()
    programs = [given.old, given.new]
    with tempfile.TemporaryDirectory() as scratch:
        folders = [pathlib.Path(scratch) / name for name in ("old", "new")]

        def fresh():
            for folder in folders:
                subprocess.run(["rm", "-rf", folder], check=True)
                folder.mkdir()

        fresh()
        old, new = (made(program, folder, given.data) for program, folder in zip(programs, folders))
        for name in dict.fromkeys([*old, *new]):
            same = "same" if old.get(name) == new.get(name) else "CHANGED"
            print(f"{name:24} {old.get(name, '-')[:12]} {new.get(name, '-')[:12]} {same}")
        if given.instructions:
            fresh()
            old, new = (cost(program, folder, given.data, instructions) for program, folder in zip(programs, folders))
            for name in old:
                print(f"{name:24} {old[name]:>14,} {new[name]:>14,} instructions {new[name] / old[name]:.3f}")
        ratios = {}
        for _ in range(given.pairs):
            fresh()
            old, new = (cost(program, folder, given.data, seconds) for program, folder in zip(programs, folders))
            for name in old:
                ratios.setdefault(name, []).append(new[name] / old[name])
        for name, values in ratios.items():
            print(f"{name:24} time {interval(values)} over {len(values)} pairs")


if __name__ == "__main__":
    main()
