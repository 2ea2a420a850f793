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

from model import PRESETS, Config, LanguageModel, WeightedCrossEntropy, from_gguf


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

    def batch(self, rows: int, context: int, weights: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """Ids and kinds [rows, context + 1]."""
        names, p = list(weights), np.array(list(weights.values()), np.float64)
        p /= p.sum()
        ids, kinds = np.empty((rows, context + 1), np.int64), np.empty((rows, context + 1), np.uint8)
        for row in range(rows):
            at = 0
            while at <= context:
                name = names[self.rng.choice(len(names), p=p)]
                if name not in self.sources:
                    self.sources[name] = Source(self.folder, name, self.rng)
                i, k = self.sources[name].draw(context)
                n = min(len(i), context + 1 - at)
                ids[row, at : at + n], kinds[row, at : at + n] = i[:n], k[:n]
                at += n
        return ids, kinds


class MasterAdamW:
    """AdamW on float32 copies of bf16 parameters: bf16 alone loses updates smaller than 1/256 of a weight."""

    def __init__(self, model: LanguageModel, weight_decay: float) -> None:
        self.parameters = list(model.parameters())
        self.masters = [p.detach().float().clone().requires_grad_() for p in self.parameters]
        groups = [
            {"params": [m for m in self.masters if m.dim() > 1], "weight_decay": weight_decay},
            {"params": [m for m in self.masters if m.dim() == 1], "weight_decay": 0.0},
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
            torch._foreach_copy_(self.parameters, self.masters)
        return norm


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


def save(path: Path, model: LanguageModel, optimizer: MasterAdamW, mixture: Mixture, progress: dict) -> None:
    """Writes the checkpoint beside its place and renames it, so that a kill never leaves half a file."""
    names = [name for name, _ in model.named_parameters()]
    state = {
        "config": model.config.as_dict(),
        "model": dict(zip(names, (m.detach().cpu() for m in optimizer.masters))),
        "adam": optimizer.adam.state_dict(),
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
        model = from_gguf(args.warm_start, context)
    else:
        model = LanguageModel(Config(**PRESETS[args.preset].as_dict() | {"context": context}))
    cos, sin = model.cos, model.sin
    model.to(device)
    optimizer = MasterAdamW(model, args.weight_decay)  # float32 masters before the cast
    model.to(torch.bfloat16)
    model.cos, model.sin = cos.to(device), sin.to(device)  # the tables of angles stay float32
    mixture = Mixture(args.data, args.seed)
    step, tokens, spent = 0, 0, 0.0
    if saved:
        optimizer.adam.load_state_dict(saved["adam"])
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
        ids, kinds = mixture.batch(phase["rows"], phase["context"], phase["mixture"])
        weights = np.array(phase["token_weights"], np.float32)[kinds[:, 1:]]
        batch = torch.from_numpy(ids).to(device)
        x = hidden(batch[:, :-1])
        loss = WeightedCrossEntropy.apply(
            x.reshape(-1, x.shape[-1]), model.embedding.weight, batch[:, 1:].reshape(-1), torch.from_numpy(weights).to(device).reshape(-1), chunk
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
