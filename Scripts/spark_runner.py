"""Asks a spark binary for logits and tokens; shared by the scripts that check it against a peer."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def run(command: Sequence[str | Path]) -> str:
    """Runs a command and returns its standard output; on failure ends with what it said."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise SystemExit(f"Cannot run {command[0]}: {error.strerror}.") from error
    if result.returncode != 0:
        line = " ".join(str(part)[:60] for part in command)
        raise SystemExit(f"{line} exited with {result.returncode}: {result.stderr.strip()}")
    return result.stdout


def logits(spark: Path, model: Path, ids: Sequence[int], flags: Sequence[str] = ()) -> np.ndarray:
    """The logits after each of `ids`: [tokens, vocabulary] f32."""
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "logits.f32"
        joined = ",".join(map(str, ids))
        run([spark, "model", "logits", model, "--ids", joined, "--output", output, *flags])
        values = np.fromfile(output, "<f4")
    if values.size == 0 or values.size % len(ids):
        raise SystemExit(f"spark wrote {values.size} logits for {len(ids)} tokens of {model}.")
    return values.reshape(len(ids), -1)


def greedy(
    spark: Path, model: Path, prompt: str, count: int, flags: Sequence[str] = ()
) -> list[int]:
    """The ids of the `count` likeliest tokens in turn; fewer where the text ends."""
    output = run([
        spark, "generate", "--raw", "--temp", "0", "--max-tokens", str(count), "--json",
        "--model", model, *flags, prompt,
    ])
    records = [json.loads(line) for line in output.splitlines() if line]
    return [record["id"] for record in records if record.get("event") == "token"]
