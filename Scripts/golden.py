#!/usr/bin/env python3
"""Check spark's logits against golden ones at every position, for the whole vocabulary.

A golden model X is X.gguf, X.json (prompt_tokens and the greedy_tokens that follow),
X.prompt-logits.f32 (after each prompt token) and X.greedy-logits.f32 (after greedy tokens 0, 8,
16, …). The greedy tokens are fed as they are, so one early difference does not hide later ones.
Exits with 1 when a difference exceeds the tolerance or a greedy token differs. Needs numpy.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import spark_runner

GREEDY_STRIDE = 8
"""A row of greedy logits was kept for every eighth token."""


@dataclass(frozen=True)
class Result:
    """How far spark is from one golden model."""

    prompt_difference: float
    greedy_difference: float
    logit_range: float
    mismatches: list[tuple[int, float]]
    """Greedy steps whose best token differs, with the golden gap between the two best there."""

    def passes(self, tolerance: float) -> bool:
        # Not `>`: a NaN must fail.
        return (
            self.prompt_difference <= tolerance
            and self.greedy_difference <= tolerance
            and not self.mismatches
        )


def check(spark: Path, model: Path, flags: list[str]) -> Result:
    """Compares every golden value of a model."""
    golden = json.loads(model.with_suffix(".json").read_text())
    prompt, greedy = golden["prompt_tokens"], golden["greedy_tokens"]
    ours = spark_runner.logits(spark, model, prompt + greedy[:-1], flags)
    vocabulary = ours.shape[1]
    theirs = np.fromfile(model.with_suffix(".prompt-logits.f32"), "<f4")
    rows = np.fromfile(model.with_suffix(".greedy-logits.f32"), "<f4")
    if theirs.size != len(prompt) * vocabulary or rows.size % vocabulary:
        raise SystemExit(f"{model.name}: golden files are not for {vocabulary} tokens.")
    theirs, rows = theirs.reshape(-1, vocabulary), rows.reshape(-1, vocabulary)
    ours_rows = ours[len(prompt) :: GREEDY_STRIDE][: len(rows)]
    best = ours[len(prompt) - 1 :].argmax(axis=1)
    gaps = golden["greedy_top1_gap"]
    return Result(
        prompt_difference=float(np.abs(ours[: len(prompt)] - theirs).max()),
        greedy_difference=float(np.abs(ours_rows - rows).max()),
        logit_range=float(np.ptp(theirs)),
        mismatches=[(i, gaps[i]) for i, token in enumerate(greedy) if best[i] != token],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--golden", type=Path, required=True, metavar="DIRECTORY",
                        help="the directory of golden models, or one whose models/ they are in")
    parser.add_argument("--spark", type=Path, default=Path(".build/release/spark"))
    parser.add_argument("--tolerance", type=float, default=1e-2,
                        help="largest difference of a logit that passes (default: %(default)s)")
    parser.add_argument("--only", metavar="NAME", help="just this model")
    parser.add_argument("--flag", action="append", default=[], dest="flags", metavar="FLAG",
                        help="pass FLAG to spark model logits, as in --flag=--threads=1")
    arguments = parser.parse_args()
    nested = arguments.golden / "models"
    directory = nested if nested.is_dir() else arguments.golden
    models = [m for m in sorted(directory.glob("*.gguf")) if arguments.only in (None, m.stem)]
    if not models:
        parser.error(f"no golden model in {directory}")
    failed = []
    print("| model | prompt: max abs diff | greedy: max abs diff | logit range | greedy tokens |")
    print("| --- | ---: | ---: | ---: | --- |")
    for model in models:
        result = check(arguments.spark, model, arguments.flags)
        greedy = "all equal" if not result.mismatches else "differ at " + ", ".join(
            f"{step} (gap {gap:.3g})" for step, gap in result.mismatches
        )
        print(f"| {model.stem} | {result.prompt_difference:.3g} | {result.greedy_difference:.3g} "
              f"| {result.logit_range:.3g} | {greedy} |", flush=True)
        if not result.passes(arguments.tolerance):
            failed.append(model.stem)
    if failed:
        raise SystemExit(f"Not within {arguments.tolerance:g}: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
