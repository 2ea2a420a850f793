"""Documents, ChatML and token kinds: what every other file here agrees on."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np

SEPARATOR = "<|endoftext|>"
SPECIALS = [SEPARATOR, "<|im_start|>", "<|im_end|>"]
END_OF_TEXT, END_OF_TURN = 0, 2

# The kind of a token decides its weight in the loss (see --token-weights in train.py).
PLAIN, USER, REPLY, GOLD, SKIP = range(5)
"""Running text; the user's turn and the turn headers; the assistant's turn; the asked value in it; not learnt."""

CHAT_TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

# llama.cpp's pre-tokenizer "qwen2": single digits, so that a number is copied digit by digit.
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

Turns = list[tuple[str, str]]


def documents(text: str) -> Iterator[str]:
    """The documents of a corpus file: separated by `<|endoftext|>`, empty ones left out."""
    return (d for d in (part.strip() for part in text.split(SEPARATOR)) if d)


def turns(document: str) -> Turns | None:
    """The turns of a document in `User: ` / `Assistant: ` lines; None when it is running text."""
    if not document.startswith("User: "):
        return None
    out: list[list[str]] = []
    for line in document.split("\n"):
        start = re.match(r"(User|Assistant): ?(.*)", line)
        if start:
            out.append([start.group(1).lower(), start.group(2)])
        else:
            out[-1][1] += "\n" + line
    return [(role, text.strip()) for role, text in out]


def prompt(history: str) -> str:
    """ChatML of a dialogue whose last line is a bare `Assistant:`, ready for the reply."""
    told = turns(history)
    if not told or told[-1][0] != "assistant":
        raise ValueError("a recall question must start with 'User: ' and end with 'Assistant:'")
    return "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in told[:-1]) + "<|im_start|>assistant\n"


def render(document: str, golds: Iterable[tuple[str, str]] = ()) -> tuple[str, np.ndarray]:
    """The text to tokenize, and the token kind of each of its characters.

    `golds` are pairs (reply, value): where a reply of the document contains `reply`, the value's characters become GOLD.
    """
    told = turns(document)
    checks = [(reply[1:].lower().strip(), value.lower()) for reply, value in golds if value]
    if told is None:
        kinds = np.full(len(document), PLAIN, np.uint8)
        for answer in re.finditer(r"(?m)^Answer: (.*)$", document):
            mark(kinds, answer.group(1), answer.start(1), checks)
        return document, kinds
    pieces, kinds, at = [], [], 0
    for i, (role, text) in enumerate(told):
        header = ("\n" if i else "") + f"<|im_start|>{role}\n"
        body = text + "<|im_end|>"
        part = np.full(len(header) + len(body), USER, np.uint8)
        if role == "assistant":
            part[len(header) :] = REPLY
            mark(part, text, len(header), checks)
        pieces.append(header + body)
        kinds.append(part)
        at += len(part)
    return "".join(pieces), np.concatenate(kinds)


def mark(kinds: np.ndarray, reply: str, start: int, checks: list[tuple[str, str]]) -> None:
    """Marks the asked values of `reply`, whose characters begin at `start` of `kinds`, as GOLD."""
    low = reply.lower()
    for answer, value in checks:
        if answer in low:
            for hit in re.finditer(re.escape(value), low):
                kinds[start + hit.start() : start + hit.end()] = GOLD


def token_kinds(offsets: list[tuple[int, int]], kinds: np.ndarray) -> np.ndarray:
    """Kinds of tokens from kinds of characters; a token counts as its last character (its first may be a space)."""
    ends = np.array([max(end - 1, 0) for _, end in offsets])
    return kinds[ends] if len(ends) else np.zeros(0, np.uint8)
