"""Writes the model card's tables from evaluate.py's files, before and after, with the corpus's sources and licences.

    card.py --before v0.json --after v1.json --corpus DIR --log run/log.jsonl --out ../EVALUATION.md

Every key "recall…" of the files becomes a table; so do the perplexities, the judged stories, and the repetition of training text.
"""
from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

TITLES = {
    "recall": "Recall: the recall set",
    "recall-fresh": "Recall: fresh questions of all kinds",
    "recall-keys": "Recall: fresh pass keys, codes, pairs of names, things not told",
}
READING = """"full": the whole dialogue in attention, where it fits. "gapped": the first tokens, seven blocks of 64 with the answer's among them, the last 256 tokens;
"fits" are dialogues that also fit whole, "beyond" longer ones. Under "full", "gapped items" are the dialogues of "gapped fits", to compare them. "distance" is in
tokens from where the answer is first told to the end of the question; "any" where it is not told.
"""


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
    """20 stories and 10 chats, as they came."""

    def quote(text: str) -> str:
        return text.strip().replace("\n", "\n> ")

    def marks(s: dict) -> str:
        return "" if s["grammatical"] is None else f"\n>\n> *Judged: grammatical {s['grammatical']}, on topic {s['on_topic']}.*"

    stories = "\n\n".join(f"> **{s['prompt']}** {quote(s['text'])}{marks(s)}" for s in samples["stories"][:20])
    chats = "\n\n".join(f"> User: {c['user']}\n>\n> Assistant: {quote(c['assistant'])}" for c in samples["chats"][:10])
    return f"### 20 stories\n\n{stories}\n\n### 10 chats\n\n{chats}\n"


def judgements(before: dict, after: dict) -> str:
    old, new = before.get("samples", {}).get("judged", {}), after["samples"]["judged"]
    return table(["judged blind", "before", "after"], [[name, cell(old.get(name)), cell(new[name])] for name in new])


def repetition(before: dict, after: dict) -> str:
    new, old = after["repetition"], before.get("repetition", {})
    limit = new["limit_tokens"]
    names = {
        "samples": "samples", "over_limit": f"with a run of more than {limit} tokens", "longest_tokens": "longest run, tokens",
        "median_tokens": "median of the longest runs, tokens",
    }
    lines = table(["", "before", "after"], [[names[k], str(old.get(k, "-")), str(new[k])] for k in names])
    quoted = "".join(f"\n> ({run['tokens']} tokens, {run['source']}) {' '.join(run['text'].split())}\n" for run in new["runs_over_limit"])
    where = f"the {new['training_tokens'] / 1e6:.0f}M tokens of training text (suffix array)"
    return f"{lines}\nLongest run of each sample that stands in {where}. After, over {limit} tokens:\n{quoted}"


def curve(lines: list[dict], rows: int = 16) -> str:
    """The loss over the run: means of equal stretches of the log."""
    reports = [line for line in lines if "loss" in line]
    stretches = [reports[i * len(reports) // rows : (i + 1) * len(reports) // rows] for i in range(rows)]
    return table(
        ["tokens seen", "context", "rate", "loss"],
        [[f"{r[-1]['tokens'] / 1e6:.1f}M", str(r[-1]["context"]), f"{r[-1]['rate']:.6f}", f"{sum(x['loss'] for x in r) / len(r):.3f}"] for r in stretches if r],
    )


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
    parts = ["# Evaluation\n", "Written by `train/card.py`; `train/README.md` says how each figure is measured. Rates come with n and Wilson's 95% interval.\n"]
    if "perplexity" in after:
        parts += ["## Held-out perplexity\n", perplexities(before, after)]
    for key in sorted(k for k in after if k.startswith("recall")):
        parts += [f"## {TITLES.get(key, key)}\n", READING, recalls(before, after, key)]
    if "samples" in after:
        s = after["samples"]
        if "judged" in s:
            parts += ["## Stories judged\n", "Rubric:\n", "> " + s["rubric"].replace("\n", "\n> ") + "\n", judgements(before, after)]
        if "repetition" in after:
            parts += ["## Repetition of training text\n", repetition(before, after)]
        parts += ["## Samples, unedited\n", "Temperature 0.7, top-p 0.9, the seed is the number of the sample; the first of the judged ones.\n", quotes(s)]
    if args.log:
        lines = [json.loads(line) for line in args.log.read_text().splitlines()]
        last = [line for line in lines if "tokens" in line][-1]
        parts += ["## Loss curve\n", f"{last['tokens'] / 1e6:.1f}M tokens in {last['step']} steps. The loss is weighted (see `token_weights`), so phases differ in level.\n", curve(lines)]
    parts += ["## Texts of the corpus\n", "What version was trained on which, and how much, is in the model card.\n", licences(args.corpus)]
    args.out.write_text("\n".join(parts), "utf-8")


if __name__ == "__main__":
    main()
