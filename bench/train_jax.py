"""A peer of bench/train.c: the same predictor and step in JAX, compiled, with AdamW written out; float32, or with the
products' factors in bfloat16.

usage: train_jax.py THREADS BATCH REPEATS compiled f32|bf16   prints one JSON line with the median milliseconds of a
step
"""
import json
import os
import sys
import time

os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(sys.argv[1])])  # XLA has no other limit of threads

import jax
import jax.numpy as jnp

TOKENS, AGENTS, FEATURES, D, HEADS, BLOCKS, HIDDEN, K, STEPS = 64, 32, 64, 128, 8, 4, 512, 6, 30
PRODUCT = jnp.bfloat16 if sys.argv[5:6] == ["bf16"] else jnp.float32


def linear_weights(key, inputs, outputs):
    return {"w": jax.random.normal(key, (inputs, outputs)) * inputs ** -0.5, "b": jnp.zeros(outputs)}


def make_weights(key):
    keys = iter(jax.random.split(key, 4 * BLOCKS + 3))
    norm = lambda: {"g": jnp.ones(D), "b": jnp.zeros(D)}
    block = lambda: {"norm1": norm(), "norm2": norm(), "qkv": linear_weights(next(keys), D, 3 * D),
                     "out": linear_weights(next(keys), D, D), "up": linear_weights(next(keys), D, HIDDEN),
                     "down": linear_weights(next(keys), HIDDEN, D)}
    return {"embed": linear_weights(next(keys), FEATURES, D), "blocks": [block() for _ in range(BLOCKS)],
            "norm": norm(), "futures": linear_weights(next(keys), D, K * STEPS * 2),
            "logits": linear_weights(next(keys), D, K), "log_scale": jnp.zeros((STEPS, 2))}


def product(x, y):
    return jnp.matmul(x.astype(PRODUCT), y.astype(PRODUCT), preferred_element_type=jnp.float32)


def linear(p, x):
    return product(x, p["w"]) + p["b"]


def layer_norm(p, x):
    mean = x.mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-5) * p["g"] + p["b"]


def attend(p, x, valid):
    b, t, _ = x.shape
    q, k, v = linear(p["qkv"], x).reshape(b, t, 3, HEADS, D // HEADS).transpose(2, 0, 3, 1, 4)
    scores = product(q, k.swapaxes(-1, -2)) * (D // HEADS) ** -0.5
    share = jax.nn.softmax(jnp.where(valid[:, None, None, :], scores, -1e9), -1)
    return linear(p["out"], product(share, v).swapaxes(1, 2).reshape(b, t, D))


def loss_of(p, features, valid, target):
    x = linear(p["embed"], features)
    for block in p["blocks"]:
        x = x + attend(block, layer_norm(block["norm1"], x), valid)
        up = jax.nn.gelu(linear(block["up"], layer_norm(block["norm2"], x)), approximate=False)
        x = x + linear(block["down"], up)
    x = layer_norm(p["norm"], x[:, :AGENTS])
    futures, logits = linear(p["futures"], x).reshape(-1, AGENTS, K, STEPS, 2), linear(p["logits"], x)
    distance = jnp.sqrt(jnp.square(futures - target[:, :, None]).sum(-1)).mean(-1)
    winner = jax.lax.stop_gradient(distance).argmin(-1)
    best = jnp.take_along_axis(futures, winner[:, :, None, None, None], 2).squeeze(2)
    nll = (jnp.abs(best - target) * jnp.exp(-p["log_scale"]) + p["log_scale"]).sum((-1, -2))
    ce = -jnp.take_along_axis(jax.nn.log_softmax(logits), winner[..., None], -1).squeeze(-1)
    weight = valid[:, :AGENTS].astype(jnp.float32)
    return ((nll + ce) * weight).sum() / weight.sum()


@jax.jit
def step(p, first, second, count, features, valid, target):
    gradient = jax.grad(loss_of)(p, features, valid, target)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
    second = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, second, gradient)
    c1, c2 = 1 - 0.9 ** count, 1 - 0.999 ** count
    p = jax.tree.map(lambda w, m, s: w * (1 - 1e-5) - 1e-3 * (m / c1) / (jnp.sqrt(s / c2) + 1e-8), p, first, second)
    return p, first, second


def main():
    batch, repeats = map(int, sys.argv[2:4])
    keys = jax.random.split(jax.random.key(0), 4)
    p = make_weights(keys[0])
    first, second = jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p)
    valid = (jax.random.uniform(keys[1], (batch, TOKENS)) < 0.8).at[:, 0].set(True)
    features = jax.random.normal(keys[2], (batch, TOKENS, FEATURES))
    target = jax.random.normal(keys[3], (batch, AGENTS, STEPS, 2)).cumsum(2)
    times = []
    for i in range(repeats + 3):
        start = time.perf_counter()
        p, first, second = jax.block_until_ready(step(p, first, second, i + 1.0, features, valid, target))
        times.append(time.perf_counter() - start)
    times = sorted(times[3:])
    print(json.dumps({"peer": "jax " + jax.__version__, "ms": 1e3 * times[len(times) // 2]}))


if __name__ == "__main__":
    main()
