#!/usr/bin/env python3
"""Compare spark's next-token distributions with llama.cpp's on a GGUF file and a text.

Prints the Kullback-Leibler divergence KL(reference ‖ other) in nats over all positions of the
text, how often both rank the same token first, and where greedy continuations part. Spark's
are those of a prompt, and with --exact, where they are those of generated tokens. Engines round
activations differently when weights are quantized, so divergence is small, not zero. Yardsticks
for "small" are llama.cpp against itself, reading the text one token at a time or keeping keys
and values in another type, and, with --exact-with, all of them against f32 arithmetic on the
same weights: an engine no farther from that than llama.cpp is as good.

Needs numpy and llama-cpp-python.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import llama_cpp
import numpy as np
import spark_runner

TEXT = """Once upon a time, in a small village by the sea, there lived a girl named Mia. She had \
3 cats, 12 boats and a café, and every morning at 6:45 she walked 2.5 km to the lighthouse.

User: What does this function return for n = 10?
```swift
func fibonacci(_ n: Int) -> Int {
  var (a, b) = (0, 1)
  for _ in 0..<n { (a, b) = (b, a + b) }  // O(n)
  return a
}
```
Assistant: It returns 55. The sequence begins 0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55.

User: Und wie heißt „village“ auf Deutsch? 日本語では? 🙂
Assistant: Auf Deutsch heißt es „Dorf“; in Japanese it is 村 (mura). Total: $1,234.56 (≈ 99.9 %)."""

Windows = Sequence[Sequence[int]]
"""The tokens of a text, in pieces that are read apart."""

KV_TYPES = {"f16": llama_cpp.GGML_TYPE_F16, "f32": llama_cpp.GGML_TYPE_F32}


class Peer:
    """llama.cpp with a model loaded."""

    def __init__(self, model: Path, context: int, threads: int, kv_type: str, flash: bool) -> None:
        self.llama = llama_cpp.Llama(
            str(model), n_ctx=context, n_batch=context, n_ubatch=512, n_threads=threads,
            n_threads_batch=threads, logits_all=True, flash_attn=flash,
            type_k=KV_TYPES[kv_type], type_v=KV_TYPES[kv_type], verbose=False,
        )

    def close(self) -> None:
        self.llama.close()

    def tokenize(self, text: str) -> list[int]:
        return self.llama.tokenize(text.encode(), add_bos=True, special=False)

    def logits(self, windows: Windows, together: bool = True) -> np.ndarray:
        """[tokens, vocabulary] f32, each window's tokens read in one batch or one at a time."""
        rows = []
        for ids in windows:
            self.llama.reset()
            for batch in [ids] if together else [[token] for token in ids]:
                self.llama.eval(batch)
            rows.append(self.llama.scores[: len(ids)].copy())
        return np.concatenate(rows)

    def greedy(self, prompt: Sequence[int], count: int) -> tuple[list[int], list[float]]:
        """Tokens until the text ends, and the gap between the two best logits at each."""
        self.llama.reset()
        self.llama.eval(prompt)
        tokens: list[int] = []
        gaps: list[float] = []
        vocabulary = llama_cpp.llama_model_get_vocab(self.llama.model)
        while len(tokens) < count:
            row = self.llama.scores[self.llama.n_tokens - 1]
            second, first = np.partition(row, -2)[-2:]
            token = int(row.argmax())
            if llama_cpp.llama_vocab_is_eog(vocabulary, token):
                break
            tokens.append(token)
            gaps.append(float(first - second))
            self.llama.eval([token])
        return tokens, gaps


@dataclass(frozen=True)
class Divergence:
    """How far logits are from reference ones."""

    mean_kld: float
    kld_999: float
    max_kld: float
    same_top: float
    max_difference: float


Comparison = tuple[str, str, Divergence, str]
"""What is the reference, what is compared with it, how far it is, where greedy tokens part."""


def log_softmax(row: np.ndarray) -> np.ndarray:
    shifted = row.astype(np.float64) - row.max()
    return shifted - np.log(np.exp(shifted).sum())


def divergence(reference: np.ndarray, other: np.ndarray) -> Divergence:
    """Compares two arrays of logits [tokens, vocabulary], a row at a time to bound memory."""
    if reference.shape != other.shape:
        raise SystemExit(f"Logits differ in shape: {reference.shape} and {other.shape}.")
    kld = np.empty(len(reference))
    for i in range(len(reference)):
        p, q = log_softmax(reference[i]), log_softmax(other[i])
        kld[i] = np.exp(p) @ (p - q)
    return Divergence(
        mean_kld=float(kld.mean()),
        kld_999=float(np.quantile(kld, 0.999)),
        max_kld=float(kld.max()),
        same_top=float((reference.argmax(axis=1) == other.argmax(axis=1)).mean()),
        max_difference=float(np.abs(reference - other).max()),
    )


def first_difference(ours: Sequence[int], theirs: Sequence[int]) -> int | None:
    """The first index at which the tokens differ, or one of the two has ended."""
    for i, (a, b) in enumerate(zip(ours, theirs, strict=False)):
        if a != b:
            return i
    return None if len(ours) == len(theirs) else min(len(ours), len(theirs))


def exact_logits(
    program: Path, model: Path, windows: Windows, arguments: argparse.Namespace
) -> np.ndarray:
    """llama.cpp's logits with the same weights, but in f32 throughout."""
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as directory:
        copy = Path(directory) / "exact.gguf"
        spark_runner.run([program, "--allow-requantize", model, copy, "F32"])
        context = max(map(len, windows))
        peer = Peer(copy, context, arguments.threads, "f32", flash=False)
        result = peer.logits(windows)
        peer.close()
    return result


def greedy_agreement(ours: Sequence[int], theirs: Sequence[int], gaps: Sequence[float]) -> str:
    """Where two continuations part, in words."""
    at = first_difference(ours, theirs)
    if at is None:
        return f"all {len(theirs)} equal"
    reason = f"gap {gaps[at]:.3g}" if at < len(gaps) else "llama.cpp ends"
    return f"differ at {at} ({reason})"


def compare(model: Path, arguments: argparse.Namespace) -> Iterator[Comparison]:
    """Every comparison of one model."""
    text, kv_type, flash = arguments.text, arguments.kv_type, arguments.flash_attention
    context = (arguments.window or len(text.encode())) + arguments.greedy + 2
    peer = Peer(model, context, arguments.threads, kv_type, flash)
    ids = peer.tokenize(text)
    size = arguments.window or len(ids)
    windows = [ids[start : start + size] for start in range(0, len(ids), size)]
    theirs = {"llama.cpp": peer.logits(windows)}
    theirs["llama.cpp, token by token"] = peer.logits(windows, together=False)
    tokens, gaps = peer.greedy(ids, arguments.greedy) if arguments.greedy else ([], [])
    peer.close()
    other = "f32" if kv_type == "f16" else "f16"
    peer = Peer(model, context, arguments.threads, other, flash)
    theirs[f"llama.cpp, {other} cache"] = peer.logits(windows)
    peer.close()
    ours = {}
    agreement = ""
    if not arguments.peer_only:
        for name, flags in [("spark", []), ("spark --exact", ["--exact"])]:
            ours[name] = np.concatenate([
                spark_runner.logits(arguments.spark, model, window, arguments.flags + flags)
                for window in windows
            ])
        if arguments.greedy:
            generated = spark_runner.greedy(
                arguments.spark, model, text, arguments.greedy, arguments.flags
            )
            agreement = greedy_agreement(generated, tokens, gaps)
    compared = theirs | ours
    reference = compared.pop("llama.cpp")
    for name, logits in compared.items():
        said = agreement if name == "spark" else ""
        yield "llama.cpp", name, divergence(reference, logits), said
    if arguments.exact_with:
        exact = exact_logits(arguments.exact_with, model, windows, arguments)
        for name, logits in (theirs | ours).items():
            yield "f32 arithmetic", name, divergence(exact, logits), ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", type=Path, nargs="+", metavar="FILE.gguf")
    parser.add_argument("--spark", type=Path, default=Path(".build/release/spark"))
    parser.add_argument("--peer-only", action="store_true",
                        help="only the yardsticks, without spark")
    parser.add_argument("--text", type=lambda path: Path(path).read_text(), default=TEXT,
                        metavar="FILE", help="(default: about 200 tokens of mixed text)")
    parser.add_argument("--window", type=int, metavar="TOKENS",
                        help="read the text in pieces of so many tokens, without greedy ones "
                             "(default: in one)")
    parser.add_argument("--kv-type", choices=KV_TYPES, default="f16",
                        help="type of llama.cpp's keys and values (default: %(default)s)")
    parser.add_argument("--flash-attention", action="store_true", help="in llama.cpp")
    parser.add_argument("--threads", type=int, default=2, help="of llama.cpp (default: 2)")
    parser.add_argument("--greedy", type=int, default=64, metavar="N",
                        help="greedy tokens to compare, 0 for none (default: %(default)s)")
    parser.add_argument("--exact-with", type=Path, metavar="PROGRAM",
                        help="llama-quantize: also compare with f32 arithmetic on the same weights")
    parser.add_argument("--scratch", type=Path, metavar="DIRECTORY",
                        help="where --exact-with keeps its f32 copy (default: a temporary place)")
    parser.add_argument("--flag", action="append", default=[], dest="flags", metavar="FLAG",
                        help="pass FLAG to spark, as in --flag=--threads=2")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, not a table")
    arguments = parser.parse_args()
    if arguments.window:
        arguments.greedy = 0
    if not arguments.json:
        print("| model | reference | compared | mean KLD | 99.9% KLD | max KLD | same top-1 "
              "| max abs diff | greedy tokens |")
        print("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |")
    for model in arguments.models:
        for reference, compared, result, greedy in compare(model, arguments):
            if arguments.json:
                names = {"model": model.stem, "reference": reference, "compared": compared}
                print(json.dumps(names | asdict(result) | {"greedy": greedy}), flush=True)
            else:
                print(f"| {model.stem} | {reference} | {compared} | {result.mean_kld:.3g} "
                      f"| {result.kld_999:.3g} | {result.max_kld:.3g} | {result.same_top:.1%} "
                      f"| {result.max_difference:.3g} | {greedy} |", flush=True)


if __name__ == "__main__":
    main()
