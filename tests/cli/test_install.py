"""What is installed is enough: a program of others finds header, library and flags by pkg-config and runs."""
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = """
#include <stdio.h>
#include <roadmill/roadmill.h>
int main(void)
{
    rml_error err = {0};
    rml_log *log = NULL;
    char text[256];
    if (rml_log_open(RML_STR("/nowhere.mcap"), NULL, &log, &err) == RML_OK) {
        return 1;
    }
    rml_error_text(&err, text, sizeof text);
    puts(text);
    return 0;
}
"""


def test_a_program_of_others_builds_and_runs(program, tmp_path):
    build = pathlib.Path(program).parent
    subprocess.run(["cmake", "--install", build, "--prefix", tmp_path / "usr"], check=True, capture_output=True)
    source = tmp_path / "main.c"
    source.write_text(PROGRAM)
    found = next((tmp_path / "usr").rglob("roadmill.pc")).parent
    env = {**os.environ, "PKG_CONFIG_PATH": str(found)}
    # The prefix is written into the file when it is configured; packagers override it as here.
    flags = ["pkg-config", f"--define-variable=prefix={tmp_path / 'usr'}"]
    for extra in ([], ["--static"]):
        words = subprocess.run([*flags, "--cflags", "--libs", *extra, "roadmill"], env=env, check=True,
                               capture_output=True, text=True).stdout.split()
        out = tmp_path / "main"
        subprocess.run(["cc", "-std=c17", "-o", out, source, *words], check=True)
        done = subprocess.run([out], capture_output=True, text=True,
                              env={**os.environ, "LD_LIBRARY_PATH": str(found.parent)})
        assert done.returncode == 0 and "/nowhere.mcap" in done.stdout


def test_examples_run(program, tmp_path):
    """Each example says how it is called when it gets no arguments."""
    examples = sorted((pathlib.Path(program).parent / "examples").iterdir())
    assert examples
    for example in examples:
        done = subprocess.run([example], capture_output=True, text=True, timeout=60)
        assert done.returncode in (0, 2), (example, done.stderr)
