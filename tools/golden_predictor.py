"""Makes tests/model/predictor_golden.h: the predictor as a PyTorch module, ten AdamW steps in float64.

    build/venv/bin/python tools/golden_predictor.py > tests/model/predictor_golden.h

Weights and batch come from fill(), which tests/model/predictor.c has too, so the file holds results alone.
"""
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

BATCH, AGENTS, MAP, FEATURES, D, BLOCKS, HEADS, HIDDEN, K, STEPS, PREDICT = 8, 3, 2, 6, 8, 2, 2, 16, 3, 4, 2
DT, TOKENS = 0.1, AGENTS + MAP
FLOOR = 1e-6
POSE_FEATURES, NEAREST = 8, 3  # of the posed one, whose tokens have 9 features


def fill(stream, count):
    """count numbers in [-0.5, 0.5), exact in float32: the top 24 bits of a multiplicative hash."""
    i = torch.arange(1, count + 1, dtype=torch.int64)
    bits = (i * 2654435761 + stream * 40503 * 65537) % 2**32
    bits = (bits ^ (bits >> 15)) * 2246822519 % 2**32
    return (bits >> 8).double() / 2**24 - 0.5


def pose_pairs(features):
    """[batch, query, key, 8]: the key as its query sees it; positions in units of 20 m."""
    x, y, cos, sin = features[..., 3:7].unbind(-1)
    of = lambda z: (z[:, None, :], z[:, :, None])  # key's, query's
    (kx, qx), (ky, qy), (kc, qc), (ks, qs) = of(x), of(y), of(cos), of(sin)
    dx, dy = kx - qx, ky - qy
    square = dx * dx + dy * dy
    distance = (square + 1e-6).sqrt()
    near = 1 / (1 + distance)
    return torch.stack([near, (dx * qc + dy * qs) * near, (dy * qc - dx * qs) * near, kc * qc + ks * qs,
                        ks * qc - kc * qs, torch.exp(-8 * square), torch.exp(-square / 2), torch.log(1 + distance)],
                       -1), square


class Block(nn.Module):
    def __init__(self, posed):
        super().__init__()
        self.pose = nn.Parameter(torch.zeros(HEADS, POSE_FEATURES)) if posed else None
        self.norm1, self.norm2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.query, self.key = nn.Linear(D, D), nn.Linear(D, D, bias=False)
        self.value, self.out = nn.Linear(D, D), nn.Linear(D, D)
        self.up, self.down = nn.Linear(D, HIDDEN), nn.Linear(HIDDEN, D)

    def forward(self, x, mask, pairs):
        b, t, _ = x.shape
        n = self.norm1(x)
        if self.pose is not None:
            bias = torch.einsum("bqkr,hr->bhqk", pairs, self.pose)
            mask = bias.masked_fill(~mask, -torch.inf)
        heads = lambda z: z.view(b, t, HEADS, D // HEADS).transpose(1, 2)
        a = F.scaled_dot_product_attention(heads(self.query(n)), heads(self.key(n)), heads(self.value(n)),
                                           attn_mask=mask)
        x = x + self.out(a.transpose(1, 2).reshape(b, t, D))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Predictor(nn.Module):
    def __init__(self, pin, single, posed):
        super().__init__()
        self.pin, self.single, self.posed = pin, single, posed
        self.embed = nn.Linear(9 if posed else FEATURES, D)
        self.blocks = nn.ModuleList(Block(posed) for _ in range(BLOCKS))
        self.norm = nn.LayerNorm(D)
        self.futures, self.logits = nn.Linear(D, K * STEPS * 2), nn.Linear(D, K)
        self.log_scale = nn.Parameter(torch.zeros(STEPS, 2))
        if single:
            self.one = nn.Linear(D, STEPS * 2)
            self.one_log_scale = nn.Parameter(torch.zeros(STEPS, 2))

    def forward(self, features, valid, position, velocity):
        x = self.embed(features)
        pairs, mask = None, valid[:, None, None, :] > 0
        if self.posed:
            pairs, square = pose_pairs(features)
            square = square.masked_fill(valid[:, None, :] == 0, 1e9)
            farthest = square.topk(NEAREST, -1, largest=False).values[..., -1:]
            mask = mask & (square <= farthest)[:, None]
        for block in self.blocks:
            x = block(x, mask, pairs)
        x = self.norm(x[:, :PREDICT])
        seconds = torch.arange(1, STEPS + 1).double()[:, None] * DT
        straight = position[:, :, None] + velocity[:, :, None] * seconds
        futures = self.futures(x).view(-1, PREDICT, K, STEPS, 2)
        if self.pin:
            futures = futures * (torch.arange(K) > 0).double()[:, None, None]
        one = straight + self.one(x).view(-1, PREDICT, STEPS, 2) if self.single else None
        return straight[:, :, None] + futures, self.logits(x), one


def loss_of(model, batch, winner_end, distance, relax, laplace):
    futures, logits, one = model(*batch[:4])
    target, there = batch[4], batch[5]
    share = torch.full((STEPS,), (1 - winner_end) / STEPS).double()
    share[-1] += winner_end
    by = lambda f: (((f - target[:, :, None]).square().sum(-1) + FLOOR).sqrt() * share * there[:, :, None]).sum(-1)
    nll = lambda x, s: laplace * ((((x - target).abs() * torch.exp(-s) + s)) * there[..., None]).sum((-1, -2))
    off = by(futures)
    winner = off.detach().argmin(-1)
    best = futures.gather(2, winner[:, :, None, None, None].expand(-1, -1, 1, STEPS, 2)).squeeze(2)
    loss = nll(best, model.log_scale) + F.cross_entropy(logits.flatten(0, 1), winner.flatten(),
                                                        reduction="none").view_as(winner)
    loss = loss + distance * ((1 - relax) * off.gather(2, winner[..., None])[..., 0] + relax * off.mean(-1))
    if one is not None:
        loss = loss + nll(one, model.one_log_scale) + distance * by(one[:, :, None])[..., 0]
    agents = batch[1][:, :PREDICT]
    return ((loss * agents).sum(-1) / agents.sum(-1)).mean()


def batch_of(width):
    features = 2 * fill(101, BATCH * TOKENS * width).view(BATCH, TOKENS, width)
    valid = (fill(102, BATCH * TOKENS) > -0.25).double().view(BATCH, TOKENS)
    valid[:, 0] = 1
    position = 2 * fill(103, BATCH * PREDICT * 2).view(BATCH, PREDICT, 2)
    velocity = 20 * fill(104, BATCH * PREDICT * 2).view(BATCH, PREDICT, 2)
    target = 8 * fill(105, BATCH * PREDICT * STEPS * 2).view(BATCH, PREDICT, STEPS, 2)
    there = (fill(106, BATCH * PREDICT * STEPS) > -0.4).double().view(BATCH, PREDICT, STEPS)
    return features, valid, position, velocity, target, there


def train(name, pin, single, posed=False, **loss):
    model = Predictor(pin, single, posed).double()
    with torch.no_grad():
        for i, (key, p) in enumerate(model.named_parameters()):
            p.copy_(fill(i + 1, p.numel()).view_as(p) + (1 if key.endswith(("norm1.weight", "norm2.weight")) else 0))
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.05)
    batch, losses = batch_of(model.embed.in_features), []
    for _ in range(10):
        optimiser.zero_grad()
        value = loss_of(model, batch, **loss)
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        losses.append(value.item())
    losses.append(loss_of(model, batch, **loss).item())
    print(f"static const double {name}_losses[] = {{{', '.join(map(repr, losses))}}};")
    print(f"static const golden_tensor {name}_weights[] = {{")
    for i, (key, p) in enumerate(model.named_parameters()):
        print(f'    {{"{key}", {i + 1}, {p.numel()}, (const double[]){{')
        numbers = p.detach().flatten().tolist()
        for at in range(0, len(numbers), 4):
            print("        " + ", ".join(map(repr, numbers[at:at + 4])) + ",")
        print("    }},")
    print("};")


print(f"// Generated by tools/golden_predictor.py with PyTorch {torch.__version__}; do not edit.\n// clang-format off")
print("typedef struct golden_tensor {\n    const char *name;\n    unsigned stream;\n    size_t count;\n"
      "    const double *values;\n} golden_tensor;")
train("plain", False, False, winner_end=0.0, distance=0.0, relax=0.0, laplace=1.0)
train("recipe", True, True, winner_end=1.0, distance=1.0, relax=0.01, laplace=0.03)
train("posed", True, True, True, winner_end=1.0, distance=1.0, relax=0.01, laplace=0.03)
print(f"made with PyTorch {torch.__version__}", file=sys.stderr)
