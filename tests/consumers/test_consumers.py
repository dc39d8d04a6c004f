"""What is installed is enough for programs of others: by pkg-config and by find_package, shared and static,
in C and C++, where it was installed and after the folder was moved; nothing is overridden."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent / "project"
CLEAN = {key: value for key, value in os.environ.items() if key not in ("LD_LIBRARY_PATH", "ROADMILL_DUCKDB")}

PRINTED = "".join(f'{i} /speed {{"mps":{i}.5}}\n' for i in range(3))


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


def system_has_duckdb():
    return "libduckdb.so" in run("/sbin/ldconfig", "-p")


def duckdb_answers(prefix):
    return any(prefix.rglob("libduckdb.so")) or system_has_duckdb()


def test_no_file_names_the_place_of_install(prefix, installed):
    told = [path for path in prefix.rglob("*") if path.suffix in (".pc", ".cmake") and str(installed) in path.read_text()]
    assert told == []


def pkg_config(prefix, *words):
    folder = next(prefix.rglob("roadmill.pc")).parent
    return run("pkg-config", *words, PKG_CONFIG_PATH=str(folder)).split()


def test_pkg_config(prefix, recording, tmp_path):
    """The lines of docs/library.md: the loader finds the shared library, and DuckDB behind the archive, by rpath."""
    [libdir] = pkg_config(prefix, "--variable=libdir", "roadmill")
    [duckdbdir] = pkg_config(prefix, "--variable=duckdbdir", "roadmill-static")
    for package, rpath in (("roadmill", libdir), ("roadmill-static", duckdbdir)):
        program = tmp_path / package
        run("cc", "-std=c17", "-o", program, HERE / "consumer.c", *pkg_config(prefix, "--cflags", "--libs", package), f"-Wl,-rpath,{rpath}")
        assert ("libroadmill" in run("ldd", program)) == (package == "roadmill")
        if duckdb_answers(prefix):
            assert run(program, recording, tmp_path / "lake") == "mcap\n42\n"


def test_pkg_config_says_what_an_archive_needs(prefix):
    listed = set(pkg_config(prefix, "--libs", "--static", "roadmill"))
    needed = set(pkg_config(prefix, "--libs", "roadmill-static"))
    assert {word for word in needed if word.startswith("-l")} <= listed and "-lroadmill" in listed


def test_the_shared_library_asks_for_no_package_of_others(prefix):
    folder = next(prefix.rglob("roadmill.pc")).parent
    assert "-lroadmill" in run("pkg-config", "--cflags", "--libs", "roadmill", PKG_CONFIG_LIBDIR=str(folder)).split()


def test_find_package(prefix, recording, tmp_path):
    run("cmake", "-S", HERE, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path / "build", "--parallel", "2")
    build = tmp_path / "build"
    assert run(build / "cxx", recording) == "/speed\n"
    assert run(build / "log_only", recording) == "3 messages\n"
    assert run(build / "printer", recording) == PRINTED
    if duckdb_answers(prefix):
        for name in ("shared", "whole_static"):
            assert run(build / name, recording, tmp_path / "lake") == "mcap\n42\n"
    # The part is what it says: no lake and no DuckDB behind it.
    assert "rml_lake_open" in run("nm", build / "whole_static")
    for part in ("log_only", "printer"):
        assert "rml_lake_open" not in run("nm", build / part) and "duckdb" not in run("nm", build / part)
    assert (build / "log_only").stat().st_size < (build / "whole_static").stat().st_size


def test_the_installed_program_finds_its_duckdb(prefix, tmp_path):
    if not duckdb_answers(prefix):
        pytest.skip("no DuckDB here")
    program = prefix / "bin/roadmill"
    home = tmp_path / "home"
    run(program, "init", home)
    assert "42" in run(program, "query", "--home", home, "SELECT 6 * 7 AS answer")


def test_without_duckdb_the_remedy_works(prefix, tmp_path):
    """The error names what somebody can do who has no project, and that is enough."""
    library = prefix / "lib/roadmill/libduckdb.so"
    if system_has_duckdb() or not library.exists():
        pytest.skip("needs a DuckDB that only the prefix has")
    bare, beside = tmp_path / "bare", tmp_path / "beside"
    for other in (bare, beside):
        (other / "bin").mkdir(parents=True)
        shutil.copy(prefix / "bin/roadmill", other / "bin/roadmill")
    (beside / "bin/libduckdb.so").symlink_to(library)
    run(bare / "bin/roadmill", "init", tmp_path / "home")
    query = ("query", "--home", tmp_path / "home", "SELECT 6 * 7 AS answer")
    told = subprocess.run([bare / "bin/roadmill", *query], capture_output=True, text=True, env=CLEAN)
    assert told.returncode == 1 and "./run" not in told.stderr
    assert "set ROADMILL_DUCKDB to libduckdb.so" in told.stderr and "or put it beside the program" in told.stderr
    assert "42" in run(bare / "bin/roadmill", *query, ROADMILL_DUCKDB=str(library))
    assert "42" in run(beside / "bin/roadmill", *query)


@pytest.mark.parametrize("given, fatal", [([], False), (["-DRML_WERROR=ON"], True)])
def test_a_warning_is_an_error_in_our_builds_alone(tmp_path, given, fatal):
    run("cmake", "-S", HERE.parent.parent.parent, "-B", tmp_path, *given)
    commands = [entry["command"] for entry in json.loads((tmp_path / "compile_commands.json").read_text())]
    assert commands and {"-Werror" in command.split() for command in commands} == {fatal}


def test_examples_run(program, recording):
    """Each example says how it is called when it gets no arguments."""
    examples = sorted((pathlib.Path(program).parent / "examples").iterdir())
    assert examples
    for example in examples:
        done = subprocess.run([example], capture_output=True, text=True, timeout=60)
        assert done.returncode in (0, 2), (example, done.stderr)
    printed = run(pathlib.Path(program).parent / "examples/print_messages", recording)
    assert printed == PRINTED


def test_the_printer_on_a_drive(program, data):
    """Times and values of a real recording as mcap's own reader and decoder tell them."""
    from mcap.reader import make_reader
    from mcap_ros2.decoder import DecoderFactory
    path = data / "logs/mcap-schemas/replay_testing/cmd_vel_only.mcap"
    with open(path, "rb") as file:
        decoded = make_reader(file, decoder_factories=[DecoderFactory()]).iter_decoded_messages()
        want = [(message.log_time, channel.topic, value.twist.linear.x, value.twist.angular.z) for _, channel, message, value in decoded]
    got = []
    for line in run(pathlib.Path(program).parent / "examples/print_messages", path).splitlines():
        time, topic, text = line.split(" ", 2)
        twist = json.loads(text)["twist"]
        got.append((int(time), topic, twist["linear"]["x"], twist["angular"]["z"]))
    assert got == want and len(want) > 10
