"""Files side by side are the same lake and the same account as one after the other, whatever they hold."""
import pytest

mcap_writer = pytest.importorskip("mcap.writer")

DEFINITIONS = ["float64 x", "float64 x\nfloat64 y", "string x", "float64 x\nint32[] z"]  # the third contradicts the first
MESSAGES = 300


def cdr(definition, i):
    """A message of a definition whose first field is told apart, the rest zero or empty."""
    body = len(str(i) + "\0").to_bytes(4, "little") + str(i).encode() + b"\0" if definition == 2 else bytes(8 * (i % 2)) + bytes(8 - 8 * (i % 2))
    return b"\0\1\0\0" + body + bytes({1: 8, 3: 4}.get(definition, 0))


def record(path, definition, first):
    with open(path, "wb") as f:
        writer = mcap_writer.Writer(f)
        writer.start()
        sid = writer.register_schema("p/msg/T", "ros2msg", DEFINITIONS[definition].encode())
        cid = writer.register_channel("/t", "cdr", sid)
        for i in range(MESSAGES):
            writer.add_message(cid, first + i, cdr(definition, i), first + i)
        writer.finish()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """24 recordings by turns of every definition, each third there twice, one cut short, one of nothing known."""
    path = tmp_path_factory.mktemp("recordings")
    for k in range(24):
        record(path / f"r{k:02d}.mcap", (k * 7) % len(DEFINITIONS), k * 1000)
        if k % 3 == 0:
            (path / f"r{k:02d}_again.mcap").write_bytes((path / f"r{k:02d}.mcap").read_bytes())
    whole = (path / "r05.mcap").read_bytes()
    (path / "r05_cut.mcap").write_bytes(whole[: len(whole) // 2])
    (path / "notes.txt").write_text("no recording")
    return path


def lake(run, home):
    """The tables, their rows, and whose commits they had in which order."""
    tables = run("lake", "tables", "--home", home, "--json").json()
    signals = [t["name"] for t in tables if t["name"].startswith("signals_")]
    rows = {name: run("query", "--home", home, "--json", f"SELECT * FROM {name} ORDER BY log_ns, recording_id").stdout for name in signals}
    owners = {name: [c["owner"] for c in run("lake", "history", name, "--home", home, "--json").json()] for name in signals + ["recordings"]}
    return tables, rows, owners


def test_jobs_do_not_show(run, tmp_path, folder):
    seen = []
    for n, jobs in enumerate([1, 2, 8, 8]):
        home = tmp_path / f"home{n}"
        told = run("ingest", "--home", home, "--jobs", jobs, "--json", folder, check=False)
        assert told.returncode == 3, told.stderr  # for what was cut
        assert told.json()["count"] == 33 and told.json()["already"] == 8
        seen.append((told.json(), *lake(run, home)))
    assert len(seen[0][2]) == 2  # two tables: one for the definition that contradicts
    for other in seen[1:]:
        assert other == seen[0]


def test_jobs_are_a_number(run, tmp_path, folder):
    told = run("ingest", "--home", tmp_path / "h", "--jobs", "0", folder, check=False)
    assert told.returncode == 2 and "--jobs" in told.stderr
