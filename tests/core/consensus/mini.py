"""A whole node in memory: engine, templates and miners with easy targets, for tests of consensus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from eth_account import Account as Wallet

from chain.core.codec import header_hash, pre_hash
from chain.core.consensus.chain_state import ChainState
from chain.core.consensus.engine import Arrival, Engine
from chain.core.consensus.hot_state import HotState
from chain.core.consensus.model import BlockRecord, ChainUpdate
from chain.core.difficulty import expand
from chain.core.execution.memory_state import MemoryState
from chain.core.genesis import make_genesis, network_spec
from chain.core.ghostdag import Dag
from chain.core.pool import PoolEntry
from chain.core.rules.body_in_isolation import check_body_in_isolation
from chain.core.rules.header_in_isolation import check_header_in_isolation
from chain.core.seals import mining, vrf
from chain.core.spec import ChainSpec
from chain.core.template import build_template, seal_template
from chain.core.transactions import decode_transaction
from chain.core.types import Block, BlockStatus, EpochSummary, StateDiff, Stream, Transaction

EASY = 2**255
START = 1_800_000_000_000


@lru_cache(maxsize=8)
def easy_spec(**changes: int) -> ChainSpec:
    """Devnet with targets that every second nonce meets."""
    spec = network_spec("devnet")
    easy_a = replace(spec.stream_a, initial_target=EASY, pow_limit=EASY)
    easy_b = replace(spec.stream_b, initial_target=EASY, pow_limit=EASY)
    return replace(spec, stream_a=easy_a, stream_b=easy_b, **changes)


def wallet(index: int):
    """One of the funded development accounts."""
    Wallet.enable_unaudited_hdwallet_features()
    phrase = "test test test test test test test test test test test junk"
    return Wallet.from_mnemonic(phrase, account_path=f"m/44'/60'/0'/0/{index}")


@lru_cache(maxsize=16)
def dev(index: int):
    """``wallet`` made once."""
    return wallet(index)


def transfer(spec: ChainSpec, index: int, nonce: int, to: bytes, value: int = 1, tip: int = 10**9) -> bytes:
    """A signed EIP-1559 transfer's envelope."""
    fields = {
        "type": 2,
        "chainId": spec.chain_id,
        "nonce": nonce,
        "maxPriorityFeePerGas": tip,
        "maxFeePerGas": 100 * 10**9,
        "gas": 21_000,
        "to": to,
        "value": value,
        "data": b"",
    }
    return bytes(dev(index).sign_transaction(fields).raw_transaction)


@dataclass
class Stored:
    """What a store would hold: enough to answer the engine and to restart it."""

    state: MemoryState
    bodies: dict[bytes, tuple[Transaction, ...]] = field(default_factory=dict)
    undo: dict[int, StateDiff] = field(default_factory=dict)
    summaries: dict[bytes, EpochSummary] = field(default_factory=dict)
    updates: list[ChainUpdate] = field(default_factory=list)

    def transactions(self, hashes: Sequence[bytes]) -> dict[bytes, tuple[Transaction, ...]]:
        return {block: self.bodies[block] for block in hashes}

    def undo_of(self, number: int) -> StateDiff:
        return self.undo[number]

    def summary_on_chain(self, block_hash: bytes) -> EpochSummary | None:
        return self.summaries.get(block_hash)

    def apply(self, update: ChainUpdate) -> None:
        self.summaries.update({epoch.hash: epoch.summary for epoch in update.added})
        for new in update.blocks:
            self.bodies[new.record.hash] = new.transactions
        for number in [known for known in self.undo if known > update.fork_number]:
            del self.undo[number]
        for epoch in update.added:
            self.undo[epoch.number] = epoch.result.undo
        self.state.apply(update.state)
        self.updates.append(update)


def pool_entry(raw: bytes) -> PoolEntry:
    """A transaction as the pool would hand it to a template."""
    tx = decode_transaction(raw)
    return PoolEntry(
        tx.hash, tx.sender, tx.nonce, tx.max_priority_fee, tx.max_fee, tx.upfront, 0, tx.gas_limit, tx.is_simple, raw
    )


def genesis_record(genesis) -> BlockRecord:
    """The genesis block as the engine keeps it."""
    return BlockRecord(genesis.hash, genesis.header, None, (), (), 0, 0, genesis.hash, genesis.hash, 0, 0, 0, 0)


class Mini:
    """One node; ``clock`` moves by hand."""

    def __init__(self, spec: ChainSpec | None = None) -> None:
        self.spec = spec or easy_spec()
        self.genesis = make_genesis(self.spec)
        state = MemoryState()
        state.apply(self.genesis.state)
        self.store = Stored(state, bodies={self.genesis.hash: ()})
        self.clock = START
        record = genesis_record(self.genesis)
        records = {self.genesis.hash: record}
        dag = Dag(self.spec.ghostdag_k)
        dag.insert(self.genesis.hash, (), 0)
        dag.mark_body_valid(self.genesis.hash)
        chain_state = ChainState(
            self.spec,
            HotState(state),
            self.store,
            self.genesis.lattices,
            record,
            {0: self.genesis.hash},
            {self.genesis.hash: self.genesis.summary},
            records,
        )
        self.engine = Engine(
            self.spec,
            dag,
            records,
            {self.genesis.hash: BlockStatus.CHAIN_VALID},
            chain_state,
            self.genesis.hash,
        )
        self.engine.resolve()

    def deliver(self, block: Block) -> BlockRecord:
        """Isolation and context, without resolving."""
        check_header_in_isolation(block.header, self.spec)
        transactions = check_body_in_isolation(block, self.spec)
        return self.engine.add(Arrival(block.header, transactions, block.transactions, "test", self.clock))

    def deliverable(self, block: Block) -> tuple[Transaction, ...]:
        """The transactions of a block that passes in isolation."""
        return check_body_in_isolation(block, self.spec)

    def settle(self) -> ChainUpdate:
        """Resolve and commit."""
        self.engine.resolve()
        update = self.engine.collect()
        self.store.apply(update)
        self.engine.committed()
        return update

    def take(self, block: Block) -> ChainUpdate:
        """Deliver one block and settle."""
        self.deliver(block)
        return self.settle()

    def make(
        self,
        stream: Stream,
        envelopes: Sequence[bytes] = (),
        *,
        after_ms: int = 1000,
        coinbase: bytes = b"\xc0" * 20,
        seed: bytes = b"\x01" * 32,
        snapshot=None,
        **changes,
    ) -> Block:
        """Mine one block on virtual (or on an older snapshot of it); ``changes`` overwrite header fields."""
        self.clock += after_ms
        transactions = [pool_entry(raw) for raw in envelopes]
        snapshot = snapshot or self.engine.virtual()
        template = build_template(self.spec, snapshot, stream, coinbase, vrf.public_key(seed), self.clock, transactions)
        template = replace(template, header=replace(template.header, **changes)) if changes else template
        return seal_template(template, self.seal(template.header, seed, snapshot))

    def seal(self, header, seed: bytes, snapshot) -> tuple[bytes, ...]:
        """Work or a won slot."""
        if header.stream == Stream.A:
            found = mining.search_a(pre_hash(header), expand(header.target), 0, 10_000)
        elif header.stream == Stream.B:
            found = mining.search_b(pre_hash(header), header.timestamp_ms, expand(header.target), 0, 10_000)
        else:
            lottery = snapshot.lottery
            slot = header.timestamp_ms // self.spec.slot_ms
            won = mining.try_slot(
                seed,
                lottery.seed,
                slot,
                weight=lottery.weight(vrf.public_key(seed)),
                total=lottery.total,
                c_num=self.spec.c_num,
                c_den=self.spec.c_den,
            )
            assert won is not None
            found = mining.sign_c(seed, pre_hash(header), won[0])
        assert found is not None
        return found

    def balance(self, address: bytes) -> int:
        """Wei at the sink."""
        account = self.engine.state.hot.get_account(address)
        return account.balance if account else 0


def name(block: Block) -> bytes:
    """Its hash."""
    return header_hash(block.header)
