"""drives report tells what a drive lacks: the holes of a recording made by another program, in words, numbers and a picture."""
import xml.etree.ElementTree as ET

import pytest
from mcap.writer import Writer

START = 1_763_712_930 * 10**9
SECOND = 10**9
# topic -> rate, and stretches (from, to) in seconds without messages
CHANNELS = {
    "/camera": (10, [(20, 26)]),
    "/imu": (50, [(30, 30.5), (40, 41)]),
    "/lidar": (10, [(45, 60)]),
    "/speed": (20, []),
}


def write_recording(path):
    rows = []
    for topic, (rate, holes) in CHANNELS.items():
        times = [k / rate for k in range(60 * rate)]
        rows += [(t, topic) for t in times if not any(a <= t < b for a, b in holes)]
    with open(path, "wb") as f:
        w = Writer(f)
        w.start()
        schema = w.register_schema("demo.Value", "jsonschema", b'{"type": "object", "properties": {"v": {"type": "number"}}}')
        ids = {topic: w.register_channel(topic, "json", schema) for topic in CHANNELS}
        for k, (t, topic) in enumerate(sorted(rows)):
            at = START + int(t * SECOND)
            w.add_message(ids[topic], at, b'{"v": 1}', at, k + 1)
        w.finish()


@pytest.fixture(scope="module")
def drive(run, tmp_path_factory):
    top = tmp_path_factory.mktemp("report")
    write_recording(top / "holes.mcap")
    run("ingest", "--home", top / "home", "--vehicle", "mule", top / "holes.mcap")
    return top, run("drives", "--home", top / "home", "--json").json()[0]["drive_id"]


def test_holes_are_told(run, drive):
    top, name = drive
    text = run("drives", "report", "--home", top / "home", name[:6]).stdout
    for line in ["/camera: 1 gap over 5 periods, the longest 6.100 s from 2025-11-21T08:15:49.9Z",
                 "/imu: 2 gaps over 5 periods, the longest 1.020 s",
                 "/lidar: stops 15.080 s before the recording ends"]:
        assert line in text, text
    assert "/speed:" not in text
    # One sequence for all channels: none of its numbers is missing.
    assert "numbers missing" not in text


def test_numbers_and_picture(run, drive):
    top, name = drive
    shown = run("drives", "report", "--home", top / "home", name, "--plot", top / "drive.svg", "--json").json()
    channels = {c["topic"]: c for c in shown["channels"]}
    assert {t: c["gap_count"] for t, c in channels.items()} == {"/camera": 1, "/imu": 2, "/lidar": 0, "/speed": 0}
    assert channels["/camera"]["gap_ns_max"] == str(6_100_000_000)
    svg = ET.parse(top / "drive.svg").getroot()
    texts = [e.text for e in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert set(CHANNELS) <= set(texts) and "6.1 s" in texts
    red = [e for e in svg.iter("{http://www.w3.org/2000/svg}path") if e.get("stroke") == "#D55E00"]
    assert len(red) == 3


def test_an_id_that_is_none(run, drive):
    top, _ = drive
    done = run("drives", "report", "--home", top / "home", "zz", check=False)
    assert done.returncode == 1 and 'expected one drive with an id that begins with "zz", found 0' in done.stderr
