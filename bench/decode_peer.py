"""Peer and maker of inputs of bench/decode.c: small messages in each encoding, decoded one by one by the Python packages.

usage: decode_peer.py FOLDER. Writes KIND.schema and KIND.data (each message behind its length, u32) there, prints a line
"KIND messages/s package version" each.
"""
import importlib.metadata
import pathlib
import struct
import sys
import time

import cantools
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from mcap_ros2._dynamic import generate_dynamic
from rosbags.typesys import Stores, get_typestore

COUNT, SECONDS = 2000, 2.0
folder = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(1)


def give(kind, schema, messages, decode, package):
    (folder / f"{kind}.schema").write_bytes(schema)
    (folder / f"{kind}.data").write_bytes(b"".join(struct.pack("<I", len(m)) + m for m in messages))
    done, start = 0, time.process_time()
    while time.process_time() - start < SECONDS:
        for m in messages[:200]:
            decode(m)
        done += 200
    print(kind, done / (time.process_time() - start), package, importlib.metadata.version(package))


def ros(store, kind, name):
    types = store.types

    def vector():
        return types["geometry_msgs/msg/Vector3"](*rng.normal(size=3))

    def quaternion():
        return types["geometry_msgs/msg/Quaternion"](*rng.normal(size=4))

    def header(i):
        stamp = types["builtin_interfaces/msg/Time"](1_700_000_000 + i, i)
        fields = {"stamp": stamp, "frame_id": "imu_link"}
        header_type = types["std_msgs/msg/Header"]
        return header_type(**({"seq": i} if "seq" in header_type.__dataclass_fields__ else {}), **fields)

    def imu(i):
        return types["sensor_msgs/msg/Imu"](header(i), quaternion(), rng.normal(size=9), vector(), rng.normal(size=9), vector(), rng.normal(size=9))

    def odometry(i):
        point = types["geometry_msgs/msg/Point"](*rng.normal(size=3))
        pose = types["geometry_msgs/msg/PoseWithCovariance"](types["geometry_msgs/msg/Pose"](point, quaternion()), rng.normal(size=36))
        twist = types["geometry_msgs/msg/TwistWithCovariance"](types["geometry_msgs/msg/Twist"](vector(), vector()), rng.normal(size=36))
        return types["nav_msgs/msg/Odometry"](header(i), "base_link", pose, twist)

    make = imu if name.endswith("Imu") else odometry
    text = store.generate_msgdef(name, ros_version=1 if kind.endswith("ros1") else 2)[0]
    if kind.endswith("ros1"):
        messages = [bytes(store.serialize_ros1(make(i), name)) for i in range(COUNT)]
        give(kind, text.encode(), messages, lambda m: store.deserialize_ros1(m, name), "rosbags")
    else:
        messages = [bytes(store.serialize_cdr(make(i), name)) for i in range(COUNT)]
        decoder = generate_dynamic(name, text)[name]
        give(kind, text.encode(), messages, decoder, "mcap-ros2-support")


def protobuf():
    f = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="imu.proto", package="b", syntax="proto3")
    vector, imu = file.message_type.add(name="Vector3"), file.message_type.add(name="Imu")
    for i, axis in enumerate("xyz"):
        vector.field.add(name=axis, number=i + 1, type=f.TYPE_DOUBLE, label=f.LABEL_OPTIONAL)
    imu.field.add(name="stamp_ns", number=1, type=f.TYPE_FIXED64, label=f.LABEL_OPTIONAL)
    imu.field.add(name="frame_id", number=2, type=f.TYPE_STRING, label=f.LABEL_OPTIONAL)
    for i, name in enumerate(("angular_velocity", "linear_acceleration", "orientation")):
        imu.field.add(name=name, number=3 + 2 * i, type=f.TYPE_MESSAGE, type_name=".b.Vector3", label=f.LABEL_OPTIONAL)
        imu.field.add(name=f"{name}_covariance", number=4 + 2 * i, type=f.TYPE_DOUBLE, label=f.LABEL_REPEATED)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    cls = message_factory.GetMessageClass(pool.FindMessageTypeByName("b.Imu"))
    messages = []
    for i in range(COUNT):
        m = cls(stamp_ns=i, frame_id="imu_link")
        for name in ("angular_velocity", "linear_acceleration", "orientation"):
            x, y, z = rng.normal(size=3)
            getattr(m, name).x, getattr(m, name).y, getattr(m, name).z = x, y, z
            getattr(m, f"{name}_covariance").extend(rng.normal(size=9))
        messages.append(m.SerializeToString())

    def decode(data):  # parsing is lazy: a reader takes the values
        m = cls.FromString(data)
        for name in ("angular_velocity", "linear_acceleration", "orientation"):
            v = getattr(m, name)
            v.x, v.y, v.z, list(getattr(m, f"{name}_covariance"))

    give("imu_protobuf", descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString(), messages, decode, "protobuf")


def can():
    text = 'VERSION ""\nBU_: A\nBO_ 291 Frame: 64 A\n'
    for i in range(30):
        text += f' SG_ S{i} : {16 * i}|16@1{"-" if i % 2 else "+"} (0.{i + 1},-{i}) [0|0] "" A\n'
    text += 'BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN",' + ",".join(['"reserved"'] * 12) + ',"StandardCAN_FD";\n'
    text += 'BA_DEF_DEF_ "VFrameFormat" "StandardCAN_FD";\n'
    base = cantools.database.load_string(text, "dbc", strict=False)
    frames = [rng.bytes(64) for _ in range(COUNT)]
    sock = [struct.pack(">IBBBB", 0x123, 64, 4, 0, 0) + d for d in frames]
    message = base.get_message_by_frame_id(0x123)
    give("can_dbc", text.encode(), sock, lambda m: message.decode(m[8:], decode_choices=False), "cantools")


ros(get_typestore(Stores.ROS2_HUMBLE), "imu_cdr", "sensor_msgs/msg/Imu")
ros(get_typestore(Stores.ROS2_HUMBLE), "odometry_cdr", "nav_msgs/msg/Odometry")
ros(get_typestore(Stores.ROS1_NOETIC), "imu_ros1", "sensor_msgs/msg/Imu")
protobuf()
can()
