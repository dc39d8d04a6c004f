"""docs/json.md tells what --json prints: each command's document has the keys and kinds of its example."""
import json
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TINY = ROOT / "tests" / "cli" / "tiny.yaml"


def documented():
    """Section title -> its first json block, parsed (line by line where it is one object a line)."""
    out = {}
    for part in re.split(r"^## ", (ROOT / "docs" / "json.md").read_text(), flags=re.M)[1:]:
        title, body = part.split("\n", 1)
        block = re.search(r"```json\n(.*?)```", body, re.S)
        out[title.strip()] = json.loads(block.group(1)) if block else None
    return out


def kind(value):
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def differences(want, got, at="$"):
    """Where a document leaves its example: other keys, other kinds. null and empty lists fit anything."""
    if want is None or got is None or want == {} or want == []:
        return []
    if kind(want) != kind(got):
        return [f"{at}: documented {kind(want)}, printed {kind(got)}"]
    if isinstance(want, dict):
        out = [f"{at}.{k}: documented, not printed" for k in want.keys() - got.keys()]
        out += [f"{at}.{k}: printed, not documented" for k in got.keys() - want.keys()]
        return out + [d for k in want.keys() & got.keys() for d in differences(want[k], got[k], f"{at}.{k}")]
    if isinstance(want, list) and got:
        return differences(want[0], got[0], f"{at}[0]")
    return []


@pytest.fixture(scope="module")
def world(run, tmp_path_factory):
    """A home in which the wheel turned once, and the words that every command needs there."""
    top = tmp_path_factory.mktemp("json")
    made = run("synth", top / "fleet", "--drives", 10, "--seed", 3, "--duration", 12, "--json").json()
    home = top / "home"
    init = run("init", home, "--json").json()
    recording = top / "fleet" / "recordings" / "drive_0000.mcap"
    ingest = run("ingest", "--home", home, "--licence", "Apache-2.0", "--json", recording).json()
    turn = run("turn", "--home", home, "--config", TINY, "--licence", "Apache-2.0", "--json", top / "fleet").json()
    return {"top": top, "home": home, "recording": recording, "synth": made, "init": init, "ingest": ingest, "turn": turn}


def words_of(world):
    """Section -> the words after the command, or the document that the fixture already has."""
    home, turn, top = world["home"], world["turn"], world["top"]
    at = ["--home", home, "--json"]
    child = ["--dataset", turn["child"], "--run", turn["run"]]
    return {
        "init": world["init"], "synth": world["synth"], "ingest": world["ingest"], "turn": turn,
        "log info": [world["recording"], "--full", "--json"], "log cat": [world["recording"], "--limit", 1],
        "log recover": [world["recording"], "--out", top / "saved.mcap", "--json"],
        "recipes": ["--json"], "recipes show": ["odometry", "--json"], "recordings": at, "drives": at,
        "lake tables": at, "lake history": ["recordings", *at], "lake check": at, "home upgrade": at, "lake optimize": at, "lake vacuum": at,
        "recordings show": [world["ingest"]["files"][0]["recording_id"], *at],
        "query": ["SELECT count(*) AS rows FROM recordings", *at],
        "scenes build": at, "find": ["speed(a) > 1 m/s", "--limit", 2, *at],
        "runs": at, "runs show": [turn["run"], *at],
        "dataset create": ["again", "--split", "recording", *at], "dataset list": at,
        "dataset show": [turn["version"], *at], "dataset diff": [turn["version"], turn["child"], *at],
        "dataset verify": [turn["version"], *at],
        "dataset export": [turn["version"], "--to", top / "exported", *at],
        "train": [ROOT / "tests" / "cli" / "tiny_train.yaml", "--dataset", turn["version"], *at],
        "quantize": [turn["run"], "--dataset", turn["version"], *at],
        "sweep": [ROOT / "tests" / "cli" / "tiny_sweep.yaml", "--dataset", turn["version"], *at],
        "eval": ["--dataset", turn["version"], "--run", turn["run"], *at],
        "mine": ["--dataset", turn["version"], "--run", turn["run"], "--budget", 4, *at],
        "gate": ["tiny/1", *at], "models": at, "models show": ["tiny/1", *at],
        "lineage": [turn["model"], *at], "audit verify": at, "audit list": at, "completion": ["zsh", "--json"], "manual": ["--json"],
        "graph show": [turn["run"], *at], "names": ["dataset", "task", *at],
        "export": ["--format", "onnx", turn["run"], top / "onnx", *at],
    }


# Sections whose document needs something that the fixture makes in the test itself.
LATER = {"log doctor", "log sort", "log merge", "log filter", "log convert", "drives show", "drives report", "scenes show", "models add", "promote"}


def test_every_command_is_documented(run):
    names = [re.match(r"  ([a-z]+( [a-z]+)*)", line).group(1).strip()
             for line in run("--help").stdout.splitlines() if re.match(r"  [a-z]", line)]
    assert set(names) == set(documented())


def test_documents_are_as_documented(run, world):
    examples, wrong = documented(), []
    calls = words_of(world)
    assert set(calls) | LATER == set(examples)
    for name, call in calls.items():
        if isinstance(call, list):
            done = run(*name.split(), *call, check=False)
            if done.returncode not in (0, 3):
                wrong.append(f"{name}: exited {done.returncode}: {done.stderr}")
                continue
            text = done.stdout.splitlines()[0] if name == "log cat" else done.stdout
            call = json.loads(text)
        if examples[name] is not None and name != "log cat":
            wrong += [f"{name}: {d}" for d in differences(examples[name], call)]
    assert not wrong, "\n".join(wrong)
