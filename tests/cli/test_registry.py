"""Models, gates, promotion, lineage and the audit chain as commands."""
import pathlib
import re
import sqlite3

import pytest

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "weights.safetensors").write_bytes(b"weights")
    return folder


def test_a_model_is_registered_shown_and_not_promoted(run, home, bundle):
    added = run("models", "add", "predictor", bundle, "--home", home, "--json").json()
    assert added["number"] == 1 and len(added["hash"]) == 64
    assert run("models", "add", "predictor", bundle, "--home", home).stdout == f"predictor/1 {added['hash']}\n"
    assert [m["name"] for m in run("models", "--home", home, "--json").json()] == ["predictor/1"]
    shown = run("models", "show", "predictor", "--home", home, "--json").json()
    assert [f["path"] for f in shown["body"]["files"]] == ["config.json", "weights.safetensors"]

    missed = run("gate", "predicter", "--home", home, check=False)
    assert missed.returncode == 1
    assert missed.stderr == ('roadmill: expected a model (NAME, NAME/N, NAME@LABEL or digits of its hash), found '
                             '"predicter"; did you mean predictor/1? roadmill models lists them\n')

    refused = run("promote", "predictor/1", "predictor@production", "--home", home, check=False)
    assert refused.returncode == 1 and refused.stdout == ""
    assert refused.stderr == ("roadmill: predictor/1: expected a gate's verdict pass, found none (no gate has judged it); "
                              "roadmill gate says what is missing\n")


def test_a_gate_without_evidence_is_undecided(run, home, bundle, tmp_path):
    run("models", "add", "predictor", bundle, "--home", home)
    done = run("gate", "predictor", "--home", home, "--approve", "safety=j.doe", "--json", check=False)
    assert done.returncode == 3
    gate = done.json()
    assert gate["verdict"] == "undecided" and gate["reason"] == "evidence: there is no evaluation"
    verdicts = {c["name"]: c["verdict"] for c in gate["conditions"]}
    assert verdicts.pop("approval by safety") == "pass"
    assert set(verdicts.values()) == {"undecided"} and "leak check" in verdicts and "licence" in verdicts

    assert "margins:" in run("gate", "--show-policy").stdout
    policy = tmp_path / "gate.yaml"
    policy.write_text("margins:\n  - {metric: min_fde_1, agianst: cv_1, at_most: 0}\n")
    wrong = run("gate", "predictor", "--home", home, "--policy", policy, check=False)
    assert wrong.returncode == 1
    assert wrong.stderr == (f'roadmill: {policy}:2:25: expected a known key (did you mean against?), found "agianst"\n')

    rows = run("lineage", gate["gate"], "--home", home, "--json").json()
    assert [(r["depth"], r["kind"]) for r in rows] == [(0, "gate"), (1, "model")]


def test_the_audit_chain(run, home, bundle):
    run("models", "add", "predictor", bundle, "--home", home)
    run("gate", "predictor", "--home", home, check=False)
    entries = run("audit", "list", "--home", home, "--json").json()
    assert [e["action"] for e in entries] == ["register", "judge"]
    whole = run("audit", "verify", "--home", home, "--json").json()
    assert whole == {"intact": True, "entries": 2, "head": entries[1]["hash"], "fault": ""}

    with sqlite3.connect(home / "catalog.db") as db:
        db.execute("DELETE FROM audit WHERE sequence = 2")
        db.execute("UPDATE audit_head SET sequence = 1, hash = ?", [entries[0]["hash"]])
    assert run("audit", "verify", "--home", home).returncode == 0
    cut = run("audit", "verify", "--home", home, "--head", whole["head"], check=False)
    assert cut.returncode == 3 and "audit entry 2" in cut.stdout
    with sqlite3.connect(home / "catalog.db") as db:
        db.execute("UPDATE audit SET actor = 'somebody'")
    altered = run("audit", "verify", "--home", home, "--json", check=False)
    assert altered.returncode == 3 and "audit entry 1: expected the hash of its own fields" in altered.json()["fault"]


def test_the_chain_is_checked_by_the_program_in_its_documentation(run, home, bundle):
    run("models", "add", "predictor", bundle, "--home", home)
    run("gate", "predictor", "--home", home, "--approve", "safety=Jörg \"x\"\t€", check=False)
    program = re.search(r"```python\n(.*?)```", (DOCS / "audit.md").read_text(), re.S).group(1)
    program = program.replace("fleet/catalog.db", str(home / "catalog.db"))
    scope = {}
    exec(program, scope)
    assert scope["previous"] == run("audit", "verify", "--home", home, "--json").json()["head"]
    with sqlite3.connect(home / "catalog.db") as db:
        db.execute("UPDATE audit SET subject = subject || ' ' WHERE sequence = 2")
    with pytest.raises(AssertionError, match="2"):
        exec(program, {})
