"""The peers of bench/infer.c: one scene through ONNX Runtime, and through PyTorch compiled and frozen where it is installed.

usage: infer_peer.py THREADS MODEL.onnx CALLS   prints one JSON line a peer: median and 99th percentile in microseconds
"""
import importlib.util
import json
import sys
import time

import numpy as np

THREADS, PATH, CALLS = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])


def report(peer, run):
    for _ in range(50):
        run()
    times = []
    for _ in range(CALLS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    times.sort()
    print(json.dumps({"peer": peer, "median": times[CALLS // 2] * 1e6, "p99": times[CALLS * 99 // 100] * 1e6}), flush=True)


def onnx():
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = ort.InferenceSession(PATH, options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    feed = {i.name: rng.standard_normal(i.shape).astype(np.float32) for i in session.get_inputs()}
    feed["token_valid"] = (rng.random(feed["token_valid"].shape) < 0.8).astype(np.float32)
    report("onnxruntime " + ort.__version__, lambda: session.run(None, feed))


def frozen():
    import torch
    import torch._inductor.config as config

    from train_torch import FEATURES, TOKENS, Predictor, attention_in_steps

    torch.set_num_threads(THREADS)
    config.freezing = True
    features, valid = torch.randn(1, TOKENS, FEATURES), torch.rand(1, TOKENS) < 0.8
    for name, attend in [("fused", torch.nn.functional.scaled_dot_product_attention), ("in steps", attention_in_steps)]:
        with torch.no_grad():
            run = torch.compile(Predictor(attend).eval(), dynamic=False)
            report(f"torch {torch.__version__} compiled, frozen, attention {name}", lambda: run(features, valid))


onnx()
if importlib.util.find_spec("torch"):
    frozen()
