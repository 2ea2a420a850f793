#!/usr/bin/env python3
"""Time spark and llama.cpp on the same GGUF files, on this machine, in one run.

Each round times spark and then llama.cpp on each file (A/B/A/B …), so that whatever else the
machine does meets both alike. Reported are medians over the rounds, their ratio, and the best
round in brackets; a ratio above 1 means spark is faster. A sample during which the machine was
busy with other work is not dropped: rerun on a quiet machine, whose best is near the median.

llama.cpp is timed by its llama-bench program, or through llama-cpp-python where none is given;
the latter starts its threads anew for each decoded token (some 0.1 ms), so prefer llama-bench,
which keeps them, for models of a few MB.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

TESTS = ("prefill", "decode")

Speeds = dict[str, float]
"""Tokens per second of each test."""


@dataclass(frozen=True)
class Options:
    """What is timed."""

    prompt: int
    generate: int
    threads: int


@dataclass(frozen=True)
class Row:
    """Every sample of one test of one file, in tokens per second."""

    file: str
    test: str
    tokens: int
    spark: list[float]
    llama_cpp: list[float]

    @property
    def ratio(self) -> float:
        return statistics.median(self.spark) / statistics.median(self.llama_cpp)


def run(command: list[str | Path]) -> str:
    """What a command writes to standard output; its standard error is shown."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def parse_spark(output: str) -> Speeds:
    """Reads the JSON lines of `spark bench --json`."""
    records = [json.loads(line) for line in output.splitlines() if line]
    return {
        record["test"]: record["tokens_per_second"]
        for record in records
        if record.get("test") in TESTS
    }


def time_spark(program: Path, model: Path, options: Options) -> Speeds:
    return parse_spark(run([
        program, "bench", model, "-p", str(options.prompt), "-n", str(options.generate),
        "-r", "1", "--threads", str(options.threads), "--json",
    ]))


def time_llama_bench(program: Path, model: Path, options: Options) -> Speeds:
    output = run([
        program, "-m", model, "-p", str(options.prompt), "-n", str(options.generate),
        "-r", "1", "-t", str(options.threads), "-o", "json",
    ])
    return {
        "prefill" if record["n_prompt"] else "decode": record["avg_ts"]
        for record in json.loads(output)
    }


def time_llama_library(model: Path, options: Options) -> Speeds:
    """What llama-bench does, with one warm-up.

    Calls the C interface: the `Llama` class is a third slower, as it leaves flash attention off.
    """
    import llama_cpp as c

    quiet = c.llama_log_callback(lambda level, text, data: None)
    c.llama_log_set(quiet, None)
    loaded = c.llama_model_load_from_file(os.fsencode(model), c.llama_model_default_params())
    if not loaded:
        raise SystemExit(f"llama.cpp cannot load {model}.")
    parameters = c.llama_context_default_params()
    parameters.n_ctx = options.prompt + options.generate
    parameters.n_batch = 2048
    parameters.n_threads = parameters.n_threads_batch = options.threads
    context = c.llama_init_from_model(loaded, parameters)
    vocabulary = c.llama_vocab_n_tokens(c.llama_model_get_vocab(loaded))

    def speed(steps: int, size: int) -> float:
        """Tokens per second of reading `steps` batches of `size` tokens, from an empty cache."""
        c.llama_memory_clear(c.llama_get_memory(context), True)
        # Any tokens do, as long as they differ.
        tokens = (c.llama_token * size)(*((i * 7919 + 1) % vocabulary for i in range(size)))
        start = time.perf_counter()
        for _ in range(steps):
            if c.llama_decode(context, c.llama_batch_get_one(tokens, size)) != 0:
                raise SystemExit(f"llama.cpp failed on {model}.")
            c.llama_synchronize(context)
        return steps * size / (time.perf_counter() - start)

    speed(1, options.prompt)
    prefill = speed(1, options.prompt)
    speed(1, 1)
    decode = speed(options.generate, 1)
    c.llama_free(context)
    c.llama_model_free(loaded)
    return {"prefill": prefill, "decode": decode}


def compare(
    spark: Path, llama_bench: Path | None, models: list[Path], rounds: int, options: Options
) -> list[Row]:
    """All samples, taken in turns."""
    rows = {
        (model, test): Row(model.stem, test, tokens, [], [])
        for model in models
        for test, tokens in (("prefill", options.prompt), ("decode", options.generate))
    }
    for index in range(rounds):
        for model in models:
            ours = time_spark(spark, model, options)
            theirs = (
                time_llama_bench(llama_bench, model, options)
                if llama_bench
                else time_llama_library(model, options)
            )
            for test in TESTS:
                rows[model, test].spark.append(ours[test])
                rows[model, test].llama_cpp.append(theirs[test])
            print(f"round {index + 1}/{rounds}: {model.stem}", file=sys.stderr, flush=True)
    return list(rows.values())


def machine() -> str:
    """Processor, cores and kernel, and how busy the machine is as the run starts."""
    processor = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    cores = len(os.sched_getaffinity(0))
    return f"{processor}, {cores} cores, Linux {platform.release()}, load {os.getloadavg()[0]:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", type=Path, nargs="+", metavar="FILE.gguf")
    parser.add_argument("--spark", type=Path, default=Path(".build/release/spark"))
    parser.add_argument("--llama-bench", type=Path, metavar="PROGRAM",
                        help="(default: llama-cpp-python, which must then be installed)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="(default: %(default)s)")
    parser.add_argument("-p", "--prompt", type=int, default=512, metavar="TOKENS",
                        help="(default: %(default)s)")
    parser.add_argument("-n", "--generate", type=int, default=128, metavar="TOKENS",
                        help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true",
                        help="one JSON object a line with every sample, not a table")
    arguments = parser.parse_args()
    options = Options(arguments.prompt, arguments.generate, arguments.threads)
    description = f"{machine()}; {options.threads} threads, {arguments.rounds} rounds"
    try:
        rows = compare(
            arguments.spark, arguments.llama_bench, arguments.models, arguments.rounds, options
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(str(error)) from error
    if arguments.json:
        print(json.dumps({"machine": description}))
        for row in rows:
            print(json.dumps(asdict(row) | {"ratio": row.ratio}))
        return
    print(f"{description}; tokens per second: median (best)\n")
    print("| file | test | spark | llama.cpp | ratio |")
    print("| --- | --- | ---: | ---: | ---: |")
    for row in rows:
        cells = (f"{statistics.median(s):.1f} ({max(s):.1f})" for s in (row.spark, row.llama_cpp))
        print(f"| {row.file} | {row.test} {row.tokens} | {' | '.join(cells)} | {row.ratio:.2f} |")


if __name__ == "__main__":
    main()
