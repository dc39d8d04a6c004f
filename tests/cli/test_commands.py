"""Every command has help with an example; wrong words are answered in one line with the nearest right one."""
import re


def command_names(run):
    lines = run("--help").stdout.splitlines()
    return [re.match(r"  ([a-z]+( [a-z]+)*)", line).group(1).strip() for line in lines if re.match(r"  [a-z]", line)]


def test_every_command_has_help_with_its_example(run):
    names = command_names(run)
    assert "init" in names and "turn" in names
    for name in names:
        shown = run(*name.split(), "--help")
        assert f"Usage:   roadmill {name}" in shown.stdout, name
        assert f"Example: roadmill {name.split()[0]}" in shown.stdout, name
        assert "--json" in shown.stdout and shown.stderr == "", name


def test_wrong_words(run, tmp_path):
    cases = [
        (["ingst", "x"], 2, 'expected a command, found "ingst x"; did you mean "ingest"?'),
        (["turn", "--polcy", "x"], 2, "did you mean --policy?"),
        (["turn", "--policy"], 2, "expected --policy FILE, found no value"),
        (["init", "a", "b"], 2, "found 2 arguments"),
        (["turn", "--home", tmp_path / "none", "--config", tmp_path / "none.yaml"], 1, "none.yaml: cannot open"),
        (["turn", "--approve", "nobody"], 2, "--approve ROLE=PERSON"),
    ]
    for words, code, text in cases:
        done = run(*words, check=False)
        assert done.returncode == code, (words, done.stderr)
        assert text in done.stderr, (words, done.stderr)
        assert done.stderr.startswith("roadmill: ") and done.stderr.count("\n") == 1, (words, done.stderr)
        assert done.stdout == ""


def test_without_words_help_and_exit_2(run):
    done = run(check=False)
    assert done.returncode == 2 and "roadmill" in done.stdout


def test_a_home_is_found_upwards_and_missed_with_a_remedy(run, tmp_path):
    run("init", tmp_path / "fleet")
    inside = tmp_path / "fleet" / "lake"
    assert run("lake", "tables", "--json", cwd=inside).json() is not None
    lost = run("lake", "tables", "--home", tmp_path, check=False)
    assert lost.returncode == 1 and "roadmill init DIR makes one" in lost.stderr


