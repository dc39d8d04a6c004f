"""What a recording's ego rows say, computed plainly in Python: speeds and runs as the query language means them, the grid of
scenes, windows, constant velocity. tests/interop/test_ego_wheel.py holds the program against it."""
import math

import deltalake

STEP_NS, HISTORY, FUTURE, STRIDE = 100_000_000, 20, 30, 10


def table(home, name):
    folder = home / "lake" / name
    return deltalake.DeltaTable(str(folder)).to_pyarrow_table().to_pylist() if folder.exists() else []


def ego_of(home):
    """recording_id -> [(t_ns, x, y)] in the order of time."""
    found = {}
    for r in table(home, "ego"):
        found.setdefault(r["recording_id"], []).append((r["t_ns"], r["x_m"], r["y_m"]))
    return {k: sorted(v) for k, v in sorted(found.items())}


def median_step(rows):
    steps = sorted(b[0] - a[0] for a, b in zip(rows, rows[1:]))
    return steps[len(steps) // 2]


def fast_spans(rows, above_mps):
    """[start, end) of the runs of stored rows whose last step was faster; the first row has no step."""
    step, spans = median_step(rows), []
    for i in range(1, len(rows)):
        (t, x, y), (before, bx, by) = rows[i], rows[i - 1]
        if math.hypot(x - bx, y - by) / ((t - before) / 1e9) <= above_mps:
            continue
        follows = i + 1 < len(rows) and rows[i + 1][0] - t <= step * 3 // 2
        end = rows[i + 1][0] if follows else t + step
        if spans and spans[-1][1] == t:
            spans[-1][1] = end
        else:
            spans.append([t, end])
    return [tuple(s) for s in spans]


def grid(rows):
    """(step, [(t, x, y)]): the row of that time, else linear between two rows at most one and a half steps apart; slow rows stay."""
    median, step = median_step(rows), STEP_NS
    if median > 105_000_000:
        return (median + 5_000_000) // 10_000_000 * 10_000_000, rows
    out, at = [], 0
    for t in range(rows[0][0], rows[-1][0] + 1, step):
        while at + 1 < len(rows) and rows[at + 1][0] <= t:
            at += 1
        if rows[at][0] == t:
            out.append(rows[at])
        elif rows[at + 1][0] - rows[at][0] <= step * 3 // 2:
            (a, ax, ay), (b, bx, by) = rows[at], rows[at + 1]
            w = (t - a) / (b - a)
            out.append((t, ax + (bx - ax) * w, ay + (by - ay) * w))
    return step, out


def windows(rows):
    """(step, states of each window): now is the one at HISTORY - 1."""
    step, states = grid(rows)
    found = []
    for first in range(0, len(states) - HISTORY - FUTURE + 1, STRIDE):
        window = states[first:first + HISTORY + FUTURE]
        if all(abs(b[0] - a[0] - step) <= step // 10 for a, b in zip(window, window[1:])):
            found.append(window)
    return step, found


def constant_velocity(window, step):
    """Distances of constant velocity from what came, one for each step of the future."""
    (_, bx, by), (_, x, y) = window[HISTORY - 2], window[HISTORY - 1]
    vx, vy = (x - bx) / (step / 1e9), (y - by) / (step / 1e9)
    return [math.hypot(x + vx * k * step / 1e9 - fx, y + vy * k * step / 1e9 - fy)
            for k, (_, fx, fy) in enumerate(window[HISTORY:], 1)]
