"""Messages that list objects as `tracks`, `maps` and `ego`: ASAM OSI against the messages decoded by Python, Autoware's and
vision_msgs' objects written by Python."""
import math
import uuid

import pytest

mcap_reader = pytest.importorskip("mcap.reader")
mcap_protobuf = pytest.importorskip("mcap_protobuf.decoder")
mcap_ros2 = pytest.importorskip("mcap_ros2.writer")
deltalake = pytest.importorskip("deltalake")

OSI = ["MovingHostWith3DModel", "MovingHostWithStopLine", "MovingHostWithStopLineVariations", "disappearingVehicle",
       "sensorDataDetectedLaneBoundaries", "testBrakeAndIndicatorLights"]
LANES = ["unknown", "other", "driving", "nondriving", "intersection"]


def rows(home, table):
    folder = home / "lake" / table
    return deltalake.DeltaTable(str(folder)).to_pyarrow_table().to_pylist() if folder.exists() else []


def truths(path):
    """(time, ground truth) of each SensorView, in the order of the log."""
    with open(path, "rb") as f:
        reader = mcap_reader.make_reader(f, decoder_factories=[mcap_protobuf.DecoderFactory()])
        for schema, _, _, view in reader.iter_decoded_messages(log_time_order=True):
            if schema.name == "osi3.SensorView":
                yield view.timestamp.seconds * 10**9 + view.timestamp.nanos, view.global_ground_truth


def optional(message, *names):
    for name in names:
        if not message.HasField(name):
            return None
        message = getattr(message, name)
    return message


@pytest.mark.parametrize("name", OSI)
def test_osi(run, data, home, tmp_path, name):
    path = data / "logs/mcap-schemas/osi" / f"{name}.mcap"
    event = run("ingest", "--json", "--home", home, path).json()["files"][0]
    tracks, egos, lanes, last = {}, [], {}, {}
    for t_ns, truth in truths(path):
        for lane in truth.lane:
            lanes.setdefault(str(lane.id.value), lane.classification)
        for o in truth.moving_object:
            if last.get(o.id.value, -1) >= t_ns:
                continue
            last[o.id.value] = t_ns
            b = o.base
            speed = math.hypot(b.velocity.x, b.velocity.y) if b.HasField("velocity") else None
            tracks[str(o.id.value), t_ns] = (b.position.x, b.position.y, b.position.z, b.orientation.yaw, speed,
                                             b.dimension.length, b.dimension.width, o.id.value == truth.host_vehicle_id.value)
            if o.id.value == truth.host_vehicle_id.value:
                rear = optional(o, "vehicle_attributes", "bbcenter_to_rear")
                x, y = (rear.x, rear.y) if rear else (0, 0)
                c, s = math.cos(b.orientation.yaw), math.sin(b.orientation.yaw)
                egos.append((t_ns, b.position.x + c * x - s * y, b.position.y + s * x + c * y,
                             b.position.z - b.dimension.height / 2, b.orientation.yaw, speed))
    ours = {(r["track_id"], r["t_ns"]): r for r in rows(home, "tracks")}
    assert ours.keys() == tracks.keys() and event["states"] == event["state_rows"] + event["state_rejects"]
    for key, want in tracks.items():
        r = ours[key]
        assert (r["x_m"], r["y_m"], r["z_m"], r["recorded_yaw_rad"]) == want[:4]
        assert r["recorded_speed_mps"] == (None if want[4] is None else pytest.approx(want[4], rel=1e-15))
        assert (r["length_m"], r["width_m"], r["is_ego"]) == want[5:] and r["source"] == "osi"
    ego = sorted(rows(home, "ego"), key=lambda r: r["t_ns"])
    assert len(ego) == len(egos)
    for r, (t_ns, x, y, z, yaw, speed) in zip(ego, egos):
        assert r["t_ns"] == t_ns and r["yaw_rad"] == yaw and r["z_m"] == z
        assert (r["x_m"], r["y_m"]) == (pytest.approx(x, abs=1e-9), pytest.approx(y, abs=1e-9))
        if speed is None:
            assert r["vx_mps"] is None
        else:
            assert math.hypot(r["vx_mps"], r["vy_mps"]) == pytest.approx(speed, abs=1e-9)
    elements = {r["element_id"]: r for r in rows(home, "maps") if r["kind"] == "lane"}
    assert elements.keys() == lanes.keys()
    for key, c in lanes.items():
        r = elements[key]
        centre = [(p.x, p.y, p.z) for p in c.centerline]
        turned = c.HasField("centerline_is_driving_direction") and not c.centerline_is_driving_direction
        if centre:
            assert [(p["x_m"], p["y_m"], p["z_m"]) for p in r["centre"]] == (centre[::-1] if turned else centre)
        assert r["type"] == LANES[c.type]
        beside = c.right_adjacent_lane_id if turned else c.left_adjacent_lane_id
        assert r["left_id"] == (str(beside[0].value) if beside else None)
        assert bool(r["left"]) == (len(c.right_lane_boundary_id if turned else c.left_lane_boundary_id) == 1)
    picture = tmp_path / "ego.svg"
    drive = rows(home, "drives")[0]["drive_id"]
    run("drives", "report", drive, "--home", home, "--ego", picture)
    assert ("the drive states none" in picture.read_text()) == all(speed is None for *_, speed in egos)
    again = run("ingest", "--json", "--home", home, path).json()["files"][0]
    assert again["already"] and len(rows(home, "tracks")) == len(tracks) and len(rows(home, "places")) == 1


# ---- Objects of ROS 2 ----------------------------------------------------------------------------------------------------

BAR = "\n" + "=" * 80 + "\n"
HEADER = BAR + ("MSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id" + BAR +
                "MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec")
POSE = BAR + ("MSG: geometry_msgs/Pose\ngeometry_msgs/Point position\ngeometry_msgs/Quaternion orientation" + BAR +
              "MSG: geometry_msgs/Point\nfloat64 x\nfloat64 y\nfloat64 z" + BAR +
              "MSG: geometry_msgs/Quaternion\nfloat64 x\nfloat64 y\nfloat64 z\nfloat64 w" + BAR +
              "MSG: geometry_msgs/Vector3\nfloat64 x\nfloat64 y\nfloat64 z")
VISION = ("std_msgs/Header header\nvision_msgs/Detection3D[] detections" + BAR +
          "MSG: vision_msgs/Detection3D\nstd_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
          "vision_msgs/BoundingBox3D bbox\nstring id" + BAR +
          "MSG: vision_msgs/ObjectHypothesisWithPose\nvision_msgs/ObjectHypothesis hypothesis" + BAR +
          "MSG: vision_msgs/ObjectHypothesis\nstring class_id\nfloat64 score" + BAR +
          "MSG: vision_msgs/BoundingBox3D\ngeometry_msgs/Pose center\ngeometry_msgs/Vector3 size" + HEADER + POSE)
AUTOWARE = ("std_msgs/Header header\nautoware_perception_msgs/TrackedObject[] objects" + BAR +
            "MSG: autoware_perception_msgs/TrackedObject\nunique_identifier_msgs/UUID object_id\nfloat32 existence_probability\n"
            "autoware_perception_msgs/ObjectClassification[] classification\n"
            "autoware_perception_msgs/TrackedObjectKinematics kinematics\nautoware_perception_msgs/Shape shape" + BAR +
            "MSG: unique_identifier_msgs/UUID\nuint8[16] uuid" + BAR +
            "MSG: autoware_perception_msgs/ObjectClassification\nuint8 label\nfloat32 probability" + BAR +
            "MSG: autoware_perception_msgs/TrackedObjectKinematics\ngeometry_msgs/PoseWithCovariance pose_with_covariance\n"
            "geometry_msgs/TwistWithCovariance twist_with_covariance" + BAR +
            "MSG: geometry_msgs/PoseWithCovariance\ngeometry_msgs/Pose pose\nfloat64[36] covariance" + BAR +
            "MSG: geometry_msgs/TwistWithCovariance\ngeometry_msgs/Twist twist\nfloat64[36] covariance" + BAR +
            "MSG: geometry_msgs/Twist\ngeometry_msgs/Vector3 linear\ngeometry_msgs/Vector3 angular" + BAR +
            "MSG: autoware_perception_msgs/Shape\nuint8 type\ngeometry_msgs/Vector3 dimensions" + HEADER + POSE)


def header(t_ns, frame):
    return {"stamp": {"sec": t_ns // 10**9, "nanosec": t_ns % 10**9}, "frame_id": frame}


def pose(x, y, yaw):
    return {"position": {"x": x, "y": y, "z": 0.5},
            "orientation": {"x": 0.0, "y": 0.0, "z": math.sin(yaw / 2), "w": math.cos(yaw / 2)}}


def written(path, kind, definition, messages):
    with open(path, "wb") as f:
        writer = mcap_ros2.Writer(f)
        schema = writer.register_msgdef(kind, definition)
        for i, (t_ns, message) in enumerate(messages):
            writer.write_message("/objects", schema, message, log_time=t_ns, publish_time=t_ns, sequence=i)
        writer.finish()
    return path


def detection(key, x, classes, frame="map"):
    return {"header": header(0, frame), "id": key, "bbox": {"center": pose(x, 2.0, 0.3), "size": {"x": 4.5, "y": 1.8, "z": 1.5}},
            "results": [{"hypothesis": {"class_id": c, "score": s}} for c, s in classes]}


def test_vision(run, home, tmp_path):
    t = [10**9, 2 * 10**9, 2 * 10**9, 3 * 10**9, 4 * 10**9]
    frames = ["map", "map", "map", "base_link", "odom"]
    messages = [(now + i, {"header": header(now, frame), "detections": [
        detection("a", 1.0 + i, [("person", 0.2), ("Car", 0.9)]), detection("", 5.0, [("car", 1.0)]),
        detection("b", math.nan, [])]}) for i, (now, frame) in enumerate(zip(t, frames))]
    path = written(tmp_path / "v.mcap", "vision_msgs/msg/Detection3DArray", VISION, messages)
    event = run("ingest", "--json", "--home", home, path).json()["files"][0]
    assert (event["tracks_type"], event["tracks_topic"]) == ("vision_msgs/msg/Detection3DArray", "/objects")
    assert (event["states"], event["state_rows"], event["state_rejects"], event["tracks"]) == (15, 2, 13, 1)
    ours = sorted(rows(home, "tracks"), key=lambda r: r["t_ns"])
    assert [(r["t_ns"], r["x_m"], r["class"], r["source_class"]) for r in ours] == [(10**9, 1.0, "car", "Car"), (2 * 10**9, 2.0, "car", "Car")]
    assert all(r["recorded_yaw_rad"] == pytest.approx(0.3) and r["recorded_speed_mps"] is None for r in ours)
    reasons = sorted(r["reason"].split(",")[0].split(" or ")[0] for r in rows(home, "track_rejects"))
    assert reasons == sorted(["it has no id"] * 3 + ["its position is missing"] * 3 + ["its frame does not stand still"] * 6 +
                             ["its time does not come after that of the state before"])


def test_a_topic_that_is_not_there(run, home, tmp_path):
    path = written(tmp_path / "v.mcap", "vision_msgs/msg/Detection3DArray", VISION, [(5, {"header": header(5, "map"), "detections": []})])
    done = run("ingest", "--home", home, path, "--tracks", "/nobody", check=False)
    assert done.returncode == 3 and "expected a topic /nobody of messages that list objects" in done.stdout + done.stderr


def test_autoware(run, home, tmp_path):
    keys = [uuid.UUID(int=7), uuid.UUID(int=2**100)]
    zero = [0.0] * 36
    nothing = {"x": 0.0, "y": 0.0, "z": 0.0}
    messages = [(10**9 + i * 10**8, {"header": header(10**9 + i * 10**8, "map"), "objects": [{
        "object_id": {"uuid": list(key.bytes)}, "existence_probability": 1.0,
        "classification": [{"label": 7, "probability": 0.3}, {"label": 6, "probability": 0.6}],
        "kinematics": {"pose_with_covariance": {"pose": pose(10.0 * k, 1.0 * i, -0.7), "covariance": zero},
                       "twist_with_covariance": {"twist": {"linear": {"x": 3.0, "y": 4.0, "z": 0.0}, "angular": nothing}, "covariance": zero}},
        "shape": {"type": 0, "dimensions": {"x": 1.9, "y": 0.6, "z": 1.7}}} for k, key in enumerate(keys)]}) for i in range(5)]
    path = written(tmp_path / "a.mcap", "autoware_perception_msgs/msg/TrackedObjects", AUTOWARE, messages)
    event = run("ingest", "--json", "--home", home, path).json()["files"][0]
    assert (event["states"], event["state_rows"], event["tracks"]) == (10, 10, 2)
    ours = rows(home, "tracks")
    assert {r["track_id"] for r in ours} == {k.hex for k in keys}
    assert all(r["class"] == "bicycle" and r["recorded_speed_mps"] == 5.0 and r["step_ns"] == 10**8 for r in ours)
    assert all(r["recorded_yaw_rad"] == pytest.approx(-0.7) and (r["length_m"], r["width_m"]) == (1.9, 0.6) for r in ours)
