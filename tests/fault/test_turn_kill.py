"""A turn that is killed at any moment and called again ends as the undisturbed one: tables, version, weights."""
import os
import pathlib
import random
import signal
import subprocess
import time

import pytest

TINY = pathlib.Path(__file__).resolve().parent.parent / "cli" / "tiny.yaml"
KILLS = int(os.environ.get("RML_KILLS", "10"))


@pytest.fixture(scope="module")
def fleet(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet")
    run("synth", folder, "--drives", 10, "--seed", 5, "--duration", 12)
    return folder


def turn_words(home, fleet):
    return ["turn", "--home", home, "--config", TINY, "--licence", "Apache-2.0", "--json", fleet]


def outcome(run, home, result):
    """What must be equal: states of the tables, hashes of version, run, child, weights."""
    tables = {t["name"]: t["state"] for t in run("lake", "tables", "--home", home, "--json").json()}
    steps = {s["name"]: s["result"] for s in result["steps"] if s["name"] != "report"}
    return tables, steps, {k: result[k] for k in ("version", "run", "model", "child", "verdict", "reason")}


@pytest.fixture(scope="module")
def undisturbed(run, fleet, tmp_path_factory):
    home = tmp_path_factory.mktemp("calm") / "home"
    start = time.monotonic()
    result = run(*turn_words(home, fleet)).json()
    return outcome(run, home, result), time.monotonic() - start


def test_killed_turns_end_the_same(run, program, fleet, undisturbed, tmp_path):
    want, seconds = undisturbed
    home, dice, killed = tmp_path / "home", random.Random(7), 0
    for _ in range(KILLS):
        process = subprocess.Popen([program, *map(str, turn_words(home, fleet))], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=dice.uniform(0, seconds * 0.4))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
    result = run(*turn_words(home, fleet)).json()
    assert killed > 0
    assert outcome(run, home, result) == want


def test_a_second_call_repeats_no_step(run, fleet, undisturbed, tmp_path):
    home = tmp_path / "home"
    run(*turn_words(home, fleet))
    again = run(*turn_words(home, fleet)).json()
    done = {s["name"]: s["done_before"] for s in again["steps"]}
    assert all(done[name] for name in ("dataset", "train", "evaluate", "deploy", "gate", "mine", "child")), done


def test_sigterm_ends_cleanly_and_the_same_command_goes_on(run, program, fleet, undisturbed, tmp_path):
    want, seconds = undisturbed
    home = tmp_path / "home"
    process = subprocess.Popen([program, *map(str, turn_words(home, fleet))], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    time.sleep(seconds * 0.3)
    process.terminate()
    _, told = process.communicate(timeout=60)
    assert process.returncode in (0, 130), told
    if process.returncode == 130:
        assert told.startswith("roadmill: ") and "run the same command again" in told
    assert outcome(run, home, run(*turn_words(home, fleet)).json()) == want


def test_one_and_two_threads_make_the_same(run, fleet, undisturbed, tmp_path):
    want, _ = undisturbed
    home = tmp_path / "home"
    assert outcome(run, home, run(*turn_words(home, fleet), env={"ROADMILL_THREADS": "1"}).json()) == want
