"""Maker of the inputs of bench/open.c: an indexed MCAP of 10 GB and an MF4 of 2 GB, both with holes where messages would be.

usage: open_files.py FOLDER. Writes large.mcap and large.mf4 there.
"""
import pathlib
import struct
import sys
import zlib

folder = pathlib.Path(sys.argv[1])
CHUNK, CHUNKS, CHANNELS, EACH = 1 << 20, 10_000, 20, 100


def record(opcode, body):
    return struct.pack("<BQ", opcode, len(body)) + body


def text(value):
    return struct.pack("<I", len(value)) + value


def mcap(path):
    magic = b"\x89MCAP0\r\n"
    with open(path, "wb") as file:
        file.write(magic + record(1, text(b"ros2") + text(b"bench")))
        indexes = []
        for i in range(CHUNKS):
            at, start = file.tell(), i * 10**8
            head = struct.pack("<QQQI", start, start + 10**8 - 1, CHUNK, 0) + text(b"") + struct.pack("<Q", CHUNK)
            file.write(struct.pack("<BQ", 6, len(head) + CHUNK) + head)
            file.seek(CHUNK, 1)
            offsets = b""
            for channel in range(CHANNELS):
                offsets += struct.pack("<HQ", channel, file.tell())
                file.write(record(7, struct.pack("<HI", channel, 0)))
            length = file.tell() - at
            indexes.append(record(8, struct.pack("<QQQQ", start, start + 10**8 - 1, at, 9 + len(head) + CHUNK) + text(offsets)
                                  + struct.pack("<Q", length - 9 - len(head) - CHUNK) + text(b"") + struct.pack("<QQ", CHUNK, CHUNK)))
        file.write(record(15, struct.pack("<I", 0)))
        start = file.tell()
        summary = record(3, struct.pack("<H", 1) + text(b"T") + text(b"jsonschema") + text(b"{}"))
        for channel in range(CHANNELS):
            summary += record(4, struct.pack("<HH", channel, 1) + text(b"/t%d" % channel) + text(b"json") + text(b""))
        counts = b"".join(struct.pack("<HQ", channel, EACH * CHUNKS) for channel in range(CHANNELS))
        summary += record(11, struct.pack("<QHIIIIQQ", CHANNELS * EACH * CHUNKS, 1, CHANNELS, 0, 0, CHUNKS, 0, CHUNKS * 10**8) + text(counts))
        summary += b"".join(indexes)
        footer = struct.pack("<BQQQ", 2, 20, start, 0)
        file.write(summary + footer + struct.pack("<I", zlib.crc32(summary + footer)) + magic)


def mdf(path, size=2 << 30):
    import numpy as np
    from asammdf import MDF, Signal

    t = np.arange(5) * 0.1
    with MDF(version="4.10") as made:
        made.append([Signal(np.arange(5, dtype="<f8"), t, name="x")])
        made.save(path, overwrite=True, compression=0)
    whole = bytearray(path.read_bytes())
    group = struct.unpack_from("<Q", whole, 64 + 24)[0]
    channels = struct.unpack_from("<Q", whole, group + 24 + 8)[0]
    links = struct.unpack_from("<Q", whole, channels + 16)[0]
    data = channels + 24 + 8 * links
    width = sum(struct.unpack_from("<II", whole, data + 24))
    count = (size - 24) // width
    at = -(-len(whole) // 8) * 8
    struct.pack_into("<Q", whole, group + 24 + 16, at)
    struct.pack_into("<Q", whole, data + 8, count)
    with open(path, "wb") as file:
        file.write(whole)
        file.seek(at)
        file.write(b"##DT" + bytes(4) + struct.pack("<QQ", 24 + count * width, 0))
        file.truncate(at + 24 + count * width)


mcap(folder / "large.mcap")
mdf(folder / "large.mf4")
