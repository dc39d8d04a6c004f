"""./run on a machine that has little: where DuckDB comes from, what is kept of it, and what is said meanwhile. Tools of
the machine are stand-ins here that note how they were called, so nothing is installed, fetched or built."""
import os
import pathlib
import re
import shutil
import subprocess
import tarfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PLAIN = "sh dirname tr cut tail sed grep cat uname mkdir mktemp mv rm tar gzip sleep cp".split()
TOOLS = {  # what a stand-in does beside noting its call
    "dpkg-query": "echo 'install ok installed'",
    "ldconfig": "",
    "nproc": "echo 2",
    "id": "echo 0",
    "cmake": "",
    "ninja": "",
    "sha256sum": 'read -r sum file; tar -tzf "$file" >/dev/null 2>&1',  # only a whole archive is the right one
}
DOWNLOAD = 'for word; do case $word in http*) url=$word ;; *.tgz) file=$word ;; esac; done; cp "$ARCHIVE" "$file"'


@pytest.fixture
def machine(tmp_path):
    class Machine:
        project, tools, home = tmp_path / "project", tmp_path / "tools", tmp_path / "home"
        noted = tmp_path / "noted"
        archive = tmp_path / "whole.tgz"

        def tool(self, name, does):
            path = self.tools / name
            path.write_text(f'#!/bin/sh\necho {name} "$@" >>{self.noted}\n{does}\n')
            path.chmod(0o755)

        def run(self, *words, **more):
            self.noted.write_text("")
            env = {"PATH": str(self.tools), "HOME": str(self.home), "ARCHIVE": str(self.archive), **more}
            return subprocess.run(["/bin/sh", self.project / "run", *words], capture_output=True, text=True, env=env, timeout=60)

        def calls(self, name):
            return [line for line in self.noted.read_text().splitlines() if line.split()[0] == name]

        def kept(self):
            return sorted((self.home / ".cache/roadmill").iterdir())

    m = Machine()
    for folder in (m.project, m.tools, m.home):
        folder.mkdir()
    shutil.copy(ROOT / "run", m.project)
    for name in PLAIN:
        (m.tools / name).symlink_to(shutil.which(name))
    for name, does in TOOLS.items():
        m.tool(name, does)
    (tmp_path / "libduckdb.so").write_text("the library\n")
    with tarfile.open(m.archive, "w:gz") as tar:
        tar.add(tmp_path / "libduckdb.so", "package/libduckdb.so")
    return m


LIBRARY = "build/lib/libduckdb.so"


def test_once_then_from_the_cache(machine):
    machine.tool("curl", DOWNLOAD)
    done = machine.run("build")
    assert done.returncode == 0, done.stderr
    assert (machine.project / LIBRARY).read_text() == "the library\n"
    assert "fetching DuckDB" in done.stderr and "by curl" in done.stderr
    assert machine.calls("ninja") == ["ninja -C build/release all"]  # what cmake --install takes
    [call] = machine.calls("curl")
    assert re.search(r" https://\S+/@duckdb/node-bindings-linux-", call)
    shutil.rmtree(machine.project / "build")
    done = machine.run("build")
    assert done.returncode == 0 and (machine.project / LIBRARY).exists()
    assert machine.calls("curl") == [] and "from " + str(machine.home) in done.stderr
    assert len(machine.kept()) == 1
    # What lies in the cache is checked each time: half an archive is fetched anew.
    [archive] = machine.kept()
    archive.write_bytes(archive.read_bytes()[:40])
    shutil.rmtree(machine.project / "build")
    assert machine.run("build").returncode == 0 and len(machine.calls("curl")) == 1


def test_npm_before_others(machine):
    machine.tool("curl", DOWNLOAD)
    machine.tool("npm", 'cp "$ARCHIVE" duckdb-as-npm-names-it.tgz')
    done = machine.run("build")
    assert done.returncode == 0 and machine.calls("curl") == [], done.stderr
    assert len(machine.calls("npm")) == 1 and machine.calls("npm")[0].startswith("npm pack @duckdb/node-bindings-linux-")


@pytest.mark.parametrize("tool", ["wget", "python3"])
def test_whatever_can_fetch(machine, tool):
    machine.tool(tool, DOWNLOAD)
    done = machine.run("build")
    assert done.returncode == 0 and len(machine.calls(tool)) == 1, done.stderr


def test_curl_is_installed_where_nothing_can_fetch(machine):
    machine.tool("dpkg-query", 'case "$*" in *curl) exit 1 ;; esac; echo "install ok installed"')
    machine.tool("curl.package", DOWNLOAD)
    machine.tool("env", f'case "$*" in *"apt-get -q install "*" curl") cp {machine.tools}/curl.package {machine.tools}/curl ;; esac')
    done = machine.run("build")
    assert done.returncode == 0 and (machine.project / LIBRARY).exists(), done.stderr
    assert "installing 1 packages, a minute or more: curl\n" in done.stderr


@pytest.mark.parametrize("where", ["variable", "user", "scope"])
def test_the_registry_of_the_place(machine, where):
    machine.tool("curl", DOWNLOAD)
    more = {}
    if where == "variable":
        more = {"npm_config_registry": "https://npm.example/all/"}
    else:
        name = "@duckdb:registry" if where == "scope" else "registry"
        (machine.home / ".npmrc").write_text(f'fund=false\n{name} = "https://npm.example/all/"\n')
    assert machine.run("build", **more).returncode == 0
    [call] = machine.calls("curl")
    assert " https://npm.example/all/@duckdb/node-bindings-linux-" in call


def test_another_archive_is_refused_and_not_kept(machine):
    machine.tool("curl", DOWNLOAD)
    machine.archive.write_bytes(b"a page of a proxy")
    done = machine.run("build")
    assert done.returncode == 1 and not (machine.project / LIBRARY).exists()
    assert "DuckDB's archive: expected SHA-256 " in done.stderr and machine.kept() == []


def test_a_failed_download_says_what_to_do_by_hand(machine):
    machine.tool("curl", "echo 'curl: (6) Could not resolve host' >&2; exit 6")
    done = machine.run("build")
    assert done.returncode == 1 and "Could not resolve host" in done.stderr and machine.kept() == []
    told = next(line for line in done.stderr.splitlines() if "by hand" in line)
    by_hand = pathlib.Path(told.rsplit(": ", 1)[1])
    shutil.copy(machine.archive, by_hand)
    assert machine.run("build").returncode == 0 and (machine.project / LIBRARY).exists()


def test_long_work_is_heard_in_a_pipe(machine):
    machine.tool("curl", DOWNLOAD)
    machine.tool("ninja", "echo '[1/2] the first'; echo '[2/2] the second'; sleep 11")
    done = machine.run("build")
    assert done.returncode == 0, done.stderr
    assert "building build/release, 10 s: [2/2] the second" in done.stderr


def test_a_failed_build_says_where(machine):
    machine.tool("curl", DOWNLOAD)
    machine.tool("ninja", "echo 'FAILED: x.o'; exit 1")
    done = machine.run("build")
    assert done.returncode == 1 and "FAILED: x.o" in done.stderr and "build failed: build/release/ninja.log" in done.stderr


def test_neither_root_nor_sudo(machine):
    machine.tool("dpkg-query", "exit 1")
    machine.tool("id", "echo 1000")
    done = machine.run("build")
    assert done.returncode == 1 and "expected to be root, or sudo" in done.stderr, done.stderr
