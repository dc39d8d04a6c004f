"""Fixtures for whole commands, interop and faults: the program, the real data, a home."""
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def program():
    path = os.environ.get("RML_PROGRAM", str(ROOT / "build/check/roadmill"))
    assert os.access(path, os.X_OK), f"{path}: expected the program; ./run build makes it"
    return path


@pytest.fixture(scope="session")
def data():
    """The folder of unpacked real data."""
    path = os.environ.get("RML_DATA", "")
    if not path:
        pytest.skip("skipped: no data")
    return pathlib.Path(path)


class Result(subprocess.CompletedProcess):
    def json(self):
        return json.loads(self.stdout)


@pytest.fixture(scope="session")
def run(program):
    """run("ingest", "--home", home, file): the finished process, text decoded; check=False to allow failure."""

    def call(*words, check=True, env=None, cwd=None, timeout=300, input=None):
        full = {**os.environ, **(env or {})}
        done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, env=full, cwd=cwd,
                              timeout=timeout, input=input)
        done.__class__ = Result
        if check:
            assert done.returncode == 0, f"{words} exited {done.returncode}: {done.stderr}"
        return done

    return call


@pytest.fixture
def home(run, tmp_path):
    """A fresh home."""
    path = tmp_path / "home"
    run("init", path)
    return path
