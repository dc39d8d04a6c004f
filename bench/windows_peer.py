"""Peer of bench/windows.c: cuts the windows of the same tracks with numpy, vectorised where it can be.

Focus and the 31 nearest agents: positions and velocities of 20 samples in the focus' frame, 30 targets. Prints windows/s.
"""
import sys
import time

import numpy as np

H, F, STRIDE, AGENTS, RADIUS = 20, 30, 10, 32, 80.0
rows = np.loadtxt(sys.argv[1])
recordings = []
for r in np.unique(rows[:, 0]):
    own = rows[rows[:, 0] == r]
    ids, track = np.unique(own[:, 1], return_inverse=True)
    step = np.rint(own[:, 2] / 1e8).astype(int)
    grid = np.full((len(ids), step.max() + 2, 2), np.nan)
    grid[track, step] = own[:, 3:5]
    recordings.append((grid, [np.flatnonzero(~np.isnan(g[:, 0])) for g in grid]))


def cut(grid, track, now):
    focus = grid[track]
    last = np.diff(focus[: now + 1], axis=0)
    moved = np.flatnonzero(np.hypot(last[:, 0], last[:, 1]) > 1e-3)
    yaw = np.arctan2(*last[moved[-1]][::-1]) if len(moved) else 0.0
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    origin = focus[now]
    away = np.hypot(*(grid[:, now] - origin).T)
    away[np.isnan(away)] = np.inf
    away[track] = -1
    near = np.argsort(away, kind="stable")[:AGENTS]
    near = near[away[near] <= RADIUS]
    past = (grid[near, now - H + 1 : now + 1] - origin) @ turn
    velocity = np.diff(past, axis=1) / 0.1
    features = np.zeros((AGENTS, 64), np.float32)
    features[: len(near), 3:5] = past[:, -1] / 20
    features[: len(near), 7:9] = np.nan_to_num(velocity[:, -1]) / 10
    change = np.nan_to_num(velocity[:, -2::-1] - velocity[:, -1:]) / 2
    features[: len(near), 19:55] = change.reshape(len(near), -1)[:, :36]
    target = ((focus[now + 1 : now + 1 + F] - origin) @ turn).astype(np.float32)
    return features, target


start, count = time.perf_counter(), 0
for grid, there in recordings:
    for track, samples in enumerate(there):
        for first in range(0, len(samples) - H - F + 1, STRIDE):
            cut(grid, track, samples[first] + H - 1)
            count += 1
print(count / (time.perf_counter() - start))
