"""The tutorial is executed: every ```sh block in order, in one empty folder; each command must succeed."""
import os
import pathlib
import re
import subprocess

TUTORIAL = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "tutorial.md"


def test_every_block_runs(program, tmp_path):
    blocks = re.findall(r"```sh\n(.*?)```", TUTORIAL.read_text(), re.S)
    assert len(blocks) >= 8
    env = {**os.environ, "PATH": f"{pathlib.Path(program).parent}:{os.environ['PATH']}"}
    env.pop("ROADMILL_HOME", None)
    for block in blocks:
        done = subprocess.run(["sh", "-eu", "-c", block], cwd=tmp_path, env=env, capture_output=True, text=True,
                              timeout=300)
        assert done.returncode == 0, f"{block}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
