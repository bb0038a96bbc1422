"""A chain of synthetic epochs with a consistent state, for tests of everything behind the engine.

Blocks have no seals and epochs are worked out here by hand: plain transfers move balances, and whatever
else a test wants to happen (logs, slots, code, deaths) it says.  Commitments, lattices, undo data,
supply and net state are true, so stores and readers can be compared with them to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chain.core import lthash
from chain.core.codec import header_hash, tx_root
from chain.core.consensus.model import BlockRecord, ChainUpdate, ExecutedEpoch, NewBlock, VirtualSnapshot
from chain.core.execution.memory_state import MemoryState
from chain.core.genesis import make_genesis, network_genesis, network_spec
from chain.core.merkle import merkle_root
from chain.core.seals.eligibility import Lottery
from chain.core.shards import shard_of
from chain.core.spec import AllocAccount
from chain.core.transactions import keccak
from chain.core.types import (
    EMPTY_CODE_HASH,
    ZERO_HASH,
    Account,
    BlockStatus,
    EpochResult,
    EpochSummary,
    Header,
    Log,
    Phase,
    Receipt,
    Skipped,
    SkipReason,
    StateDiff,
    SupplyChange,
    Transaction,
)
from chain.stores.genesis import genesis_record
from tests.factories import wallets

RICH = 10**24

SignedTransaction = tuple[bytes, Transaction]


@dataclass
class Effects:
    """What an epoch does beside its transfers."""

    logs: Mapping[int, tuple[Log, ...]] = field(default_factory=dict)  # by index of the transaction
    slots: Mapping[tuple[bytes, int], int] = field(default_factory=dict)
    codes: Mapping[bytes, bytes] = field(default_factory=dict)  # address → code
    gone: Sequence[bytes] = ()
    failed: Sequence[int] = ()  # indices of transactions that revert
    skipped: Sequence[tuple[Transaction, SkipReason]] = ()


class ChainFactory:
    """Builds blocks and epochs over the devnet's genesis, and the updates that carry them.

    Wallets 0 to 9 own devnet's funds.  ``more_wallets`` adds funded ones, on a genesis of its own.
    """

    def __init__(self, more_wallets: int = 0) -> None:
        self.spec = network_spec("devnet")
        self.genesis = network_genesis("devnet")
        if more_wallets:
            alloc = [*self.spec.alloc, *[AllocAccount(wallets.address(10 + i), RICH) for i in range(more_wallets)]]
            self.spec = replace(self.spec, alloc=tuple(sorted(alloc, key=lambda account: account.address)))
            self.genesis = make_genesis(self.spec)
        root = self.genesis.hash
        state = MemoryState()
        state.apply(self.genesis.state)
        self.records: dict[bytes, BlockRecord] = {root: genesis_record(self.genesis)}
        self.blocks: dict[bytes, NewBlock] = {}
        self.states: dict[bytes, MemoryState] = {root: state}
        self.lattices: dict[bytes, tuple[bytes, ...]] = {root: self.genesis.lattices}
        self.summaries: dict[bytes, EpochSummary] = {root: self.genesis.summary}
        self.supplies: dict[bytes, int] = {root: self.spec.minted_at_genesis}
        self.epochs: dict[bytes, ExecutedEpoch] = {}
        self.sequence = 0
        self._salt = 0

    # ---- blocks -------------------------------------------------------------------------------

    def block(
        self,
        parent: bytes,
        body: Sequence[SignedTransaction] = (),
        *,
        stream: int = 2,
        blues: Sequence[bytes] = (),
        reds: Sequence[bytes] = (),
        coinbase: bytes | None = None,
        status: BlockStatus = BlockStatus.CHAIN_VALID,
        step_ms: int = 1000,
        source: str = "mined",
    ) -> NewBlock:
        """A block on ``parent`` that merges ``blues`` and ``reds``."""
        self._salt += 1
        selected = self.records[parent]
        merged = [self.records[other] for other in (*blues, *reds)]
        counts = list(selected.header.stream_counts)
        for blue in (parent, *blues):
            if self.records[blue].header.stream:
                counts[self.records[blue].header.stream - 1] += 1
        blue_work = selected.header.blue_work + self._work(selected) + sum(self._work(self.records[b]) for b in blues)
        summary = self.summaries.get(parent, self.genesis.summary)
        header = Header(
            version=1,
            chain_id=self.spec.chain_id,
            stream=stream,
            parents=tuple(sorted({parent, *blues, *reds})),
            timestamp_ms=max(r.header.timestamp_ms for r in (selected, *merged)) + step_ms,
            target=0x1E00FFFF if stream != 3 else 0,
            stream_counts=(counts[0], counts[1], counts[2]),
            blue_score=sum(counts) + 1,
            blue_work=blue_work,
            number=selected.header.number + 1,
            coinbase=wallets.address(900 + stream) if coinbase is None else coinbase,
            vrf_key=keccak(b"vrf"),
            tx_root=tx_root([tx.hash for _, tx in body]),
            state_root=summary.state_root,
            receipts_root=summary.receipts_root,
            gas_used=summary.gas_used,
            base_fee=summary.next_base_fee,
            extra=self._salt.to_bytes(4, "big"),
            seal=(bytes(80), bytes(64)) if stream == 3 else (self._salt.to_bytes(8, "little"),),
        )
        block_hash = header_hash(header)
        record = BlockRecord(
            hash=block_hash,
            header=header,
            selected_parent=parent,
            blues=(parent, *blues),
            reds=tuple(reds),
            work_score=counts[0] + counts[1],
            weight=blue_work + self._stream_work(stream),
            line=block_hash if stream != 3 else selected.line,
            lot=block_hash if stream != 3 else keccak(block_hash),
            drift_a=-self._salt,
            gap_a=self._salt,
            drift_b=self._salt,
            gap_b=2 * self._salt,
        )
        new = NewBlock(
            record=record,
            status=status,
            transactions=tuple([tx for _, tx in body]),
            envelopes=tuple([envelope for envelope, _ in body]),
            source=source,
            received_ms=header.timestamp_ms + 5,
        )
        self.records[block_hash] = record
        self.blocks[block_hash] = new
        return new

    @staticmethod
    def _stream_work(stream: int) -> int:
        return {0: 0, 1: 10 * 2**230, 2: 2**230, 3: 0}[stream]

    def _work(self, record: BlockRecord) -> int:
        return self._stream_work(record.header.stream)

    # ---- epochs -------------------------------------------------------------------------------

    def execute(self, block: NewBlock, effects: Effects | None = None) -> ExecutedEpoch:
        """Work out the epoch of a block: its own transactions and those of the blues that it merges."""
        effects = effects or Effects()
        record, parent = block.record, block.record.selected_parent
        assert parent is not None
        before, header = self.states[parent], record.header
        after = before.copy()
        skipped = {tx.hash for tx, _ in effects.skipped}
        including: dict[bytes, tuple[Transaction, bytes]] = {}
        for other in (*record.blues[1:], record.hash):
            for tx in self.blocks[other].transactions:
                if tx.hash not in skipped:
                    including.setdefault(tx.hash, (tx, other))
        touched: dict[bytes, None] = {}
        receipts, tips, burned, gas = self._run(after, touched, list(including.values()), header.base_fee, effects)
        reward = 25 * 10**18
        _credit(after, touched, header.coinbase, tips + reward)
        for address, code in effects.codes.items():
            old = after.get_account(address) or Account(1, 0, EMPTY_CODE_HASH)
            after.codes[keccak(code)] = code
            after.accounts[address] = Account(old.nonce, old.balance, keccak(code))
            touched[address] = None
        destroyed = 0
        for address in effects.gone:
            account = after.accounts.pop(address)
            destroyed += account.balance
            touched[address] = None
        after.apply(StateDiff({}, dict(effects.slots), {}))
        accounts = {a: after.get_account(a) for a in sorted(touched) if after.get_account(a) != before.get_account(a)}
        slots = {key: v for key, v in sorted(effects.slots.items()) if v != before.get_slot(*key)}
        codes = {keccak(code): code for code in effects.codes.values()}
        diff = StateDiff(accounts, slots, codes)
        undo = StateDiff({a: before.get_account(a) for a in accounts}, {k: before.get_slot(*k) for k in slots}, {})
        lattices = lthash.update_lattices(self.lattices[parent], undo, diff, self.spec.shard_count)
        minted = self.summaries[parent].minted + reward
        summary = EpochSummary(
            state_root=lthash.state_root(minted, lattices),
            receipts_root=merkle_root([receipt.tx_hash for receipt in receipts]),
            gas_used=gas,
            minted=minted,
            gas_left=self.spec.epoch_call_gas,
            tx_left=self.spec.epoch_max_txs - len(receipts),
            admitted_gas=0,
            admitted_count=len(receipts),
            next_base_fee=header.base_fee + 1,
        )
        result = EpochResult(
            receipts=tuple(receipts),
            skipped=tuple([Skipped(tx.hash, why, record.hash, tx.sender) for tx, why in effects.skipped]),
            diff=diff,
            undo=undo,
            lattices=lattices,
            state_root=summary.state_root,
            receipts_root=summary.receipts_root,
            gas_used=gas,
            logs_bloom=keccak(record.hash) * 8,
            admitted_count=len(receipts),
            admitted_gas=0,
            reserved_gas=21_000 * len(receipts),
            minted=minted,
            supply=SupplyChange(reward, burned, 0, destroyed),
            rewards=((header.coinbase, reward),),
        )
        epoch = ExecutedEpoch(
            hash=record.hash,
            number=header.number,
            parent_hash=parent,
            base_fee=header.base_fee,
            timestamp_ms=header.timestamp_ms,
            result=result,
            summary=summary,
        )
        self.states[record.hash], self.lattices[record.hash] = after, lattices
        self.summaries[record.hash], self.epochs[record.hash] = summary, epoch
        self.supplies[record.hash] = self.supplies[parent] + reward - burned - destroyed
        return epoch

    def _run(
        self,
        state: MemoryState,
        touched: dict[bytes, None],
        transactions: Sequence[tuple[Transaction, bytes]],
        base_fee: int,
        effects: Effects,
    ) -> tuple[list[Receipt], int, int, int]:
        receipts: list[Receipt] = []
        tips = burned = gas = 0
        for index, (tx, block_hash) in enumerate(transactions):
            price = min(tx.max_fee, base_fee + tx.max_priority_fee)
            account = state.accounts[tx.sender]
            failed = index in effects.failed
            value = 0 if failed or tx.to is None else tx.value
            state.accounts[tx.sender] = Account(
                account.nonce + 1, account.balance - value - 21_000 * price, account.code_hash
            )
            touched[tx.sender] = None
            if tx.to is not None:
                _credit(state, touched, tx.to, value)
            tips += 21_000 * (price - base_fee)
            burned += 21_000 * base_fee
            gas += 21_000
            lane = shard_of(tx.sender, self.spec.shard_count)
            local = tx.to is not None and shard_of(tx.to, self.spec.shard_count) == lane
            receipts.append(
                Receipt(
                    tx_hash=tx.hash,
                    status=0 if failed else 1,
                    gas_used=21_000,
                    cumulative_gas_used=gas,
                    effective_gas_price=price,
                    contract_address=keccak(tx.sender + tx.nonce.to_bytes(8, "big"))[12:] if tx.to is None else None,
                    logs=tuple(effects.logs.get(index, ())),
                    phase=Phase.LOCAL if local else Phase.TRANSFER,
                    lane=lane,
                    block_hash=block_hash,
                    position=index,
                )
            )
        return receipts, tips, burned, gas

    # ---- updates ------------------------------------------------------------------------------

    def update(
        self,
        blocks: Sequence[NewBlock],
        *,
        sink: bytes,
        added: Sequence[bytes] = (),
        removed: Sequence[bytes] = (),
        statuses: Sequence[tuple[bytes, BlockStatus]] = (),
        invalid: Sequence[tuple[bytes, str]] = (),
        lottery: Lottery | None = None,
    ) -> ChainUpdate:
        """The commit that inserts ``blocks`` and moves the sink along ``removed`` and ``added``."""
        self.sequence += 1
        path = [*removed, *added]
        keys = [self.epochs[block_hash].result.diff for block_hash in path]
        state = self.states[sink]
        net = StateDiff(
            {address: state.get_account(address) for diff in keys for address in diff.accounts},
            {key: state.get_slot(*key) for diff in keys for key in diff.slots},
            {code_hash: code for diff in keys for code_hash, code in diff.codes.items()},
        )
        accepted_again = {r.tx_hash for h in added for r in self.epochs[h].result.receipts}
        decoded = {tx.hash: tx for block in self.blocks.values() for tx in block.transactions}
        returned = [r.tx_hash for h in removed for r in self.epochs[h].result.receipts]
        first = self.records[added[0] if added else sink].header.number
        return ChainUpdate(
            sequence=self.sequence,
            blocks=tuple(blocks),
            statuses=tuple(statuses),
            invalid=tuple(invalid),
            fork_number=first - 1 if added else first,
            removed=tuple(removed),
            added=tuple([self.epochs[block_hash] for block_hash in added]),
            state=net,
            lattices=self.lattices[sink],
            returned=tuple([decoded[h] for h in returned if h not in accepted_again]),
            virtual=self.virtual(sink, lottery),
            finality_point=self.genesis.hash,
            tips=(sink,),
        )

    def virtual(self, sink: bytes, lottery: Lottery | None = None) -> VirtualSnapshot:
        """A snapshot over one sink."""
        record, summary = self.records[sink], self.summaries[sink]
        header = record.header
        return VirtualSnapshot(
            sequence=self.sequence,
            sink=sink,
            parents=(sink,),
            stream_counts=header.stream_counts,
            blue_score=header.blue_score + 1,
            blue_work=header.blue_work + self._work(record),
            number=header.number + 1,
            latest_parent_timestamp=header.timestamp_ms,
            latest_parent_slot=header.timestamp_ms // self.spec.slot_ms,
            sink_timestamp_ms=header.timestamp_ms,
            version=1,
            target_a=0x1E00FFFF,
            target_b=0x1F00FFFF,
            state_root=summary.state_root,
            receipts_root=summary.receipts_root,
            gas_used=summary.gas_used,
            base_fee=summary.next_base_fee,
            gas_left=summary.gas_left,
            tx_left=summary.tx_left,
            lottery=lottery,
            in_flight=(ZERO_HASH,),
            mergeset_blue=len(record.blues),
            mergeset_red=len(record.reds),
        )

    # ---- short cuts ---------------------------------------------------------------------------

    def send(self, parent: bytes, sender: int, to: bytes | None, value: int = 1, **extra: Any) -> SignedTransaction:
        """A transfer that is next in the state of ``parent``; ``nonce`` may be named."""
        account = self.states[parent].get_account(wallets.address(sender))
        nonce = extra.pop("nonce", account.nonce if account else 0)
        return wallets.transfer(sender, nonce, to, value, chain_id=self.spec.chain_id, **extra)

    def extend(
        self, parent: bytes, body: Sequence[SignedTransaction] = (), effects: Effects | None = None, **extra: Any
    ) -> bytes:
        """A block on ``parent`` with its epoch; its hash."""
        block = self.block(parent, body, **extra)
        self.execute(block, effects)
        return block.record.hash

    def step(
        self, parent: bytes, body: Sequence[SignedTransaction] = (), effects: Effects | None = None, **extra: Any
    ) -> ChainUpdate:
        """``extend`` and the update that commits it."""
        block_hash = self.extend(parent, body, effects, **extra)
        return self.update([self.blocks[block_hash]], sink=block_hash, added=[block_hash])


def _credit(state: MemoryState, touched: dict[bytes, None], address: bytes, amount: int) -> None:
    if amount:
        account = state.get_account(address) or Account(0, 0, EMPTY_CODE_HASH)
        state.accounts[address] = Account(account.nonce, account.balance + amount, account.code_hash)
        touched[address] = None
