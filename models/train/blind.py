"""Stories of several models on one sheet, shuffled and without names, to be judged by the rubric of evaluate.py; and the result.

    blind.py sheet  before.json after.json --seed 3 --out sheet.md       numbered stories; the key is nowhere but in the seed
    blind.py score  before.json after.json --seed 3 --marks marks.txt    writes `grammatical` and `on_topic` into the files

marks.txt has one line per story: its number, grammatical (0 or 1), on topic (0 or 1).
"""
from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from evaluate import STORY_RUBRIC, rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("sheet", "score"))
    parser.add_argument("evaluations", type=Path, nargs="+")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--count", type=int, default=50, help="stories of each model")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--marks", type=Path)
    args = parser.parse_args()
    reports = [json.loads(path.read_text()) for path in args.evaluations]
    stories = [story for report in reports for story in report["samples"]["stories"][: args.count]]
    random.Random(args.seed).shuffle(stories)
    if args.step == "sheet":
        pages = [f"## {i}\n\n[{s['prompt']}] {s['text'].strip()}\n" for i, s in enumerate(stories, 1)]
        args.out.write_text(STORY_RUBRIC + "\n\n" + "\n".join(pages), "utf-8")
        return
    for line in args.marks.read_text().splitlines():
        if line.strip():
            number, grammatical, on_topic = map(int, line.split()[:3])
            stories[number - 1] |= {"grammatical": grammatical, "on_topic": on_topic}
    for path, report in zip(args.evaluations, reports):
        judged = [s for s in report["samples"]["stories"] if s["grammatical"] is not None]
        report["samples"]["judged"] = {
            name: rate(sum(bool(test(s)) for s in judged), len(judged))
            for name, test in {
                "grammatical": lambda s: s["grammatical"],
                "on topic": lambda s: s["on_topic"],
                "both": lambda s: s["grammatical"] and s["on_topic"],
            }.items()
        }
        path.write_text(json.dumps(report, indent=1, ensure_ascii=False))
        print(path, json.dumps(report["samples"]["judged"]))


if __name__ == "__main__":
    main()
