"""The first block of each network: its constant, what it commits to, and its state recomputed the slow way."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
import rlp as reference
from blake3 import blake3
from rlp.sedes import big_endian_int

from chain.core import genesis as module
from chain.core.codec import decode_header, encode_header
from chain.core.errors import RuleCode, RuleViolation
from chain.core.genesis import GENESIS_HASHES, NETWORKS, make_genesis, network_genesis, network_spec
from chain.core.merkle import EMPTY_ROOT
from chain.core.spec import AllocAccount, ChainSpec, StreamSpec, Upgrade
from chain.core.transactions import keccak
from chain.core.types import EMPTY_CODE_HASH, Account

CODE = bytes.fromhex("600160005500")
ALLOC = (
    AllocAccount(b"\x01" * 20, 5),
    AllocAccount(b"\x02" * 20, 0, nonce=7),
    AllocAccount(b"\x03" * 20, 10**20, nonce=1, code=CODE, storage=((0, 1), (2**256 - 1, 2**256 - 1))),
    AllocAccount(b"\x04" * 20, 0),  # EIP-161-empty: no account
)


def spec_with_code() -> ChainSpec:
    return replace(network_spec("devnet"), alloc=ALLOC)


@pytest.mark.parametrize("network", NETWORKS)
def test_hash_is_the_networks_constant(network: str) -> None:
    """Fails when a file changes: after the first release that is a new network with a new name."""
    genesis = network_genesis(network)
    assert genesis.hash.hex() == GENESIS_HASHES[network]
    assert blake3(encode_header(genesis.header)).digest() == genesis.hash
    assert decode_header(encode_header(genesis.header)) == genesis.header


@pytest.mark.parametrize("network", NETWORKS)
def test_header_is_the_protocols(network: str) -> None:
    """Protocol §2, the paragraph on genesis."""
    spec, header = network_spec(network), network_genesis(network).header
    assert (header.version, header.stream, header.parents, header.target) == (1, 0, (), 0)
    assert (header.stream_counts, header.blue_score, header.blue_work, header.number) == ((0, 0, 0), 0, 0, 0)
    assert (header.gas_used, header.coinbase, header.vrf_key, header.seal) == (0, bytes(20), bytes(32), ())
    assert header.tx_root == header.receipts_root == EMPTY_ROOT == blake3(b"\x02").digest()
    assert (header.chain_id, header.timestamp_ms) == (spec.chain_id, spec.timestamp_ms)
    assert (header.base_fee, header.extra) == (spec.min_base_fee, spec.spec_hash)


@pytest.mark.parametrize("network", NETWORKS)
def test_children_commit_to_the_same_roots(network: str) -> None:
    spec, genesis = network_spec(network), network_genesis(network)
    summary = genesis.summary
    assert (summary.state_root, summary.receipts_root) == (genesis.header.state_root, genesis.header.receipts_root)
    assert (summary.gas_used, summary.next_base_fee) == (0, spec.min_base_fee)
    assert (summary.gas_left, summary.tx_left) == (spec.epoch_call_gas, spec.epoch_max_txs)
    assert (summary.admitted_gas, summary.admitted_count) == (0, 0)
    assert summary.minted == sum(account.balance for account in spec.alloc)


def slow_state_root(spec: ChainSpec) -> bytes:
    """Protocol §8 in plain integers: 1024 words a shard, added one by one."""
    shards = [[0] * 1024 for _ in range(spec.shard_count)]

    def add(address: bytes, element: bytes) -> None:
        shard = int.from_bytes(blake3(address).digest()[:8], "little") % spec.shard_count
        expanded = blake3(element).digest(length=2048)
        for word in range(1024):
            value = expanded[2 * word] + 256 * expanded[2 * word + 1]
            shards[shard][word] = (shards[shard][word] + value) % 65536

    for account in spec.alloc:
        code_hash = keccak(account.code)
        if account.balance or account.nonce or account.code:
            fields_ = [big_endian_int.serialize(account.nonce), big_endian_int.serialize(account.balance), code_hash]
            add(account.address, b"mds/account" + account.address + reference.encode(fields_))
        for slot, value in account.storage:
            add(account.address, b"mds/slot" + account.address + slot.to_bytes(32, "big") + value.to_bytes(32, "big"))
    digests = [blake3(b"".join(word.to_bytes(2, "little") for word in words)).digest() for words in shards]
    minted = sum(account.balance for account in spec.alloc)
    return blake3(b"mds/state" + minted.to_bytes(32, "big") + b"".join(digests)).digest()


@pytest.mark.parametrize("spec", [network_spec("devnet"), network_spec("testnet"), spec_with_code()])
def test_state_root_recomputed_in_plain_integers(spec: ChainSpec) -> None:
    assert make_genesis(spec).header.state_root == slow_state_root(spec)


def test_state_of_alloc() -> None:
    state = make_genesis(spec_with_code()).state
    code_hash = keccak(CODE)
    assert state.accounts == {
        b"\x01" * 20: Account(0, 5, EMPTY_CODE_HASH),
        b"\x02" * 20: Account(7, 0, EMPTY_CODE_HASH),
        b"\x03" * 20: Account(1, 10**20, code_hash),
    }
    assert state.slots == {(b"\x03" * 20, 0): 1, (b"\x03" * 20, 2**256 - 1): 2**256 - 1}
    assert state.codes == {code_hash: CODE}
    assert keccak(b"") == EMPTY_CODE_HASH


def variants() -> list[tuple[str, ChainSpec]]:
    """The devnet with one parameter changed, for each parameter."""
    spec = network_spec("devnet")
    changed: list[tuple[str, ChainSpec]] = []
    for field in fields(ChainSpec):
        value: Any = getattr(spec, field.name)
        if field.name in ("upgrades", "version"):
            continue
        if isinstance(value, StreamSpec):
            for part in fields(value):
                other = replace(value, **{part.name: getattr(value, part.name) + 1})
                changed.append((f"{field.name}.{part.name}", replace(spec, **{field.name: other})))
            continue
        if field.name == "alloc":
            first = value[0]
            for name, other in (
                ("balance", replace(first, balance=first.balance + 1)),
                ("nonce", replace(first, nonce=1)),
                ("code", replace(first, code=b"\x00")),
                ("storage", replace(first, storage=((1, 1),))),
            ):
                changed.append((f"alloc.{name}", replace(spec, alloc=(other, *value[1:]))))
            changed.append(("alloc, one fewer", replace(spec, alloc=value[1:])))
            continue
        changed.append((field.name, replace(spec, **{field.name: value + ("x" if isinstance(value, str) else 1)})))
    return changed


@pytest.mark.parametrize("changed", [spec for _, spec in variants()], ids=[name for name, _ in variants()])
def test_every_parameter_changes_the_hash(changed: ChainSpec) -> None:
    assert make_genesis(changed).header.extra != network_genesis("devnet").header.extra
    assert make_genesis(changed).hash != network_genesis("devnet").hash


def test_upgrades_leave_the_hash() -> None:
    later = replace(network_spec("devnet"), upgrades=(Upgrade(10, 2, (("ghostdag_k", 5),)),))
    assert make_genesis(later).hash == network_genesis("devnet").hash


def test_all_these_hashes_differ() -> None:
    hashes = [make_genesis(spec).hash for _, spec in variants()]
    assert len({*hashes, *map(bytes.fromhex, GENESIS_HASHES.values())}) == len(hashes) + 2


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(RuleViolation) as caught:
        network_spec("mainnet")
    assert (caught.value.code, caught.value.got) == (RuleCode.SPEC_VALUE, "mainnet")


def test_a_file_that_differs_from_its_constant_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.GENESIS_HASHES, "devnet", "00" * 32)
    with pytest.raises(RuleViolation) as caught:
        network_genesis.__wrapped__("devnet")
    assert caught.value.code == RuleCode.SPEC_VALUE
    assert caught.value.data["key"] == "devnet"
