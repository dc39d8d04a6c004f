"""Ingest of a recording of 2 GB, and a version over many scenarios, stay within 512 MiB of memory."""
import os
import resource
import struct
import subprocess


from mcap.writer import CompressionType, Writer

CEILING = 512 * 1024 * 1024
IMU = """std_msgs/Header header
geometry_msgs/Quaternion orientation
float64[9] orientation_covariance
geometry_msgs/Vector3 angular_velocity
float64[9] angular_velocity_covariance
geometry_msgs/Vector3 linear_acceleration
float64[9] linear_acceleration_covariance
================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
================================================================================
MSG: geometry_msgs/Quaternion
float64 x
float64 y
float64 z
float64 w
================================================================================
MSG: geometry_msgs/Vector3
float64 x
float64 y
float64 z
"""
IMAGE = """std_msgs/Header header
string format
uint8[] data
================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""


def header(t_ns):
    return b"\0\1\0\0" + struct.pack("<iI", t_ns // 10**9, t_ns % 10**9) + struct.pack("<I", 4) + b"imu\0"


def write_recording(path, images, imus):
    """images of 1 MB and imus of 320 bytes, taken in turn."""
    with open(path, "wb") as out:
        w = Writer(out, compression=CompressionType.NONE, chunk_size=1 << 20)
        w.start(profile="ros2")
        imu_channel = w.register_channel("/imu", "cdr", w.register_schema("sensor_msgs/msg/Imu", "ros2msg", IMU.encode()))
        schema = w.register_schema("sensor_msgs/msg/CompressedImage", "ros2msg", IMAGE.encode())
        image_channel = w.register_channel("/camera", "cdr", schema)
        pixels = os.urandom(1 << 20)
        t_ns, per_image = 10**18, max(1, imus // images)
        body = struct.pack("<37d", *range(37))
        for i in range(images):
            for j in range(per_image):
                t_ns += 10**6
                w.add_message(imu_channel, t_ns, header(t_ns) + body, t_ns, sequence=i * per_image + j)
            data = header(t_ns) + struct.pack("<I", 5) + b"jpeg\0" + b"\0" * 3 + struct.pack("<I", len(pixels)) + pixels
            w.add_message(image_channel, t_ns, data, t_ns, sequence=i)
        w.finish()
    return images, per_image * images


def peak_of(words, env):
    """Exit code and the largest resident size of a command, less the pages of files that it maps."""
    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (CEILING, CEILING))

    return subprocess.run(words, env=env, preexec_fn=limit, capture_output=True, text=True, timeout=3000)


def test_ingest_of_two_gigabytes(program, run, tmp_path):
    path = tmp_path / "long.mcap"
    images, imus = write_recording(path, images=1000, imus=3_000_000)
    assert path.stat().st_size > 1.9e9
    home = tmp_path / "home"
    done = peak_of([program, "ingest", "--home", home, "--json", path], os.environ)
    assert done.returncode == 0, done.stderr
    rows = run("query", "--home", home, "--json", "SELECT (SELECT count(*) FROM signals_sensor_msgs_msg_imu) AS imu,"
               " (SELECT count(*) FROM blobs) AS images").json()["rows"]
    assert [list(r.values()) if isinstance(r, dict) else r for r in rows] == [[imus, images]]


def test_a_version_over_all_scenarios(program, data, tmp_path):
    home = tmp_path / "home"
    for words in (["ingest", "--home", home, data / "scenes/ngsim-commonroad/2020a"],
                  ["dataset", "create", "dense", "--home", home, "--split", "family", "--stride", "2"]):
        done = peak_of([program, *map(str, words)], os.environ)
        assert done.returncode == 0, done.stderr
