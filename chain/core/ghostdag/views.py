"""What GHOSTDAG says of a block, as plain frozen data that a store can keep and give back."""

from __future__ import annotations

from typing import NamedTuple

from chain.core.types import Stream


class BlockView(NamedTuple):
    """A block's facts and its own colouring of its past (protocol §6).

    Ints, bytes and tuples of them only, so that a row holds it and ``Dag.restore`` takes it back.

    Attributes
    ----------
    parents : tuple of bytes
        As inserted; empty for genesis.
    work : int
        Own work; 0 for genesis and stream C.
    lot : bytes
        Tie-breaking draw; the hash for A, B and genesis.
    mergeset : tuple of bytes
        Selected parent first, then ascending; empty for genesis.
    blues, reds : tuple of bytes
        The two colours of ``mergeset``, in its order.
    stream_counts : tuple of int
        Blue blocks of streams A, B, C in the past, genesis not counted.
    blue_score : int
        Sum of ``stream_counts`` + 1; genesis 0.
    blue_work : int
        Work of all blue blocks in the past.
    weight : int
        ``blue_work`` + ``work``.
    line : bytes
        Nearest work block on the own selected chain, itself included; else genesis.
    number : int
        Length of the selected chain below.
    """

    hash: bytes
    parents: tuple[bytes, ...]
    stream: Stream
    work: int
    lot: bytes
    vrf_key: bytes | None
    slot: int | None
    selected_parent: bytes | None
    mergeset: tuple[bytes, ...]
    blues: tuple[bytes, ...]
    reds: tuple[bytes, ...]
    stream_counts: tuple[int, int, int]
    blue_score: int
    blue_work: int
    weight: int
    line: bytes
    number: int

    @property
    def work_score(self) -> int:
        """Blue work blocks in the past: a + b of ``stream_counts``."""
        return self.stream_counts[0] + self.stream_counts[1]

    @property
    def order_key(self) -> tuple[int, bytes, int, bytes, bytes]:
        """The order of blocks (protocol §6); strictly increases along edges."""
        return (self.weight, self.line, self.blue_score, self.lot, self.hash)
