"""Every CDR message of the ROS 2 recordings, decoded by `roadmill log cat` and by mcap_ros2: equal values."""
import base64
import json
import math
import struct
import warnings

import pytest

mcap_reader = pytest.importorskip("mcap.reader")
mcap_stream = pytest.importorskip("mcap.stream_reader")
InvalidFieldDefinition = pytest.importorskip("mcap_ros2._vendor.rosidl_adapter.parser").InvalidFieldDefinition
mcap_ros2 = pytest.importorskip("mcap_ros2.decoder")

EXACT_MAX = 2**53


def plain(value):
    """A decoded message of mcap_ros2 as the JSON that log cat prints."""
    if hasattr(value, "__slots__"):
        names = list(value.__slots__)
        if names == ["sec", "nanosec"]:
            return number(signed(value.sec) * 10**9 + value.nanosec)
        if not names:
            return {"structure_needs_at_least_one_member": 0}
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, (list, tuple)) or hasattr(value, "typecode"):
        return [plain(v) for v in value]
    return number(value)


def signed(seconds):
    return seconds - 2**32 if seconds >= 2**31 else seconds


def number(value):
    if isinstance(value, bool) or isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value) if abs(value) > EXACT_MAX else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def same(a, b):
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, str) and isinstance(b, list):  # char[] is binary here, as uint8[] is
        return list(base64.b64decode(a)) == b
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return a == b


def messages_of(path):
    """All messages of a file in the order of the file, decoded where their encoding is CDR."""
    factory = mcap_ros2.DecoderFactory()
    schemas, channels, decoders = {}, {}, {}
    with open(path, "rb") as file:
        for record in mcap_stream.StreamReader(file).records:
            kind = type(record).__name__
            if kind == "Schema":
                schemas[record.id] = record
            elif kind == "Channel":
                channels[record.id] = record
            elif kind == "Message":
                channel = channels[record.channel_id]
                schema = schemas.get(channel.schema_id)
                if channel.id not in decoders:
                    decoders[channel.id] = make_decoder(factory, channel, schema)
                yield channel, record, decode(decoders[channel.id], record.data)


class Refused:
    """mcap_ros2 cannot read these bytes by this schema."""


def make_decoder(factory, channel, schema):
    try:
        return factory.decoder_for(channel.message_encoding, schema)
    except InvalidFieldDefinition:
        return None


def decode(decoder, data):
    try:
        return decoder(data) if decoder else None
    except (UnicodeDecodeError, struct.error, IndexError):
        return Refused()


def test_values_equal(run, data):
    files = sorted((data / "logs/ros2-bags").rglob("*.mcap"))
    files += sorted((data / "logs/mcap-schemas/replay_testing").rglob("*.mcap"))
    assert len(files) == 21 + 2
    compared, types, refused = 0, set(), []
    for path in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = list(messages_of(path))
        lines = run("log", "cat", "--file-order", path).stdout.splitlines()
        assert len(lines) == len(expected), path
        for line, (channel, record, value) in zip(lines, expected):
            found = json.loads(line)
            assert found["topic"] == channel.topic
            assert int(found["log_ns"]) == record.log_time
            assert int(found["publish_ns"]) == record.publish_time
            assert found["sequence"] == record.sequence
            if value is None:
                assert base64.b64decode(found["data"]) == record.data
                continue
            if isinstance(value, Refused):
                assert "error" in found, (path, found)
                assert base64.b64decode(found["data"]) == record.data
                refused.append((path.name, channel.topic))
                continue
            want = plain(value)
            if want == {"structure_needs_at_least_one_member": 0}:
                want = {}
            assert same(found["message"], want), f"{path}: {channel.topic}: {found} {want}"
            compared += 1
            types.add(found["type"])
    # Its messages are compressed one by one: no CDR.
    assert refused == [("soccer_goal_12.mcap", "/camera/image_raw")] * 2
    assert compared > 40000
    assert len(types) >= 90
