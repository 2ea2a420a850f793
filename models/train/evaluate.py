"""Measures a model (checkpoint or GGUF) and writes one JSON file; card.py turns such files into tables.

    evaluate.py perplexity  MODEL --data SHARDS --out E.json            held-out documents, per source
    evaluate.py recall      MODEL --questions recall.jsonl --out E.json  accuracy with everything in attention, and with cascade-like gaps
    evaluate.py fresh       --out fresh.jsonl --seed 5 --count 400       new questions, names and values unseen in training
    evaluate.py samples     MODEL --out E.json                           stories and chats, unedited
    evaluate.py greedy      MODEL --out greedy.json                      greedy texts for compare_llama.py

Results of several measurements go into one file: each adds its own key. Rates come with n and Wilson's 95% interval.
"""
from __future__ import annotations

import argparse
import json
import math
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import cascade
from generate import generate
from model import LanguageModel, load
from text import prompt

STORY_RUBRIC = """Judge each story blind, without knowing which model wrote it.
grammatical (0/1): every sentence but at most one could stand in a printed children's book.
on topic (0/1): the one who acts at the end was there at the beginning, and what the prompt asked for is in the story.
A story counts when both are 1. Report counted / judged with Wilson's interval."""

STORY_PROMPTS = [
    "Once upon a time", "One day, a little girl named", "There was once a small fox who", "Tom and his sister went to",
    "It was raining, and the old dog", "In a quiet village by the sea", "The rabbit found a shiny", "Long ago, a king had",
    "Mia wanted to learn how to", "Every morning the baker",
]
STORY_REQUESTS = [
    "Tell me a story about a brave mouse.", "Can you tell me a short story about a lost key?", "Please tell me a bedtime story.",
    "Tell me a story about two friends and a boat.", "I would like a story with a dragon.", "Tell me a story about sharing.",
    "A little story about winter, please.", "Tell me a story about a clever crow.", "Can you tell me a story about a robot?", "Tell me a story about a garden.",
]
CHAT_OPENINGS = [
    "Hi there!", "How are you today?", "I had a bad day.", "What is the capital of France?", "Can you count from 3 to 9?",
    "Tell me a joke.", "My name is Robin. What is my name?", "What can you do?", "Name three fruits, please.", "Do you like music?",
]


def wilson(hits: int, n: int) -> list[float]:
    """95% interval of a rate."""
    if n == 0:
        return [0.0, 1.0]
    z, p = 1.96, hits / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return [max(0.0, round((middle - half) / scale, 4)), min(1.0, round((middle + half) / scale, 4))]


def rate(hits: int, n: int) -> dict:
    return {"hits": hits, "n": n, "rate": round(hits / n, 4) if n else None, "wilson95": wilson(hits, n)}


@torch.inference_mode()
def perplexity(model: LanguageModel, data: Path, budget: int, context: int) -> dict:
    """Per source: the first `budget` held-out tokens in rows of `context`, each row on its own."""
    out = {}
    for path in sorted(data.glob("*.held.ids.npy")):
        ids = np.load(path)[:budget].astype(np.int64)
        total, n = 0.0, 0
        for start in range(0, len(ids) - 1, context):
            row = torch.from_numpy(ids[start : start + context + 1]).to(model.norm.device)[None]
            if row.shape[1] < 2:
                break
            logits = model.logits(row[:, :-1])[0].float()
            total += float(F.cross_entropy(logits, row[0, 1:], reduction="sum"))
            n += row.shape[1] - 1
        if n:
            out[path.name.split(".")[0]] = {"perplexity": round(math.exp(total / n), 3), "tokens": n}
    return out


def bucket(n: int) -> str:
    return next((f"<={limit}" for limit in (128, 256, 512, 1024, 2048, 4096) if n <= limit), ">4096")


class Tally:
    """Hits by any number of labels."""

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def add(self, hit: bool, *labels: str) -> None:
        for label in labels:
            self.counts[label][0] += hit
            self.counts[label][1] += 1

    def report(self) -> dict:
        return {label: rate(*counts) for label, counts in sorted(self.counts.items())}


def recall(model: LanguageModel, tokenizer, questions: list[dict], window: int, recalled: int, per_kind: int | None, reply: int = 32) -> dict:
    """Greedy answers; a hit when the gold answer is in the reply, whatever the case (so v0's prototype counted too).

    Full: the whole dialogue in attention, where it fits the context. Gapped: sinks, `recalled` blocks among which are those
    holding the answer, and the last `window` tokens; on dialogues of the same set that fit the context ("fits"), so that the two
    can be compared item by item, and on longer ones ("beyond").
    """
    full, gapped, wrong = Tally(), Tally(), []
    refused = [0, 0]
    rng, done = np.random.default_rng(0), defaultdict(int)
    limit = model.config.context - reply
    for item in questions:
        kind = item["kind"]
        if per_kind and done[kind] >= per_kind:
            continue
        text = prompt(item["history"])
        e = tokenizer.encode(text)
        ids, gold = np.array(e.ids), item["answer"].lower()
        told = text.lower().find(gold)
        if kind == "unknown" or told < 0:
            distance = "any"
        else:
            starts = np.array([start for start, _ in e.offsets])
            distance = bucket(len(ids) - int(np.searchsorted(starts, told, "right")))
        if len(ids) <= limit:
            said = tokenizer.decode(generate(model, ids.tolist(), reply))
            hit = gold in said.lower()
            full.add(hit, "all", "not told" if kind == "unknown" else "memory", f"kind {kind}", f"{'passkey ' if kind == 'passkey' else ''}distance {distance}")
            if kind != "unknown":
                refused[0] += "not told" in said.lower()
                refused[1] += 1
            if not hit and len(wrong) < 60:
                wrong.append({"kind": kind, "question": item["history"].split("\n")[-2][-120:], "answer": item["answer"], "said": said})
        window_start = -(-max(0, len(ids) - window) // cascade.BLOCK) * cascade.BLOCK
        if window_start >= 2 * cascade.BLOCK and cascade.SINKS + recalled * cascade.BLOCK + window <= limit:
            wanted = [] if kind == "unknown" else cascade.blocks_with(text, e.offsets, [item["answer"]], window_start)
            # The last mentions count: an updated fact is asked for in its last form.
            wanted = [b for b in dict.fromkeys(reversed(wanted)) if (b + 1) * cascade.BLOCK <= window_start][:recalled]
            others = [b for b in range(window_start // cascade.BLOCK) if b not in wanted]
            rng.shuffle(others)
            index = cascade.layout(len(ids), window_start, wanted + others[: recalled - len(wanted)])
            hit = gold in tokenizer.decode(generate(model, ids[index].tolist(), reply)).lower()
            where = "fits" if len(ids) <= limit else "beyond"
            gapped.add(hit, f"{where} all", f"{where} {'not told' if kind == 'unknown' else 'memory'}", f"{where} kind {kind}")
            if where == "fits":
                full.add(gold in said.lower(), f"gapped items {'not told' if kind == 'unknown' else 'memory'}")
        done[kind] += 1
    return {"full": full.report(), "gapped": gapped.report(), "window": window, "recalled": recalled, "refused_though_told": rate(*refused), "wrong": wrong}


def fresh(count: int, seed: int, kinds: list[str] | None, words: int) -> list[dict]:
    """Questions from names and values that training text never uses; `words` bounds the distance."""
    import synth

    out, i = [], 0
    while len(out) < count:
        if not kinds or synth.EVAL_KINDS[i % len(synth.EVAL_KINDS)] in kinds:
            item = synth.eval_item(i, f"fresh {seed}")
            if item["distance_words"] <= words:
                out.append(item)
        i += 1
    return out


def samples(model: LanguageModel, tokenizer, count: int, tokens: int) -> dict:
    """`count` stories and ten chats at temperature 0.7, top-p 0.9, unedited; blind.py has the stories judged, suffix.py looks for repetition."""
    def write(text: str, seed: int, limit: int = tokens) -> list[int]:
        return generate(model, tokenizer.encode(text).ids, limit, 0.7, 0.9, seed)

    def ask(text: str) -> str:
        return f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"

    stories = []
    for i in range(count):
        request = i % 2 == 1
        choices = STORY_REQUESTS if request else STORY_PROMPTS
        text = choices[i // 2 % len(choices)]
        ids = write(ask(text) if request else text, i)
        stories.append({"prompt": text, "text": tokenizer.decode(ids), "grammatical": None, "on_topic": None})
    chats = [{"user": text, "assistant": tokenizer.decode(write(ask(text), i, 80))} for i, text in enumerate(CHAT_OPENINGS)]
    return {"rubric": STORY_RUBRIC, "stories": stories, "chats": chats}


def greedy(model: LanguageModel, tokenizer) -> list[dict]:
    """Greedy continuations with token ids, for another implementation to reproduce."""
    texts = STORY_PROMPTS + [f"<|im_start|>user\n{t}<|im_end|>\n<|im_start|>assistant\n" for t in CHAT_OPENINGS]
    out = []
    for text in texts:
        ids = tokenizer.encode(text).ids
        out.append({"prompt": text, "ids": ids, "greedy": generate(model, ids, 48)})
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("perplexity", "recall", "fresh", "samples", "greedy"))
    parser.add_argument("model", nargs="?")
    parser.add_argument("--tokenizer", default="tokenizer.json")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--label", default="", help="added to the key in --out, to keep two question sets apart")
    parser.add_argument("--per-kind", type=int, help="recall: at most so many questions of each kind")
    parser.add_argument("--window", type=int, default=256)
    parser.add_argument("--recalled", type=int, default=7)
    parser.add_argument("--budget", type=int, default=20000, help="perplexity: tokens per source")
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--count", type=int, default=50, help="samples: stories; fresh: questions")
    parser.add_argument("--tokens", type=int, default=180, help="samples: tokens of each story")
    parser.add_argument("--kinds", nargs="*")
    parser.add_argument("--words", type=int, default=6000, help="fresh: longest distance")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)

    if args.what == "fresh":
        args.out.write_text("".join(json.dumps(q, ensure_ascii=False) + "\n" for q in fresh(args.count, args.seed, args.kinds, args.words)), "utf-8")
        return
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(args.tokenizer)
    model = load(args.model).to("cuda" if torch.cuda.is_available() else "cpu").eval()
    began = time.time()
    if args.what == "greedy":
        args.out.write_text(json.dumps(greedy(model, tokenizer)))
        return
    if args.what == "perplexity":
        result = perplexity(model, args.data, args.budget, args.context)
    elif args.what == "recall":
        questions = [json.loads(line) for line in args.questions.read_text("utf-8").splitlines()]
        result = recall(model, tokenizer, questions, args.window, args.recalled, args.per_kind)
    else:
        result = samples(model, tokenizer, args.count, args.tokens)
    report = json.loads(args.out.read_text()) if args.out.exists() else {"model": args.model}
    key = args.what + (f"-{args.label}" if args.label else "")
    report[key] = result
    report.setdefault("seconds", {})[key] = round(time.time() - began, 1)
    args.out.write_text(json.dumps(report, indent=1, ensure_ascii=False))
    print(json.dumps({k: v for k, v in result.items() if k not in ("wrong", "stories", "chats")}, indent=1))


if __name__ == "__main__":
    main()
