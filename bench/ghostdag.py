"""How fast does GHOSTDAG take blocks, and does it slow down as the DAG grows?

Run ``python bench/ghostdag.py [blocks]``.  One core, CPU time, the best of five runs for each tenth
(neighbours on the machine only ever add time); hashes and topology are made beforehand by BLAKE2b of
counters, so runs are repeatable.  Two networks, k = 19 with 4 parallel blocks and k = 124 with 16, each
once in rounds that name the whole round before and once with blocks seen late, so that merge sets and
anticones vary.  The window moves with the finality point every 256 blocks.
"""

from __future__ import annotations

import gc
import hashlib
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chain.core.ghostdag import Dag, history_depth

RUNS = 5
FINALITY_DEPTH = 3600
HISTORY = history_depth(merge_depth=600, vrf_window=600, vrf_lag=16, vrf_era=16)


def block_hash(counter: int) -> bytes:
    """The hash of the counter-th block."""
    return hashlib.blake2b(counter.to_bytes(8, "big"), digest_size=32).digest()


def level_topology(blocks: int, width: int) -> list[tuple[bytes, tuple[bytes, ...]]]:
    """Rounds of ``width`` blocks, each on all blocks of the round before."""
    parents: tuple[bytes, ...] = (block_hash(0),)
    made: list[tuple[bytes, tuple[bytes, ...]]] = []
    while len(made) < blocks:
        level = tuple(block_hash(len(made) + 1 + at) for at in range(width))
        made.extend((block, tuple(sorted(parents))) for block in level)
        parents = level
    return made[:blocks]


def delayed_topology(blocks: int, width: int) -> list[tuple[bytes, tuple[bytes, ...]]]:
    """Blocks one after the other, each on the tips of what it has seen: all but the last 0 to width - 1."""
    made: list[tuple[bytes, tuple[bytes, ...]]] = []
    recent: list[tuple[bytes, tuple[bytes, ...]]] = [(block_hash(0), ())]
    while len(made) < blocks:
        block = block_hash(len(made) + 1)
        # mean delay (width - 1) / 2 blocks each way gives anticones of about width - 1
        delay = block[0] % width
        seen = recent[: len(recent) - delay] or recent[:1]
        named = {parent for _, parents in seen for parent in parents}
        tips = [known for known, _ in seen if known not in named]
        made.append((block, tuple(sorted(tips[-2 * width :]))))
        recent.append(made[-1])
        del recent[: -6 * width]
    return made


def run(k: int, topology: list[tuple[bytes, tuple[bytes, ...]]]) -> tuple[list[float], int, int, int]:
    """Insert everything once: CPU seconds of each tenth, blocks held at the end, blue and merged blocks."""
    dag = Dag(k)
    genesis = block_hash(0)
    dag.insert(genesis, (), 0)
    dag.mark_body_valid(genesis)
    final = sink = genesis
    heaviest = (0, genesis)
    laps: list[float] = []
    blues = merged = 0
    tenth = len(topology) // 10
    started = time.process_time()
    for count, (block, parents) in enumerate(topology, 1):
        view = dag.insert(block, parents, 1)
        dag.mark_body_valid(block)
        blues += len(view.blues)
        merged += len(view.mergeset)
        if (view.weight, block) > heaviest:
            heaviest = (view.weight, block)
            sink = block
        if count % 256 == 0:
            final = dag.finality_point(sink, FINALITY_DEPTH, final)
            dag.advance(final, HISTORY)
        if count % tenth == 0:
            laps.append(time.process_time() - started)
            started = time.process_time()
    return laps, len(dag), blues, merged


def measure(name: str, k: int, topology: list[tuple[bytes, tuple[bytes, ...]]]) -> None:
    """Print blocks a second in the first and last tenth and in all: the best of each tenth over the runs."""
    # the topology is the bench's own; the collector need not walk it while the DAG is timed
    gc.collect()
    gc.freeze()
    runs = [run(k, topology) for _ in range(RUNS)]
    gc.unfreeze()
    laps = [min(times) for times in zip(*(result[0] for result in runs), strict=True)]
    _, held, blues, merged = runs[0]
    tenth = len(topology) // 10
    print(
        f"{name:<22} k={k:<4} all {tenth * len(laps) / sum(laps):>8,.0f}/s  first tenth {tenth / laps[0]:>8,.0f}/s  "
        f"last {tenth / laps[-1]:>8,.0f}/s  last/first time {laps[-1] / laps[0]:.2f}  held {held:,}  "
        f"mergeset {merged / len(topology):.1f}  blue {100 * blues / merged:.1f} %"
    )


def main() -> None:
    """Measure the configurations."""
    blocks = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for k, width in ((19, 4), (124, 16)):
        measure(f"levels of {width}", k, level_topology(blocks, width))
        measure(f"delayed, width {width}", k, delayed_topology(blocks, width))


if __name__ == "__main__":
    main()
