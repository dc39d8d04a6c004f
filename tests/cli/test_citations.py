"""A command or option that the documents or a remedy name is one that the program has."""
import pathlib
import re

import pytest

from test_commands import command_names

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")
WORD = r"[a-z][a-z0-9-]*"
CITED = re.compile(rf"\broadmill +({WORD})(?: +({WORD}))?([^`\n]*)")
# Words of a sentence that begins with the program's name, not commands.
SENTENCE = {"is", "if", "reads", "lists", "and"}
HOUSE = {"--help", "--version"}


class Commands:
    def __init__(self, names, options):
        self.names, self.options = names, options
        self.groups = {name.split()[0] for name in names if " " in name}
        self.all_options = set().union(HOUSE, *options.values())

    def command(self, first, second):
        """The command meant by one or two words; None: there is none. A group alone is fine."""
        both = f"{first} {second}"
        return both if both in self.names else first if first in self.names or first in self.groups and not second else None


@pytest.fixture(scope="module")
def commands(run):
    names = set(command_names(run)) | {"help", "version"}
    options = {name: set(OPTION.findall(run(*name.split(), "--help").stdout)) | HOUSE for name in names - {"help", "version"}}
    return Commands(names, options)


def faults_of_line(commands, line):
    """What a line of a document, in code, cites that is not there."""
    for found in CITED.finditer(line):
        first, second, rest = found.groups()
        name = commands.command(first, second)
        if name is None:
            yield found.group(0)
            continue
        known = commands.options.get(name, HOUSE)
        yield from (f"{name} {option}" for option in OPTION.findall(rest.split("|")[0].split("#")[0]) if option not in known)


def code_of(text):
    """(number, code) of each line of Markdown: fenced lines and what stands between backticks."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            yield number, line
        else:
            yield from ((number, code) for code in re.findall(r"`([^`]+)`", line))


def test_documents(commands):
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    faults = [f"{path.name}:{number}: {fault}" for path in documents for number, code in code_of(path.read_text())
              for fault in faults_of_line(commands, code)]
    assert faults == []


def test_remedies(commands):
    faults = []
    for path in sorted((ROOT / "src").rglob("*.c")):
        if path.parent.name == "draw":
            continue  # its options are those of style sheets
        for number, line in enumerate(path.read_text().splitlines(), 1):
            texts = re.findall(r'"((?:[^"\\]|\\.)*)"', line)
            for text in texts:
                faults += [f"{path.name}:{number}: {option}" for option in OPTION.findall(text)
                           if option not in commands.all_options]
                faults += [f"{path.name}:{number}: {found.group(0)}" for found in CITED.finditer(text)
                           if found.group(1) not in commands.names | commands.groups | SENTENCE]
    assert faults == []


@pytest.mark.parametrize("line, fault", [
    ("roadmill ingest a.mcap --home h --licence MIT", None),
    ("roadmill log recover a.mcap && roadmill runs", None),
    ("roadmill log", None),
    ("roadmill log mend a.mcap", "roadmill log mend"),
    ("roadmill tarin c.yaml", "roadmill tarin"),
    ("roadmill ingest a.mcap --license MIT", "ingest --license"),
])
def test_a_planted_fault_is_found(commands, line, fault):
    found = list(faults_of_line(commands, line))
    assert (found == []) if fault is None else (len(found) == 1 and found[0].startswith(fault))
