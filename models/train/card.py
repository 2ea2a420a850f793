"""Writes the model card's tables from evaluate.py's files, before and after, with the corpus's sources and licences.

    card.py --before v0.json --after v1.json --corpus DIR --log run/log.jsonl --out CARD.md
"""
from __future__ import annotations

import argparse
import json
import re
from pathlib import Path


def cell(entry: dict | None) -> str:
    """A rate as "hits/n = 93.1% (90.2 to 95.2)"."""
    if not entry or not entry["n"]:
        return "-"
    low, high = entry["wilson95"]
    return f"{entry['hits']}/{entry['n']} = {100 * entry['rate']:.1f}% ({100 * low:.1f} to {100 * high:.1f})"


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(["| " + " | ".join(r) + " |" for r in (head, ["---"] * len(head), *rows)]) + "\n"


def perplexities(before: dict, after: dict) -> str:
    names = [n for n in after.get("perplexity", {})]
    old, new = before.get("perplexity", {}), after.get("perplexity", {})
    return table(
        ["source", "tokens", "before", "after"],
        [[n, str(new[n]["tokens"]), f"{old[n]['perplexity']:.2f}" if n in old else "-", f"{new[n]['perplexity']:.2f}"] for n in names],
    )


def recalls(before: dict, after: dict, key: str) -> str:
    rows = []
    for part in ("full", "gapped"):
        new, old = after[key][part], before.get(key, {}).get(part, {})
        rows += [[part, label, cell(old.get(label)), cell(new[label])] for label in new]
    rows.append(["", "refused though told", cell(before.get(key, {}).get("refused_though_told")), cell(after[key]["refused_though_told"])])
    return table(["attention", "questions", "before", "after"], rows)


def licences(corpus: Path) -> str:
    text = (corpus / "PROVENANCE.md").read_text("utf-8")
    rows = [[c.strip() for c in m.group(0).strip("|").split("|")] for m in re.finditer(r"(?m)^\| ?\w+/\w+\.txt \|.*$", text)]
    return table(["file", "source", "licence"], [[r[0], r[3], r[4]] for r in rows])


def quotes(samples: dict) -> str:
    stories = "\n\n".join(f"> **{s['prompt']}** {s['text'].strip()}" for s in samples["stories"][:20])
    chats = "\n\n".join(f"> User: {c['user']}\n>\n> Assistant: {c['assistant'].strip()}" for c in samples["chats"])
    return f"### 20 stories\n\n{stories}\n\n### 10 chats\n\n{chats}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--after", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    before = json.loads(args.before.read_text()) if args.before else {}
    after = json.loads(args.after.read_text())
    parts = []
    if args.log:
        lines = [json.loads(line) for line in args.log.read_text().splitlines()]
        last = [line for line in lines if "tokens" in line][-1]
        parts.append(f"Tokens seen in this run: {last['tokens'] / 1e6:.1f}M in {last['step']} steps.\n")
    if "perplexity" in after:
        parts += ["## Held-out perplexity\n", perplexities(before, after)]
    for key in sorted(k for k in after if k.startswith("recall")):
        parts += [f"## {key}: accuracy with 95% intervals (Wilson)\n", recalls(before, after, key)]
    if "samples" in after:
        s = after["samples"]
        parts += ["## Samples, unedited (temperature 0.7, top-p 0.9)\n", f"Share text of more than 50 tokens with training: {cell(s['repeats_over_50_tokens'])}\n", quotes(s)]
        judged = [x for x in s["stories"] if x["grammatical"] is not None]
        if judged:
            good = sum(bool(x["grammatical"] and x["on_topic"]) for x in judged)
            parts.append(f"Stories judged grammatical and on topic: {good}/{len(judged)}.\n")
        parts.append("Rubric:\n\n" + s["rubric"] + "\n")
    parts += ["## Texts learnt from\n", licences(args.corpus)]
    args.out.write_text("\n".join(parts), "utf-8")


if __name__ == "__main__":
    main()
