"""What synth writes, read by others: recordings by the mcap package, the way they say it went by the traffic's truth."""
import collections
import json
import math
import xml.etree.ElementTree as ElementTree

import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

EPOCH_NS = 1767225600000000000


@pytest.fixture(scope="module")
def fleet(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("synth") / "fleet"
    done = run("synth", folder, "--seed", 7, "--drives", 4, "--duration", 15, "--faults", "--json")
    counts = done.json()
    assert (counts["recordings"], counts["scenarios"], counts["faults"]) == (4, 4, 4)
    return folder


def messages(path):
    """{topic: [(log_ns, decoded or None)]}; None for a message that does not decode."""
    found = collections.defaultdict(list)
    decoder = DecoderFactory()
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        for schema, channel, message in reader.iter_messages():
            decode = decoder.decoder_for(channel.message_encoding, schema)
            try:
                found[channel.topic].append((message.log_time, decode(message.data)))
            except Exception:  # the package raises several kinds
                found[channel.topic].append((message.log_time, None))
    return found


def truth(path):
    """Positions of the ego, the vehicle 1001, every 0.1 s."""
    root = ElementTree.parse(path).getroot()
    (ego,) = [o for o in root.iterfind("dynamicObstacle") if o.get("id") == "1001"]
    return [(float(s.findtext("position/point/x")), float(s.findtext("position/point/y")),
             float(s.findtext("orientation/exact")))
            for s in [ego.find("initialState"), *ego.iterfind("trajectory/state")]]


def test_recordings(fleet):
    faults = json.loads((fleet / "faults.json").read_text())["faults"]
    for drive, fault in enumerate(faults):
        found = messages(fleet / "recordings" / f"drive_{drive:04}.mcap")
        assert {t: len(m) for t, m in found.items()} == \
            {"/odom": 376 - (fault["messages"] if fault["kind"] == "gap" else 0), "/imu": 751, "/fix": 76}
        broken = [t for t, m in found.items() for _, message in m if message is None]
        assert broken == (["/fix"] if fault["kind"] == "cut" else [])
        for topic, items in found.items():
            times = [log_ns for log_ns, _ in items]
            assert times == sorted(times) and times[0] >= EPOCH_NS + drive * 3600 * 10**9


def test_positions_are_those_of_the_traffic(fleet):
    """Fixes lie within their noise (0.5 m a side) of the rear axle, 1.4 m behind the box's middle."""
    for drive in range(4):
        path = truth(fleet / "scenarios" / f"drive_{drive:04}.xml")
        errors = []
        for _, fix in messages(fleet / "recordings" / f"drive_{drive:04}.mcap")["/fix"]:
            if fix is None:
                continue
            stamp = fix.header.stamp.sec * 10**9 + fix.header.stamp.nanosec - EPOCH_NS - drive * 3600 * 10**9
            x, y, yaw = path[stamp // 10**8]
            north = math.radians(fix.latitude - 48.14) * 6371000 * 1.00064  # of the meridian at this latitude
            east = math.radians(fix.longitude - 11.58) * 6378137 * math.cos(math.radians(48.14)) * 1.00194
            errors.append(math.hypot(east - x + 1.4 * math.cos(yaw), north - y + 1.4 * math.sin(yaw)))
        assert len(errors) >= 75
        assert 0.3 < sum(errors) / len(errors) < 1.0, (drive, sum(errors) / len(errors))
