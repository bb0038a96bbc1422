"""The genesis block and state of a network (protocol §2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from chain.core import lthash
from chain.core.codec import header_hash
from chain.core.errors import RuleCode, RuleViolation
from chain.core.merkle import merkle_root
from chain.core.shards import shard_of
from chain.core.spec import ChainSpec, load_spec
from chain.core.transactions import keccak
from chain.core.types import EMPTY_CODE_HASH, ZERO_ADDRESS, ZERO_HASH, Account, EpochSummary, Header, StateDiff

NETWORKS = ("devnet", "testnet")

# A network's identity: its first block.  A change of any parameter is a new network with a new name.
GENESIS_HASHES = {
    "devnet": "6c35edc5abfc50f845dcb87e867ee738f78a51d259694c153513eab765672bee",
    "testnet": "0994ecdbc385e912195a4d5d5c4cca79d537d32e79a622d971bc887620e74ad2",
}


@dataclass(frozen=True)
class Genesis:
    """The genesis header with what children need of its epoch."""

    header: Header
    hash: bytes
    state: StateDiff
    lattices: tuple[bytes, ...]
    summary: EpochSummary


def genesis_state(spec: ChainSpec) -> StateDiff:
    """The accounts, slots and codes of alloc."""
    accounts: dict[bytes, Account | None] = {}
    slots: dict[tuple[bytes, int], int] = {}
    codes: dict[bytes, bytes] = {}
    for entry in spec.alloc:
        code_hash = keccak(entry.code) if entry.code else EMPTY_CODE_HASH
        if entry.code:
            codes[code_hash] = entry.code
        account = Account(entry.nonce, entry.balance, code_hash)
        if not account.is_empty:
            accounts[entry.address] = account
        for slot, value in entry.storage:
            slots[(entry.address, slot)] = value
    return StateDiff(accounts, slots, codes)


def genesis_lattices(spec: ChainSpec, state: StateDiff) -> tuple[bytes, ...]:
    """The LtHash of every shard over the genesis state."""
    added: list[list[bytes]] = [[] for _ in range(spec.shard_count)]
    for address, account in state.accounts.items():
        if account is not None:
            added[shard_of(address, spec.shard_count)].append(lthash.account_element(address, account))
    for (address, slot), value in state.slots.items():
        added[shard_of(address, spec.shard_count)].append(lthash.slot_element(address, slot, value))
    return tuple([lthash.update(lthash.EMPTY_LATTICE, [], elements) for elements in added])


def make_genesis(spec: ChainSpec) -> Genesis:
    """Build the genesis block of a spec."""
    state = genesis_state(spec)
    lattices = genesis_lattices(spec, state)
    empty_root = merkle_root([])
    header = Header(
        version=1,
        chain_id=spec.chain_id,
        stream=0,
        parents=(),
        timestamp_ms=spec.timestamp_ms,
        target=0,
        stream_counts=(0, 0, 0),
        blue_score=0,
        blue_work=0,
        number=0,
        coinbase=ZERO_ADDRESS,
        vrf_key=ZERO_HASH,
        tx_root=empty_root,
        state_root=lthash.state_root(spec.minted_at_genesis, lattices),
        receipts_root=empty_root,
        gas_used=0,
        base_fee=spec.min_base_fee,
        extra=spec.spec_hash,
        seal=(),
    )
    summary = EpochSummary(
        state_root=header.state_root,
        receipts_root=empty_root,
        gas_used=0,
        minted=spec.minted_at_genesis,
        gas_left=spec.epoch_call_gas,
        tx_left=spec.epoch_max_txs,
        admitted_gas=0,
        admitted_count=0,
        next_base_fee=spec.min_base_fee,
    )
    return Genesis(header, header_hash(header), state, lattices, summary)


@lru_cache(maxsize=4)
def network_spec(network: str) -> ChainSpec:
    """The spec of a known network, from its genesis file.

    Raises
    ------
    RuleViolation
        SPEC_VALUE where the name is unknown, or any error of ``load_spec``.
    """
    if network not in NETWORKS:
        raise RuleViolation(RuleCode.SPEC_VALUE, network, " or ".join(NETWORKS), key="network")
    text = resources.files("chain").joinpath("genesis", f"{network}.json").read_text("utf-8")
    return load_spec(text)


@lru_cache(maxsize=4)
def network_genesis(network: str) -> Genesis:
    """The genesis of a known network, checked against its constant."""
    genesis = make_genesis(network_spec(network))
    expected = GENESIS_HASHES[network]
    if genesis.hash.hex() != expected:
        raise RuleViolation(
            RuleCode.SPEC_VALUE, genesis.hash, expected, "genesis differs from this network's", key=network
        )
    return genesis
