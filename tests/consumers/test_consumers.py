"""What is installed is enough for programs of others: by pkg-config and by find_package, shared and static,
in C and C++, where it was installed and after the folder was moved; nothing is overridden."""
import os
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent / "project"
CLEAN = {key: value for key, value in os.environ.items() if key not in ("LD_LIBRARY_PATH", "ROADMILL_DUCKDB")}


def run(*words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, env={**CLEAN, **more})
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    from mcap.writer import Writer
    path = tmp_path_factory.mktemp("recording") / "one.mcap"
    with open(path, "wb") as file:
        writer = Writer(file)
        writer.start()
        schema = writer.register_schema(name="T", encoding="jsonschema", data=b'{"type":"object","properties":{"mps":{"type":"number"}}}')
        channel = writer.register_channel(topic="/speed", message_encoding="json", schema_id=schema)
        for i in range(3):
            writer.add_message(channel_id=channel, log_time=i, publish_time=i, data=b'{"mps":%d.5}' % i)
        writer.finish()
    return path


@pytest.fixture(scope="module")
def installed(program, tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix") / "usr"
    run("cmake", "--install", pathlib.Path(program).parent, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="module", params=["where it was installed", "moved"])
def prefix(request, installed, tmp_path_factory):
    if request.param != "moved":
        yield installed
        return
    moved = tmp_path_factory.mktemp("moved") / "opt"
    shutil.move(installed, moved)
    yield moved
    shutil.move(moved, installed)


def duckdb_answers(prefix):
    return any(prefix.rglob("libduckdb.so")) or "libduckdb.so" in run("/sbin/ldconfig", "-p")


def test_no_file_names_the_place_of_install(prefix, installed):
    told = [path for path in prefix.rglob("*") if path.suffix in (".pc", ".cmake") and str(installed) in path.read_text()]
    assert told == []


def test_pkg_config(prefix, recording, tmp_path):
    folder = next(prefix.rglob("roadmill.pc")).parent
    libdir = run("pkg-config", "--variable=libdir", "roadmill", PKG_CONFIG_PATH=str(folder)).strip()
    for name, extra, more in (("shared", [], [f"-Wl,-rpath,{libdir}"]), ("static", ["--static"], [])):
        words = run("pkg-config", "--cflags", "--libs", *extra, "roadmill", PKG_CONFIG_PATH=str(folder)).split()
        if name == "static":
            words = [f"{libdir}/libroadmill.a" if word == "-lroadmill" else word for word in words]
        run("cc", "-std=c17", "-o", tmp_path / name, HERE / "consumer.c", *words, *more)
        needs = run("ldd", tmp_path / name)
        assert ("libroadmill" in needs) == (name == "shared")
        if duckdb_answers(prefix):
            duckdb = {} if name == "shared" else {"ROADMILL_DUCKDB": str(prefix / "lib/roadmill/libduckdb.so")}
            assert run(tmp_path / name, recording, tmp_path / "lake", **duckdb) == "mcap\n42\n"


def test_find_package(prefix, recording, tmp_path):
    run("cmake", "-S", HERE, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path / "build", "--parallel", "2")
    build = tmp_path / "build"
    assert run(build / "cxx", recording) == "/speed\n"
    assert run(build / "log_only", recording) == "3 messages\n"
    if duckdb_answers(prefix):
        assert run(build / "shared", recording, tmp_path / "lake") == "mcap\n42\n"
    # The part is what it says: no lake and no DuckDB behind it.
    assert "rml_lake_open" in run("nm", build / "whole_static")
    assert "rml_lake_open" not in run("nm", build / "log_only") and "duckdb" not in run("nm", build / "log_only")
    assert (build / "log_only").stat().st_size < (build / "whole_static").stat().st_size


def test_the_installed_program_finds_its_duckdb(prefix, tmp_path):
    if not duckdb_answers(prefix):
        pytest.skip("no DuckDB here")
    program = prefix / "bin/roadmill"
    home = tmp_path / "home"
    run(program, "init", home)
    assert "42" in run(program, "query", "--home", home, "SELECT 6 * 7 AS answer")


def test_examples_run(program, recording):
    """Each example says how it is called when it gets no arguments."""
    examples = sorted((pathlib.Path(program).parent / "examples").iterdir())
    assert examples
    for example in examples:
        done = subprocess.run([example], capture_output=True, text=True, timeout=60)
        assert done.returncode in (0, 2), (example, done.stderr)
    printed = run(pathlib.Path(program).parent / "examples/print_messages", recording)
    assert printed == "".join(f'{i} /speed {{"mps":{i}.5}}\n' for i in range(3))
