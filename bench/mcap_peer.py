"""Peer of bench/mcap.c: messages of a file with the Python package `mcap`, its checks on, for some seconds.

Prints payload bytes and seconds. usage: mcap_peer.py FILE file|time
"""
import sys
import time

from mcap.reader import NonSeekingReader, SeekingReader

SECONDS = 4.0
path, order = sys.argv[1:3]
with open(path, "rb") as f:
    size, start = 0, time.process_time()
    reader = (SeekingReader if order == "time" else NonSeekingReader)(f, validate_crcs=True)
    for i, (_, _, message) in enumerate(reader.iter_messages(log_time_order=order == "time")):
        size += len(message.data)
        if i % 64 == 0 and time.process_time() - start > SECONDS:
            break
    print(size, time.process_time() - start)
