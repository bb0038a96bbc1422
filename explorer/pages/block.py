"""One block of the DAG: what it is, what it stands between, and what its epoch did."""

from __future__ import annotations

from dataclasses import dataclass

from chain.core.codec import pre_hash
from chain.core.difficulty import expand
from chain.core.errors import RuleViolation
from chain.core.seals import check_work_seal
from chain.core.types import BlockStatus, Header, Stream
from chain.selectors.blocks import BLOCK_BY_HASH, BLOCK_BY_NUMBER, CHILDREN, EPOCH_BY_NUMBER, BlockView
from chain.selectors.stats import STANDING, Standing
from chain.selectors.transactions import ACCEPTANCES_OF, SKIPPED, SkipView
from chain.stores.connection import Connection, database_errors
from chain.stores.rows import StoredEpoch
from explorer.pages.lines import TransactionLine, transaction_lines
from explorer.selectors.lists import BODY, DAG_LINES, DagLine

SHOWN_BODY = 100
SHOWN_SKIPPED = 50
SHOWN_TRANSACTIONS = 50
SHOWN_NEIGHBOURS = 60


@dataclass(frozen=True, slots=True)
class BlockPage:
    """A block with its neighbours; ``epoch`` and what follows it only on the selected chain.

    ``reward`` is what its coinbase got for it, wei; ``seal`` says in words what was checked.
    """

    view: BlockView
    parents: tuple[DagLine, ...]
    children: tuple[DagLine, ...]
    child_count: int
    blues: tuple[DagLine, ...]
    reds: tuple[DagLine, ...]
    mergeset: int
    body: tuple[bytes, ...]
    seal: str
    is_sealed: bool
    standing: Standing
    epoch: StoredEpoch | None
    rewards: tuple[tuple[bytes, int], ...]
    transactions: tuple[TransactionLine, ...]
    next_index: int | None
    skipped: tuple[SkipView, ...]

    @property
    def header(self) -> Header:
        """Its header."""
        return self.view.record.header

    @property
    def is_genesis(self) -> bool:
        """Whether it has no parents."""
        return not self.header.parents

    @property
    def previous(self) -> int:
        """The chain block before it."""
        return (self.view.chain_number or 1) - 1

    @property
    def next(self) -> int | None:
        """The chain block after it."""
        at = self.view.chain_number
        return None if at is None or at >= self.standing.number else at + 1

    @property
    def target(self) -> str:
        """Its expanded target, in hex; empty for stream C."""
        is_work = self.header.stream in (Stream.A, Stream.B)
        return f"0x{expand(self.header.target):064x}" if is_work else ""

    @property
    def nonce(self) -> str:
        """The nonce of its work, in hex."""
        is_work = self.header.stream in (Stream.A, Stream.B) and self.header.seal
        return f"0x{int.from_bytes(self.header.seal[0], 'little'):016x}" if is_work else ""

    @property
    def phases(self) -> tuple[int, ...]:
        """Accepted transactions by phase: local, transfers across shards, calls across shards."""
        return self.epoch.phase_txs if self.epoch else (0, 0, 0)

    @property
    def neighbours(self) -> tuple[tuple[str, tuple[DagLine, ...], int], ...]:
        """Headings, shown lines and totals of the blocks around it."""
        record = self.view.record
        return (
            ("Parents", self.parents, len(record.header.parents)),
            ("Children", self.children, self.child_count),
            ("Mergeset, blue", self.blues, max(0, len(record.blues) - 1)),
            ("Mergeset, red", self.reds, len(record.reds)),
        )

    @property
    def confirmations(self) -> int | None:
        """Blocks of the selected chain from the one that merged it to the sink; None where it is unmerged."""
        return None if self.view.merged_by is None else self.standing.number - self.view.merged_by + 1

    @property
    def is_final(self) -> bool:
        """Whether no reorganisation can undo it any more."""
        return self.view.merged_by is not None and self.view.merged_by <= self.standing.finality_number

    @property
    def is_disqualified(self) -> bool:
        """Whether it cannot be on the selected chain, its commitments being wrong."""
        return self.view.status == BlockStatus.DISQUALIFIED


def block_page(conn: Connection, key: int | bytes, first_index: int = 0) -> BlockPage | None:
    """Read the page of a block by hash, or by number on the selected chain; None where there is none.

    Raises
    ------
    StoreError
        ``database_*``.
    """
    with database_errors():
        view = _view(conn, key)
        standing = STANDING.one(conn)
        if view is None or standing is None:
            return None
        record = view.record
        found = CHILDREN.all(conn, record.hash, SHOWN_NEIGHBOURS)
        children = [child for child, _ in found]
        groups = (record.header.parents, tuple(children), record.blues[1:], record.reds)
        wanted = {block for group in groups for block in group[:SHOWN_NEIGHBOURS]}
        lines = {line.hash: line for line in DAG_LINES.all(conn, sorted(wanted))}
        body = tuple(BODY.all(conn, record.hash, SHOWN_BODY)) if view.tx_count else ()
        epoch, accepted, skipped = None, [], []
        if view.chain_number is not None:
            epoch = EPOCH_BY_NUMBER.one(conn, view.chain_number)
            accepted = ACCEPTANCES_OF.all(conn, view.chain_number, first_index, SHOWN_TRANSACTIONS + 1)
            if epoch is not None and epoch.skipped_count:
                skipped = SKIPPED.all(conn, view.chain_number, SHOWN_SKIPPED)
    shown = accepted[:SHOWN_TRANSACTIONS]
    with database_errors():
        lines_of_epoch = tuple(transaction_lines(conn, shown))
    sealed, seal = seal_of(record.header)
    known = [tuple([lines[block] for block in group[:SHOWN_NEIGHBOURS] if block in lines]) for group in groups]
    return BlockPage(
        view,
        parents=known[0],
        children=known[1],
        child_count=found[0][1] if found else 0,
        blues=known[2],
        reds=known[3],
        mergeset=len(record.blues) + len(record.reds) - 1 if record.blues else 0,
        body=body,
        seal=seal,
        is_sealed=sealed,
        standing=standing,
        epoch=epoch,
        rewards=_rewards(epoch),
        transactions=lines_of_epoch,
        next_index=shown[-1].index + 1 if len(accepted) > len(shown) else None,
        skipped=tuple(skipped),
    )


def chain_number_of(conn: Connection, key: int | bytes) -> int | None:
    """The number of a block of the selected chain, by hash or number; None for any other.

    Raises
    ------
    StoreError
        ``database_*``.
    """
    with database_errors():
        view = _view(conn, key)
    return view.chain_number if view else None


def _view(conn: Connection, key: int | bytes) -> BlockView | None:
    return BLOCK_BY_NUMBER.one(conn, key) if isinstance(key, int) else BLOCK_BY_HASH.one(conn, key)


def seal_of(header: Header) -> tuple[bool, str]:
    """Whether a header's seal is good, and how that is known.

    Work is hashed anew here; a lottery ticket was checked when the block came in, against the work of its past.
    """
    if not header.parents:
        return True, "none: it is given, not mined"
    if header.stream == Stream.C:
        return True, "VRF ticket and signature, verified when the block arrived"
    name = "BLAKE3" if header.stream == Stream.A else "kHeavyHash"
    try:
        check_work_seal(header.stream, pre_hash(header), header.timestamp_ms, expand(header.target), header.seal)
    except RuleViolation:
        return False, f"{name} work does not reach its target"
    return True, f"{name} work, hashed again for this page"


def _rewards(epoch: StoredEpoch | None) -> tuple[tuple[bytes, int], ...]:
    """What each coinbase got, greatest first."""
    sums: dict[bytes, int] = {}
    for coinbase, wei in epoch.rewards if epoch else ():
        sums[coinbase] = sums.get(coinbase, 0) + wei
    return tuple(sorted(sums.items(), key=lambda item: (-item[1], item[0])))
