"""Feeds an exported version to PyTorch. Needs pyarrow and torch; numpy alone does for arrays().

    roadmill dataset export city --to city-parquet
    python examples/torch_dataset.py city-parquet train
"""
import json
import pathlib
import sys

import numpy as np
import pyarrow.parquet as pq


def arrays(folder, split):
    """Each tensor of a split by name, [scenes, ...shape] in float32; and the scenes' own columns."""
    folder = pathlib.Path(folder)
    shapes = {t["name"]: t["shape"] for t in json.loads((folder / "manifest.json").read_text())["tensors"]}
    table, values = pq.read_table(folder / f"{split}.parquet"), {}
    for name, shape in shapes.items():
        flat = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        values[name] = flat.reshape(table.num_rows, *shape)
    return values, table.drop_columns(list(shapes))


def loader(folder, split, batch_size=32, shuffle=True):
    import torch

    values, _ = arrays(folder, split)
    data = torch.utils.data.TensorDataset(*(torch.from_numpy(np.array(v)) for v in values.values()))
    for batch in torch.utils.data.DataLoader(data, batch_size=batch_size, shuffle=shuffle):
        yield dict(zip(values, batch))


if __name__ == "__main__":
    count = 0
    for batch in loader(sys.argv[1], sys.argv[2]):
        ahead = batch["position"][:, :, None] + batch["velocity"][:, :, None] * 0.1 * batch["target"].shape[2]
        error = (ahead[:, 0, -1] - batch["target"][:, 0, -1]).norm(dim=-1)
        count += len(error)
        print(f"{count} scenes; constant velocity misses the end by {error.mean():.2f} m in this batch")
