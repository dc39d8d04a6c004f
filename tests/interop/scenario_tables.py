"""The tables of imported scenarios, as the deltalake package reads them; shared by the importers' tests."""
import collections
import gc

import deltalake
import pyarrow

TRACKS = ["recording_id", "track_id", "t_ns", "x_m", "y_m", "recorded_yaw_rad", "recorded_speed_mps", "length_m",
          "width_m", "class", "source_class", "is_ego"]
MAPS = ["recording_id", "element_id", "kind", "type", "left", "right", "centre", "left_id", "left_same", "right_id",
        "right_same", "next", "previous", "speed_limit_mps"]


def read(home, table, columns=None):
    return deltalake.DeltaTable(str(home / "lake" / table)).to_pyarrow_table(columns=columns)


def grouped(home, table, columns, key):
    """{recording_id: {row[key]: [rows]}}, in the order of the files; a row is a named tuple."""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    data = read(home, table, columns)
    names = data.column_names
    record = collections.namedtuple("Row", names, rename=True)
    of, by = names.index("recording_id"), names.index(key)
    # Few different texts in many rows: decoded once each.
    plain = (c.dictionary_encode() if pyarrow.types.is_large_string(c.type) else c for c in data.columns)
    for row in zip(*(c.to_pylist() for c in plain)):
        found[row[of]][row[by]].append(record._make(row))
    return found


class Tables:
    def __init__(self, home):
        self.recordings = {row["recording_id"]: row for row in read(home, "recordings").to_pylist()}
        self.tracks = grouped(home, "tracks", TRACKS, "track_id")
        self.maps = grouped(home, "maps", MAPS, "element_id")
        try:
            self.rejects = grouped(home, "rejects", None, "channel")
        except deltalake.exceptions.TableNotFoundError:
            self.rejects = {}
        gc.freeze()  # millions of rows that stay: looking through them again and again took two thirds of the time


def points(line):
    return [(p["x_m"], p["y_m"]) for p in line]
