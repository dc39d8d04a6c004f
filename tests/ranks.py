"""A small training by one or several processes, for the tests that start and kill it."""
import os
import pathlib
import shutil
import subprocess

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
    (folder / "muon.yaml").write_text(CONFIG.format(batch=32, steps=60) + "muon: true\nema: 0.9\n")
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
