"""What the consensus engine hands to stores, pool, miners and RPC: frozen records, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass

from chain.core.seals.eligibility import Lottery
from chain.core.types import BlockStatus, EpochResult, EpochSummary, Header, StateDiff, Transaction


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """One block that is in the DAG, with everything past-derived that later blocks need.

    ``blues`` has the selected parent first, then ascending; ``reds`` ascending; both are of the
    mergeset only.  ``drift_*``/``gap_*`` are the difficulty integers in ms (protocol §5).
    """

    hash: bytes
    header: Header
    selected_parent: bytes | None
    blues: tuple[bytes, ...]
    reds: tuple[bytes, ...]
    work_score: int
    weight: int
    line: bytes
    lot: bytes
    drift_a: int
    gap_a: int
    drift_b: int
    gap_b: int


@dataclass(frozen=True, slots=True)
class NewBlock:
    """A block that entered the DAG in this commit."""

    record: BlockRecord
    status: BlockStatus
    transactions: tuple[Transaction, ...]
    envelopes: tuple[bytes, ...]
    source: str  # "mined", "rpc", "peer", "import"
    received_ms: int


@dataclass(frozen=True, slots=True)
class ExecutedEpoch:
    """An epoch that joins the selected chain in this commit (or is kept for templates)."""

    hash: bytes
    number: int
    parent_hash: bytes
    base_fee: int
    timestamp_ms: int
    result: EpochResult
    summary: EpochSummary


@dataclass(frozen=True, slots=True)
class VirtualSnapshot:
    """Everything that a template of any stream needs, and what `pending` means to readers.

    ``target_a``/``target_b`` are compact.  ``in_flight`` are hashes of transactions in the blocks
    that virtual merges: they will run before any new template's own.
    """

    sequence: int
    sink: bytes
    parents: tuple[bytes, ...]
    stream_counts: tuple[int, int, int]
    blue_score: int
    blue_work: int
    number: int
    latest_parent_timestamp: int
    latest_parent_slot: int
    sink_timestamp_ms: int
    version: int
    target_a: int
    target_b: int
    state_root: bytes
    receipts_root: bytes
    gas_used: int
    base_fee: int
    gas_left: int  # of the sink's epoch: room for a child is gas_left + its Δ'' × call_gas_per_s
    tx_left: int
    lottery: Lottery | None
    in_flight: tuple[bytes, ...]
    mergeset_blue: int
    mergeset_red: int


@dataclass(frozen=True, slots=True)
class ChainUpdate:
    """One commit of the writer: all of it becomes visible at once, or none.

    ``removed`` and ``added`` are the path of the selected chain, removed from the old sink down,
    added from the fork up; ``undone`` are the epochs of ``removed`` (their diffs' ``undo`` has been
    applied).  ``state`` is the net new value of every key touched by removed and added together.
    """

    sequence: int
    blocks: tuple[NewBlock, ...]
    statuses: tuple[tuple[bytes, BlockStatus], ...]  # changes of earlier blocks, then of new ones
    invalid: tuple[tuple[bytes, str], ...]  # (hash, code) of refused candidates
    fork_number: int  # number of the highest block of the old chain that stays
    removed: tuple[bytes, ...]
    added: tuple[ExecutedEpoch, ...]
    state: StateDiff
    lattices: tuple[bytes, ...]  # after the new sink's epoch
    returned: tuple[Transaction, ...]  # accepted by removed epochs, not accepted by added ones
    virtual: VirtualSnapshot
    finality_point: bytes
    tips: tuple[bytes, ...]
