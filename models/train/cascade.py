"""Samples as the memory cascade shows them: document start, a few blocks from far back, the recent window.

Layout: `sinks` first tokens, then recalled blocks of 64 tokens in time order, then the window,
which begins at a block boundary; positions run on without gaps ("compact"). Blocks are cut where the engine cuts
them, every 64 tokens of the session, so facts may be torn at either end.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from text import GOLD, SKIP

BLOCK = 64
SINKS = 4


@dataclass(frozen=True)
class Sample:
    ids: np.ndarray  # uint16 [n]
    kinds: np.ndarray  # uint8 [n]


def layout(length: int, window_start: int, blocks: list[int]) -> np.ndarray:
    """Token indices that attention sees: sinks, `blocks` in time order, everything from `window_start` on."""
    parts = [np.arange(min(SINKS, window_start))]
    for block in sorted(set(blocks)):
        start, end = block * BLOCK, (block + 1) * BLOCK
        assert end <= window_start, "a recalled block must lie before the window"
        parts.append(np.arange(max(start, SINKS), end))  # block 0 begins with the sinks, which are there already
    parts.append(np.arange(window_start, length))
    return np.concatenate(parts)


def blocks_with(text: str, offsets: list[tuple[int, int]], values: list[str], before: int) -> list[int]:
    """Blocks before token `before` whose text holds one of `values`, and the block before it when the value begins one.

    That neighbour holds the words which say what the value is of: "the code for the shed is" | "4711".
    """
    starts = np.array([start for start, _ in offsets])
    found: list[int] = []
    low = text.lower()
    for value in values:
        at = low.find(value.lower())
        while at >= 0:
            token = int(np.searchsorted(starts, at, "right")) - 1
            if token >= before:
                break
            found.append(token // BLOCK)
            if token % BLOCK < 24 and token >= BLOCK:
                found.append(token // BLOCK - 1)
            at = low.find(value.lower(), at + 1)
    return found


def compact(
    ids: np.ndarray,
    kinds: np.ndarray,
    text: str,
    offsets: list[tuple[int, int]],
    golds: list[tuple[str, str]],
    length: int,
    rng: np.random.Generator,
) -> Sample | None:
    """One sample of at most `length` tokens from a long dialogue; None when no question falls in its window.

    The blocks that hold the asked values always come, fillers from elsewhere make the number up to what fits:
    the model must find the fact among them, as in use.
    """
    recalled = int(rng.integers(2, max(3, min(9, length // BLOCK // 2))))
    window = length - SINKS - recalled * BLOCK
    window_start = max(0, len(ids) - window + BLOCK - 1) // BLOCK * BLOCK
    if window_start < 2 * BLOCK:
        return None
    asked = np.flatnonzero(kinds[window_start:] == GOLD) + window_start
    if not len(asked):
        return None
    first, last = offsets[asked[0]][0], offsets[asked[-1]][1]
    said = text[first:last].lower()
    values = [value for _, value in golds if value and value.lower() in said]
    wanted = list(dict.fromkeys(b for b in blocks_with(text, offsets, values, window_start) if (b + 1) * BLOCK <= window_start))
    if len(wanted) > recalled:
        return None
    others = [b for b in range(window_start // BLOCK) if b not in wanted]
    rng.shuffle(others)
    index = layout(len(ids), window_start, wanted + others[: recalled - len(wanted)])[:length]
    out = kinds[index].copy()
    out[1:][np.diff(index) != 1] = SKIP  # what follows a cut cannot be foreseen
    return Sample(ids[index], out)
