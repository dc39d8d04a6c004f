"""Tables written here, read by others: deltalake, polars, duckdb and pyarrow see the same rows and types."""
import hashlib
import json
import math
import os
import pathlib
import random
import struct
import subprocess
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

deltalake = pytest.importorskip("deltalake")
polars = pytest.importorskip("polars")
duckdb = pytest.importorskip("duckdb")

ARROW = {"bool": pa.bool_(), "i8": pa.int8(), "i16": pa.int16(), "i32": pa.int32(), "i64": pa.int64(),
         "u64": pa.decimal128(20, 0), "f32": pa.float32(), "f64": pa.float64(), "string": pa.string(),
         "binary": pa.binary()}
SCALARS = list(ARROW)


@pytest.fixture(scope="session")
def write(program):
    """write(lake, table, owner, schema, rows, batch, replace): through examples/lake_write."""
    tool = pathlib.Path(program).parent / "examples/lake_write"
    assert tool.exists(), f"{tool}: expected the example; ./run build makes it"

    def call(lake, table, owner, schema, rows, batch=1000, replace=False, check=True):
        folder = pathlib.Path(lake).parent
        (folder / "schema.json").write_text(json.dumps(schema))
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        words = [tool, lake, table, owner, folder / "schema.json", folder / "rows.jsonl", str(batch)]
        done = subprocess.run([*map(str, words), *(["replace"] if replace else [])], capture_output=True, text=True)
        if check:
            assert done.returncode == 0, done.stderr
        return done

    return call


# ---- Random schemas and rows -----------------------------------------------------------------------------------------


def random_field(r, name, depth):
    kind = r.choice(SCALARS + (["list", "struct"] * 3 if depth < 3 else []))
    field = {"name": name, "type": kind, "nullable": r.random() < 0.7}
    if kind == "list":
        field["children"] = [random_field(r, "element", depth + 1)]
    if kind == "struct":
        field["children"] = [random_field(r, f"f{i}", depth + 1) for i in range(r.randrange(0, 4))]
    return field


def random_value(r, field):
    """A value as JSON takes it."""
    kind = field["type"]
    if field["nullable"] and r.random() < 0.2:
        return None
    bits = {"i8": 7, "i16": 15, "i32": 31, "i64": 63}.get(kind)
    if bits:
        return r.choice([r.randrange(-2**bits, 2**bits), r.randrange(-3, 3), 2**bits - 1, -(2**bits)])
    if kind == "bool":
        return r.random() < 0.5
    if kind == "u64":
        return str(r.choice([0, 1, 2**63, 2**64 - 1, r.randrange(2**64)]))
    if kind == "f32":
        return r.choice([0.5, -0.25, 1024.125, "nan", "inf", "-inf", 0.0, r.randrange(-1000, 1000) / 8])
    if kind == "f64":
        return r.choice([r.random(), -1e300, 5e-324, "nan", "inf", "-inf", 0.0, float(r.randrange(100))])
    if kind == "string":
        return r.choice(["", "a", "ego", "straße", "x" * r.randrange(100), f"id {r.randrange(50)}", "zoë 🛣", 'q"\\'])
    if kind == "binary":
        return bytes(r.randrange(256) for _ in range(r.randrange(20))).hex()
    if kind == "list":
        return [random_value(r, field["children"][0]) for _ in range(r.choice([0, 0, 1, 2, 5, 30]))]
    return {child["name"]: random_value(r, child) for child in field.get("children", [])}


def arrow_type(field):
    kind = field["type"]
    if kind == "list":
        return pa.list_(arrow_type(field["children"][0]))
    if kind == "struct":
        children = field.get("children", [])
        return pa.struct([(c["name"], arrow_type(c)) for c in children] or [("_empty", pa.bool_())])
    return ARROW[kind]


def expected(value, field):
    """The value as readers give it, in a form that compares (NaN as text)."""
    kind = field["type"]
    if value is None:
        return None
    if kind == "list":
        return [expected(v, field["children"][0]) for v in value]
    if kind == "struct":
        children = field.get("children", [])
        return {c["name"]: expected(value.get(c["name"]), c) for c in children} if children else {"_empty": None}
    if kind in ("f32", "f64"):
        return plain(float(value))
    if kind == "u64":
        return int(value)
    if kind == "binary":
        return bytes.fromhex(value)
    return value


def plain(value):
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if hasattr(value, "as_tuple"):
        return int(value)
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    return value


def narrow(kind):
    """Readers differ in the width of names for the same type: large strings, views, list items' names."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or isinstance(kind, pa.ListViewType):
        return pa.list_(narrow(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(f.name, narrow(f.type)) for f in kind])
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    return kind


# What Spark 3.5 and 4.0 read with default settings; deltas only of whole numbers.
ENCODINGS = {"PLAIN", "RLE", "RLE_DICTIONARY", "DELTA_BINARY_PACKED"}


def check_encodings(path):
    meta = pq.ParquetFile(path).metadata
    for g in range(meta.num_row_groups):
        for column in (meta.row_group(g).column(i) for i in range(meta.num_columns)):
            assert set(column.encodings) <= ENCODINGS, (column.path_in_schema, column.encodings)
            if "DELTA_BINARY_PACKED" in column.encodings:
                assert column.physical_type in ("INT32", "INT64")


def check(table, schema, rows, who):
    """An Arrow table has these rows (in order of the column `row`) and types."""
    table = table.sort_by("row")
    assert table.column_names == [f["name"] for f in schema], who
    assert table.num_rows == len(rows), who
    for field in schema:
        assert narrow(table.schema.field(field["name"]).type) == arrow_type(field), (who, field)
        got = [plain(v) for v in table.column(field["name"]).to_pylist()]
        for i, value in enumerate(got):
            assert value == expected(rows[i].get(field["name"]), field), (who, field, i)


def arrow_of(relation):
    return relation.to_arrow_table() if hasattr(relation, "to_arrow_table") else relation.arrow().read_all()


def everybody(table_path, schema, rows, version=None):
    """All readers agree with the rows."""
    lake = deltalake.DeltaTable(str(table_path), version=version)
    files = [str(table_path / f) for f in lake.file_uris()] if not lake.file_uris() or \
        not lake.file_uris()[0].startswith("/") else lake.file_uris()
    check(lake.to_pyarrow_table(), schema, rows, "deltalake")
    check(polars.read_delta(str(table_path), version=version).to_arrow(), schema, rows, "polars")
    for file in files:
        check_encodings(file)
    if files:
        names = ", ".join(f'"{f["name"]}"' for f in schema)
        query = duckdb.sql(f"SELECT {names} FROM read_parquet({files!r}, union_by_name=true)")
        check(arrow_of(query), schema, rows, "duckdb")
        if version is None and len(files) == 1:
            check(pq.read_table(files[0], partitioning=None), schema, rows, "pyarrow")


def make(seed, rows):
    r = random.Random(seed)
    schema = [{"name": "row", "type": "i64", "nullable": False}]
    schema += [random_field(r, f"c{i}", 0) for i in range(r.randrange(1, 9))]
    return schema, [{"row": i, **{f["name"]: random_value(r, f) for f in schema[1:]}} for i in range(rows)]


@pytest.mark.parametrize("seed", range(40))
def test_random_tables(write, tmp_path, seed):
    schema, rows = make(seed, [0, 1, 7, 100, 700][seed % 5])
    write(tmp_path / "lake", "any", "owner", schema, rows, batch=[1000, 1, 64, 33][seed % 4])
    everybody(tmp_path / "lake/any", schema, rows)


def test_every_type_alone_with_many_rows(write, tmp_path):
    for kind in SCALARS:
        r = random.Random(kind)
        schema = [{"name": "row", "type": "i64", "nullable": False}, {"name": "v", "type": kind, "nullable": True},
                  {"name": "w", "type": kind, "nullable": False}]
        rows = [{"row": i, **{f["name"]: random_value(r, f) for f in schema[1:]}} for i in range(20000)]
        write(tmp_path / "lake", f"of_{kind}", "owner", schema, rows, batch=20000)
        everybody(tmp_path / f"lake/of_{kind}", schema, rows)


def test_encodings_and_indexes(write, tmp_path):
    schema = [{"name": n, "type": t, "nullable": True} for n, t in
              [("row", "i64"), ("f", "f64"), ("s", "string"), ("u", "string"), ("n", "f64")]]
    rows = [{"row": i, "f": i / 7, "s": f"class {i % 5}", "u": f"unique {i * 7919 % 100003} {i}", "n": "nan"}
            for i in range(30000)]
    write(tmp_path / "lake", "t", "owner", schema, rows, batch=30000)
    [path] = deltalake.DeltaTable(str(tmp_path / "lake/t")).file_uris()
    meta = pq.ParquetFile(path).metadata.row_group(0)
    encodings = {meta.column(i).path_in_schema: meta.column(i).encodings for i in range(meta.num_columns)}
    assert "DELTA_BINARY_PACKED" in encodings["row"] and set(encodings["f"]) == {"RLE", "PLAIN"}
    assert "RLE_DICTIONARY" in encodings["s"] and "PLAIN" in encodings["u"]
    assert all(meta.column(i).compression == "ZSTD" and meta.column(i).has_offset_index for i in range(5))
    assert meta.column(0).has_column_index and not meta.column(4).has_column_index
    assert (meta.column(0).statistics.min, meta.column(0).statistics.max) == (0, 29999)
    assert (meta.column(2).statistics.min, meta.column(2).statistics.max) == ("class 0", "class 4")
    assert meta.column(4).statistics is None or not meta.column(4).statistics.has_min_max
    # Checksums of pages are right: pyarrow verifies them when asked to.
    assert pq.read_table(path, page_checksum_verification=True, partitioning=None).num_rows == 30000


def test_statistics_skip_no_row(write, tmp_path):
    """Files and row groups are skipped by statistics; what a filter finds must be what a scan finds."""
    schema = [{"name": "row", "type": "i64", "nullable": False}, {"name": "x", "type": "f64", "nullable": True},
              {"name": "s", "type": "string", "nullable": True}, {"name": "d", "type": "u64", "nullable": True}]
    everything = []
    for part in range(5):
        rows = [{"row": part * 100 + i, "x": part + i / 100 if i % 9 else "nan", "s": f"{part}" + "ö" * (i % 70),
                 "d": str(2**63 + part * 1000 + i)} for i in range(100)]
        everything += rows
        write(tmp_path / "lake", "t", f"owner{part}", schema, rows)
    path = str(tmp_path / "lake/t")
    table = deltalake.DeltaTable(path)
    import pyarrow.dataset as ds
    want = sorted(r["row"] for r in everything if r["row"] > 250 and r["s"] > "2")
    got = table.to_pyarrow_table(filters=(ds.field("row") > 250) & (ds.field("s") > "2"))
    assert sorted(got["row"].to_pylist()) == want
    scan = polars.scan_delta(path)
    assert sorted(scan.filter(polars.col("x") > 3.5).select("row").collect()["row"].to_list()) == sorted(
        r["row"] for r in everything if r["x"] == "nan" or r["x"] > 3.5)
    files = table.file_uris()
    count = duckdb.sql(f"SELECT count(*) FROM read_parquet({files!r}) WHERE d >= 9223372036854778808").fetchall()[0][0]
    assert count == sum(int(r["d"]) >= 9223372036854778808 for r in everything)


def test_time_travel_and_added_columns(write, tmp_path):
    schema = [{"name": "row", "type": "i64", "nullable": False}, {"name": "a", "type": "string", "nullable": True}]
    more = schema + [{"name": "b", "type": "f64", "nullable": True}]
    first = [{"row": i, "a": f"first {i}"} for i in range(10)]
    second = [{"row": 10 + i, "a": None, "b": i / 4} for i in range(10)]
    third = [{"row": i, "a": "again"} for i in range(5)]
    write(tmp_path / "lake", "t", "x", schema, first)
    write(tmp_path / "lake", "t", "y", more, second)
    write(tmp_path / "lake", "t", "x", schema, third, replace=True)
    path = tmp_path / "lake/t"
    everybody(path, schema, first, version=0)
    everybody(path, more, first + second, version=1)
    everybody(path, more, third + second)
    history = deltalake.DeltaTable(str(path)).history()
    assert [h["version"] for h in sorted(history, key=lambda h: h["version"])] == [0, 1, 2]


def test_the_same_again_changes_nothing(write, tmp_path):
    schema, rows = make(3, 200)
    first = write(tmp_path / "lake", "t", "x", schema, rows, batch=7).stdout
    again = write(tmp_path / "lake", "t", "x", schema, rows, batch=200).stdout
    assert first == again
    assert deltalake.DeltaTable(str(tmp_path / "lake/t")).version() == 0


def test_others_append_and_we_read_on(write, run, tmp_path):
    """A table that was written here takes commits and checkpoints of deltalake, and is read here after that."""
    schema = [{"name": "row", "type": "i64", "nullable": False}, {"name": "a", "type": "string", "nullable": True}]
    run("init", tmp_path / "home")
    lake = tmp_path / "home/lake"
    for i in range(4):
        write(lake, "t", f"o{i}", schema, [{"row": i, "a": "here"}])
    path = str(lake / "t")
    deltalake.write_deltalake(path, pa.table({"row": pa.array([100, 101], pa.int64()), "a": ["there", None]}), mode="append")
    deltalake.DeltaTable(path).create_checkpoint()
    write(lake, "t", "o9", schema, [{"row": 9, "a": "here"}])
    for log in sorted((lake / "t/_delta_log").glob("*.json"))[:4]:
        os.remove(log)  # the checkpoint holds them
    got = run("query", "--home", tmp_path / "home", "--json", "SELECT * FROM t ORDER BY row").json()
    assert [r["a"] for r in got["rows"]] == ["here"] * 5 + ["there", None]
    assert deltalake.DeltaTable(path).to_pyarrow_table().num_rows == 7


# ---- The digest, computed from docs/lake.md alone --------------------------------------------------------------------

TYPES = ["bool", "i8", "i16", "i32", "i64", "u64", "f32", "f64", "string", "binary", "list", "struct"]
PACK = {"bool": "<B", "i8": "<b", "i16": "<h", "i32": "<i", "i64": "<q", "u64": "<Q", "f32": "<f", "f64": "<d"}


def node_digest(field, slots):
    """name, type, slots, children, and the three streams of a node; then its children."""
    kind, children = field["type"], field.get("children", [])
    nulls, lengths, values = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
    below = [[] for _ in children]
    for i, v in enumerate(slots):
        if v is None:
            nulls.update(struct.pack("<Q", i))
        if kind in ("string", "binary"):
            data = b"" if v is None else v.encode() if kind == "string" else bytes.fromhex(v)
            lengths.update(struct.pack("<Q", len(data)))
            values.update(data)
        elif kind == "list":
            lengths.update(struct.pack("<Q", len(v or [])))
            below[0].extend(v or [])
        elif kind == "struct":
            for child, column in zip(children, below):
                column.append(None if v is None else v.get(child["name"]))
        elif kind in ("f32", "f64"):
            number = 0.0 if v is None else float(v)
            nan = b"\0\0\xc0\x7f" if kind == "f32" else b"\0\0\0\0\0\0\xf8\x7f"
            values.update(nan if math.isnan(number) else struct.pack(PACK[kind], number))
        else:
            values.update(struct.pack(PACK[kind], int(v or 0)))
    name = field["name"].encode()
    out = struct.pack("<QBQ", len(name), TYPES.index(kind), len(slots)) + name + struct.pack("<Q", len(children))
    out += nulls.digest() + lengths.digest() + values.digest()
    return out + b"".join(node_digest(c, column) for c, column in zip(children, below))


GROUPS = ["recording_id", "channel"]
FIRST = ["log_ns", "drive_id", "source", "track_id", "t_ns", "t0_ns", "start_ns", "offset", "sequence", "frame", "signal"]


def sort_key(field, value):
    """A value as it stands in the order of rows: null first, numbers by value, floats by their bits, texts by bytes."""
    kind = field["type"]
    if value is None:
        return (0,)
    if kind in ("f32", "f64"):
        number = float(value)
        nan = b"\x7f\xc0\0\0" if kind == "f32" else b"\x7f\xf8\0\0\0\0\0\0"
        return (1, nan if math.isnan(number) else struct.pack(PACK[kind].replace("<", ">"), number))
    if kind == "string":
        return (1, value.encode())
    if kind == "binary":
        return (1, bytes.fromhex(value))
    if kind == "list":
        return (1, [sort_key(field["children"][0], v) for v in value])
    if kind == "struct":
        return (1, [sort_key(c, value.get(c["name"])) for c in field.get("children", [])])
    return (1, int(value))


def rows_digest(schema, rows):
    """The digest of rows by docs/lake.md."""
    by_name = sorted(schema, key=lambda f: f["name"].encode())
    sortable = [f for f in by_name if f["type"] not in ("f32", "f64", "binary", "list", "struct")]
    names = {f["name"]: f for f in sortable}
    group = [names[n] for n in GROUPS if n in names and names[n]["type"] == "string"]
    order = group + [names[n] for n in FIRST if n in names]
    order += [f for f in sortable if f not in order]
    order += [f for f in by_name if f not in order]
    parts = {}
    for row in sorted(rows, key=lambda row: [sort_key(f, row.get(f["name"])) for f in order]):
        parts.setdefault(tuple(row.get(f["name"]) for f in group), []).append(row)
    digests = []
    for part in parts.values():
        kept = [f for f in by_name if any(row.get(f["name"]) is not None for row in part)]
        nodes = b"".join(node_digest(f, [row.get(f["name"]) for row in part]) for f in kept)
        digests.append(hashlib.sha256(struct.pack("<Q", len(kept)) + nodes).digest())
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def state_of(shown):
    return shown.split("state ")[1].strip()


def tags_of(table):
    """The tags of the files of a table's newest commit."""
    log = sorted((table / "_delta_log").glob("*.json"))[-1]
    adds = [json.loads(line)["add"] for line in log.read_text().splitlines() if '"add"' in line]
    return {add["path"]: add["tags"] for add in adds}


def make_recording(seed, rows):
    """A table as ingest makes them: channels one between the other, several of a time, not all in order."""
    schema, made = make(seed, rows)
    r = random.Random(seed)
    schema += [{"name": n, "type": t, "nullable": False}
               for n, t in (("recording_id", "string"), ("channel", "string"), ("log_ns", "i64"))]
    times = sorted(r.randrange(rows // 2 + 1) for _ in made)
    for i, row in enumerate(made):
        row.update(recording_id="me", channel=r.choice("abc"), log_ns=times[i] + (seed % 3 == 2) * r.randrange(3))
    return schema, made


@pytest.mark.parametrize("seed", range(100, 120))
@pytest.mark.parametrize("maker", [make, make_recording])
def test_the_digest_is_what_the_document_says(write, tmp_path, seed, maker):
    schema, rows = maker(seed, 150)
    shown = write(tmp_path / "lake", "t", "me", schema, rows, batch=[1000, 17][seed % 2]).stdout
    digest = rows_digest(schema, rows)
    assert state_of(shown) == hashlib.sha256(f"me {digest}\n".encode()).hexdigest()
    [(path, tags)] = tags_of(tmp_path / "lake/t").items()
    sha256 = hashlib.sha256((tmp_path / "lake/t" / path).read_bytes()).hexdigest()
    assert tags == {"owner": "me", "rows": digest, "files": "1", "sha256": sha256}
    assert path == f"me/part-{sha256}.parquet"


# ---- Other writers move, merge and add ---------------------------------------------------------------------------------


def rewrite(path, how, seed):
    """Another program's way of having the same rows."""
    table = deltalake.DeltaTable(path)
    if how == "compact":
        table.optimize.compact()
    elif how == "z_order":
        table.optimize.z_order(["log_ns", "channel"])
    else:
        rows = table.to_pyarrow_table()
        order = list(range(rows.num_rows))
        random.Random(seed).shuffle(order)
        names = rows.column_names
        random.Random(seed).shuffle(names)
        deltalake.write_deltalake(path, rows.take(order).select(names), mode="overwrite",
                                  schema_mode="overwrite", target_file_size=20000)


def state_in(run, home, table):
    [found] = [t for t in run("lake", "tables", "--home", home, "--json").json() if t["name"] == table]
    return found["state"], found["rows"]


@pytest.mark.parametrize("how", ["compact", "z_order", "overwrite"])
@pytest.mark.parametrize("seed", range(200, 206))
def test_a_state_survives_other_writers(write, run, tmp_path, seed, how):
    """The rows are what counts: in which files they lie, in which order, and who wrote them, does not show."""
    home = tmp_path / "home"
    run("init", home)
    for k in range(3):
        schema, rows = make_recording(seed, 60)
        for row in rows:
            row.update(recording_id=f"r{k}", row=row["row"] + 100 * k)
        write(home / "lake", "t", f"r{k}", schema, rows)
        write(home / "lake", "recordings", f"r{k}", [{"name": "recording_id", "type": "string", "nullable": False}],
              [{"recording_id": f"r{k}"}])
    before = state_in(run, home, "t"), state_in(run, home, "recordings")
    rewrite(str(home / "lake/t"), how, seed)
    assert tags_of(home / "lake/t") and not any((t or {}).get("owner") for t in tags_of(home / "lake/t").values())
    assert state_in(run, home, "t") == before[0]
    rewrite(str(home / "lake/recordings"), "compact", seed)
    assert (state_in(run, home, "t"), state_in(run, home, "recordings")) == before
    # The next owner is added beside them, and a row more is seen.
    write(home / "lake", "t", "r9", schema, [{**rows[0], "recording_id": "r9"}])
    assert state_in(run, home, "t") != before[0]
    extra = deltalake.DeltaTable(str(home / "lake/t")).to_pyarrow_table().slice(0, 1)
    changed = state_in(run, home, "t")[0]
    deltalake.write_deltalake(str(home / "lake/t"), extra, mode="append")
    assert state_in(run, home, "t")[0] != changed


def test_rows_that_were_merged_are_replaced_alone(write, run, tmp_path):
    """Another program merged the files of three owners; one of them comes again: its rows go, the others stay."""
    home = tmp_path / "home"
    run("init", home)
    schema = [{"name": n, "type": t, "nullable": False}
              for n, t in (("recording_id", "string"), ("t_ns", "i64"), ("x", "f64"))]
    rows = {k: [{"recording_id": k, "t_ns": i, "x": i / 3} for i in range(20)] for k in ("a", "b", "c")}
    for k in rows:
        write(home / "lake", "t", k, schema, rows[k])
    want = state_in(run, home, "t")
    deltalake.DeltaTable(str(home / "lake/t")).optimize.compact()
    write(home / "lake", "t", "b", schema, rows["b"], replace=True)
    assert state_in(run, home, "t") == want
    assert len(deltalake.DeltaTable(str(home / "lake/t")).file_uris()) == 2
    write(home / "lake", "t", "c", schema, rows["c"][:5], replace=True)
    table = deltalake.DeltaTable(str(home / "lake/t")).to_pyarrow_table()
    assert sorted(table["recording_id"].to_pylist()) == ["a"] * 20 + ["b"] * 20 + ["c"] * 5
    assert run("lake", "check", "t", "--home", home).returncode == 0
    got = run("query", "--home", home, "--json", "SELECT count(*) AS n FROM t WHERE recording_id = 'c'").json()
    assert got["rows"] == [{"n": 5}]


# ---- Tables of others ------------------------------------------------------------------------------------------------

# What we refuse by name, and what was broken on purpose or is incomplete in the archive.
# (A time before 1677 or after 2262 is no 64-bit number of nanoseconds.)
REFUSED = ["columnMapping", "deletionVectors", "typeWidening", "variant", "catalogManaged", "geometry"]
BROKEN = ["found none", "found no metaData", "found no protocol", "found neither", "reader version up to 3",
          "No files found that match", "found no _delta_log", "too small to be a Parquet file"]


def ours(value, kind):
    """An Arrow value as our columns hold it: times as nanoseconds, decimals by their digits, maps as lists."""
    if value is None:
        return None
    if pa.types.is_timestamp(kind):
        return pa.scalar(value, kind).cast(pa.timestamp("ns", kind.tz)).value
    if pa.types.is_date(kind):
        return pa.scalar(value, kind).cast(pa.int32()).as_py()
    if pa.types.is_decimal(kind):
        return int(value) if kind.scale == 0 and kind.precision <= 20 else float(value)
    if pa.types.is_map(kind):
        return [{"key": ours(k, kind.key_type), "value": ours(v, kind.item_type)} for k, v in value]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or isinstance(kind, pa.ListViewType):
        return [ours(v, kind.value_type) for v in value]
    if pa.types.is_struct(kind):
        return {f.name: ours(value[f.name], f.type) for f in kind}
    return plain(value)


def in_order(table, convert):
    columns = sorted(table.column_names)
    values = [[convert(v, table.schema.field(c).type) for v in table.column(c).to_pylist()] for c in columns]
    return columns, sorted((list(row) for row in zip(*values)), key=repr)


def expected_rows(table):
    """What the table must give: the maker's own rows if they are there, else what deltalake reads; None if neither."""
    folder = table.parent / "expected"
    if table.name == "delta" and list(folder.rglob("*.parquet")):
        parts = [pq.read_table(p, partitioning=None) for p in sorted(folder.rglob("*.parquet"))]
        return pa.concat_tables(parts, promote_options="permissive")
    try:
        return deltalake.DeltaTable(str(table)).to_pyarrow_table()
    except BaseException:  # a panic of the Rust library is none of Exception
        return None


def golden_tables():
    root = os.environ.get("RML_DATA", "")
    return sorted(str(p.parent) for p in pathlib.Path(root, "lake/delta-golden").rglob("_delta_log")) if root else []


def test_golden_tables(program, data, tmp_path):
    """Tables of Spark, delta-rs and delta-kernel: the same rows, or refused by the feature's name."""
    tool = pathlib.Path(program).parent / "examples/lake_read"
    tally = {"same": 0, "refused": 0, "broken": 0, "alone": 0}
    faults = []
    for path in golden_tables():
        table, link, out = pathlib.Path(path), tmp_path / "t", tmp_path / "out.parquet"
        link.unlink(missing_ok=True)
        out.unlink(missing_ok=True)
        link.symlink_to(table.resolve())
        done = subprocess.run([tool, tmp_path, "t", out], capture_output=True, text=True)
        named = [f"found {f}" for f in REFUSED] + [f"found the feature {f}" for f in REFUSED] + ["i64 (nanoseconds)"]
        if done.returncode and any(text in done.stderr for text in named):
            tally["refused"] += 1
            continue
        want = expected_rows(table)
        if done.returncode and any(text in done.stderr for text in BROKEN) and want is None:
            tally["broken"] += 1
        elif done.returncode:
            faults.append((path, done.stderr))
        elif want is None:
            tally["alone"] += 1  # we read it, and there is nothing to compare with
        elif in_order(got := pq.read_table(out), lambda v, kind: plain(v)) == in_order(want, ours):
            tally["same"] += 1
        elif "data-reader-partition-values" in path and in_order(  # partition values in its maker's own time zone
                got.drop(["as_timestamp"]), lambda v, kind: plain(v)) == in_order(want.drop(["as_timestamp"]), ours):
            tally["same"] += 1
        else:
            faults.append((path, "other rows"))
    print(tally)
    assert not faults, faults
    assert tally["same"] > 150 and tally["refused"] > 20, tally


# ---- Kills and races -------------------------------------------------------------------------------------------------


def rows_of(path):
    table = deltalake.DeltaTable(str(path)).to_pyarrow_table()
    return sorted(table["row"].to_pylist())


def test_killed_at_any_instant_and_run_again(program, write, tmp_path):
    """kill -9 while a table is written, then again: the state of the undisturbed run, every time."""
    tool = pathlib.Path(program).parent / "examples/lake_write"
    schema, rows = make(11, 3000)
    want = write(tmp_path / "calm/lake", "t", "x", schema, rows) if (tmp_path / "calm").mkdir() is None else None
    start = time.monotonic()
    write(tmp_path / "calm/lake", "u", "x", schema, rows)
    whole = time.monotonic() - start
    state = want.stdout.split("state ")[1]
    r = random.Random(5)
    killed = 0
    for i in range(20):
        lake = tmp_path / f"lake{i}"
        words = [tool, lake, "t", "x", tmp_path / "calm/schema.json", tmp_path / "calm/rows.jsonl"]
        process = subprocess.Popen([*map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=r.random() * whole)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
        again = subprocess.run([*map(str, words)], capture_output=True, text=True)
        assert again.returncode == 0, again.stderr
        assert again.stdout.split("state ")[1] == state
        assert rows_of(lake / "t") == list(range(3000))
    assert killed > 0


def test_two_writers_lose_nothing(program, tmp_path):
    tool = pathlib.Path(program).parent / "examples/lake_write"
    schema = [{"name": "row", "type": "i64", "nullable": False}]
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    running = []
    for i in range(8):
        (tmp_path / f"rows{i}.jsonl").write_text(f'{{"row": {i}}}\n')
        running.append(subprocess.Popen([str(w) for w in [tool, tmp_path / "lake", "t", f"owner{i}",
                                         tmp_path / "schema.json", tmp_path / f"rows{i}.jsonl"]], stdout=subprocess.DEVNULL))
    assert [p.wait() for p in running] == [0] * 8
    assert rows_of(tmp_path / "lake/t") == list(range(8))
    assert deltalake.DeltaTable(str(tmp_path / "lake/t")).version() == 7
