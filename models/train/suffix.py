"""The longest run of training text in each sample, by a suffix array over the training shards.

    suffix.py after.json --data SHARDS [--data MORE] --tokenizer tokenizer.json      adds "repetition" to evaluate.py's file

Samples are the stories and chats of `evaluate.py samples`. A run of more than 50 tokens is a repetition; it is printed with the shard
where it stands, so that a reader can say whether it is a line that everybody knows.
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from train import load_array

DEPTH = 160  # tokens to which suffixes are sorted: far beyond the limit
LIMIT = 50  # tokens


def training_text(folders: list[Path]) -> tuple[np.ndarray, list[str], np.ndarray]:
    """All training shards, one after the other: uint16 token ids; the shards' names and where each begins.

    Documents end with token 0, which no sample contains.
    """
    names = {}
    for folder in folders:
        for path in sorted(folder.glob("*.ids.npy*")):
            if ".held." not in path.name:
                names[path.resolve()] = folder / (path.name.split(".")[0] + ".ids.npy")
    shards = [load_array(path) for path in names.values()]
    begins = np.cumsum([0] + [len(shard) for shard in shards[:-1]])
    return np.concatenate(shards), [path.name.split(".")[0] for path in names.values()], begins


def suffix_array(ids: np.ndarray) -> np.ndarray:
    """Positions in order of the text that begins there, compared to DEPTH tokens (Manber and Myers 1990: prefix doubling)."""
    n, packed = len(ids), 5  # five tokens of 12 bits in one key
    assert ids.max() < 4096, "keys hold 12 bits per token"
    rank = np.zeros(n, np.int64)
    for j in range(packed):
        rank <<= 12
        rank[: n - j] |= ids[j:]
    depth = packed
    while True:
        order = np.argsort(rank, kind="stable")
        ordered = rank[order]
        steps = np.concatenate(([0], np.cumsum(ordered[1:] != ordered[:-1])))
        if depth >= DEPTH or steps[-1] == n - 1:
            return order.astype(np.int32)
        small = np.empty(n, np.int64)
        small[order] = steps
        rank = small * (n + 1)
        rank[: n - depth] += small[depth:] + 1
        depth *= 2


def shared(a: np.ndarray, b: np.ndarray) -> int:
    """Length of the common beginning."""
    n = min(len(a), len(b))
    differ = np.flatnonzero(a[:n] != b[:n])
    return int(differ[0]) if len(differ) else n


def longest(sample: np.ndarray, ids: np.ndarray, order: np.ndarray) -> tuple[int, int, int]:
    """(start in the sample, length, place in `ids`) of its longest run that training text holds."""
    best = (0, 0, 0)
    for start in range(len(sample)):
        key = sample[start : start + DEPTH]
        if len(key) <= best[1]:
            break
        wanted, low, high = key.tolist(), 0, len(order)
        while low < high:  # the place of `key` among the suffixes; its longest match is a neighbour
            middle = (low + high) // 2
            if ids[order[middle] : order[middle] + len(key)].tolist() < wanted:
                low = middle + 1
            else:
                high = middle
        for i in (low - 1, low):
            if 0 <= i < len(order):
                n = shared(key, ids[order[i] : order[i] + len(key)])
                if n > best[1]:
                    best = (start, n, int(order[i]))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluations", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--tokenizer", default="tokenizer.json")
    args = parser.parse_args()
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(args.tokenizer)
    ids, names, begins = training_text(args.data)
    order = suffix_array(ids)
    for path in args.evaluations:
        report = json.loads(path.read_text())
        texts = [s["text"] for s in report["samples"]["stories"]] + [c["assistant"] for c in report["samples"]["chats"]]
        runs = []
        for text in texts:
            sample = np.array(tokenizer.encode(text).ids, np.uint16)
            start, n, place = longest(sample, ids, order)
            source = names[int(np.searchsorted(begins, place, "right")) - 1]
            runs.append({"tokens": n, "of": len(sample), "source": source, "text": tokenizer.decode(sample[start : start + n].tolist())})
        tokens = sorted(r["tokens"] for r in runs)
        report["repetition"] = {
            "training_tokens": len(ids), "samples": len(runs), "limit_tokens": LIMIT, "over_limit": sum(n > LIMIT for n in tokens),
            "median_tokens": tokens[len(tokens) // 2], "longest_tokens": tokens[-1], "runs_over_limit": [r for r in runs if r["tokens"] > LIMIT],
        }
        path.write_text(json.dumps(report, indent=1, ensure_ascii=False))
        print(path, json.dumps(report["repetition"], indent=1, ensure_ascii=False), file=sys.stderr)


if __name__ == "__main__":
    main()
