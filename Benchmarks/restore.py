#!/usr/bin/env python3
"""What a prompt's state costs to save and to restore: Spark beside llama.cpp, on one model file.

    Benchmarks/restore.py --model M.gguf --text long.txt --peer path/to/llama-completion

Four processes of each engine for each length, interleaved, medians of --runs:

  load      a prompt of one word: what starting costs
  cold      the prompt, nothing kept
  save      the prompt, its state kept
  restore   one more sentence behind it, from what was kept

Told are differences of wall-clock time between whole processes: reading = cold - load,
saving = save - cold, restoring = restore - load, which includes reading the sentence; a load is
measured right before each of them. Each engine says itself how many tokens it read, and Spark when
the first token was there, loading not counted. Both use two threads, or --threads, and a full window; Spark
keeps a session (exact form), llama.cpp a --prompt-cache.
"""
import argparse, json, os, re, shutil, statistics, subprocess, sys, tempfile, time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", required=True)
parser.add_argument("--text", required=True, help="a text longer than the longest prompt")
parser.add_argument("--spark", default=".build/release/spark")
parser.add_argument("--peer", help="llama-completion; left out: Spark alone")
parser.add_argument("--template", default="llama3", help="of the chat that Spark keeps")
parser.add_argument("--lengths", default="1024,4096", help="tokens")
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--json", action="store_true")
options = parser.parse_args()

SENTENCE = "\n\nAnd what do you think of all this, in a word?"


def run(command, **more):
    begun = time.monotonic()
    result = subprocess.run(command, capture_output=True, **more)
    seconds = time.monotonic() - begun
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{result.stderr.decode(errors='replace')[-2000:]}")
    return seconds, result


def size(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(size(os.path.join(path, name)) for name in os.listdir(path)) if os.path.isdir(path) else 0


class Spark:
    name = "spark"

    def __init__(self, folder):
        self.store = os.path.join(folder, "store")

    def forget(self):
        shutil.rmtree(self.store, ignore_errors=True)

    def answer(self, files, what, tokens):
        # It knows what was said before: it is told what is new.
        prompt = files["sentence" if what == "restore" else "word" if what == "load" else "prompt"]
        command = [options.spark, "generate", "--model", options.model, "--file", prompt, "-n", "1",
                   "--temp", "0", "--json", "--threads", str(options.threads), "--window", "full",
                   "--context", str(tokens + 96), "--template", options.template]
        if what in ("save", "restore"):
            command += ["--session", "benchmark", "--memory", "session", "--store", self.store]
        else:
            command += ["--memory", "none"]
        seconds, result = run(command)
        summary = json.loads(result.stdout.decode().strip().splitlines()[-1])
        return (seconds, summary["prompt_tokens"] - summary["cached_tokens"],
                summary["time_to_first_token_seconds"])

    def bytes(self):
        return size(self.store)


class Peer:
    name = "llama.cpp"

    def __init__(self, folder):
        self.cache = os.path.join(folder, "prompt.cache")

    def forget(self):
        if os.path.exists(self.cache):
            os.remove(self.cache)

    def answer(self, files, what, tokens):
        prompt = files["longer" if what == "restore" else "word" if what == "load" else "prompt"]
        command = [options.peer, "-m", options.model, "-f", prompt, "-n", "1", "--temp", "0", "-no-cnv",
                   "-t", str(options.threads), "-c", str(tokens + 96), "--no-warmup", "--no-display-prompt"]
        if what in ("save", "restore"):
            command += ["--prompt-cache", self.cache]
        seconds, result = run(command, stdin=subprocess.DEVNULL)
        told = re.search(r"prompt eval time =.*?/\s+(\d+) tokens", result.stderr.decode(errors="replace"))
        return seconds, int(told.group(1)) if told else 0, None

    def bytes(self):
        return size(self.cache)


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def cut(text, tokens):
    """As much of the text as has so many tokens, or a few less."""
    low, high = 0, len(text)
    while high - low > 8:
        middle = (low + high) // 2
        _, result = run([options.spark, "tokenize", "--ids", "--model", options.model],
                        input=text[:middle].encode())
        low, high = (middle, high) if len(result.stdout.split()) <= tokens else (low, middle)
    return text[:low]


def main():
    with open(options.text, errors="replace") as file:
        text = file.read(400_000)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        engines = [Spark(folder)] + ([Peer(folder)] if options.peer else [])
        for length in map(int, options.lengths.split(",")):
            beginning = cut(text, length - 32)
            files = {
                "word": write(folder, "word", "Once"),
                "sentence": write(folder, "sentence", SENTENCE),
                "prompt": write(folder, "prompt", beginning),
                "longer": write(folder, "longer", beginning + SENTENCE),
            }
            times = {engine.name: {} for engine in engines}
            for _ in range(options.runs):
                for engine in engines:
                    engine.forget()
                    measured = times[engine.name]
                    for what in ["cold", "save", "restore"]:
                        if what == "restore":
                            measured.setdefault("bytes", []).append(engine.bytes())
                        load, _, _ = engine.answer(files, "load", length)
                        seconds, read, first = engine.answer(files, what, length)
                        measured.setdefault("load", []).append(load)
                        measured.setdefault(what, []).append(seconds - load)
                        measured.setdefault(what + " tokens", []).append(read)
                        if first is not None:
                            measured.setdefault(what + " first", []).append(first)
            for engine in engines:
                middle = {key: statistics.median(values) for key, values in times[engine.name].items()}
                rows.append({
                    "engine": engine.name, "tokens": int(middle["cold tokens"]),
                    "reading_seconds": round(middle["cold"], 3),
                    "saving_seconds": round(middle["save"] - middle["cold"], 3),
                    "bytes": int(middle["bytes"]),
                    "restoring_seconds": round(middle["restore"], 3),
                    "tokens_read_after": int(middle["restore tokens"]),
                    "load_seconds": round(middle["load"], 3),
                })
                row = rows[-1]
                row["first_token_cold_seconds"] = middle.get("cold first")
                row["first_token_restored_seconds"] = middle.get("restore first")
                if options.json:
                    print(json.dumps(row), flush=True)
    if not options.json:
        print("| engine | tokens | reading s | saving s | MiB | restoring s | read then | first token s, cold | restored |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        for row in rows:
            def told(key):
                return f"{row[key]:.3f}" if row[key] is not None else ""
            print(f"| {row['engine']} | {row['tokens']} | {row['reading_seconds']:.2f} | {row['saving_seconds']:.2f} "
                  f"| {row['bytes'] / 2**20:.1f} | {row['restoring_seconds']:.2f} | {row['tokens_read_after']} "
                  f"| {told('first_token_cold_seconds')} | {told('first_token_restored_seconds')} |")


main()
