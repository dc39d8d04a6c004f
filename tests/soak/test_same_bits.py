"""500 steps at any number of threads and processes, stopped half way and gone on with at another number: one set of
weights, with AdamW and with Muon."""
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


@pytest.mark.parametrize("muon", ["false", "true"])
def test_500_steps(program, made, muon):
    (made / "bits.yaml").write_text(CONFIG.format(batch=32, steps=500) + f"muon: {muon}\n")
    weights = set()
    for i, way in enumerate(WAYS):
        home = home_again(made, f"bits-{muon}-{i}")
        weights.add(step_on(program, made, home, "bits", way)["weights"])
        home = home_again(made, f"halves-{muon}-{i}")
        step_on(program, made, home, "bits", way, "--until", "237")
        done = step_on(program, made, home, "bits", WAYS[(i + 5) % len(WAYS)])
        assert done["resumed_at"] == 237
        weights.add(done["weights"])
    assert len(weights) == 1
