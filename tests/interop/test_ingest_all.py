"""Every recording of the data goes into one lake: nothing is refused but what is no recording, sums hold, the same recording
in five forms gives the same rows, and the signals of a drive are those that the DBC decodes."""
import pytest


@pytest.fixture(scope="module")
def lake(run, data, tmp_path_factory):
    home = tmp_path_factory.mktemp("all") / "home"
    logs = data / "logs"
    dbc = logs / "mf4-canedge" / "drive" / "dbc_files" / "canmod-gps.dbc"
    sources = [logs / "ros1-bags", logs / "ros2-bags", logs / "mf4-blocks", logs / "mf4-canedge", logs / "mcap-schemas"]
    done = run("ingest", "--home", home, "--dbc", dbc, "--json", *sources, check=False)
    assert done.returncode in (0, 3), done.stderr
    return home, done.json()


def sql(run, home, text):
    return run("query", "--home", home, "--json", text).json()["rows"]


def test_nothing_is_refused_but_an_empty_file(lake):
    _, made = lake
    refused = [f for f in made["files"] if "refused" in f]
    assert [f["path"].rsplit("/", 1)[1] for f in refused] == []
    assert made["messages"] == made["rows"] + made["blobs"] + made["message_rejects"]
    assert made["messages"] > 600_000 and made["can_signals"] > 1_700_000


def test_one_recording_in_five_forms_gives_one_set_of_rows(run, lake):
    home, _ = lake
    for table in ("signals_sensor_msgs_msg_imu", "signals_nav_msgs_msg_odometry", "signals_sensor_msgs_msg_navsatfix"):
        digests = sql(run, home, "SELECT recording_id, md5(string_agg(row, '' ORDER BY row)) AS digest FROM (SELECT recording_id, "
                                 f"replace(CAST(t AS VARCHAR), recording_id, '') AS row FROM {table} t WHERE recording_id IN "
                                 "(SELECT recording_id FROM recordings WHERE uri LIKE '%/derived/%')) GROUP BY 1")
        assert len(digests) == 5 and len({d["digest"] for d in digests}) == 1, (table, digests)


def test_signals_of_a_drive(run, lake):
    home, _ = lake
    rows = sql(run, home, "SELECT signal, count(*) AS n, min(value) AS low, max(value) AS high FROM signals_can "
                          "WHERE frame = 'gnss_pos' GROUP BY 1 ORDER BY 1")
    values = {r["signal"]: r for r in rows}
    assert set(values) == {"Latitude", "Longitude", "PositionAccuracy", "PositionValid"}
    assert values["Latitude"]["n"] == values["Longitude"]["n"] > 2_000
    # What the DBC does not describe is told once for each id.
    told = sql(run, home, "SELECT count(*) AS n FROM rejects WHERE stage = 'dbc'")
    assert int(told[0]["n"]) > 3
