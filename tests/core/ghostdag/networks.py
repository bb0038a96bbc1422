"""Random DAGs: miners with delays, partitions that part and meet, withheld branches, free C blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random
from unittest.mock import patch

from hypothesis import strategies as st

from chain.core.ghostdag import Dag, reachability
from tests.core.ghostdag.reference import Made


def make_hash(salt: int, counter: int) -> bytes:
    return hashlib.blake2b(b"%d/%d" % (salt, counter), digest_size=32).digest()


@dataclass(frozen=True)
class Shape:
    """What kind of network: one miner view per side, blocks seen late, merges across sides seldom."""

    streams: str = "AABCCC"
    works: tuple[int, ...] = (1, 1, 2, 256)
    sides: int = 2
    max_delay: int = 6
    meet: float = 0.2
    max_parents: int = 5
    keys: int = 2
    slots: int = 4
    stale: float = 0.05


def network(seed: int, size: int, shape: Shape) -> list[Made]:
    """A DAG of ``size`` blocks and genesis in an order of arrival; parents are antichains."""
    random = Random(seed)
    genesis = Made(make_hash(seed, 0), ())
    made = [genesis]
    pasts: dict[bytes, frozenset[bytes]] = {genesis.hash: frozenset()}
    side_of = {genesis.hash: -1}
    for counter in range(1, size + 1):
        side = random.randrange(shape.sides)
        meets = random.random() < shape.meet
        delay = random.randint(0, shape.max_delay)
        if random.random() < shape.stale:
            delay = random.randint(0, len(made) - 1)
        seen = [block for block in made[: max(1, len(made) - delay)] if meets or side_of[block.hash] in (side, -1)]
        random.shuffle(seen)
        seen.sort(key=lambda block: len(pasts[block.hash]), reverse=random.random() < 0.9)
        chosen: list[bytes] = []
        for block in seen:
            if len(chosen) == shape.max_parents:
                break
            related = any(
                block.hash in pasts[other] or other in pasts[block.hash] or other == block.hash for other in chosen
            )
            if not related:
                chosen.append(block.hash)
        stream = random.choice(shape.streams)
        block = Made(
            make_hash(seed, counter),
            tuple(sorted(chosen)),
            work=random.choice(shape.works) if stream != "C" else 0,
            stream=stream,
            lot=make_hash(seed + 1, counter) if stream == "C" else b"",
            vrf_key=b"key %d" % random.randrange(shape.keys),
            slot=random.randrange(shape.slots) if stream == "C" else None,
        )
        made.append(block)
        side_of[block.hash] = side
        pasts[block.hash] = frozenset().union(*(pasts[parent] | {parent} for parent in chosen))
    return made


SHAPES = [
    Shape(),
    Shape(streams="A", works=(1,), sides=1, max_delay=8, max_parents=10),
    Shape(streams="A", works=(1,), sides=3, meet=0.1),
    Shape(streams="AB", works=(1, 3, 100), sides=2, meet=0.3),
    Shape(streams="ACCCCCCCC", works=(1,), sides=1, max_delay=10, max_parents=8, keys=1, slots=3),
    Shape(streams="CCCCA", sides=2, keys=1, slots=40, max_delay=3),
    Shape(streams="AAAAC", sides=4, meet=0.05, stale=0.2),
]

networks = st.builds(
    network,
    seed=st.integers(0, 2**32),
    size=st.integers(1, 9) | st.integers(20, 60),
    shape=st.sampled_from(SHAPES),
)


def shuffled(made: Sequence[Made], seed: int) -> list[Made]:
    """The same blocks in another order that keeps parents before children."""
    random = Random(seed)
    waiting = {block.hash: set(block.parents) for block in made}
    by_hash = {block.hash: block for block in made}
    order: list[Made] = []
    while waiting:
        ready = sorted(block for block, parents in waiting.items() if not parents)
        # now and then a run of one branch, else anything
        block = ready[-1] if random.random() < 0.5 else random.choice(ready)
        del waiting[block]
        for parents in waiting.values():
            parents.discard(block)
        order.append(by_hash[block])
    return order


def spilling_early(seed: int) -> AbstractContextManager[object]:
    """Masks that move zeros into the holes after a few bits, so that small DAGs have holes too."""
    return patch.object(reachability, "RECENT_BITS", (2048, 2, 8, 20)[seed % 4])


def insert(dag: Dag, block: Made, **more: object) -> object:
    """Insert a made block, leaving the lot to its default where it has none."""
    return dag.insert(
        block.hash,
        block.parents,
        block.work,
        stream=block.stream,
        lot=block.lot or None,
        vrf_key=block.vrf_key,
        slot=block.slot,
        **more,  # type: ignore[arg-type]
    )
