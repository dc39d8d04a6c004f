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


def test_ego_of_a_drive_by_can(run, lake, tmp_path):
    """The speed of ego is that of the GNSS receiver, and that with which its own positions move."""
    home, _ = lake
    of = "FROM ego e JOIN recordings r USING (recording_id) WHERE r.uri LIKE '%LOG_datastore/3BA199E2/00000164/%'"
    # Fixes and speeds are sent once a second, the speed some milliseconds behind its fix: of the speeds around a row the nearer counts.
    near = ("SELECT e.t_ns, e.vx_mps, arg_min(s.value, abs(s.log_ns - e.t_ns)) AS value FROM (SELECT e.recording_id, e.t_ns, e.vx_mps "
            + of + ") e JOIN signals_can s ON e.recording_id = s.recording_id AND frame = 'gnss_speed' AND signal = 'Speed' AND "
            "abs(s.log_ns - e.t_ns) < 1000000000 GROUP BY ALL")
    rows = sql(run, home, f"SELECT count(*) AS n, avg(CAST(abs(vx_mps - value) <= 0.5 AS DOUBLE)) AS part FROM ({near})")
    assert int(rows[0]["n"]) > 2_100 and rows[0]["part"] >= 0.99
    moved = ("SELECT e.vx_mps, sqrt(pow(x_m - lag(x_m) OVER w, 2) + pow(y_m - lag(y_m) OVER w, 2)) / (t_ns - lag(t_ns) OVER w) * 1e9 AS by_position "
             + of + " WINDOW w AS (PARTITION BY e.recording_id ORDER BY t_ns)")
    rows = sql(run, home, f"SELECT median(abs(vx_mps - by_position)) AS middle FROM ({moved})")
    assert rows[0]["middle"] < 0.3
    drive = sql(run, home, "SELECT min(e.drive_id) AS id " + of)[0]["id"]
    picture = tmp_path / "ego.svg"
    run("drives", "report", drive, "--home", home, "--ego", picture)
    assert picture.read_text().count("<path") > 5
