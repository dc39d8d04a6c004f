"""The peer of bench/loader.c: samples a second of PyTorch's DataLoader, batch 32, shuffled, over a memory map in the
page cache that holds as many floats a sample. The best of: sample by sample, and one fancy index a batch.
usage: loader_torch.py FLOATS COUNT FOLDER WORKERS"""
import json
import pathlib
import sys
import time

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

floats, count, folder, workers = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3]), int(sys.argv[4])
BATCH, SECONDS = 32, 2.0
path = folder / "torch.f32"
if not path.exists():
    np.ones((count, floats), np.float32).tofile(path)
data = np.memmap(path, np.float32, "r", shape=(count, floats))


class One(Dataset):
    def __len__(self):
        return count

    def __getitem__(self, i):
        return torch.from_numpy(np.array(data[i]))


class Batched(One):
    def __getitems__(self, index):
        return torch.from_numpy(data[index])


def keep(batch):
    return batch


def rate(dataset, **options):
    loader = DataLoader(dataset, batch_size=BATCH, shuffle=True, num_workers=workers, **options)
    seen, start = 0, time.perf_counter()
    while time.perf_counter() < start + SECONDS:
        for batch in loader:
            seen += len(batch)
            if time.perf_counter() >= start + SECONDS:
                break
    return seen / (time.perf_counter() - start)


torch.set_num_threads(max(1, workers))
rates = {"sample by sample": rate(One()), "a batch at once": rate(Batched(), collate_fn=keep)}
best = max(rates, key=rates.get)
print(json.dumps({"peer": f"torch {torch.__version__.split('+')[0]}, {workers} workers, {best}", "rate": rates[best]}))
