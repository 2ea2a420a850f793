"""Turns the corpus folder and the synthetic generator into token shards.

    prepare.py corpus     --corpus DIR --out DIR [--tokenizer FILE]     natural text, with a held-out split
    prepare.py synthetic  --out DIR --seed N --megabytes dense=12 …      generated text (fast: rerun it where you train)
    prepare.py tokenizer  --corpus DIR --out FILE [--vocabulary 4096]    a new byte-level BPE
    prepare.py pack       --out DIR --to DIR                             xz copies of the natural shards, to carry elsewhere

A shard NAME is three arrays: NAME.ids.npy (uint16 token ids), NAME.kinds.npy (uint8, see text.py), NAME.lengths.npy
(tokens of each document). NAME.held.* are the documents kept out of training. Everything follows from the seed and the input.
"""
from __future__ import annotations

import argparse
import hashlib
import io
import json
import lzma
import multiprocessing
import random
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

import cascade
import recall
import synth
from text import QWEN2, SPECIALS, documents, render, token_kinds

HELD_PERCENT = 2
LICENCES_REFUSED = re.compile(r"\bNC\b|non-?commercial|all rights reserved", re.IGNORECASE)
SYNTHETIC = ("chat", "dense", "spread", "cascade", "drill")


def read(path: Path) -> str:
    """A corpus file, plain or compressed with zstd."""
    data = path.read_bytes()
    if path.suffix == ".zst":
        import zstandard

        data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    return data.decode("utf-8")


def sources(corpus: Path) -> dict[str, Path]:
    """Corpus files by name. A file without a line in PROVENANCE.md, or whose licence is refused, stops the run."""
    provenance = (corpus / "PROVENANCE.md").read_text("utf-8")
    rows = {m.group(1): m.group(0) for m in re.finditer(r"(?m)^\| (\w+/\w+\.txt) \|.*$", provenance)}
    found = {}
    for path in sorted(corpus.glob("*/*.txt*")):
        name = f"{path.parent.name}/{path.name.removesuffix('.zst')}"
        if name not in rows:
            raise SystemExit(f"{path}: no row in PROVENANCE.md, so its licence is unknown; add one or remove the file.")
        licence = rows[name].split("|")[5]
        if LICENCES_REFUSED.search(licence) and "left out" not in licence:
            raise SystemExit(f"{path}: licence '{licence.strip()}' does not allow this use; remove the file.")
        found[path.name.split(".")[0]] = path
    return found


def is_held(document: str) -> bool:
    """A fixed pseudo-random choice by content, so that it survives reordering and added files."""
    return int.from_bytes(hashlib.sha1(document[:400].encode()).digest()[:4], "big") % 100 < HELD_PERCENT


def long_sentences(document: str) -> set[int]:
    """Hashes of sentences long enough to be found twice only by copying (the same story may come from two sources)."""
    return {hash(s) for s in re.split(r"(?<=[.!?])\s+", document) if len(s) > 80}


class Shard:
    """Collects documents and writes the three arrays."""

    def __init__(self) -> None:
        self.ids: list[np.ndarray] = []
        self.kinds: list[np.ndarray] = []

    def add(self, ids: np.ndarray, kinds: np.ndarray) -> None:
        self.ids.append(np.append(ids, 0).astype(np.uint16))  # 0 ends a document
        self.kinds.append(np.append(kinds, kinds[-1] if len(kinds) else 0).astype(np.uint8))

    def save(self, out: Path, name: str) -> int:
        if not self.ids:
            return 0
        np.save(out / f"{name}.ids.npy", np.concatenate(self.ids))
        np.save(out / f"{name}.kinds.npy", np.concatenate(self.kinds))
        np.save(out / f"{name}.lengths.npy", np.array([len(d) for d in self.ids], np.int32))
        return sum(len(d) for d in self.ids)


def encode(tokenizer, rendered: list[tuple[str, np.ndarray]]) -> Iterator[tuple[np.ndarray, np.ndarray, list]]:
    """(ids, kinds, character offsets) of each rendered document."""
    for i in range(0, len(rendered), 1024):
        batch = rendered[i : i + 1024]
        for (_, kinds), e in zip(batch, tokenizer.encode_batch([text for text, _ in batch])):
            yield np.array(e.ids, np.uint16), token_kinds(e.offsets, kinds), e.offsets


def prepare_corpus(args: argparse.Namespace) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(args.tokenizer)
    texts = {name: list(documents(read(path))) for name, path in sources(Path(args.corpus)).items() if not args.only or name in args.only}
    held = {d for ds in texts.values() for d in ds if is_held(d)}
    copied = set().union(*(long_sentences(d) for d in held)) if held else set()
    write_lexicon(args.out / "lexicon.json", (d for ds in texts.values() for d in ds if d not in held))
    for name, docs in texts.items():
        train, kept, dropped = Shard(), Shard(), 0
        for split, shard in ((False, train), (True, kept)):
            chosen = [d for d in docs if (d in held) == split]
            if not split:
                clean = [d for d in chosen if len(long_sentences(d) & copied) < 2]
                dropped, chosen = len(chosen) - len(clean), clean
            for ids, kinds, _ in encode(tokenizer, [render(d) for d in chosen]):
                shard.add(ids, kinds)
        n, m = train.save(args.out, name), kept.save(args.out, name + ".held")
        print(json.dumps({"source": name, "train_tokens": n, "held_tokens": m, "dropped_as_copies_of_held": dropped}), flush=True)


def write_lexicon(path: Path, docs: Iterable[str]) -> None:
    """Lower-case words that occur at least 4 times: what recall.Scrambler draws values from."""
    counts = Counter(w for d in docs for w in re.findall(r"\b[a-z]{4,11}\b", d))
    path.write_text(json.dumps(sorted(w for w, n in counts.items() if n >= 4)))


def generated(kind: str) -> tuple[str, dict]:
    """One synthetic document and its checks."""
    if kind == "chat":
        names, weights = zip(*synth.WEIGHTS)
        # By document, not by byte as `synth.py --mb` does: short kinds are as welcome as long ones.
        roll, total = synth.R() * sum(weights), 0
        for name, weight in zip(names, weights):
            total += weight
            if roll < total:
                break
        return synth.make_doc(name)
    if kind == "dense":
        return recall.dense(synth.ri(80, 330) if synth.chance(0.7) else synth.ri(330, 700), filler=0.06 if synth.chance(0.7) else 0.3)
    if kind == "drill":
        return recall.drill()
    if kind == "spread":
        low, high = synth.pick(((20, 150), (20, 150), (150, 330), (330, 700)))
        return recall.spread(synth.ri(low, high))
    return recall.spread(synth.ri(500, 2200))  # cascade: cut down to its window afterwards


CHUNK_BYTES = 1_000_000


def generate_chunk(job: tuple[str, int, int, argparse.Namespace]) -> Shard:
    """About a megabyte of one kind. Seeded by kind, seed and chunk number alone, so the number of workers changes nothing."""
    from tokenizers import Tokenizer

    kind, chunk, seed, args = job
    tokenizer = Tokenizer.from_file(args.tokenizer)
    lexicon = args.out / "lexicon.json"
    pieces = sorted(tokenizer.get_vocab())
    scramble = recall.Scrambler(json.loads(lexicon.read_text()), pieces) if args.scramble and kind != "chat" else None
    synth.reseed(f"{kind} {seed} {chunk}")
    synth.set_held(False)
    rng = np.random.default_rng([seed, SYNTHETIC.index(kind), chunk])
    shard, size = Shard(), 0
    while size < CHUNK_BYTES:
        told = []
        for text, meta in (generated(kind) for _ in range(64)):
            document = text, recall.golds(meta)
            told.append(scramble(*document, meta["names"]) if scramble and synth.chance(args.scramble) else document)
        rendered = [render(*t) for t in told]
        size += sum(len(text) for text, _ in rendered)
        for (ids, kinds, offsets), (text, _), (_, golds) in zip(encode(tokenizer, rendered), rendered, told):
            if kind != "cascade":
                shard.add(ids, kinds)
                continue
            length = int(rng.choice([512, 768, 1024] if args.context <= 1024 else [768, 1024, 1536, 2048]))
            sample = cascade.compact(ids, kinds, text, offsets, golds, length, rng)
            if sample:
                shard.add(sample.ids, sample.kinds)
    return shard


def prepare_synthetic(args: argparse.Namespace) -> None:
    if args.scramble and not (args.out / "lexicon.json").exists():
        raise SystemExit(f"{args.out}/lexicon.json is missing: run the corpus step first, or pass --scramble 0.")
    with multiprocessing.Pool(args.workers) as pool:
        for item in args.megabytes:
            kind, _, size = item.partition("=")
            if kind not in SYNTHETIC:
                raise SystemExit(f"--megabytes {item}: kinds are {', '.join(SYNTHETIC)}")
            start, whole = time.time(), Shard()
            jobs = [(kind, chunk, args.seed, args) for chunk in range(max(1, round(float(size) * 1e6 / CHUNK_BYTES)))]
            for shard in pool.imap(generate_chunk, jobs):
                whole.ids += shard.ids
                whole.kinds += shard.kinds
            n = whole.save(args.out, kind)
            counts = np.bincount(np.concatenate(whole.kinds), minlength=5).tolist()
            print(json.dumps({"source": kind, "documents": len(whole.ids), "train_tokens": n, "tokens_by_kind": counts, "seconds": round(time.time() - start, 1)}), flush=True)


def train_tokenizer(args: argparse.Namespace) -> None:
    """Byte-level BPE on a sample that mixes stories, talk, books, facts and generated dialogues by characters."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    rng = random.Random(args.seed)
    quota = {"stories": 12e6, "dialogue": 10e6, "books": 6e6, "facts": 2e6}
    sample: list[str] = []

    def take(docs: Iterable[str], characters: float) -> None:
        for d in docs:
            d = re.sub(r"(?m)^(User|Assistant): ", "", d)
            sample.append(d)
            characters -= len(d)
            if characters < 0:
                return

    files = sources(Path(args.corpus))
    for folder, characters in quota.items():
        docs = [d for name, path in files.items() if path.parent.name == folder and "schema" not in name for d in documents(read(path))]
        rng.shuffle(docs)
        take(docs, characters)
    synth.reseed(args.seed)
    synth.set_held(False)
    take((generated(k)[0] for k in iter(lambda: rng.choice(("chat", "dense", "spread")), None)), 16e6)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(sample, trainers.BpeTrainer(vocab_size=args.vocabulary, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False))
    tokenizer.save(str(args.out))


def pack(args: argparse.Namespace) -> None:
    """xz copies of the natural training shards, which train.py reads as they are, and the lexicon: what a machine without the corpus needs."""
    args.to.mkdir(parents=True, exist_ok=True)
    for path in sorted(args.out.glob("*.npy")):
        if path.name.split(".")[0] in SYNTHETIC or ".held." in path.name:
            continue
        (args.to / (path.name + ".xz")).write_bytes(lzma.compress(path.read_bytes(), preset=6))
    shutil.copy(args.out / "lexicon.json", args.to)
    shutil.copy(args.tokenizer, args.to / "tokenizer.json")
    print(f"{args.to}: {sum(p.stat().st_size for p in args.to.iterdir()) / 2**20:.1f} MiB", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("corpus", "synthetic", "tokenizer", "pack"))
    parser.add_argument("--corpus", default="corpus")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--to", type=Path, help="pack: the folder to fill")
    parser.add_argument("--tokenizer", default="tokenizer.json")
    parser.add_argument("--vocabulary", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--workers", type=int, default=1, help="synthetic: processes")
    parser.add_argument("--scramble", type=float, default=0.6, help="synthetic: share of recall documents whose values come from the lexicon")
    parser.add_argument("--only", nargs="*", help="corpus: these sources only")
    parser.add_argument("--megabytes", nargs="*", default=["chat=20", "dense=20", "spread=20", "cascade=60"])
    args = parser.parse_args()
    if args.step != "tokenizer":
        args.out.mkdir(parents=True, exist_ok=True)
    {"corpus": prepare_corpus, "synthetic": prepare_synthetic, "tokenizer": train_tokenizer, "pack": pack}[args.step](args)


if __name__ == "__main__":
    main()
