"""What the consensus engine reads from the node's store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chain.core.consensus.hot_state import HotState
from chain.core.execution.lanes import LaneOutcome, LaneTask
from chain.core.execution.overlay import CachedReader
from chain.core.ports import BlockHashes
from chain.core.types import EpochSummary, StateDiff, Transaction


class ChainSource(Protocol):
    """Bodies and undo data that are no longer in memory."""

    def transactions(self, hashes: Sequence[bytes]) -> dict[bytes, tuple[Transaction, ...]]:
        """The decoded bodies of committed blocks, senders known, in one round trip."""

    def undo_of(self, number: int) -> StateDiff:
        """The values before the committed epoch ``number`` of every key that it changed."""

    def summary_on_chain(self, block_hash: bytes) -> EpochSummary | None:
        """The epoch summary of a block that left the window, if the committed selected chain holds it.

        Such a block is final, so the answer does not depend on when it is asked for.
        """


@dataclass(frozen=True, slots=True)
class LaneBase:
    """Where the state of an epoch's lanes stands: a committed epoch of the selected chain, and what came since.

    ``hot`` knows every value that differs from the state after the epoch ``number`` of block ``hash``.
    """

    number: int
    hash: bytes
    hot: HotState


class LaneDispatcher(Protocol):
    """Runs the lanes of an epoch here or in other processes; the outcomes do not depend on where."""

    def __call__(
        self, base: LaneBase, tasks: Sequence[LaneTask], reader: CachedReader, block_hashes: BlockHashes
    ) -> Sequence[LaneOutcome]:
        """One outcome for each task, in any order; ``reader`` is the state before the epoch."""
