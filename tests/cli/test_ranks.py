"""`mpirun -n N roadmill train`: the same weights at any number of processes, stop and go on at another, and a process
that is lost, told by rank, phase and cause."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

ENV = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
       "ROADMILL_THREADS": "1"}
CONFIG = "width: 16\nblocks: 1\nheads: 2\nhidden: 16\nbatch: {batch}\nsteps: {steps}\ncheckpoint_every: 20\n"


@pytest.fixture(scope="module")
def made(run, program, tmp_path_factory):
    if shutil.which("mpirun") is None:
        pytest.skip("skipped: no mpirun")
    assert (pathlib.Path(program).parent / "libroadmill_mpi.so").exists(), "mpirun is here, the module is not"
    folder = tmp_path_factory.mktemp("ranks")
    run("init", folder / "home")
    run("synth", folder / "fleet", "--seed", "3", "--quiet")
    run("ingest", folder / "fleet", "--home", folder / "home", "--quiet")
    run("dataset", "create", "made", "--home", folder / "home", "--split", "recording", "--share", "train=0.5",
        "--share", "validation=0.5", "--quiet")
    for name, batch, steps in [("short", 32, 60), ("odd", 30, 40), ("long", 32, 20000), ("few", 4, 20)]:
        (folder / f"{name}.yaml").write_text(CONFIG.format(batch=batch, steps=steps))
    return folder


def home_again(made, name):
    home = made / name
    shutil.copytree(made / "home", home)
    return home


def command(program, made, home, config, ranks):
    words = [program, "train", made / f"{config}.yaml", "--dataset", "made", "--home", home, "--json"]
    return [*(["mpirun", "-n", str(ranks)] if ranks > 1 else []), *map(str, words)]


def train(program, made, home, config, ranks):
    done = subprocess.run(command(program, made, home, config, ranks), capture_output=True, text=True,
                          env={**os.environ, **ENV}, timeout=300)
    return done


@pytest.mark.parametrize("config", ["short", "odd"])
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


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def ranks_of(job):
    """The processes of the job by rank."""
    found = {}
    for folder in pathlib.Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and (folder / "stat").read_text().rsplit(")", 1)[1].split()[1] == str(job.pid):
                environment = (folder / "environ").read_bytes().split(b"\0")
                rank = [e for e in environment if e.startswith(b"OMPI_COMM_WORLD_RANK=") or e.startswith(b"PMI_RANK=")]
                if rank:
                    found[int(rank[0].split(b"=")[1])] = int(folder.name)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            pass
    return found


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
