"""Spark reads every table of a real recording with its default settings, and every row arrives. Needs pyspark and
Java, which the tests do not install: RML_SPARK_PYTHON names a Python that has them."""
import os
import pathlib
import subprocess

import pytest

SCRIPT = """
import glob, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
assert spark.conf.get("spark.sql.parquet.enableVectorizedReader") == "true"
for table in sorted(glob.glob(sys.argv[1] + "/lake/*")):
    rows = len(spark.read.parquet(*sorted(glob.glob(table + "/*/*.parquet"))).collect())
    print("table", table.rsplit("/", 1)[1], rows)
"""


def test_spark_reads_every_row(run, data, home):
    python = os.environ.get("RML_SPARK_PYTHON")
    if not python:
        pytest.skip("skipped: RML_SPARK_PYTHON names no Python with pyspark")
    run("ingest", "--home", home, data / "logs/ros1-bags/robot_localization/test1.bag")
    want = {t["name"]: t["rows"] for t in run("lake", "tables", "--home", home, "--json").json()}
    done = subprocess.run([python, "-c", SCRIPT, str(pathlib.Path(home))], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    words = [line[line.index("table "):].split() for line in done.stdout.splitlines() if "table " in line]
    assert {name: int(rows) for _, name, rows in words} == want
