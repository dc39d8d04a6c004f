"""A recording that knows nothing but its own way goes through the whole wheel: found, cut, made a version, trained on, judged;
each answer is that of a plain computation over its rows of `ego`."""
import json
import math
import pathlib
import shutil

import duckdb
import pytest
from ego_truth import HISTORY, constant_velocity, ego_of, fast_spans, table, windows

TINY = pathlib.Path(__file__).resolve().parent.parent / "cli"
S = 10**9


def found_spans(run, home, query):
    """The document of find, and recording_id -> [(start, end)]."""
    told = run("find", query, "--home", home, "--limit", 100000, "--json").json()
    spans = {}
    for e in told["events"]:
        spans.setdefault(e["recording_id"], []).append((int(e["start_ns"]), int(e["end_ns"])))
    return told, spans


def check_find(run, home):
    egos = ego_of(home)
    told, spans = found_spans(run, home, "speed(ego) > 1 m/s")
    want = {k: fast_spans(v, 1.0) for k, v in egos.items()}
    assert spans == {k: v for k, v in want.items() if v}
    assert told["matches"] == sum(map(len, want.values())) > 0
    assert (told["recordings"], told["evaluated"]) == (len(egos), sum(map(len, egos.values())))
    assert told["unknown"] == len(egos)  # the first row of each has no step
    return egos


def check_scenes(run, home, egos):
    made = run("scenes", "build", "--home", home, "--json").json()
    want = {}
    for recording, rows in egos.items():
        step, cut = windows(rows)
        for w in cut:
            want[recording, w[HISTORY - 1][0]] = (step, w)
    got = {(r["recording_id"], r["t0_ns"]): r for r in table(home, "scenes")}
    assert made["scenes"] == len(want) and got.keys() == want.keys()
    for key, (step, w) in want.items():
        row, (_, x, y) = got[key], w[HISTORY - 1]
        assert (row["step_ns"], row["track_id"], row["class"], row["neighbours"]) == (step, "ego", "unknown", 0)
        assert math.hypot(row["x_m"] - x, row["y_m"] - y) < 1e-6
    return want


def check_version(run, home, want, folder):
    """Of the made version: the tensors, the training, and constant velocity as the evaluation has it."""
    version = run("dataset", "create", "wheel", "--share", "train=.5", "--share", "gate=.3", "--home", home, "--json").json()
    assert version["windows"] == len(want) == version["scenes"] + version["left_out"]
    assert min(version["counts"]["train"], version["counts"]["gate"]) > 0, version["counts"]
    run("dataset", "verify", version["version"], "--home", home)
    run("dataset", "export", version["version"], "--to", folder, "--home", home)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["tables"].keys() == {"ego"}
    errors = []
    for split in ("train", "gate"):
        rows = duckdb.sql(f"SELECT recording_id, t0_ns, x_m, y_m, yaw_rad, target, features FROM '{folder}/{split}.parquet'").fetchall()
        assert len(rows) == version["counts"][split]
        for recording, t0, x, y, yaw, target, features in rows:
            step, w = want[recording, t0]
            c, s = math.cos(yaw), math.sin(yaw)
            for k, (_, fx, fy) in enumerate(w[HISTORY:]):
                dx, dy = fx - x, fy - y
                assert math.hypot(target[2 * k] - (dx * c + dy * s), target[2 * k + 1] - (dy * c - dx * s)) < 1e-3
            assert features[10] == features[11] == 0  # no size
            if split == "gate":
                errors.append(constant_velocity(w, step))
    trained = run("train", TINY / "tiny_train.yaml", "--dataset", version["version"], "--home", home, "--json").json()
    judged = run("eval", "--dataset", version["version"], "--run", trained["run"], "--split", "gate", "--home", home, "--json").json()
    (cv,) = [m for m in judged["models"] if m["name"] == "cv_1"]
    numbers = {m["name"]: m["value"] for m in cv["slices"][0]["metrics"]}
    assert cv["slices"][0]["windows"] == len(errors)
    assert abs(numbers["min_fde_1"] - sum(e[-1] for e in errors) / len(errors)) < 1e-3
    assert abs(numbers["min_ade_1"] - sum(sum(e) / len(e) for e in errors) / len(errors)) < 1e-3
    return version


def test_a_made_fleet(run, home, tmp_path):
    run("synth", tmp_path / "fleet", "--drives", 8, "--duration", 15, "--seed", 3)
    told = run("ingest", "--home", home, "--licence", "Apache-2.0", "--json", tmp_path / "fleet" / "recordings").json()
    assert told["ego_rows"] == told["ego_inputs"] > 0
    egos = check_find(run, home)
    assert len(egos) == 8
    want = check_scenes(run, home, egos)
    check_version(run, home, want, tmp_path / "out")


def test_a_robot(run, data, home, tmp_path):
    """The Husky of robot_localization: odometry at 10 Hz that jitters, IMU, GNSS; and the same recording of ROS 1."""
    logs = data / "logs"
    run("ingest", "--home", home, logs / "ros2-bags/derived/test1_mcap")
    egos = check_find(run, home)
    check_scenes(run, home, egos)
    (rows,) = egos.values()
    ros1 = tmp_path / "ros1"
    told = run("ingest", "--home", ros1, "--json", logs / "ros1-bags/robot_localization/test1.bag").json()["files"][0]
    assert (told["recipe"], told["no_ego"]) == ("odometry", "")
    assert list(ego_of(ros1).values()) == [rows]


def test_a_drive_of_a_canedge(run, data, home, tmp_path):
    """GNSS over CAN about once a second, split by time: its own step."""
    drive = data / "logs/mf4-canedge/drive"
    run("ingest", "--home", home, "--dbc", drive / "dbc_files/canmod-gps.dbc", drive / "LOG_datastore")
    egos = check_find(run, home)
    assert len(egos) == 5
    want = check_scenes(run, home, egos)
    assert {step for step, _ in want.values()} == {S}
    check_version(run, home, want, tmp_path / "out")


# ---- Without a size, beside others, under other names -------------------------------------------


def write(path, channels, encoding="json"):
    """An MCAP; channels: (topic, schema name, schema, [(t_ns, message)])."""
    from mcap.writer import Writer

    with open(path, "wb") as f:
        w = Writer(f)
        w.start()
        for topic, name, schema, messages in channels:
            data = json.dumps(schema).encode() if encoding == "json" else schema
            kind = "jsonschema" if encoding == "json" else encoding
            channel = w.register_channel(topic, encoding, w.register_schema(name, kind, data))
            for t, message in messages:
                w.add_message(channel, t, json.dumps(message).encode() if encoding == "json" else message, t)
        w.finish()


def numbers(*names):
    return {"type": "object", "properties": {n: {"type": "number"} for n in names}}


TIME = {"type": "object", "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}}}
POSE = {"type": "object", "properties": {"timestamp": TIME, "frame_id": {"type": "string"}, "pose": {"type": "object", "properties": {
    "position": numbers("x", "y", "z"), "orientation": numbers("x", "y", "z", "w")}}}}
FIX = {"type": "object", "properties": {"timestamp": TIME, "frame_id": {"type": "string"}, "latitude": {"type": "number"},
                                        "longitude": {"type": "number"}, "altitude": {"type": "number"}}}


def stamp(t):
    return {"sec": t // S, "nsec": t % S}


def poses(frame, count=60):
    return [(t, {"timestamp": stamp(t), "frame_id": frame, "pose": {"position": {"x": 5 * i / 10, "y": 1.0, "z": 0},
                                                                    "orientation": {"x": 0, "y": 0, "z": 0, "w": 1}}})
            for i in range(count) for t in [100 * S + i * S // 10]]


def test_foxglove_json(run, home, tmp_path):
    write(tmp_path / "pose.mcap", [("/pose", "foxglove.PoseInFrame", POSE, poses("map")),
                                   ("/goal_pose", "foxglove.PoseInFrame", POSE, poses("map", 90))])
    fixes = [(t, {"timestamp": stamp(t), "frame_id": "gps", "latitude": 48 + i * 1e-6, "longitude": 11, "altitude": 500})
             for i in range(60) for t in [200 * S + i * S // 10]]
    write(tmp_path / "fix.mcap", [("/fix", "foxglove.LocationFix", FIX, fixes)])
    told = run("ingest", "--home", home, "--json", tmp_path / "fix.mcap", tmp_path / "pose.mcap").json()["files"]
    assert [(f["recipe"], f["ego_rows"], f["no_ego"]) for f in told] == [("gnss_imu", 60, ""), ("pose", 60, "")]
    _, spans = found_spans(run, home, "speed(ego) > 4.9 m/s")
    assert spans == {told[1]["recording_id"]: [(100 * S + S // 10, 106 * S)]}


def test_foxglove_protobuf(run, home, tmp_path):
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

    file = descriptor_pb2.FileDescriptorProto(name="foxglove/LocationFix.proto", package="foxglove", syntax="proto3",
                                              dependency=["google/protobuf/timestamp.proto"])
    kind = file.message_type.add(name="LocationFix")
    field = descriptor_pb2.FieldDescriptorProto
    kind.field.add(name="timestamp", number=6, type=field.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp", label=1)
    kind.field.add(name="frame_id", number=7, type=field.TYPE_STRING, label=1)
    for number, name in enumerate(("latitude", "longitude", "altitude"), 1):
        kind.field.add(name=name, number=number, type=field.TYPE_DOUBLE, label=1)
    times = descriptor_pb2.FileDescriptorProto()
    timestamp_pb2.DESCRIPTOR.CopyToProto(times)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(times)
    pool.Add(file)
    fix = message_factory.GetMessageClass(pool.FindMessageTypeByName("foxglove.LocationFix"))
    schema = descriptor_pb2.FileDescriptorSet(file=[times, file]).SerializeToString()
    messages = [(t, fix(timestamp={"seconds": t // S, "nanos": t % S}, frame_id="gps", latitude=48 + i * 1e-5, longitude=11,
                        altitude=500).SerializeToString()) for i in range(30) for t in [300 * S + i * S // 10]]
    write(tmp_path / "fix.mcap", [("/fix", "foxglove.LocationFix", schema, messages)], "protobuf")
    told = run("ingest", "--home", home, "--json", tmp_path / "fix.mcap").json()["files"][0]
    assert (told["recipe"], told["ego_rows"], told["no_ego"]) == ("gnss_imu", 30, "")
    (rows,) = ego_of(home).values()
    assert rows[0] == (300 * S, 0, 0) and abs(rows[29][2] - 29 * 1.11198) < 0.01  # a degree of latitude there: 111.198 km


TF = """geometry_msgs/TransformStamped[] transforms
================================================================================
MSG: geometry_msgs/TransformStamped
std_msgs/Header header
string child_frame_id
geometry_msgs/Transform transform
================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
================================================================================
MSG: geometry_msgs/Transform
geometry_msgs/Vector3 translation
geometry_msgs/Quaternion rotation
================================================================================
MSG: geometry_msgs/Vector3
float64 x
float64 y
float64 z
================================================================================
MSG: geometry_msgs/Quaternion
float64 x
float64 y
float64 z
float64 w
"""


def test_the_base_in_a_tree_of_frames(run, home, tmp_path):
    from mcap_ros2.writer import Writer

    def transform(t, parent, child, x):
        return {"header": {"stamp": {"sec": t // S, "nanosec": t % S}, "frame_id": parent}, "child_frame_id": child,
                "transform": {"translation": {"x": x, "y": 2.0, "z": 0.0}, "rotation": {"x": 0.0, "y": 0.0, "z": 0.0, "w": 1.0}}}

    with open(tmp_path / "tf.mcap", "wb") as f:
        w = Writer(f)
        schema = w.register_msgdef("tf2_msgs/msg/TFMessage", TF)
        for i in range(40):
            t = 400 * S + i * S // 20
            tree = [transform(t, "map", "odom", 100.0), transform(t, "r1/odom", "r1/base_footprint", i / 10),
                    transform(t, "r1/base_footprint", "r1/base_link", 0.0)]
            w.write_message("/tf", schema, {"transforms": tree}, t, t)
            w.write_message("/tf_static", schema, {"transforms": [transform(t, "map", "base_link", 7.0)] * 2}, t, t)
        w.finish()
    told = run("ingest", "--home", home, "--json", tmp_path / "tf.mcap").json()["files"][0]
    assert (told["recipe"], told["ego_rows"], told["ego_rejects"]) == ("tf", 40, 0)
    (rows,) = ego_of(home).values()
    assert rows == [(400 * S + i * S // 20, i / 10, 2.0) for i in range(40)]
    assert {r["frame"] for r in table(home, "ego")} == {"r1/odom"}
    _, spans = found_spans(run, home, "speed(ego) > 1.9 m/s")
    assert list(spans.values()) == [[(400 * S + S // 20, 402 * S)]]


def test_foxglove_transforms(run, home, tmp_path):
    kind = {"type": "object", "properties": {
        "timestamp": TIME, "parent_frame_id": {"type": "string"}, "child_frame_id": {"type": "string"},
        "translation": numbers("x", "y", "z"), "rotation": numbers("x", "y", "z", "w")}}
    one = [(t, {"timestamp": stamp(t), "parent_frame_id": "odom", "child_frame_id": "base_link",
                "translation": {"x": i / 10, "y": 0.5, "z": 0}, "rotation": {"x": 0, "y": 0, "z": 0, "w": 1}})
           for i in range(40) for t in [400 * S + i * S // 10]]
    write(tmp_path / "tf.mcap", [("/tf", "foxglove.FrameTransform", kind, one)])
    told = run("ingest", "--home", home, "--json", tmp_path / "tf.mcap").json()["files"][0]
    assert (told["recipe"], told["ego_rows"], told["no_ego"]) == ("tf", 40, "")
    (rows,) = ego_of(home).values()
    assert rows[-1] == (400 * S + 39 * S // 10, 3.9, 0.5)


def test_a_pose_in_a_frame_that_moves_is_no_ego(run, home, tmp_path):
    write(tmp_path / "a.mcap", [("/pose", "foxglove.PoseInFrame", POSE, poses("base_link"))])
    told = run("ingest", "--home", home, "--json", tmp_path / "a.mcap").json()["files"][0]
    assert (told["ego_inputs"], told["ego_rows"], told["ego_rejects"]) == (60, 0, 60)
    assert told["no_ego"] == ("all its 60 instants are rejects, the first: its frame \"base_link\" does not stand still: expected map, "
                              "odom, world or earth")


def test_why_there_is_no_ego(run, home, tmp_path):
    write(tmp_path / "a.mcap", [("/goal", "foxglove.PoseInFrame", POSE, poses("map")),
                                ("/text", "std_msgs/String", numbers("a"), [(S, {"a": 1})])])
    want = ("no built-in recipe fits; channels seen: foxglove.PoseInFrame, std_msgs/String; expected one of nav_msgs/msg/Odometry, "
            "sensor_msgs/msg/NavSatFix, can/gnss_pos, osi/host, tf/base, geometry_msgs/msg/PoseStamped")
    told = run("ingest", "--home", home, tmp_path / "a.mcap").stdout
    assert told.count("no ego: ") == 1 and f"no ego: {want}\n" in told
    again = run("ingest", "--home", home, "--json", tmp_path / "a.mcap").json()["files"][0]
    assert (again["already"], again["no_ego"]) == (True, want)
    assert run("recordings", "show", again["recording_id"], "--home", home, "--json").json()["no_ego"] == want
    missing = run("find", "speed(ego) > 1 m/s", "--home", home, "--json").json()
    assert (missing["recordings"], missing["matches"]) == (0, 0)


def test_no_size_is_said(run, home, tmp_path):
    write(tmp_path / "pose.mcap", [("/pose", "foxglove.PoseInFrame", POSE, poses("map"))])
    run("ingest", "--home", home, tmp_path / "pose.mcap")
    told = run("find", "speed(ego) > 1 m/s and not some v: near(ego, v)", "--home", home, "--json").json()
    assert told["matches"] == 1 and told["unknown_because"]["ego_has_no_known_size"] == 0  # there is nobody else
    told = run("find", "--explain", "gap(ego, v) < 5 m", "--home", home).stdout
    assert "1 recordings: the ego has no known size; what needs the centre or the box of theirs is not known there\n" in told


# ---- All in one home ----------------------------------------------------------------------------


def sums_of(result):
    steps = {s["name"]: s["result"] if isinstance(s["result"], dict) else json.loads(s["result"]) for s in result["steps"]}
    told, made = steps["ingest"], [steps["dataset"], steps["child"]]
    assert told["bytes"] == told["bytes_kept"] + told["bytes_lost"]
    assert told["messages"] == told["message_rows"] + told["message_rejects"]
    assert told["states"] == told["state_rows"] + told["state_rejects"]
    assert told["ego_inputs"] == told["ego_rows"] + told["ego_rejects"]
    assert all(d["windows"] == d["scenes"] + d["left_out"] for d in made)
    return told, made[0]


def counted(run, home, told):
    """The sums against the tables of the lake."""
    sql = "SELECT (SELECT count(*) FROM ego) AS ego, (SELECT count(*) FROM tracks) AS tracks, (SELECT sum(blobs) FROM recordings) AS blobs"
    (row,) = run("query", sql, "--home", home, "--json").json()["rows"]
    assert (int(row["ego"]), int(row["tracks"])) == (told["ego_rows"], told["state_rows"])
    return int(row["blobs"])


def test_a_turn_on_everything_in_one_home(run, data, home, tmp_path):
    """Scenarios and bags of a made fleet, a bag with images, MF4 of CAN, OSI; then a later turn with one more."""
    logs = data / "logs"
    run("synth", tmp_path / "fleet", "--drives", 10, "--seed", 5, "--duration", 12)
    held = tmp_path / "later"
    held.mkdir()
    shutil.move(tmp_path / "fleet/recordings/drive_0009.mcap", held)
    drive = logs / "mf4-canedge/drive"
    run("ingest", "--home", home, "--dbc", drive / "dbc_files/canmod-gps.dbc", drive / "LOG_datastore/3BA199E2/00000164/00000001-60FE3F04.MF4")
    words = ["turn", "--home", home, "--config", TINY / "tiny.yaml", "--licence", "Apache-2.0", "--json"]
    sources = [tmp_path / "fleet", logs / "ros2-bags/amber/soccer_goal", logs / "mcap-schemas/osi/disappearingVehicle.mcap"]
    first, version = sums_of(run(*words, *sources).json())
    assert counted(run, home, first) > 0  # the images
    assert first["recordings"] == 10 + 9 + 3
    assert version["left_out"] > 0  # OSI's and the CANedge's steps are not those of the fleet
    manifest = json.loads((home / "versions" / version["version"] / "manifest.json").read_text())
    assert manifest["windows"]["left_out"]["time_step"] > 0 and manifest["tables"].keys() == {"ego", "maps", "tracks"}
    later, after = sums_of(run(*words, held).json())
    counted(run, home, later)
    assert (later["recordings"], later["ego_rows"] - first["ego_rows"]) == (23, 301)
    assert after["windows"] > version["windows"]
