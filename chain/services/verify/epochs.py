"""Stored epochs against executed ones: the chain, its rows and everything that lies under its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chain.core import lthash
from chain.core.consensus.chain_state import merge_order
from chain.core.consensus.model import BlockRecord, ChainUpdate, ExecutedEpoch
from chain.core.errors import RuleViolation
from chain.core.genesis import Genesis
from chain.core.rules.header_in_context import check_commitments
from chain.core.spec import ChainSpec
from chain.core.types import BlockStatus
from chain.services.verify.findings import EnoughFound, Findings
from chain.stores import audit, epochs, load
from chain.stores.connection import Connection
from chain.stores.genesis import genesis_epoch
from chain.stores.prune import Horizon
from chain.stores.rows import StoredEpoch

# chain blocks below a horizon that are looked at together
_CHUNK = 500


class EpochChecks:
    """Compares each epoch when the replay reaches it.

    An epoch that a later reorganisation took back is not stored: what does not fit is remembered, and
    only a difference if it is still on the chain at the end.
    """

    def __init__(
        self,
        conn: Connection,
        spec: ChainSpec,
        findings: Findings,
        record_of: Callable[[bytes], BlockRecord],
    ) -> None:
        self.checked = 0
        self._conn = conn
        self._spec = spec
        self._findings = findings
        self._record_of = record_of
        self._absent: dict[int, tuple[bytes, bytes | None]] = {}
        self._supply: dict[int, int] = {0: spec.minted_at_genesis}
        self._accepted: dict[int, int] = {}
        self._accepted_before = 0

    @property
    def accepted(self) -> int:
        """Transactions that the epochs of the chain accepted."""
        return self._accepted_before + sum(self._accepted.values())

    def check_genesis(self, genesis: Genesis, *, with_state: bool = True) -> None:
        """Compare what `init_chain` wrote; its state is gone where history was pruned."""
        rows = audit.read_by_number(self._conn, 0, 0) if with_state else {}
        shards, diffs = self._spec.shard_count, [(0, genesis.state)]
        expected = {
            "chain_consensus_order": [(0, 0, genesis.hash, True)],
            "chain_account_version": epochs.account_version_rows(diffs, shards),
            "chain_slot_version": epochs.slot_version_rows(diffs, shards),
        }
        for table, pairs, _ in audit.BY_NUMBER if with_state else ():
            names = [name for name, _ in pairs]
            self._findings.equal_rows(table, names, rows[table].get(0, []), expected.get(table, []), number=0)
        chain = audit.read_chain(self._conn, 0, 0)
        self._findings.equal("verify_selected_chain", chain.get(0), genesis.hash, number=0)
        stored = audit.read_epochs(self._conn, [genesis.hash]).get(genesis.hash)
        if stored is None:
            self._findings.add("verify_epoch_missing", number=0, hash=genesis.hash)
        else:
            self._findings.equal_fields("verify_epoch", stored, genesis_epoch(self._spec, genesis), number=0)

    def start_at(self, horizon: Horizon, lattices: Sequence[bytes]) -> None:
        """Check what is left below the horizon, and its state, from which everything above is executed."""
        last: StoredEpoch | None = None
        for first in range(0, horizon.number + 1, _CHUNK):
            last = self._chain_part(first, min(first + _CHUNK - 1, horizon.number), last)
        assert last is not None
        self._supply = {horizon.number: last.supply}
        here = {"number": horizon.number, "hash": horizon.hash}
        self._findings.equal("verify_selected_chain", last.hash, horizon.hash, **here)
        root = lthash.state_root(last.summary.minted, tuple(lattices))
        if not self._findings.equal("verify_lattice_sum", root, last.summary.state_root, **here):
            # whatever is executed on another state differs
            raise EnoughFound

    def _chain_part(self, first: int, last: int, before: StoredEpoch | None) -> StoredEpoch:
        """Links, and that each header commits to the stored result of the epoch before it."""
        chain = audit.read_chain(self._conn, first, last)
        stored = audit.read_epochs(self._conn, list(chain.values()))
        headers = load.load_headers(self._conn, chain.values())
        parents = audit.selected_parents(self._conn, list(chain.values()))
        for number in range(first, last + 1):
            block = chain.get(number)
            epoch = None if block is None else stored.get(block)
            if block is None or epoch is None:
                self._findings.add("verify_selected_chain" if block is None else "verify_epoch_missing", number=number)
                raise EnoughFound
            if before is not None:
                here = {"number": number, "hash": block}
                self._findings.equal("verify_selected_chain", parents[block], before.hash, field="parent", **here)
                try:
                    check_commitments(headers[block], before.summary)
                except RuleViolation as wrong:
                    self._findings.add(
                        "verify_epoch", field=wrong.code, got=wrong.expected, expected=wrong.got, number=number - 1
                    )
            self._accepted_before += epoch.tx_count
            before = epoch
        assert before is not None
        return before

    def settled(self, update: ChainUpdate) -> None:
        """Compare the epochs that an update added."""
        for number in range(update.fork_number + 1, update.fork_number + len(update.removed) + 1):
            self._absent.pop(number, None)
            self._accepted.pop(number, None)
            self._supply.pop(number, None)
        if update.added:
            self._compare(update.added)
        self._forget(self._record_of(update.finality_point).header.number)

    def end(self, sink: BlockRecord) -> None:
        """Name what is still absent, and what is stored above the sink."""
        for number, (expected, got) in sorted(self._absent.items()):
            self._findings.add("verify_selected_chain", number=number, got=got, expected=expected)
        for table, count in audit.count_above(self._conn, sink.header.number).items():
            self._findings.equal("verify_row_count", count, 0, "rows above the sink", table=table)
        stored = audit.count_rows(self._conn, "chain_epoch")
        self._findings.equal("verify_row_count", stored, sink.header.number + 1, table="chain_epoch")

    def _compare(self, added: Sequence[ExecutedEpoch]) -> None:
        first, last = added[0].number, added[-1].number
        chain = audit.read_chain(self._conn, first, last)
        rows = audit.read_by_number(self._conn, first, last)
        stored = audit.read_epochs(self._conn, [epoch.hash for epoch in added])
        statuses = audit.read_statuses(self._conn, [epoch.hash for epoch in added])
        for epoch in added:
            row = epochs.stored_epoch(epoch, self._supply[epoch.number - 1])
            self._supply[epoch.number] = row.supply
            self._accepted[epoch.number] = row.tx_count
            if chain.get(epoch.number) != epoch.hash:
                self._absent[epoch.number] = (epoch.hash, chain.get(epoch.number))
                continue
            self.checked += 1
            here = {"number": epoch.number, "hash": epoch.hash}
            if epoch.hash not in stored:
                self._findings.add("verify_epoch_missing", **here)
            else:
                self._findings.equal_fields("verify_epoch", stored[epoch.hash], row, **here)
            self._findings.equal("verify_status", statuses.get(epoch.hash), str(BlockStatus.CHAIN_VALID), **here)
            self._compare_rows(epoch, rows)

    def _compare_rows(self, epoch: ExecutedEpoch, stored: dict[str, dict[int, list[tuple[Any, ...]]]]) -> None:
        diffs, shards = [(epoch.number, epoch.result.diff)], self._spec.shard_count
        expected: dict[str, Sequence[tuple[Any, ...]]] = {
            "chain_consensus_order": self._order(epoch),
            "chain_acceptance": list(epochs.acceptance_rows([epoch])),
            "chain_log": list(epochs.log_rows([epoch])),
            "chain_skipped": list(epochs.skipped_rows([epoch])),
            "chain_account_version": epochs.account_version_rows(diffs, shards),
            "chain_slot_version": epochs.slot_version_rows(diffs, shards),
        }
        for table, pairs, _ in audit.BY_NUMBER:
            names = [name for name, _ in pairs]
            got = stored[table].get(epoch.number, [])
            self._findings.equal_rows(table, names, got, expected[table], number=epoch.number)

    def _order(self, epoch: ExecutedEpoch) -> list[tuple[Any, ...]]:
        record = self._record_of(epoch.hash)
        blues = set(record.blues)
        merged = [*merge_order(record, self._record_of), epoch.hash]
        return [
            (epoch.number, position, block, block == epoch.hash or block in blues)
            for position, block in enumerate(merged)
        ]

    def _forget(self, final: int) -> None:
        """What can be reorganised no more need not be kept by number."""
        for number in [number for number in self._accepted if number < final]:
            self._accepted_before += self._accepted.pop(number)
        for number in [number for number in self._supply if number < final - 1]:
            del self._supply[number]
