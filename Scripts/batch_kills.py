#!/usr/bin/env python3
"""Kill `spark batch` again and again, and check that nothing is lost or done twice.

A batch is run once to its end, and once more with kills at random moments, half of them followed by what
a power cut does to the end of a file: bytes that are missing, or zeros. Whenever it was killed, the same
command is started again. At the end each prompt must be in the output once, with the text of the first
run. Exits with 1 otherwise.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from pathlib import Path

WORDS = "fox dog cat tree river lamp boat girl boy king moon snow bread cloud song hill".split()


def write_prompts(path: Path, count: int, randomness: random.Random) -> None:
    """Writes prompts of a few words, some of which begin alike."""
    beginning = " ".join(randomness.choice(WORDS) for _ in range(150))
    with path.open("w") as file:
        for number in range(count):
            words = " ".join(randomness.choice(WORDS) for _ in range(8))
            shared = beginning + " " if number % 4 == 0 else ""
            file.write(json.dumps({"id": f"p{number}", "prompt": shared + words}) + "\n")


def records(path: Path) -> list[dict]:
    """The results in a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def cut_power(path: Path, randomness: random.Random) -> None:
    """Does to the end of a file what may be missing after a power cut."""
    size = path.stat().st_size
    lost = min(size, randomness.randrange(1, 2000))
    os.truncate(path, size - lost)
    if randomness.random() < 0.5:
        with path.open("ab") as file:
            file.write(bytes(randomness.randrange(lost + 1)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spark", type=Path, default=Path(".build/release/spark"))
    parser.add_argument("--prompts", type=int, default=2000)
    parser.add_argument("--tokens", type=int, default=8)
    parser.add_argument("--kills", type=int, default=20, help="kills at least (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flag", action="append", default=[], dest="flags", metavar="FLAG",
                        help="pass FLAG to spark batch, as in --flag=--in-order")
    arguments = parser.parse_args()
    randomness = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        prompts, once, often = (Path(folder) / name for name in ("prompts", "once", "often"))
        write_prompts(prompts, arguments.prompts, randomness)

        def command(output: Path) -> list[str]:
            return [str(arguments.spark), "batch", str(prompts), "-o", str(output), "--seed", "7",
                    "-n", str(arguments.tokens), "--quiet", *arguments.flags]

        begun = time.monotonic()
        subprocess.run(command(once), check=True)
        whole = time.monotonic() - begun
        kills = power_cuts = repeated = 0
        while True:
            process = subprocess.Popen(command(often))
            # So that it comes as far as it is to come when it has been killed as often as it is to be.
            delay = randomness.uniform(0, 2.5 * whole / arguments.kills)
            try:
                status = process.wait(timeout=delay if kills < arguments.kills else None)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                if often.exists() and randomness.random() < 0.5:
                    before = often.read_bytes().count(b"\n")
                    cut_power(often, randomness)
                    repeated += before - often.read_bytes().count(b"\n")
                    power_cuts += 1
                continue
            if status != 0:
                raise SystemExit(f"A run that was not killed ended with {status}.")
            if kills >= arguments.kills:
                break
            # It has come to its end too soon: some of it is done again.
            os.truncate(often, randomness.randrange(often.stat().st_size // 2))
        expected = {record["line"]: record for record in records(once)}
        results = records(often)

    lines = [record["line"] for record in results]
    twice = len(lines) - len(set(lines))
    lost = len(set(expected) - set(lines))
    strange = len(set(lines) - set(expected))
    keys = ("id", "digest", "text", "seed", "stop_reason", "generated_tokens")
    different = sum(
        any(record[key] != expected[record["line"]][key] for key in keys)
        for record in results if record["line"] in expected
    )
    disordered = "--in-order" in arguments.flags and lines != sorted(lines)
    print(f"{arguments.prompts} prompts of {arguments.tokens} tokens, {whole:.1f} s in one run; "
          f"{kills} kills, {power_cuts} of them power cuts that took {repeated} results")
    print(f"lost {lost}, twice {twice}, different {different}, strange {strange}"
          + (", not in order" if disordered else ""))
    if lost or twice or different or strange or disordered:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
