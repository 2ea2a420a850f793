"""Trains a model on shards of prepare.py, for a fixed time, on CPU or on one CUDA GPU.

    train.py --data SHARDS --phases phases/cpu.json --preset mini --warm-start v0-f16.gguf --minutes 60 --out run/

The clock rules: phases are shares of --minutes, the learning rate follows the elapsed share (so a slow machine still anneals
to the end), and the run ends with a saved checkpoint. `--resume` goes on from run/checkpoint.pt with its optimizer state,
spent minutes and random states. Each line of run/log.jsonl is one report.

On a CPU set these first, or glibc gives memory back to the kernel at every step (half the speed):
    MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456 MALLOC_ARENA_MAX=1
"""
from __future__ import annotations

import argparse
import json
import lzma
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model import PRESETS, Config, LanguageModel, WeightedCrossEntropy, load


def load_array(path: Path) -> np.ndarray:
    """NAME.npy, or the NAME.npy.xz that `prepare.py pack` made of it."""
    if path.exists():
        return np.load(path)
    import io

    return np.load(io.BytesIO(lzma.decompress(path.with_suffix(".npy.xz").read_bytes())))


class Source:
    """Documents of one shard, drawn with probability proportional to their length (long ones capped)."""

    def __init__(self, folder: Path, name: str, rng: np.random.Generator) -> None:
        self.ids = load_array(folder / f"{name}.ids.npy")
        self.kinds = load_array(folder / f"{name}.kinds.npy")
        lengths = load_array(folder / f"{name}.lengths.npy").astype(np.int64)
        self.starts, self.lengths, self.rng = np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths, rng
        weights = np.minimum(lengths, 2048).astype(np.float64)
        self.probabilities = weights / weights.sum()
        self.queue: list[int] = []

    def draw(self, context: int) -> tuple[np.ndarray, np.ndarray]:
        """One document, or a stretch of `context` tokens of a long one."""
        if not self.queue:
            self.queue = self.rng.choice(len(self.lengths), 4096, p=self.probabilities).tolist()
        i = self.queue.pop()
        start, n = self.starts[i], int(self.lengths[i])
        if n > 2 * context:
            start, n = start + int(self.rng.integers(0, n - context)), context
        return self.ids[start : start + n], self.kinds[start : start + n]


class Mixture:
    """Rows of `context` + 1 tokens filled with whole documents from weighted sources."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.rng, self.sources = folder, np.random.default_rng(seed), {}

    def batch(self, rows: int, context: int, weights: dict[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ids, kinds and document numbers [rows, context + 1]."""
        names, p = list(weights), np.array(list(weights.values()), np.float64)
        p /= p.sum()
        ids, kinds, numbers = (np.empty((rows, context + 1), dtype) for dtype in (np.int64, np.uint8, np.int64))
        for row in range(rows):
            at = number = 0
            while at <= context:
                name = names[self.rng.choice(len(names), p=p)]
                if name not in self.sources:
                    self.sources[name] = Source(self.folder, name, self.rng)
                # A dialogue's questions are at its end: rather one that fits than the beginning of a longer one.
                for _ in range(4):
                    i, k = self.sources[name].draw(context)
                    if at + len(i) <= context + 1:
                        break
                n = min(len(i), context + 1 - at)
                ids[row, at : at + n], kinds[row, at : at + n], numbers[row, at : at + n] = i[:n], k[:n], number
                at, number = at + n, number + 1
        return ids, kinds, numbers


class Optimizer:
    """Muon for the matrices of the layers, AdamW for the rest, both on float32 copies of bf16 parameters.

    bf16 alone loses updates smaller than 1/256 of a weight. Muon (Jordan et al. 2024) makes the momentum's singular values
    equal before it steps; scaled by 0.2 sqrt(longer side) a step is as large as AdamW's (Liu et al. 2025), so one rate serves both.
    """

    MOMENTUM = 0.95

    def __init__(self, model: LanguageModel, weight_decay: float) -> None:
        self.parameters = list(model.parameters())
        self.masters = [p.detach().float().clone().requires_grad_() for p in self.parameters]
        self.weight_decay = weight_decay
        hidden = [name.startswith("blocks.") and p.dim() == 2 for name, p in model.named_parameters()]
        self.matrices = [m for m, h in zip(self.masters, hidden) if h]
        self.momenta = [torch.zeros_like(m) for m in self.matrices]
        groups = [
            {"params": [m for m, h in zip(self.masters, hidden) if not h and m.dim() > 1], "weight_decay": weight_decay},
            {"params": [m for m, h in zip(self.masters, hidden) if not h and m.dim() == 1], "weight_decay": 0.0},
        ]
        self.adam = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.95), fused=True)

    def step(self, rate: float, clip: float) -> Tensor:
        """One update; returns the gradient's norm before clipping (a tensor: reading it would wait for the GPU)."""
        for p, m in zip(self.parameters, self.masters):
            m.grad, p.grad = p.grad.float(), None
        norm = torch.nn.utils.clip_grad_norm_(self.masters, clip)
        for group in self.adam.param_groups:
            group["lr"] = rate
        self.adam.step()
        with torch.no_grad():
            self.step_matrices(rate)
            torch._foreach_copy_(self.parameters, self.masters)
        return norm

    def step_matrices(self, rate: float) -> None:
        shapes: dict[torch.Size, list[int]] = {}
        for i, m in enumerate(self.matrices):
            self.momenta[i].lerp_(m.grad, 1 - self.MOMENTUM)
            shapes.setdefault(m.shape, []).append(i)
        for shape, group in shapes.items():  # equal shapes in one batch of products
            ahead = torch.stack([torch.lerp(self.matrices[i].grad, self.momenta[i], self.MOMENTUM) for i in group])
            update = orthogonal(ahead).float() * (0.2 * max(shape) ** 0.5)
            for i, u in zip(group, update):
                self.matrices[i].mul_(1 - rate * self.weight_decay).add_(u, alpha=-rate)

    def state_dict(self) -> dict:
        return {"adam": self.adam.state_dict(), "momenta": self.momenta}

    def load_state_dict(self, state: dict) -> None:
        self.adam.load_state_dict(state["adam"])
        self.momenta = state["momenta"]


def orthogonal(g: Tensor) -> Tensor:
    """Nearly the orthogonal factor of each matrix [n, rows, columns]: five steps of Muon's quintic Newton-Schulz iteration."""
    x = g.mT if g.shape[-2] > g.shape[-1] else g
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)).to(torch.bfloat16)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return x.mT if g.shape[-2] > g.shape[-1] else x


def rate_at(done: float, step: int, args: argparse.Namespace) -> float:
    """Learning rate after share `done` of the time. wsd: warm up, stay, fall linearly over the last `--decay`; or cosine."""
    warm = min(1.0, (step + 1) / args.warmup)
    if args.schedule == "cosine":
        shape = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    else:
        shape = min(1.0, (1 - done) / args.decay)
    return args.rate * warm * max(0.02, shape)


def phase_at(phases: list[dict], done: float) -> dict:
    """The phase that covers share `done` of the time."""
    for phase in phases:
        if done < phase["until"]:
            return phase
    return phases[-1]


def save(path: Path, model: LanguageModel, optimizer: Optimizer, mixture: Mixture, progress: dict) -> None:
    """Writes the checkpoint beside its place and renames it, so that a kill never leaves half a file."""
    names = [name for name, _ in model.named_parameters()]
    state = {
        "config": model.config.as_dict(),
        "model": dict(zip(names, (m.detach().cpu() for m in optimizer.masters))),
        "optimizer": optimizer.state_dict(),
        "rng": json.dumps(mixture.rng.bit_generator.state),
        **progress,
    }
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--phases", type=Path, required=True, help="JSON: a list of {until, context, rows, token_weights, mixture}")
    parser.add_argument("--minutes", type=float, required=True, help="wall-clock time, model building included")
    parser.add_argument("--preset", choices=PRESETS, default="mini")
    parser.add_argument("--warm-start", help="GGUF file (or checkpoint) whose weights to begin with; overrides --preset")
    parser.add_argument("--resume", action="store_true", help="go on from --out/checkpoint.pt")
    parser.add_argument("--rate", type=float, default=1.2e-3)
    parser.add_argument("--schedule", choices=("wsd", "cosine"), default="wsd")
    parser.add_argument("--decay", type=float, default=0.4, help="share of the time over which wsd falls")
    parser.add_argument("--warmup", type=int, default=100)
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save-minutes", type=float, default=10)
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()

    began = time.time()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    phases = json.loads(args.phases.read_text())
    chunk = 32768 if device.type == "cuda" else 2048  # rows of logits alive at once
    context = max(phase["context"] for phase in phases)
    path = args.out / "checkpoint.pt"
    saved = torch.load(path, map_location="cpu", weights_only=True) if args.resume else None

    if saved:
        model = LanguageModel(Config(**saved["config"]))
        model.load_state_dict(saved["model"])
    elif args.warm_start:
        old = load(args.warm_start)
        model = LanguageModel(Config(**old.config.as_dict() | {"context": context}))
        model.load_state_dict(old.state_dict())
    else:
        model = LanguageModel(Config(**PRESETS[args.preset].as_dict() | {"context": context}))
    cos, sin = model.cos, model.sin
    model.to(device)
    optimizer = Optimizer(model, args.weight_decay)  # float32 masters before the cast
    model.to(torch.bfloat16)
    model.cos, model.sin = cos.to(device), sin.to(device)  # the tables of angles stay float32
    mixture = Mixture(args.data, args.seed)
    step, tokens, spent = 0, 0, 0.0
    if saved:
        optimizer.load_state_dict(saved["optimizer"])
        mixture.rng.bit_generator.state = json.loads(saved["rng"])
        step, tokens, spent = saved["step"], saved["tokens"], saved["seconds"]
    hidden = torch.compile(model, dynamic=False) if args.compile else model

    log = (args.out / "log.jsonl").open("a")
    report = {"parameters": model.parameter_count(), "device": str(device), "config": model.config.as_dict(), "args": {k: str(v) for k, v in vars(args).items()}}
    print(json.dumps(report), file=log, flush=True)
    losses, last_report, last_save, seen = [], time.time(), time.time(), 0
    while True:
        seconds = spent + time.time() - began
        done = seconds / (60 * args.minutes)
        if done >= 1:
            break
        phase = phase_at(phases, done)
        ids, kinds, numbers = mixture.batch(phase["rows"], phase["context"], phase["mixture"])
        weights = np.array(phase["token_weights"], np.float32)[kinds[:, 1:]].reshape(-1)
        learnt = torch.from_numpy(np.flatnonzero(weights)).to(device)  # the vocabulary-wide work is for these tokens alone
        batch = torch.from_numpy(ids).to(device)
        x = hidden(batch[:, :-1], torch.from_numpy(numbers[:, :-1].copy()).to(device))
        loss = WeightedCrossEntropy.apply(
            x.reshape(-1, x.shape[-1]).index_select(0, learnt), model.embedding.weight, batch[:, 1:].reshape(-1).index_select(0, learnt),
            torch.from_numpy(weights).to(device).index_select(0, learnt), chunk
        )
        loss.backward()
        rate = rate_at(done, step, args)
        norm = optimizer.step(rate, args.clip)
        step, tokens, seen = step + 1, tokens + ids[:, 1:].size, seen + ids[:, 1:].size
        losses.append(loss.detach())
        if step % 50 == 0:
            now = time.time()
            value = float(torch.stack(losses).float().mean())
            line = {"step": step, "done": round(done, 4), "tokens": tokens, "loss": round(value, 4), "rate": round(rate, 6),
                    "norm": round(float(norm), 3), "context": phase["context"], "tokens_per_s": round(seen / (now - last_report))}
            print(json.dumps(line), file=log, flush=True)
            if not math.isfinite(value):
                raise SystemExit("the loss is no longer finite; go back to the last checkpoint with a lower --rate")
            losses, last_report, seen = [], now, 0
        if time.time() - last_save > 60 * args.save_minutes:
            save(path, model, optimizer, mixture, {"step": step, "tokens": tokens, "seconds": spent + time.time() - began})
            last_save = time.time()
    save(path, model, optimizer, mixture, {"step": step, "tokens": tokens, "seconds": spent + time.time() - began})
    print(json.dumps({"finished": str(path), "step": step, "tokens": tokens, "minutes": round((spent + time.time() - began) / 60, 2)}), file=log, flush=True)


if __name__ == "__main__":
    main()
