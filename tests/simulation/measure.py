"""What is read off a world when time has passed."""

from __future__ import annotations

from chain.core.types import Stream
from tests.simulation.worlds import World


def windows(world: World, stream: Stream, start_ms: int, length_ms: int) -> list[int]:
    """Blocks of a stream in each window of elapsed time from ``start_ms`` to now."""
    end = world.simulation.elapsed_ms
    counts = [0] * ((end - start_ms) // length_ms)
    for block, record in world.ledger.records.items():
        at = world.ledger.born_ms[block] - world.simulation.start_ms - start_ms
        if record.header.stream == stream and 0 <= at < len(counts) * length_ms:
            counts[at // length_ms] += 1
    return counts
