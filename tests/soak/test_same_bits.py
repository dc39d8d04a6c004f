"""500 steps at any number of threads and processes, stopped half way and gone on with at another number: one set of
weights, with AdamW, with Muon, and in bfloat16 with relative poses."""
import json
import os
import subprocess

import pytest

from ranks import CONFIG, ENV, command, home_again, made  # noqa: F401 (made is a fixture)

WAYS = [(threads, 1) for threads in range(1, 9)] + [(1, 2), (2, 2), (1, 4), (2, 4)]


def step_on(program, made, home, config, way, *more):
    threads, ranks = way
    done = subprocess.run([*command(program, made, home, config, ranks), *more], capture_output=True, text=True,
                          env={**os.environ, **ENV, "ROADMILL_THREADS": str(threads)}, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SETTINGS = {"adamw": "", "muon": "muon: true\n", "bfloat16": "bfloat16: true\npose_bias: true\nnearest: 5\n"}


@pytest.mark.parametrize("name", SETTINGS)
def test_500_steps(program, made, name):
    (made / "bits.yaml").write_text(CONFIG.format(batch=32, steps=500) + SETTINGS[name])
    weights = set()
    for i, way in enumerate(WAYS):
        home = home_again(made, f"bits-{name}-{i}")
        weights.add(step_on(program, made, home, "bits", way)["weights"])
        home = home_again(made, f"halves-{name}-{i}")
        step_on(program, made, home, "bits", way, "--until", "237")
        done = step_on(program, made, home, "bits", WAYS[(i + 5) % len(WAYS)])
        assert done["resumed_at"] == 237
        weights.add(done["weights"])
    assert len(weights) == 1
