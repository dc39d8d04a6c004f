"""A home with both NGSIM sites, split by family of recordings, for the benches that train on it."""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("RML_PROGRAM", str(ROOT / "build/bench/roadmill"))


def call(home, *words):
    """The JSON document of a command; its error ends the bench."""
    done = subprocess.run([PROGRAM, *map(str, words), "--home", str(home), "--quiet", "--json"], capture_output=True,
                          text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def make(home):
    subprocess.run([PROGRAM, "init", str(home)], check=True, capture_output=True)
    scenarios = pathlib.Path(os.environ["RML_DATA"]) / "scenes/ngsim-commonroad/2020a"
    call(home, "ingest", "--licence", "BSD-3-Clause", scenarios / "US101", scenarios / "Lankershim")
    call(home, "dataset", "create", "ngsim", "--split", "family", "--keep-one", "--stride", "5",
         "--share", "train=0.6", "--share", "validation=0.2", "--share", "dev=0.2")


def metrics(home, *runs):
    """By name, over all windows of dev: value, low and high of these runs together."""
    words = [w for run in runs for w in ("--run", run)]
    document = call(home, "eval", "--dataset", "ngsim", "--split", "dev", *words)
    model = next(m for m in document["models"] if m["kind"] == "model")
    cut = next(s for s in model["slices"] if s["name"] == "all")
    return {m["name"]: m for m in cut["metrics"]}
