"""What the consensus engine reads from the node's store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

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
