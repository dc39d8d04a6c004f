"""`mpirun -n N roadmill train`: the same weights at any number of processes, stop and go on at another, and a process
that is lost, told by rank, phase and cause."""
import hashlib
import os
import re
import signal
import struct
import subprocess
import time

import pytest

from ranks import CONFIG, ENV, command, home_again, made, ranks_of, train  # noqa: F401 (made is a fixture)

@pytest.mark.parametrize("config", ["short", "odd", "muon"])
def test_same_weights_at_any_number_of_processes(program, made, config):
    weights = {}
    for ranks in [1, 2, 3, 4]:
        home = home_again(made, f"{config}-{ranks}")
        done = train(program, made, home, config, ranks)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("weights") == 1 and done.stderr == ""
        files = list(home.glob("runs/*/model/weights.safetensors"))
        assert len(files) == 1
        weights[ranks] = (re.search(r'"weights":\s*"(\w{64})"', done.stdout).group(1), files[0].read_bytes())
    assert len(set(weights.values())) == 1


def test_ranks_may_have_different_numbers_of_threads(program, made):
    weights = set()
    pick = 'rank=${OMPI_COMM_WORLD_RANK:-$PMI_RANK}; shift $rank; export ROADMILL_THREADS=$1; shift $((3 - rank)); exec "$@"'
    for threads in [(1, 1, 1), (1, 2, 1), (2, 1, 3)]:
        home = home_again(made, "threads-" + "-".join(map(str, threads)))
        words = [*map(str, threads), *command(program, made, home, "short", 1)]
        done = subprocess.run(["mpirun", "-n", "3", "sh", "-c", pick, "sh", *words], capture_output=True, text=True,
                              env={**os.environ, **ENV}, timeout=60)
        assert done.returncode == 0, done.stderr
        weights.add(re.search(r'"weights":\s*"(\w{64})"', done.stdout).group(1))
    assert len(weights) == 1


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_lost_process_is_told_and_the_run_goes_on_at_another_number(program, made):
    """A kill -9 of one of three processes; then on with two, killed again as a whole; then with one."""
    home = home_again(made, "lost")
    (made / "lost.yaml").write_text(CONFIG.format(batch=32, steps=2400))
    calm = train(program, made, home_again(made, "calm"), "lost", 1)
    assert calm.returncode == 0, calm.stderr

    def checkpoints():
        return sorted(p.name for p in home.glob("runs/*/checkpoint-*"))

    for ranks in [3, 2]:
        before = checkpoints()
        job = subprocess.Popen(command(program, made, home, "lost", ranks), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env={**os.environ, **ENV})
        wait_for(lambda: checkpoints() and checkpoints() != before)
        victim = ranks_of(job)[1]
        os.kill(victim, signal.SIGKILL)
        _, told = job.communicate(timeout=60)
        assert job.returncode != 0
        ours = [line for line in told.splitlines() if line.startswith("roadmill: ")]
        assert ours and all(f"lost rank 1 (process {victim} on " in line for line in ours), told
        assert all(re.search(r"while training at step \d+", line) for line in ours), told
    done = train(program, made, home, "lost", 1)
    assert done.returncode == 0, done.stderr
    assert not re.search(r'"resumed_at":\s*0\b', done.stdout)
    weights = [re.search(r'"weights":\s*"(\w{64})"', r.stdout).group(1) for r in [calm, done]]
    assert weights[0] == weights[1]


def test_one_fault_is_told_once(program, made):
    cases = [("few", "expected a batch of at least 5 samples for 2 processes, found 4"),
             ("none", "none.yaml")]
    for config, expected in cases:
        done = train(program, made, made / "home", config, 2)
        assert done.returncode != 0
        ours = [line for line in done.stderr.splitlines() if line.startswith("roadmill: ")]
        assert len(ours) == 1 and expected in ours[0], done.stderr


def test_an_exploding_loss_of_a_resumed_run_ends_all_ranks(program, made):
    """A checkpoint with one huge weight, named by its content again. The first losses stand in rank 0's curve alone."""
    home = home_again(made, "exploding")
    job = subprocess.Popen(command(program, made, home, "long", 1), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           env={**os.environ, **ENV})
    wait_for(lambda: list(home.glob("runs/*/checkpoint-*")))
    job.send_signal(signal.SIGTERM)
    assert job.wait(60) == 130
    index = next(home.glob("runs/*/checkpoint-*/weights.safetensors.index.json"))
    name = re.search(r"\w{64}\.safetensors", index.read_text()).group(0)
    content = (index.parent / name).read_bytes()[:-4] + struct.pack("<f", 1e8)
    poisoned = hashlib.sha256(content).hexdigest() + ".safetensors"
    (index.parent / poisoned).write_bytes(content)
    index.write_text(index.read_text().replace(name, poisoned))
    done = train(program, made, home, "long", 2)
    ours = [line for line in done.stderr.splitlines() if line.startswith("roadmill: ")]
    assert done.returncode != 0 and len(ours) == 1, done.stderr
    assert "expected a loss near that of the first steps (" in ours[0] and "largest in scene" in ours[0]
