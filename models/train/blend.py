"""Blends two checkpoints of one shape: OUT = (1 - share) * A + share * B, weight by weight.

A model that was trained further on a narrow task (B) forgets some of what it could before (A). Between the two there is
often a point with most of both (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). Measure; do not assume.

    blend.py A.gguf run/checkpoint.pt --share 0.6 --out blend.pt
"""
from __future__ import annotations

import argparse

import torch

from model import load


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("--share", type=float, required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    a, b = load(args.a), load(args.b)
    if a.config.as_dict() | {"context": 0} != b.config.as_dict() | {"context": 0}:
        raise SystemExit(f"{args.a} and {args.b} differ in shape: {a.config} and {b.config}")
    other = dict(a.named_parameters())
    blended = {name: torch.lerp(other[name].detach(), p.detach(), args.share) for name, p in b.named_parameters()}
    torch.save({"config": b.config.as_dict(), "model": blended, "blend": [args.a, args.b, args.share]}, args.out)


if __name__ == "__main__":
    main()
