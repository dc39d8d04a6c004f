"""kill -9 at random moments of a training, alone and as several processes; each time it goes on, and at its end the
weights are those of the undisturbed run. RML_KILLS (200) of each kind."""
import os
import random
import re
import signal
import subprocess
import time

import pytest

from ranks import ENV, command, home_again, made, ranks_of, train  # noqa: F401 (made is a fixture)

KILLS = int(os.environ.get("RML_KILLS", "200"))
CONFIG = ("width: 16\nblocks: 1\nheads: 2\nhidden: 16\nbatch: 32\nsteps: {steps}\nseed: {seed}\n"
          "checkpoint_every: 1000000\ncheckpoint_s: 0.05\n")


def newest(home):
    return max((p.name for p in home.glob("runs/*/checkpoint-*")), default="")


def kill_once(program, made, home, config, ranks):
    """Seconds from the start to a new checkpoint, None if the run ended first."""
    before, start = newest(home), time.monotonic()
    job = subprocess.Popen(command(program, made, home, config, ranks), stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, text=True, env={**os.environ, **ENV})
    while newest(home) == before and job.poll() is None:
        assert time.monotonic() < start + 30
        time.sleep(0.005)
    waited = time.monotonic() - start
    time.sleep(random.random() * 0.4)
    victims = list(ranks_of(job).values()) if ranks > 1 else [job.pid]
    if job.poll() is None and victims:
        os.kill(random.choice(victims), signal.SIGKILL)
    _, told = job.communicate(timeout=60)
    assert job.returncode != 1 or "lost rank" in told or ranks > 1, told
    return None if job.returncode == 0 else waited


@pytest.mark.parametrize("ranks", [1, 2])
def test_killed_again_and_again(program, made, ranks):  # noqa: F811
    random.seed(ranks)
    kills, slowest, seed = 0, 0.0, 0
    while kills < KILLS:
        seed += 1
        (made / "kill.yaml").write_text(CONFIG.format(steps=6000, seed=seed))
        home, ended = home_again(made, f"kills-{ranks}-{seed}"), False
        while kills < KILLS and not ended:
            waited = kill_once(program, made, home, "kill", ranks)
            ended = waited is None
            kills += not ended
            slowest = max(slowest, waited or 0)
        done = [train(program, made, h, "kill", n)
                for h, n in [(home, 1), (home_again(made, f"calm-{ranks}-{seed}"), 1)]]
        assert all(r.returncode == 0 for r in done), done
        weights = {re.search(r'"weights":\s*"(\w{64})"', r.stdout).group(1) for r in done}
        assert len(weights) == 1
    print(f"{kills} kills in {seed} runs of {ranks} processes; "
          f"a new checkpoint at the latest {slowest:.2f} s after the start")
    assert slowest < 3
