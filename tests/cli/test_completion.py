"""What the shells complete and what man shows comes from the table of commands: all of it, and as each shell reads it."""
import shutil
import subprocess

import pytest

from test_commands import command_names


def completed(run, tmp_path, line):
    """What bash offers behind a line."""
    script = tmp_path / "completion.bash"
    script.write_text(run("completion", "bash").stdout)
    words = line.split(" ")
    program = (f"source {script}; COMP_WORDS=({' '.join(repr(w) for w in words)}); COMP_CWORD={len(words) - 1}; "
               '_roadmill 2>&1; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-uc", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize("line, has, has_not", [
    ("roadmill ", ["ingest", "log", "turn"], ["info"]),
    ("roadmill lo", ["log"], ["ingest"]),
    ("roadmill log ", ["info", "cat"], ["log"]),
    ("roadmill dataset c", ["create"], ["list"]),
    ("roadmill dataset create --sp", ["--split"], ["--json"]),
    ("roadmill ingest --", ["--licence", "--json", "--home"], ["--split"]),
    ("roadmill recordings show --", ["--json"], []),
    ("roadmill ingest --vehicle ", [], ["--licence"]),
])
def test_bash_offers_what_fits(run, tmp_path, line, has, has_not):
    offered = completed(run, tmp_path, line)
    assert set(has) <= set(offered) and not set(has_not) & set(offered), offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_stands_in_every_script(run, tmp_path, shell):
    text = run("completion", shell).stdout
    for name in command_names(run):
        assert all(word in text for word in name.split()), name
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(text)
        subprocess.run([shell, "-n", script], check=True)


@pytest.mark.skipif(not shutil.which("fish"), reason="skipped: no fish here")
def test_fish_offers_what_fits(run, tmp_path):
    script = tmp_path / "script.fish"
    script.write_text(run("completion", "fish").stdout)

    def offered(line):
        done = subprocess.run(["fish", "-c", f"source {script}; complete -C '{line}'"], capture_output=True, text=True, cwd=tmp_path)
        assert done.stderr == ""
        return {row.split("\t")[0] for row in done.stdout.splitlines()}
    assert "log" in offered("roadmill lo")
    assert {"create", "list"} <= offered("roadmill dataset ")
    assert "--split" in offered("roadmill dataset create --sp")
    assert "--licence" in offered("roadmill ingest --")


def test_another_shell_is_refused(run):
    done = run("completion", "tcsh", check=False)
    assert done.returncode == 2 and 'expected bash, zsh or fish, found "tcsh"' in done.stderr


def test_the_manual_has_every_command(run):
    page = run("manual").stdout
    assert page.startswith(".TH ROADMILL 1")
    for name in command_names(run):
        assert f'.SS "roadmill {name}' in page, name
    if shutil.which("groff"):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-K", "utf8"], input=page, capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr == "", done.stderr
