"""Encoded pictures in `blobs`: codec, size, key frames and identity, against PyAV (FFmpeg), which encodes and decodes them."""
import base64
import fractions
import hashlib
import json

import numpy
import pytest

av = pytest.importorskip("av")
mcap_ros2 = pytest.importorskip("mcap_ros2.writer")
mcap_writer = pytest.importorskip("mcap.writer")
deltalake = pytest.importorskip("deltalake")

BAR = "\n" + "=" * 80 + "\n"
HEADER = BAR + ("MSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id" + BAR +
                "MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec")
IMAGE = "std_msgs/Header header\nstring format\nuint8[] data" + HEADER
VIDEO = "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format" + BAR + \
    "MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec"


def picture(number, width, height):
    y, x = numpy.mgrid[0:height, 0:width]
    return av.VideoFrame.from_ndarray(numpy.stack([(x + 3 * number) % 256, (y * 2) % 256, (x + y) % 256], -1).astype("uint8"))


def encoded(codec, width, height, count, pixels="yuv420p", options=None):
    """Packets of a stream, each one frame with its parameters in it (annex B)."""
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = width, height, pixels
    context.time_base = fractions.Fraction(1, 20)
    context.options = options or {}
    packets = []
    for i in range(count):
        packets += context.encode(picture(i, width, height).reformat(format=pixels))
    return packets + context.encode(None)


def recorded(path, kind, definition, frames):
    """frames: (format, bytes), 50 ms apart from 1 s on."""
    with open(path, "wb") as f:
        writer = mcap_ros2.Writer(f)
        schema = writer.register_msgdef(kind, definition)
        for i, (form, data) in enumerate(frames):
            t = 10**9 + i * 50_000_000
            stamp = {"sec": t // 10**9, "nanosec": t % 10**9}
            head = {"timestamp": stamp, "frame_id": "cam"} if "Video" in kind else {"header": {"stamp": stamp, "frame_id": "cam"}}
            writer.write_message("/cam", schema, {**head, "format": form, "data": data}, log_time=t + 7, publish_time=t, sequence=i)
        writer.finish()
    return path


def blobs(run, home, path):
    run("ingest", "--home", home, path)
    table = deltalake.DeltaTable(str(home / "lake/blobs")).to_pyarrow_table().to_pylist()
    return sorted(table, key=lambda r: r["log_ns"])


def identity(data):
    return len(data), hashlib.sha256(data).hexdigest()


X264 = {"preset": "ultrafast", "x264-params": "keyint=7:scenecut=0:repeat-headers=1:annexb=1:bframes=2"}
X265 = {"preset": "ultrafast", "x265-params": "keyint=5:repeat-headers=1:annexb=1:log-level=none"}
STREAMS = [("libx264", "h264", 64, 48, "yuv420p", X264), ("libx264", "h264", 642, 362, "yuv420p", X264),
           ("libx264", "h264", 350, 226, "yuv422p", X264), ("libx264", "h264", 97, 33, "yuv444p", X264),
           ("libx264", "h264", 96, 68, "yuv420p", {**X264, "x264-params": X264["x264-params"] + ":tff=1"}),
           ("libx265", "h265", 640, 360, "yuv420p", X265), ("libx265", "h265", 322, 178, "yuv420p", X265),
           ("libx265", "hevc", 131, 67, "yuv444p", X265)]


@pytest.mark.parametrize("encoder, form, width, height, pixels, options", STREAMS)
def test_video(run, home, tmp_path, encoder, form, width, height, pixels, options):
    packets = encoded(encoder, width, height, 20, pixels, options)
    frames = [bytes(p) for p in packets]
    ours = blobs(run, home, recorded(tmp_path / "v.mcap", "foxglove_msgs/msg/CompressedVideo", VIDEO, [(form, f) for f in frames]))
    assert len(ours) == 20 and sum(p.is_keyframe for p in packets) >= 3
    for row, packet, data in zip(ours, packets, frames):
        assert row["key_frame"] == packet.is_keyframe and row["frame_fault"] is None
        assert row["frame_codec"] == ("h264" if encoder == "libx264" else "h265") and row["frame_format"] == form
        assert (row["frame_length"], row["frame_sha256"]) == identity(data)
        if packet.is_keyframe:
            assert (row["width_px"], row["height_px"]) == (width, height)
    # What the lake refers to is the stream: it decodes from every key frame on.
    raw = (tmp_path / "v.mcap").read_bytes()
    first = [i for i, r in enumerate(ours) if r["key_frame"]][1]
    assert all(r["codec"] in (None, "zstd", "lz4") for r in ours) and raw
    decoder = av.CodecContext.create("h264" if encoder == "libx264" else "hevc", "r")
    shown = [f for data in frames[first:] for f in decoder.decode(av.Packet(data))] + decoder.decode(None)
    assert len(shown) >= 20 - first and (shown[0].width, shown[0].height) == (width, height)


def still(codec, pixels, width, height):
    return bytes(encoded(codec, width, height, 1, pixels)[0])


def test_stills(run, home, tmp_path):
    jpeg, png = still("mjpeg", "yuvj420p", 97, 61), still("png", "rgb24", 34, 21)
    cases = [("jpeg", jpeg, "jpeg", 97, 61, None), ("bgr8; jpeg compressed bgr8", jpeg, "jpeg", 97, 61, None),
             ("png", png, "png", 34, 21, None), ("jpeg", jpeg + b"\0" * 9, "jpeg", 97, 61, None),
             ("16UC1; compressedDepth", b"\0" * 12 + png, "png", 34, 21, None),
             ("png", jpeg, "jpeg", 97, 61, "its bytes are not of the format that it states"),
             ("jpeg", jpeg[:-40], "jpeg", 97, 61, "expected EOI at its end, found none: it is cut"),
             ("png", png[:-3], "png", 34, 21, "expected IEND at its end, found none: it is cut"),
             ("jpeg", jpeg[:30], "jpeg", None, None, "expected a start of frame before its scan, found none"),
             ("h264", b"\0\0\0\x05abcde", None, None, None, "its bytes are not of the format that it states"),
             ("webp", b"RIFF", None, None, None, None), ("", jpeg, "jpeg", 97, 61, None)]
    ours = blobs(run, home, recorded(tmp_path / "s.mcap", "sensor_msgs/msg/CompressedImage", IMAGE, [c[:2] for c in cases]))
    for row, (form, data, codec, width, height, fault) in zip(ours, cases):
        assert (row["frame_format"] or "", row["frame_codec"], row["width_px"], row["height_px"], row["frame_fault"]) == \
            (form, codec, width, height, fault)
        assert row["key_frame"] == (True if codec else None)
        assert (row["frame_length"], row["frame_sha256"]) == identity(data)
        assert row["sensor_ns"] == row["publish_ns"]


def test_json_and_a_message_that_does_not_fit(run, home, tmp_path):
    jpeg = still("mjpeg", "yuvj420p", 16, 16)
    schema = {"type": "object", "properties": {"format": {"type": "string"}, "data": {"type": "string", "contentEncoding": "base64"}}}
    with open(tmp_path / "j.mcap", "wb") as f:
        writer = mcap_writer.Writer(f)
        writer.start()
        sid = writer.register_schema("foxglove.CompressedImage", "jsonschema", json.dumps(schema).encode())
        cid = writer.register_channel("/cam", "json", sid)
        message = json.dumps({"format": "jpeg", "data": base64.b64encode(jpeg).decode()}).encode()
        for i, data in enumerate([message, b"{", message]):
            writer.add_message(cid, 10**9 + i, data, 10**9 + i)
        writer.finish()
    ours = blobs(run, home, tmp_path / "j.mcap")
    assert [r["frame_fault"] for r in ours] == [None, "its message does not fit its schema", None]
    assert [r["frame_sha256"] for r in ours] == [identity(jpeg)[1], None, identity(jpeg)[1]]
