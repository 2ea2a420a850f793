"""Does llama.cpp continue as PyTorch does? Needs llama-cpp-python; no PyTorch, so it may run in another environment.

    evaluate.py greedy checkpoint.pt --tokenizer tokenizer.json --out greedy.json
    compare_llama.py spark-mini-f16.gguf greedy.json

Prints, per prompt, whether the tokenizers agree and how many of the greedy tokens agree before the first difference. F16 weights
are rounded and sums are ordered otherwise, so a near tie may fall the other way: such a prompt is named, with llama.cpp's gap between the two
best logits there. Fails unless tokenizers agree everywhere and every difference is a near tie.
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf")
    parser.add_argument("greedy", type=Path)
    parser.add_argument("--tie", type=float, default=0.1, help="largest gap between logits that counts as a near tie")
    args = parser.parse_args()
    from llama_cpp import Llama

    llama = Llama(args.gguf, n_ctx=512, n_threads=1, logits_all=True, verbose=False)
    same = ties = failures = 0
    for item in json.loads(args.greedy.read_text()):
        ids = llama.tokenize(item["prompt"].encode(), add_bos=False, special=True)
        if ids != item["ids"]:
            failures += 1
            print(f"tokens differ: {item['prompt']!r}: {ids} here, {item['ids']} in PyTorch")
            continue
        llama.reset()
        llama.eval(ids)
        for n, expected in enumerate(item["greedy"]):
            logits = np.array(llama.scores[llama.n_tokens - 1])
            token = int(logits.argmax())
            if token != expected:
                gap = float(logits[token] - logits[expected])
                near = gap <= args.tie
                ties, failures = ties + near, failures + (not near)
                print(f"{'near tie' if near else 'differs'} after {n} tokens, gap {gap:.4f}: {item['prompt']!r}")
                break
            llama.eval([token])
        else:
            same += 1
    print(json.dumps({"same": same, "near_ties": ties, "failures": failures}))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
