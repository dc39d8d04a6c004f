"""Wherever a path may be given, a scheme that no store knows is refused by its name, and no folder of that name is
made; file:/// is a path; a name with a colon is a path; a home's `store:` moves what is not the catalog."""
import pytest

UNKNOWN = 'expected a path or a scheme that a store knows (file), found "s3", which none knows; give a path on a local disk'


@pytest.fixture(scope="module")
def made(run, tmp_path_factory):
    """A fleet, a home with it, a version and a small run."""
    folder = tmp_path_factory.mktemp("store")
    run("synth", folder / "fleet", "--seed", "3", "--drives", "3", "--duration", "7", "--vehicles", "6", "--quiet")
    run("init", folder / "home")
    everything(run, folder)
    return folder


def everything(run, folder):
    """From the fleet to a registered model; the names by hash of what was made."""
    where = ["--home", folder / "home", "--quiet", "--json"]
    run("ingest", folder / "fleet", *where)
    version = run("dataset", "create", "made", "--split", "recording", "--share", "train=0.6", "--share",
                  "validation=0.4", *where).json()["version"]
    (folder / "small.yaml").write_text("width: 8\nblocks: 1\nheads: 1\nhidden: 8\nbatch: 4\nsteps: 20\n")
    trained = run("train", folder / "small.yaml", "--dataset", "made", *where).json()
    run("export", trained["run"], folder / "bundle", *where)
    model = run("models", "add", "small", folder / "bundle", *where).json()["hash"]
    return version, trained["run"], trained["weights"], model


@pytest.mark.parametrize("words", [
    ["init", "{}"],
    ["ingest", "{}"],
    ["lake", "tables", "--home", "{}"],
    ["log", "info", "{}"],
    ["log", "cat", "{}"],
    ["log", "convert", "{fleet}/recordings/drive_0000.mcap", "--out", "{}"],
    ["log", "convert", "{fleet}/recordings/drive_0000.mcap", "--out", "{}", "--to", "ros2"],
    ["log", "sort", "{}", "--out", "out.mcap"],
    ["ingest", "{fleet}", "--recipe", "{}"],
    ["ingest", "{fleet}", "--dbc", "{}"],
    ["synth", "{}"],
    ["dataset", "export", "made", "--to", "{}"],
    ["train", "{}", "--dataset", "made"],
    ["sweep", "{}", "--dataset", "made"],
    ["export", "{run}", "{}"],
    ["models", "add", "m", "{}"],
    ["gate", "small", "--policy", "{}"],
    ["turn", "--config", "{}", "{fleet}"],
], ids=lambda words: " ".join(words[:2]))
def test_an_unknown_scheme_is_refused_by_name(run, made, tmp_path, words):
    uri = "s3://bucket/x"
    trained = run("runs", "--home", made / "home", "--json").json()[0]["run"]
    words = [w.replace("{}", uri).replace("{fleet}", str(made / "fleet")).replace("{run}", trained) for w in words]
    if "--home" not in words and words[0] not in ("init", "log", "synth"):
        words += ["--home", made / "home"]
    done = run(*words, cwd=tmp_path, check=False)
    assert done.returncode == 1, done
    assert UNKNOWN in done.stderr and done.stderr.startswith(f"roadmill: {uri}"), done.stderr
    assert not list(tmp_path.glob("s3:*")) and not list((made / "home").glob("**/s3:*"))


def test_a_name_with_a_colon_is_a_path(run, made, tmp_path):
    source = made / "fleet/recordings/drive_0000.mcap"
    run("log", "sort", source, "--out", "a:b.mcap", "--quiet", cwd=tmp_path)
    assert (tmp_path / "a:b.mcap").exists()
    plain, told = (run("log", "info", f"{scheme}{source}", "--json").json() for scheme in ("", "file://"))
    assert plain["recordings"][0]["ledger"] == told["recordings"][0]["ledger"]
    refused = run("log", "info", "file://elsewhere/x.mcap", check=False)
    assert refused.returncode == 2 and "expected file:///absolute/path" in refused.stderr


@pytest.mark.parametrize("given", ["elsewhere", "file://{}/elsewhere", "{}/elsewhere"])
def test_a_home_may_keep_its_data_elsewhere(run, made, tmp_path, given):
    run("init", tmp_path / "home")
    settings = tmp_path / "home/roadmill.yaml"
    settings.write_text(settings.read_text() + "store: " + given.replace("{}", str(tmp_path)) + "\n")
    (tmp_path / "fleet").symlink_to(made / "fleet")
    version, trained, weights, model = everything(run, tmp_path)
    elsewhere = tmp_path / "home/elsewhere" if given == "elsewhere" else tmp_path / "elsewhere"
    assert (elsewhere / "versions" / version / "manifest.json").exists()
    assert (elsewhere / "runs" / trained / "model/weights.safetensors").exists()
    assert (elsewhere / "models/small/1/predictor.onnx").exists()
    assert (elsewhere / "lake/recordings/_delta_log").exists()
    for name in ("lake", "versions", "runs", "models"):
        assert list((tmp_path / "home" / name).iterdir()) == []
    # The same bytes have the same names, wherever they lie.
    shown = run("runs", "--home", made / "home", "--json").json()
    assert [r["run"] for r in shown] == [trained]


def test_an_unknown_store_in_the_settings_is_refused(run, tmp_path):
    run("init", tmp_path / "home")
    (tmp_path / "home/roadmill.yaml").write_text("store: s3://bucket/home\n")
    done = run("lake", "tables", "--home", tmp_path / "home", check=False)
    assert done.returncode == 1 and UNKNOWN in done.stderr, done.stderr
