"""Every CommonRoad file among the real data against a plain reading with xml.etree.

Protects: each state's position, time and size, each lane's points, neighbours and followers, exactly; what is not a
state is a reject; what is not 2020a is refused by name. Reads the lake with another program's reader (deltalake).
"""
import hashlib
import pathlib
import re
import xml.etree.ElementTree as ElementTree

from scenario_tables import Tables, points


def number(text):
    return None if text is None else float(text)


def size(obstacle):
    """Length and width of a single rectangle or circle; a polygon or several shapes have none."""
    shapes = list(obstacle.find("shape"))
    if len(shapes) != 1 or shapes[0].tag == "polygon":
        return None, None
    if shapes[0].tag == "circle":
        return (2 * float(shapes[0].findtext("radius")),) * 2
    return number(shapes[0].findtext("length")), number(shapes[0].findtext("width"))


def states(obstacle, step_ns):
    """(t_ns, x, y, yaw, speed) of each state that says so, in the order of the file."""
    for state in [obstacle.find("initialState"), *obstacle.iterfind("trajectory/state")]:
        yield (int(state.findtext("time/exact")) * step_ns, float(state.findtext("position/point/x")),
               float(state.findtext("position/point/y")), number(state.findtext("orientation/exact")),
               number(state.findtext("velocity/exact")))


def check_tracks(root, tracks, rejects):
    """Returns how many states the file has and how many of them are rows."""
    step_ns = round(float(root.get("timeStepSize")) * 1e9)
    total = kept_total = 0
    names = set()
    for obstacle in root:
        if obstacle.tag not in ("dynamicObstacle", "staticObstacle"):
            continue
        name = obstacle.get("id")
        kept, refused = [], len(obstacle.findall("occupancySet/occupancy"))
        for state in states(obstacle, step_ns):
            if kept and state[0] <= kept[-1][0]:
                refused += 1  # a time stated twice
            else:
                kept.append(state)
        found = tracks.get(name, [])
        length, width = size(obstacle)
        assert [(r.t_ns, r.x_m, r.y_m, r.recorded_yaw_rad, r.recorded_speed_mps) for r in found] == kept
        assert all(r.length_m == length and r.width_m == width for r in found)
        assert all(r.source_class == obstacle.findtext("type") for r in found)
        assert len(rejects.get(name, [])) == refused
        total += len(kept) + refused
        kept_total += len(kept)
        names.add(name)
    assert set(tracks) <= names
    return total, kept_total


def bound(lanelet, name):
    return [(float(p.findtext("x")), float(p.findtext("y"))) for p in lanelet.iterfind(f"{name}/point")]


def neighbour(lanelet, name):
    element = lanelet.find(name)
    return (None, None) if element is None else (element.get("ref"), element.get("drivingDir") == "same")


def check_map(root, elements):
    lanelets = root.findall("lanelet")
    assert {lanelet.get("id") for lanelet in lanelets} == set(elements)
    for lanelet in lanelets:
        (row,) = elements[lanelet.get("id")]
        types = [t.text for t in lanelet.iterfind("laneletType") if t.text]
        left, right = bound(lanelet, "leftBound"), bound(lanelet, "rightBound")
        assert points(row.left) == left and points(row.right) == right
        assert points(row.centre) == [((a + c) / 2, (b + d) / 2) for (a, b), (c, d) in zip(left, right)]
        assert row.previous == [e.get("ref") for e in lanelet.iterfind("predecessor")]
        assert row.next == [e.get("ref") for e in lanelet.iterfind("successor")]
        assert (row.left_id, row.left_same) == neighbour(lanelet, "adjacentLeft")
        assert (row.right_id, row.right_same) == neighbour(lanelet, "adjacentRight")
        assert row.type == (",".join(types) or None)
        assert row.kind == ("crosswalk" if "crosswalk" in types else "lane")


def scenes(data):
    """(path, version, root of a 2020a file, recording_id) of every CommonRoad file."""
    count = 0
    for folder in ("ngsim-commonroad", "commonroad-world"):
        for path in sorted((data / "scenes" / folder).rglob("*.xml")):
            content = path.read_bytes()
            version = re.search(rb'commonRoadVersion="([^"]*)"', content[:4096]).group(1).decode()
            root = ElementTree.fromstring(content) if version == "2020a" else None
            count += 1
            yield path, version, root, hashlib.sha256(content).hexdigest()
    assert count == 407


def test_every_file(data, run, tmp_path):
    home = tmp_path / "home"
    run("init", home)
    done = run("ingest", "--home", home, "--json", data / "scenes" / "ngsim-commonroad",
               data / "scenes" / "commonroad-world", check=False)
    refused = {pathlib.Path(f["path"]).name: f["refused"] for f in done.json()["files"] if "refused" in f}
    tables = Tables(home)
    imported = total = 0
    for path, version, root, recording_id in scenes(data):
        if version != "2020a":
            assert recording_id not in tables.recordings
            assert f'expected commonRoadVersion "2020a", found "{version}"' in refused[path.name]
            continue
        row = tables.recordings[recording_id]
        states_in, kept = check_tracks(root, tables.tracks[recording_id], tables.rejects.get(recording_id, {}))
        check_map(root, tables.maps[recording_id])
        assert (row["messages"], row["rows"], row["rejects"]) == (states_in, kept, states_in - kept)
        imported += 1
        total += states_in
    assert imported == 327 and len(tables.recordings) == 325  # two files are there twice
    assert total > 340000
