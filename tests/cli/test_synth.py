"""`synth` as a user meets it: what it prints, its bounds, the same bytes again, and the way into the lake."""
import filecmp


def test_text_and_same_bytes(run, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    first = run("synth", one, "--seed", 3, "--drives", 2, "--vehicles", 9, "--duration", 6, "--faults")
    size = sum(f.stat().st_size for f in one.rglob("*") if f.is_file())
    assert first.stdout == (f"{one}: 2 recordings, 2 scenarios, 928 messages, 2 faults planted (faults.json), "
                            f"{size} bytes\n")
    run("synth", two, "--seed", 3, "--drives", 2, "--vehicles", 9, "--duration", 6, "--faults")
    names = [str(f.relative_to(one)) for f in one.rglob("*") if f.is_file()]
    assert len(names) == 5
    assert filecmp.cmpfiles(one, two, names, shallow=False)[0] == names


def test_bounds(run, tmp_path):
    done = run("synth", tmp_path / "f", "--vehicles", "70", check=False)
    assert done.returncode == 2 and not (tmp_path / "f").exists()
    assert done.stderr == ("roadmill: roadmill synth: expected at most 63 vehicles on 600 m of 3 lanes, found 70\n")


def test_into_the_lake(run, home, tmp_path):
    run("synth", tmp_path / "fleet", "--seed", 3, "--drives", 4, "--duration", 8, "--faults")
    sums = run("ingest", "--home", home, "--json", tmp_path / "fleet", check=False).json()
    assert (sums["count"], sums["refused"], sums["already"]) == (8, 0, 0)
    assert sums["messages"] == sums["rows"] + sums["blobs"] + sums["message_rejects"]
    assert sums["message_rejects"] == 1  # the message that was cut
    assert sums["states"] == sums["state_rows"] + sums["state_rejects"] and sums["state_rejects"] == 0
    assert sums["ego_inputs"] == sums["ego_rows"] + sums["ego_rejects"]
    again = run("ingest", "--home", home, "--json", tmp_path / "fleet", check=False).json()
    assert again["already"] == 8


def test_what_became_of_each_file_in_words(run, home, tmp_path):
    """One that was read is never called refused, whatever became of others."""
    run("synth", tmp_path / "fleet", "--seed", 3, "--drives", 1, "--duration", 6)
    drive = tmp_path / "fleet/recordings/drive_0000.mcap"
    first = run("ingest", "--home", home, drive).stdout.splitlines()
    name = first[0].split()[1]
    assert first[0] == f"ingested  {name}  {drive}" and len(name) == 64
    other = tmp_path / "other.txt"
    other.write_text("no recording\n")
    again = run("ingest", "--home", home, drive, other, check=False).stdout.splitlines()
    assert again[0] == f"already   {name}  {drive}"
    assert [line for line in again if line.startswith("refused")] == [
        f"refused   {other}: expected a recording (MCAP, ROS bag, ROS 2 bag, MDF), CommonRoad XML or an Argoverse 2 "
        "scenario, found none of them"]
    assert again[-2].startswith("2 files: 0 new, 1 already there, 1 refused; ")


RECIPE = """recipe: slow
driver: fix
frame: enu
channels:
  fix: {type: sensor_msgs/msg/NavSatFix}
  odom: {type: nav_msgs/msg/Odometry, policy: linear, tolerance_ms: 60}
ego:
  x_m: east(fix)
  y_m: north(fix)
  vx_mps: odom.twist.twist.linear.COMPONENT
"""


def test_a_recipe_of_ones_own(run, home, tmp_path):
    fleet, recipe = tmp_path / "fleet" / "recordings", tmp_path / "slow.yaml"
    run("synth", fleet.parent, "--seed", 3, "--drives", 1, "--duration", 8)
    run("ingest", "--home", home, fleet)
    recipe.write_text(RECIPE.replace("COMPONENT", "x"))
    (file,) = run("ingest", "--home", home, "--json", "--recipe", recipe, fleet).json()["files"]
    assert file["already"] and file["recipe"] == "slow"
    assert file["ego_inputs"] == 41 == file["ego_rows"] + file["ego_rejects"]
    (row,) = run("query", "--home", home, "--json", "SELECT count(*) AS n, count(vx_mps) AS v FROM ego").json()["rows"]
    assert row == {"n": file["ego_rows"], "v": file["ego_rows"]}
    recipe.write_text(RECIPE.replace("COMPONENT", "q"))
    done = run("ingest", "--home", home, "--recipe", recipe, fleet, check=False)
    assert f"{recipe}:10:11: expected a field of nav_msgs/msg/Odometry that is a number" in done.stdout + done.stderr
    recipe.write_text("recipe: slow\ntime: noon\n")
    done = run("ingest", "--home", home, "--recipe", recipe, fleet, check=False)
    assert done.returncode == 1 and done.stderr == (
        f'roadmill: {recipe}:2:7: expected time to be sensor, publish or log, found "noon"\n')
