#!/usr/bin/env python3
"""Compare spark's eviction policies with independent implementations on the same traces.

spark writes each trace and its own hit ratios; a peer replays the trace. Printed is a markdown
table of hit ratios in percent and their differences in percentage points.

  lru        libCacheSim, and cachetools
  gdsf       libCacheSim, whose entries all cost the same: costs in the trace are set to 1
  s3-fifo    libCacheSim, with its defaults: small queue 10%, ghosts 90%, two hits to move on
  w-tinylfu  Caffeine 2.6.2 (Debian's libcaffeine-java), whose window is 1%: --tinylfu-window 1;
             theine, whose window adapts, against spark's default

Caffeine, theine and cachetools count entries, so they are compared where all weigh the same.
Theirs evict before they insert and spark after, which can move a figure by a few hundredths.

Needs libcachesim, cachetools and theine from PyPI; for Caffeine a JDK and its jar.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cachetools
import libcachesim
import spark_runner
from theine_core import TlfuCore

UNIT_WORKLOADS = ["zipf-0.8", "zipf-1.0", "zipf-1.2", "loop", "scan", "shift"]
SIZED_WORKLOADS = ["sized", "chat"]
JAR = Path("/usr/share/java/caffeine.jar")
REPLAY = Path(__file__).with_name("CaffeineReplay.java")


@dataclass
class Trace:
    """A trace in which every entry costs 1."""

    name: str
    path: Path
    requests: list[tuple[int, int]]
    """Key and weight of each."""

    @property
    def footprint(self) -> int:
        return sum(dict(self.requests).values())

    @property
    def weight(self) -> int:
        return self.requests[0][1]


@dataclass
class Peer:
    policy: str
    name: str
    ratios: Callable[[Trace, Sequence[int]], list[float]]
    """Hit ratios of a trace for each capacity in bytes."""
    flags: tuple[str, ...] = ()
    counts_entries: bool = True


def read_trace(spark: Path, workload: str, folder: Path, requests: int, seed: int) -> Trace:
    path = folder / f"{workload}.txt"
    spark_runner.run([
        spark, "cache", "simulate", "--workload", workload, "--requests", str(requests), "--seed",
        str(seed), "--policy", "lru", "--capacity", "1%", "--write-trace", path,
    ])
    header, *lines = path.read_text().splitlines()
    fields = [line.split() for line in lines]
    path.write_text("\n".join([header, *(f"{f[0]} {f[1]} 1" for f in fields)]) + "\n")
    return Trace(workload, path, [(int(f[0]), int(f[1])) for f in fields])


def spark_ratios(
    spark: Path, trace: Trace, peer: Peer, capacities: Sequence[int]
) -> list[float]:
    flags = [word for capacity in capacities for word in ("--capacity", str(capacity))]
    output = spark_runner.run([
        spark, "cache", "simulate", "--trace", trace.path, "--policy", peer.policy, "--json",
        *flags, *peer.flags,
    ])
    records = [json.loads(line) for line in output.splitlines()]
    return [record["hit_ratio"] for record in records if record["policy"] == peer.policy]


def libcachesim_ratios(cache: type) -> Callable[[Trace, Sequence[int]], list[float]]:
    def ratios(trace: Trace, capacities: Sequence[int]) -> list[float]:
        found = []
        for capacity in capacities:
            replay = cache(cache_size=capacity, hashpower=18)
            request = libcachesim.Request()
            hits = 0
            for key, weight in trace.requests:
                # Its tables take 0 for an empty place.
                request.obj_id, request.obj_size = key + 1, weight
                hits += replay.get(request)
            found.append(hits / len(trace.requests))
        return found

    return ratios


def cachetools_ratios(trace: Trace, capacities: Sequence[int]) -> list[float]:
    found = []
    for capacity in capacities:
        cache = cachetools.LRUCache(capacity // trace.weight)
        hits = 0
        for key, _ in trace.requests:
            if cache.get(key) is not None:
                hits += 1
            else:
                cache[key] = True
        found.append(hits / len(trace.requests))
    return found


def theine_ratios(trace: Trace, capacities: Sequence[int]) -> list[float]:
    """Its policy alone, without the buffers that make the cache around it lose some hits."""
    found = []
    for capacity in capacities:
        core = TlfuCore(capacity // trace.weight)
        resident: set[int] = set()
        hits = 0
        for key, _ in trace.requests:
            # It takes hashes, of which it expects that all bits are mixed.
            key = mixed(key)
            if key in resident:
                hits += 1
                core.access([key])
            else:
                resident.add(key)
                resident.difference_update(core.set([(key, 0)]))
        found.append(hits / len(trace.requests))
    return found


def mixed(key: int) -> int:
    """The finalizer of SplitMix64."""
    mask = (1 << 64) - 1
    key = (key + 0x9E3779B97F4A7C15) & mask
    key = ((key ^ key >> 30) * 0xBF58476D1CE4E5B9) & mask
    key = ((key ^ key >> 27) * 0x94D049BB133111EB) & mask
    return key ^ key >> 31


def caffeine_ratios(jar: Path) -> Callable[[Trace, Sequence[int]], list[float]]:
    def ratios(trace: Trace, capacities: Sequence[int]) -> list[float]:
        counts = [str(capacity // trace.weight) for capacity in capacities]
        output = spark_runner.run(["java", "-cp", jar, REPLAY, trace.path, *counts])
        return [int(hits) / len(trace.requests) for hits in output.split()]

    return ratios


def peers(jar: Path | None) -> Iterator[Peer]:
    for policy, cache in [
        ("lru", libcachesim.LRU), ("gdsf", libcachesim.GDSF), ("s3-fifo", libcachesim.S3FIFO),
    ]:
        yield Peer(policy, "libCacheSim", libcachesim_ratios(cache), counts_entries=False)
    yield Peer("lru", "cachetools", cachetools_ratios)
    yield Peer("w-tinylfu", "theine", theine_ratios)
    if jar:
        yield Peer(
            "w-tinylfu", "Caffeine", caffeine_ratios(jar), flags=("--tinylfu-window", "1"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spark", type=Path, default=Path(".build/release/spark"))
    parser.add_argument("--caffeine", type=Path, default=JAR, help="Caffeine's jar")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workload", nargs="+", default=UNIT_WORKLOADS + SIZED_WORKLOADS)
    parser.add_argument("--policy", nargs="+", help="only these (default: all)")
    parser.add_argument("--percent", type=int, nargs="+", default=[2, 10, 40, 90])
    arguments = parser.parse_args()
    jar = arguments.caffeine if arguments.caffeine.exists() else None
    if jar is None:
        print(f"Caffeine is left out: {arguments.caffeine} is not there.\n")

    print("| policy | peer | trace | capacity | spark | peer | difference |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    worst: dict[tuple[str, str], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for workload in arguments.workload:
            trace = read_trace(
                arguments.spark, workload, Path(folder), arguments.requests, arguments.seed)
            capacities = [trace.footprint * percent // 100 for percent in arguments.percent]
            for peer in peers(jar):
                if peer.counts_entries and workload in SIZED_WORKLOADS:
                    continue
                if arguments.policy and peer.policy not in arguments.policy:
                    continue
                ours = spark_ratios(arguments.spark, trace, peer, capacities)
                theirs = peer.ratios(trace, capacities)
                for percent, mine, other in zip(arguments.percent, ours, theirs, strict=True):
                    points = 100 * (mine - other)
                    place = (peer.policy, peer.name)
                    worst[place] = max(worst.get(place, 0), abs(points))
                    print(
                        f"| {peer.policy} | {peer.name} | {workload} | {percent}% "
                        f"| {100 * mine:.2f} | {100 * other:.2f} | {points:+.2f} |", flush=True)
    print("\nLargest differences, in points:")
    for (policy, name), points in worst.items():
        print(f"- {policy}, {name}: {points:.2f}")


if __name__ == "__main__":
    main()
