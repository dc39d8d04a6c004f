"""The two real Argoverse 2 scenarios against a plain reading with pyarrow and json."""
import collections
import hashlib
import json
import math

import pyarrow.parquet

from scenario_tables import Tables, points


def ids(values):
    return [str(v) for v in values]


def check_lane(row, lane, lanes):
    assert row.kind == "lane" and row.type == lane["lane_type"]
    for column, name in (("left", "left_lane_boundary"), ("right", "right_lane_boundary"), ("centre", "centerline")):
        assert points(getattr(row, column)) == [(p["x"], p["y"]) for p in lane[name]]
        assert [p["z_m"] for p in getattr(row, column)] == [p["z"] for p in lane[name]]
    assert row.next == ids(lane["successors"]) and row.previous == ids(lane["predecessors"])
    for side in ("left", "right"):
        other = lane[f"{side}_neighbor_id"]
        assert getattr(row, f"{side}_id") == (None if other is None else str(other))
        if other is not None and str(other) in lanes:
            assert getattr(row, f"{side}_same") == same_direction(lane, lanes[str(other)])


def same_direction(a, b):
    """By geometry, which the importer does not look at."""
    def direction(lane):
        first, last = lane["centerline"][0], lane["centerline"][-1]
        return math.atan2(last["y"] - first["y"], last["x"] - first["x"])
    return abs(math.remainder(direction(a) - direction(b), 2 * math.pi)) < math.pi / 2


def check_tracks(table, tracks):
    wanted = collections.defaultdict(list)
    for row in sorted(table.to_pylist(), key=lambda r: r["timestep"]):
        wanted[row["track_id"]].append(row)
    assert set(tracks) == set(wanted)
    for name, states in wanted.items():
        found = tracks[name]
        assert [(r.t_ns, r.x_m, r.y_m, r.recorded_yaw_rad) for r in found] == \
            [(s["timestep"] * 100000000, s["position_x"], s["position_y"], s["heading"]) for s in states]
        for r, s in zip(found, states):
            assert math.isclose(r.recorded_speed_mps, math.hypot(s["velocity_x"], s["velocity_y"]), rel_tol=1e-15,
                                abs_tol=1e-300)
            assert r.source_class == s["object_type"] and r.length_m is None and r.is_ego == (name == "AV")
    return sum(map(len, wanted.values()))


def test_every_scenario(data, run, home):
    folder = data / "scenes" / "argoverse2" / "forecasting"
    paths = sorted(folder.rglob("scenario_*.parquet"))
    assert len(paths) == 2
    run("ingest", "--home", home, "--quiet", *paths)
    tables = Tables(home)
    for path in paths:
        recording_id = hashlib.sha256(path.read_bytes()).hexdigest()
        states = check_tracks(pyarrow.parquet.read_table(path), tables.tracks[recording_id])
        assert tables.recordings[recording_id]["rows"] == states
        source = json.loads(next(path.parent.glob("log_map_archive_*.json")).read_text())
        elements = tables.maps[recording_id]
        lanes, crossings, areas = (source[k] for k in ("lane_segments", "pedestrian_crossings", "drivable_areas"))
        assert set(elements) == {*lanes, *crossings, *areas}
        for name, lane in lanes.items():
            (row,) = elements[name]
            check_lane(row, lane, lanes)
        for name, crossing in crossings.items():
            (row,) = elements[name]
            assert row.kind == "crosswalk" and points(row.left) == [(p["x"], p["y"]) for p in crossing["edge1"]]
            assert points(row.right) == [(p["x"], p["y"]) for p in crossing["edge2"]]
        for name, area in areas.items():
            (row,) = elements[name]
            assert row.kind == "area" and points(row.left) == [(p["x"], p["y"]) for p in area["area_boundary"]]
