"""A peer of bench/train.c: the same predictor and step in PyTorch (torch.optim.AdamW, fused), in float32 or under
bfloat16 autocast; there attention is written out, because the fused one is slow on CPUs.

usage: train_torch.py THREADS BATCH REPEATS eager|compiled f32|bf16   prints one JSON line with the median
milliseconds of a step
"""
import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

TOKENS, AGENTS, FEATURES, D, HEADS, BLOCKS, HIDDEN, K, STEPS = 64, 32, 64, 128, 8, 4, 512, 6, 30


def attention_in_steps(q, k, v, mask):
    scores = (q @ k.transpose(-1, -2)) * (D // HEADS) ** -0.5
    return scores.masked_fill(~mask, -1e9).softmax(-1).to(v.dtype) @ v


class Block(nn.Module):
    def __init__(self, attend):
        super().__init__()
        self.attend = attend
        self.norm1, self.norm2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.qkv, self.out = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.up, self.down = nn.Linear(D, HIDDEN), nn.Linear(HIDDEN, D)

    def forward(self, x, mask):
        b, t, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, HEADS, D // HEADS).permute(2, 0, 3, 1, 4).unbind(0)
        a = self.attend(q, k, v, mask)
        x = x + self.out(a.transpose(1, 2).reshape(b, t, D))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Predictor(nn.Module):
    def __init__(self, attend):
        super().__init__()
        self.embed = nn.Linear(FEATURES, D)
        self.blocks = nn.ModuleList(Block(attend) for _ in range(BLOCKS))
        self.norm = nn.LayerNorm(D)
        self.futures, self.logits = nn.Linear(D, K * STEPS * 2), nn.Linear(D, K)
        self.log_scale = nn.Parameter(torch.zeros(STEPS, 2))

    def forward(self, features, valid):
        x = self.embed(features)
        for block in self.blocks:
            x = block(x, valid[:, None, None, :])
        x = self.norm(x[:, :AGENTS])
        return self.futures(x).view(-1, AGENTS, K, STEPS, 2), self.logits(x)

    def loss(self, features, valid, target):
        futures, logits = self(features, valid)
        with torch.no_grad():
            winner = (futures - target[:, :, None]).square().sum(-1).sqrt().mean(-1).argmin(-1)
        index = winner[:, :, None, None, None].expand(-1, -1, 1, STEPS, 2)
        best = futures.gather(2, index).squeeze(2)
        nll = ((best - target).abs() * torch.exp(-self.log_scale) + self.log_scale).sum((-1, -2))
        ce = F.cross_entropy(logits.flatten(0, 1), winner.flatten(), reduction="none").view_as(winner)
        weight = valid[:, :AGENTS].float()
        return ((nll + ce) * weight).sum() / weight.sum()


def main():
    threads, batch, repeats = map(int, sys.argv[1:4])
    mode, kind = sys.argv[4:6]
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = Predictor(attention_in_steps if kind == "bf16" else F.scaled_dot_product_attention)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    valid = torch.rand(batch, TOKENS) < 0.8
    valid[:, 0] = True
    features, target = torch.randn(batch, TOKENS, FEATURES), torch.randn(batch, AGENTS, STEPS, 2).cumsum(2)

    def loss():
        with torch.autocast("cpu", torch.bfloat16, enabled=kind == "bf16"):
            return model.loss(features, valid, target)

    step_loss = torch.compile(loss) if mode == "compiled" else loss
    times = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        step_loss().backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
    times = sorted(times[3:])
    name = f"torch {torch.__version__.split('+')[0]} {mode}"
    print(json.dumps({"peer": name, "ms": 1e3 * times[len(times) // 2]}))


if __name__ == "__main__":
    main()
