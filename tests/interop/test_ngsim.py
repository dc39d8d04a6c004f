"""NGSIM across sites: windows and baselines equal the figures of the data's README (an independent reading in Python)."""
import pytest

# site: windows, then FDE at 3 s of recorded speed (reads the future) and of constant velocity 1, 5 and 19 steps back.
WANT = {"USA_US101": (2584, 2.378, 2.486, 2.637, 3.110), "USA_Lanker": (3211, 1.994, 2.020, 2.188, 2.853)}
ADE = {"USA_US101": (0.970, 1.038, 1.143, 1.421), "USA_Lanker": (0.760, 0.770, 0.858, 1.209)}


@pytest.fixture(scope="module")
def ngsim(run, data, tmp_path_factory):
    home = tmp_path_factory.mktemp("ngsim") / "home"
    run("init", home)
    folder = data / "scenes/ngsim-commonroad/2020a"
    run("ingest", folder / "US101", folder / "Lankershim", "--home", home, "--licence", "BSD-3-Clause")
    return home


@pytest.mark.parametrize("train, gate", [("USA_US101", "USA_Lanker"), ("USA_Lanker", "USA_US101")])
def test_published_rows(run, ngsim, train, gate):
    made = run("dataset", "create", f"to-{gate}", "--home", ngsim, "--keep-one", "--place", f"train={train}",
               "--place", f"gate={gate}", "--json").json()
    assert made["counts"]["train"] == WANT[train][0] and made["counts"]["gate"] == WANT[gate][0]
    document = run("eval", "--dataset", made["version"], "--split", "gate", "--home", ngsim, "--json").json()
    models = {m["name"]: m for m in document["models"]}
    for name, fde, ade in zip(("recorded", "cv_1", "cv_5", "cv_19"), WANT[gate][1:], ADE[gate]):
        got = {m["name"]: m for m in models[name]["slices"][0]["metrics"]}
        assert round(got["min_fde_1"]["value"], 3) == fde, name
        assert round(got["min_ade_1"]["value"], 3) == ade, name
        assert got["min_fde_1"]["low"] < fde < got["min_fde_1"]["high"]
    assert models["recorded"]["kind"] == "reads-future"
    assert sum(m["kind"] == "blind" for m in document["models"]) == 12
    assert models[document["best_blind"]]["kind"] == "blind"
