#!/usr/bin/env python3
"""Time spark and llama.cpp on the same GGUF files, on this machine, in one run.

Each round times spark and then llama.cpp on each file (A/B/A/B …), so that whatever else the
machine does meets both alike. Reported are medians over the rounds, their ratio, and the best
round in brackets; a ratio above 1 means spark is faster. A sample during which the machine was
busy with other work is not dropped: rerun on a quiet machine, whose best is near the median.

Tests, of which --tests chooses:
  prefill   reading a prompt, with nothing in the cache
  decode    writing token by token, with nothing in the cache
  depth     writing token by token behind --depth tokens, where the model's context has room
  parallel  many prompts read and answered at once, tokens read and written counted together,
            beside llama-batched-bench

llama.cpp is timed by its own programs, in the directory --llama, or built there first from an
unpacked source of llama-cpp-python or llama.cpp (--source). Without them the tests of single
texts are timed through an installed llama-cpp-python, which starts its threads anew for each
decoded token (some 0.1 ms): prefer llama-bench, which keeps them, for models of a few MB.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TESTS = ("prefill", "decode", "depth", "parallel")
PROGRAMS = ("llama-bench", "llama-batched-bench")


@dataclass(frozen=True)
class Test:
    """One figure: its name, what it reads or writes, and what is in the cache before."""

    name: str
    tokens: int
    depth: int = 0
    streams: int = 1

    def __str__(self) -> str:
        if self.name == "parallel":
            return f"{self.streams} at once, {self.tokens} + {self.tokens}"
        return f"{self.name} {self.tokens}" + (f" @ {self.depth}" if self.depth else "")


@dataclass(frozen=True)
class Options:
    """What is timed."""

    tests: tuple[str, ...]
    prompt: int
    generate: int
    depth: int
    depth_generate: int
    parallel: tuple[int, ...]
    parallel_tokens: int
    threads: int
    isa: str | None

    @property
    def single(self) -> list[Test]:
        """Tests of one text."""
        tests = {
            "prefill": Test("prefill", self.prompt),
            "decode": Test("decode", self.generate),
            "depth": Test("decode", self.depth_generate, self.depth),
        }
        return [tests[name] for name in self.tests if name in tests]

    @property
    def together(self) -> list[Test]:
        """Tests of several texts at once."""
        if "parallel" not in self.tests:
            return []
        return [
            Test("parallel", self.parallel_tokens, streams=streams) for streams in self.parallel
        ]


@dataclass
class Row:
    """Every sample of one test of one file, in tokens per second."""

    file: str
    test: Test
    spark: list[float] = field(default_factory=list)
    llama_cpp: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    """How much spark has of the limit that the machine had in the same round."""
    limit: str | None = None

    @property
    def ratio(self) -> float:
        return statistics.median(self.spark) / statistics.median(self.llama_cpp)

    @property
    def share(self) -> float | None:
        return statistics.median(self.shares) if self.shares else None

    def record(self) -> dict[str, object]:
        return {
            "file": self.file, "test": str(self.test), "name": self.test.name,
            "tokens": self.test.tokens, "depth": self.test.depth, "streams": self.test.streams,
            "spark": self.spark, "llama_cpp": self.llama_cpp, "ratio": self.ratio,
            "limit": self.limit, "share_of_limit": self.share,
        }


class Failure(Exception):
    """A program that did not do what it was asked."""


def run(command: list[str | Path], environment: dict[str, str] | None = None) -> str:
    """What a command writes to standard output; its standard error is told where it fails."""
    result = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | (environment or {}), check=False
    )
    if result.returncode != 0:
        last = result.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise Failure(f"{' '.join(map(str, command))}: {last[0]}")
    return result.stdout


def lines(output: str) -> Iterator[dict]:
    """The JSON objects of an output that may have other lines too."""
    for line in output.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


class Spark:
    """The program in hand."""

    def __init__(self, program: Path, options: Options):
        self.program = program
        self.options = options
        self.flags = ["-t", str(options.threads)] + (["--isa", options.isa] if options.isa else [])

    def time(self, model: Path, tests: list[Test], row: Callable[[Test], Row]) -> None:
        """Adds a sample to the row of each of the tests, and of those of several texts."""
        for test in tests:
            count = {"prefill": ("-p", "-n"), "decode": ("-n", "-p")}[test.name]
            output = run([
                self.program, "bench", model, count[0], str(test.tokens), count[1], "0",
                "-d", str(test.depth), "-r", "1", "--format", "jsonl", *self.flags,
            ])
            for record in lines(output):
                found = row(test)
                found.spark.append(record["tokens_per_second"])
                found.limit = record["limit"]
                if record["share_of_limit"] is not None:
                    found.shares.append(record["share_of_limit"])
        if self.options.together:
            tokens = self.options.parallel_tokens
            output = run([
                self.program, "bench", model, "--context", str(2 * tokens + 16), "-p",
                str(tokens), "-n", str(tokens), "-r", "1", "--format", "jsonl", "--parallel",
                ",".join(map(str, self.options.parallel)), *self.flags,
            ])
            for record in lines(output):
                row(Test("parallel", tokens, streams=record["parallel"])).spark.append(
                    record["tokens_per_second"]
                )

    def tests(self, model: Path) -> list[Test]:
        """Tests of one text that the context has room for which the model was trained for."""
        description = next(lines(run([self.program, "model", "show", model, "--json"])))
        return [
            test for test in self.options.single
            if test.tokens + test.depth <= description["context_length"]
        ]


class LlamaPrograms:
    """llama.cpp's own benchmarks, in one directory with their libraries."""

    def __init__(self, directory: Path, options: Options):
        self.directory = directory
        self.options = options

    def time(self, model: Path, tests: list[Test], row: Callable[[Test], Row]) -> None:
        # Libraries lie beside the programs.
        environment = {"LD_LIBRARY_PATH": str(self.directory.resolve())}
        options = self.options
        for test in tests:
            count = {"prefill": ("-p", "-n"), "decode": ("-n", "-p")}[test.name]
            output = run([
                self.directory / "llama-bench", "-m", model, count[0], str(test.tokens),
                count[1], "0", "-d", str(test.depth), "-r", "1", "-t", str(options.threads),
                "-o", "jsonl",
            ], environment)
            for record in lines(output):
                row(test).llama_cpp.append(record["avg_ts"])
        if options.together:
            tokens = str(options.parallel_tokens)
            threads = str(options.threads)
            output = run([
                self.directory / "llama-batched-bench", "-m", model, "-c",
                str(2 * options.parallel_tokens * max(options.parallel)), "-b", "2048", "-ub",
                "512", "-t", threads, "-tb", threads, "-npp", tokens, "-ntg", tokens, "-npl",
                ",".join(map(str, options.parallel)), "--output-format", "jsonl",
            ], environment)
            for record in lines(output):
                row(
                    Test("parallel", options.parallel_tokens, streams=record["pl"])
                ).llama_cpp.append(record["speed"])


class LlamaLibrary:
    """The installed llama-cpp-python, timed as llama-bench does it, with one warm-up.

    Calls the C interface: the `Llama` class is a third slower, as it leaves flash attention off.
    """

    def __init__(self, options: Options):
        if options.together:
            raise Failure("the test parallel needs llama-batched-bench; give its directory with --llama.")
        self.options = options

    def time(self, model: Path, tests: list[Test], row: Callable[[Test], Row]) -> None:
        for test in tests:
            with self.context(model, test.tokens + test.depth) as speed:
                steps, size = (1, test.tokens) if test.name == "prefill" else (test.tokens, 1)
                speed(0, 1, size)
                row(test).llama_cpp.append(speed(test.depth, steps, size))

    @contextmanager
    def context(self, model: Path, length: int) -> Iterator[Callable[[int, int, int], float]]:
        import llama_cpp as c

        quiet = c.llama_log_callback(lambda level, text, data: None)
        c.llama_log_set(quiet, None)
        loaded = c.llama_model_load_from_file(os.fsencode(model), c.llama_model_default_params())
        if not loaded:
            raise Failure(f"llama.cpp cannot load {model}.")
        parameters = c.llama_context_default_params()
        parameters.n_ctx = length
        parameters.n_batch = 2048
        parameters.n_threads = parameters.n_threads_batch = self.options.threads
        context = c.llama_init_from_model(loaded, parameters)
        vocabulary = c.llama_vocab_n_tokens(c.llama_model_get_vocab(loaded))

        def decode(size: int) -> None:
            # Any tokens do, as long as they differ.
            tokens = (c.llama_token * size)(*((i * 7919 + 1) % vocabulary for i in range(size)))
            if c.llama_decode(context, c.llama_batch_get_one(tokens, size)) != 0:
                raise Failure(f"llama.cpp failed on {model}.")
            c.llama_synchronize(context)

        def speed(depth: int, steps: int, size: int) -> float:
            """Tokens per second of reading `steps` batches of `size` tokens behind `depth`."""
            c.llama_memory_clear(c.llama_get_memory(context), True)
            for start in range(0, depth, 512):
                decode(min(512, depth - start))
            start = time.perf_counter()
            for _ in range(steps):
                decode(size)
            return steps * size / (time.perf_counter() - start)

        try:
            yield speed
        finally:
            c.llama_free(context)
            c.llama_model_free(loaded)


def build(source: Path, directory: Path, jobs: int) -> None:
    """Builds llama.cpp's programs for this processor, with clang, whose code is its fastest here."""
    tree = source / "vendor" / "llama.cpp"
    tree = tree if tree.is_dir() else source
    work = directory.parent
    configure = [
        "cmake", "-S", tree, "-B", work, "-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=ON",
        "-DCMAKE_C_COMPILER=clang", "-DCMAKE_CXX_COMPILER=clang++",
        f"-DCMAKE_RUNTIME_OUTPUT_DIRECTORY={directory.resolve()}",
        f"-DCMAKE_LIBRARY_OUTPUT_DIRECTORY={directory.resolve()}",
        "-DLLAMA_BUILD_TOOLS=ON", "-DLLAMA_BUILD_TESTS=OFF",
        "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_BUILD_SERVER=OFF", "-DLLAMA_BUILD_MTMD=OFF",
    ]
    run(configure)
    run(["cmake", "--build", work, "-j", str(jobs), "--target", *PROGRAMS])


def compare(spark: Spark, peer: LlamaPrograms | LlamaLibrary, models: list[Path],
            rounds: int) -> list[Row]:
    """All samples, taken in turns."""
    rows: dict[tuple[Path, Test], Row] = {}

    def note(message: str) -> None:
        print(message, file=sys.stderr, flush=True)

    tests = {model: spark.tests(model) for model in models}
    for index in range(rounds):
        for model in models:
            def row(test: Test, model: Path = model) -> Row:
                return rows.setdefault((model, test), Row(model.stem, test))

            spark.time(model, tests[model], row)
            peer.time(model, tests[model], row)
            note(f"round {index + 1}/{rounds}: {model.stem}")
    return [row for row in rows.values() if row.spark and row.llama_cpp]


def machine() -> str:
    """Processor, cores and kernel, and how busy the machine is as the run starts."""
    processor = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    cores = len(os.sched_getaffinity(0))
    return f"{processor}, {cores} cores, Linux {platform.release()}, load {os.getloadavg()[0]:.2f}"


def table(description: str, rows: list[Row]) -> str:
    """The ratio table in Markdown."""
    text = [
        f"{description}; tokens per second: median (best)\n",
        "| file | test | spark | llama.cpp | ratio | spark, of limit |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        cells = " | ".join(
            f"{statistics.median(s):.1f} ({max(s):.1f})" for s in (row.spark, row.llama_cpp)
        )
        share = f"{row.share:.0%} of {row.limit}" if row.share is not None else ""
        text.append(f"| {row.file} | {row.test} | {cells} | {row.ratio:.2f} | {share} |")
    return "\n".join(text) + "\n"


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", type=Path, nargs="+", metavar="FILE.gguf")
    parser.add_argument("--spark", type=Path, default=Path(".build/release/spark"))
    parser.add_argument("--llama", type=Path, metavar="DIRECTORY",
                        help="where llama-bench and llama-batched-bench are "
                             "(default: llama-cpp-python, which must then be installed)")
    parser.add_argument("--source", type=Path, metavar="DIRECTORY",
                        help="build them there first, from this unpacked source")
    parser.add_argument("--tests", default="prefill,decode,depth", metavar="LIST",
                        help=f"of {', '.join(TESTS)} (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="(default: %(default)s)")
    parser.add_argument("--isa", help="kernels that spark is to use (default: its best)")
    for flags, default, text in [
        (("-p", "--prompt"), 512, "tokens of a prompt"),
        (("-n", "--generate"), 128, "tokens of a reply"),
        (("-d", "--depth"), 4096, "tokens in the cache in the test depth"),
        (("--depth-generate",), 32, "tokens written behind them"),
        (("--parallel-tokens",), 32, "tokens of each prompt and reply in the test parallel"),
    ]:
        parser.add_argument(*flags, type=int, default=default, metavar="TOKENS",
                            help=f"{text} (default: %(default)s)")
    parser.add_argument("--parallel", type=numbers, default=(1, 4, 8, 16, 32), metavar="LIST",
                        help="texts at once in the test parallel (default: 1,4,8,16,32)")
    parser.add_argument("--json", action="store_true",
                        help="one JSON object a line with every sample, not a table")
    parser.add_argument("--json-file", type=Path, metavar="FILE",
                        help="write these objects to a file, beside the table")
    parsed = parser.parse_args()
    parsed.tests = tuple(parsed.tests.split(","))
    if wrong := [name for name in parsed.tests if name not in TESTS]:
        parser.error(f"there is no test {wrong[0]}; tests are {', '.join(TESTS)}.")
    if parsed.source and not parsed.llama:
        parser.error("--source needs --llama, the directory to build in.")
    return parsed


def main() -> None:
    given = arguments()
    options = Options(
        tests=given.tests, prompt=given.prompt, generate=given.generate, depth=given.depth,
        depth_generate=given.depth_generate, parallel=given.parallel,
        parallel_tokens=given.parallel_tokens, threads=given.threads, isa=given.isa,
    )
    description = f"{machine()}; {options.threads} threads, {given.rounds} rounds"
    if options.isa:
        description += f", spark with --isa {options.isa}"
    try:
        if given.source:
            build(given.source, given.llama, options.threads)
        spark = Spark(given.spark, options)
        peer = LlamaPrograms(given.llama, options) if given.llama else LlamaLibrary(options)
        rows = compare(spark, peer, given.models, given.rounds)
    except (OSError, Failure) as error:
        raise SystemExit(str(error)) from error
    objects = [{"machine": description}] + [row.record() for row in rows]
    text = "".join(json.dumps(entry) + "\n" for entry in objects)
    if given.json_file:
        given.json_file.write_text(text)
    print(text if given.json else table(description, rows), end="")


if __name__ == "__main__":
    main()
