"""The lake's commands: what they print, as text, JSON and CSV, and their errors."""
import csv
import io
import json
import pathlib
import subprocess

import pytest


@pytest.fixture
def lake(program, home, tmp_path):
    """A home with a table `t` of an owner `me`: three rows in two commits."""
    tool = pathlib.Path(program).parent / "examples/lake_write"
    schema = [{"name": "t_ns", "type": "i64"}, {"name": "x", "type": "f64"}, {"name": "text", "type": "string"},
              {"name": "points", "type": "list", "children": [
                  {"name": "element", "type": "struct", "children": [{"name": "u", "type": "f32"}, {"name": "b", "type": "binary"}]}]}]
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    for owner, rows in [("me", [{"t_ns": 2**60, "x": 0.5, "text": 'a "b", c', "points": [{"u": 1.5, "b": "00ff"}, None]},
                                {"t_ns": 1, "x": "nan", "text": "", "points": []}]),
                        ("you", [{"t_ns": 2, "text": "line\nbreak"}])]:
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        subprocess.run([tool, home / "lake", "t", owner, tmp_path / "schema.json", tmp_path / "rows.jsonl"], check=True,
                       capture_output=True)
    return home


def test_text(run, lake):
    shown = run("query", "--home", lake, "SELECT * FROM t ORDER BY t_ns").stdout
    assert shown == (
        "               t_ns    x  text        points\n"
        "                  1  NaN              []\n"
        "                  2       line break  \n"
        '1152921504606846976  0.5  a "b", c    [{"u":1.5,"b":"AP8="},null]\n'), shown


def test_json(run, lake):
    got = run("query", "--home", lake, "--json", "SELECT * FROM t ORDER BY t_ns").json()
    assert got["columns"] == [{"name": "t_ns", "type": "i64"}, {"name": "x", "type": "f64"}, {"name": "text", "type": "string"},
                              {"name": "points", "type": "list"}]
    assert got["rows"][2] == {"t_ns": "1152921504606846976", "x": 0.5, "text": 'a "b", c',
                              "points": [{"u": 1.5, "b": "AP8="}, None]}
    assert got["rows"][1]["points"] is None
    assert run("query", "--home", lake, "--json", "SELECT * FROM t WHERE false").json()["rows"] == []


def test_csv(run, lake):
    shown = run("query", "--home", lake, "--csv", "SELECT t_ns, x, text FROM t ORDER BY t_ns").stdout
    assert list(csv.reader(io.StringIO(shown))) == [["t_ns", "x", "text"], ["1", "NaN", ""], ["2", "", "line\nbreak"],
                                                    ["1152921504606846976", "0.5", 'a "b", c']]
    assert '1,NaN,""' in shown  # an empty text is not a null


def test_many_rows_in_little_memory(run, lake):
    done = run("query", "--home", lake, "--csv", "SELECT i, i % 7 AS m FROM range(300000) r(i)")
    assert done.stdout.count("\n") == 300001 and done.stdout.endswith("\n299999,0\n")


def test_tables_and_history(run, lake):
    [table] = run("lake", "tables", "--home", lake, "--json").json()
    assert (table["name"], table["version"], table["files"], table["rows"]) == ("t", 1, 2, 3) and len(table["state"]) == 64
    assert table["state"][:12] in run("lake", "tables", "--home", lake).stdout
    history = run("lake", "history", "--home", lake, "t", "--json").json()
    assert [(h["version"], h["operation"], h["owner"], h["rows_added"]) for h in history] == [
        (0, "WRITE", "me", 2), (1, "WRITE", "you", 1)]


def test_errors(run, lake):
    cases = [
        (["query", "SELEC 1"], 'Parser Error: syntax error at or near "SELEC"'),
        (["query", "SELECT nothing FROM t"], 'Referenced column "nothing" not found'),
        (["query", "SELECT INTERVAL 1 DAY AS d"], "column d: expected a type that a column can hold"),
        (["query", "SELECT 1; SELECT 2"], "multiple statements"),
        (["query", "INSTALL httpfs"], "Failed to create directory"),  # extensions are never fetched
        (["query", "SELECT * FROM 's3://bucket/x.parquet'"], "requires the extension httpfs"),
        (["lake", "history", "none"], "expected a table, found none; roadmill lake tables lists them"),
        (["lake", "history", "No Name"], "expected the name of a table"),
    ]
    for words, text in cases:
        done = run(*words, "--home", lake, check=False)
        assert done.returncode in (1, 2) and text in done.stderr, (words, done.stderr)
        assert done.stderr.count("\n") == 1 and done.stdout == "", (words, done.stderr, done.stdout)


def test_a_missing_library_is_told(run, lake):
    done = run("query", "--home", lake, "SELECT 1", check=False, env={"ROADMILL_DUCKDB": "/nonexistent.so"})
    assert done.returncode == 1 and "set ROADMILL_DUCKDB to libduckdb.so of DuckDB 1.4" in done.stderr
