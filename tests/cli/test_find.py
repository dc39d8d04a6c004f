"""find and scenes over a small lake of synthetic traffic: output, exit codes, errors, rows and pictures."""
import json
import xml.etree.ElementTree as ET

import pytest


@pytest.fixture(scope="module")
def fleet(run, tmp_path_factory):
    """A home with synthetic traffic."""
    folder = tmp_path_factory.mktemp("find")
    run("synth", folder / "fleet", "--drives", "2", "--seed", "3")
    run("init", folder / "home")
    run("ingest", "--home", folder / "home", folder / "fleet")
    return folder / "home"


def test_find_prints_counts_and_saves(run, fleet):
    found = run("find", "--home", fleet, "--json", "--save", "speed(a) > 5 m/s for at least 1 s").json()
    assert found["saved"] and found["matches"] > 0 and found["recordings"] > 0
    assert 0 < len(found["events"]) <= 20 and found["unknown"] <= found["evaluated"]
    for event in found["events"]:
        assert int(event["end_ns"]) - int(event["start_ns"]) >= 10**9
        assert len(event["actors"]) == 1 and event["score"] > 5
    rows = run("query", "--home", fleet, "--json", "SELECT * FROM events").json()
    assert len(rows["rows"]) == found["matches"]
    assert rows["rows"][0]["query_hash"] == found["query_hash"]
    # Again, in other words for the same: the rows are replaced, not doubled.
    run("find", "--home", fleet, "--save", "speed(x) > 18 km/h for at least 1000 ms")
    assert run("query", "--home", fleet, "--json", "SELECT count(*) AS n FROM events").json()["rows"][0]["n"] == found["matches"]


def test_limit_and_text(run, fleet):
    done = run("find", "--home", fleet, "--limit", "1", "speed(a) > 1 m/s")
    lines = done.stdout.splitlines()
    assert "recording" in lines[0] and "score" in lines[0] and "matches in" in lines[2] and "--limit shows more" in lines[2]


def test_plot_is_svg(run, fleet, tmp_path):
    run("find", "--home", fleet, "distance(a, b) < 80 m", "--plot", tmp_path / "match.svg")
    assert ET.parse(tmp_path / "match.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_explain_runs_nothing(run, fleet):
    done = run("find", "--home", fleet, "--explain", "ttc(ego, v) < 2 s and v changes_lane")
    for text in ("reads", "tracks: track_id, t_ns, x_m, y_m, class, length_m, width_m", "maps: lanes", "plan", "here: "):
        assert text in done.stdout
    assert "matches" not in done.stdout


def test_errors_name_the_place(run, fleet):
    done = run("find", "--home", fleet, "sped(a) > 1 m/s", check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == ("roadmill: query:1:1: expected a condition, a measure or a number with its unit, found sped; "
                           "the nearest is speed\n")


def test_scenes_build_and_show(run, fleet, tmp_path):
    made = run("scenes", "build", "--home", fleet, "--json").json()
    again = run("scenes", "build", "--home", fleet, "--json").json()
    assert made == again and made["scenes"] > 0
    rows = run("query", "--home", fleet, "--json", "SELECT scene_id, t0_ns FROM scenes ORDER BY scene_id").json()["rows"]
    assert len(rows) == made["scenes"]
    shown = run("scenes", "show", "--home", fleet, "--json", rows[0]["scene_id"][:20], "--plot", tmp_path / "s.svg").json()
    assert shown["scene_id"] == rows[0]["scene_id"] and shown["t0_ns"] == str(rows[0]["t0_ns"])
    assert ET.parse(tmp_path / "s.svg").getroot().tag.endswith("svg")
    lost = run("scenes", "show", "--home", fleet, "ffffffffffffffffffff", check=False)
    assert lost.returncode == 1 and "expected one scene whose id starts with ffffffffffffffffffff, found none" in lost.stderr
