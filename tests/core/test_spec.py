"""Genesis files are read strictly; the ChainSpec's RLP is the table of protocol §2; upgrades change parameters."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
import rlp as reference
from blake3 import blake3
from rlp.sedes import big_endian_int

from chain.core.errors import RuleCode, RuleViolation
from chain.core.genesis import NETWORKS, network_spec
from chain.core.spec import NEVER_UPGRADED, ChainSpec, StreamSpec, Upgrade, check_spec, load_spec, stream_name
from chain.core.types import Stream
from tests.core.spec_files import ADDRESS, load, put, raw, refusal

# protocol §2, the order of the keys in the RLP, written out here once more
RLP_ORDER = [
    "chain_id", "network", "token", "cap", "timestamp_ms", "alloc", "stream_a", "stream_b", "stream_c",
    "ghostdag_k", "max_parents", "mergeset_limit", "merge_depth", "finality_depth", "future_drift_ms", "slot_ms",
    "vrf_window", "vrf_lag", "vrf_era", "c_num", "c_den", "shard_count", "epoch_call_gas", "epoch_max_txs",
    "call_gas_per_s", "tx_per_s", "max_tx_bytes", "min_base_fee", "latest_depth", "evm_fork",
]  # fmt: skip
STREAM_ORDER = [
    "interval_ms", "max_txs", "call_gas_limit", "max_bytes", "reward", "initial_target", "pow_limit", "halflife_ms",
    "work_factor",
]  # fmt: skip


def test_both_networks_load_and_hold_together() -> None:
    for network in NETWORKS:
        spec = network_spec(network)
        assert spec.network == network
        check_spec(spec)


def test_the_numbers_of_the_protocol() -> None:
    """Protocol §1 and §2, where the two networks agree and where they differ."""
    dev, test = network_spec("devnet"), network_spec("testnet")
    assert (dev.chain_id, test.chain_id) == (0x4D534858, 0x4D534857)
    for spec in (dev, test):
        a, b, c = spec.stream_a, spec.stream_b, spec.stream_c
        assert [(s.interval_ms, s.max_txs, s.call_gas_limit, s.max_bytes, s.reward) for s in (a, b, c)] == [
            (10_000, 10_000, 30_000_000, 4_000_000, 50 * 10**18),
            (1_000, 5_000, 10_000_000, 1_000_000, 25 * 10**18),
            (100, 1_000, 2_000_000, 200_000, 0),
        ]
        assert (a.work_factor, b.work_factor, c.work_factor) == (1, 256, 0)
        assert (spec.token, spec.cap) == ("MSHW", 10**10 * 10**18)
        assert (spec.ghostdag_k, spec.max_parents, spec.mergeset_limit) == (19, 10, 256)
        assert (spec.merge_depth, spec.finality_depth, spec.future_drift_ms) == (600, 3_600, 2_000)
        assert (spec.slot_ms, spec.vrf_window, spec.shard_count) == (100, 600, 10)
        assert (spec.epoch_call_gas, spec.epoch_max_txs, spec.max_tx_bytes) == (30_000_000, 50_000, 131_072)
        assert (spec.min_base_fee, spec.evm_fork, spec.upgrades, spec.version) == (10**9, "prague", (), 1)
    differing = (
        ("vrf_lag", 2, 16), ("vrf_era", 2, 16), ("c_num", 1, 1), ("c_den", 1, 5),
        ("call_gas_per_s", 30_000_000, 1_500_000), ("tx_per_s", 20_000, 4_000), ("latest_depth", 0, 2),
    )  # fmt: skip
    for name, on_devnet, on_testnet in differing:
        assert (getattr(dev, name), getattr(test, name)) == (on_devnet, on_testnet), name
    assert (dev.stream_a.halflife_ms, dev.stream_b.halflife_ms) == (600_000, 120_000)
    assert (test.stream_a.halflife_ms, test.stream_b.halflife_ms) == (3_600_000, 600_000)


def reference_hash(spec: ChainSpec) -> bytes:
    """The spec's hash by the ``rlp`` package over the order of the table."""

    def item(value: Any) -> Any:
        if isinstance(value, str):
            return value.encode("ascii")
        return big_endian_int.serialize(value) if isinstance(value, int) else value

    items: list[Any] = []
    for name in RLP_ORDER:
        value = getattr(spec, name)
        if name.startswith("stream_"):
            items.append([item(getattr(value, part)) for part in STREAM_ORDER])
        elif name == "alloc":
            items.append(
                [
                    [
                        account.address,
                        item(account.balance),
                        item(account.nonce),
                        account.code,
                        [[slot.to_bytes(32, "big"), v.to_bytes(32, "big")] for slot, v in account.storage],
                    ]
                    for account in value
                ]
            )
        else:
            items.append(item(value))
    return blake3(reference.encode(items)).digest()


def test_rlp_order_is_the_protocols() -> None:
    assert [field.name for field in fields(ChainSpec)] == [*RLP_ORDER, "upgrades", "version"]
    assert [field.name for field in fields(StreamSpec)] == STREAM_ORDER
    full = {"balance": "5", "nonce": 1, "code": "0x6001", "storage": {"0x2": "7", "1": "0xff"}}
    with_code = load(lambda data: data["alloc"].update({ADDRESS: full}))
    for spec in (network_spec("devnet"), network_spec("testnet"), with_code):
        assert spec.spec_hash == reference_hash(spec)


def test_alloc_is_ascending_whatever_the_file_says() -> None:
    def reverse(data: dict[str, Any]) -> None:
        data["alloc"] = dict(reversed(data["alloc"].items()))

    assert load(reverse).alloc == load().alloc
    assert [account.address for account in load().alloc] == sorted(account.address for account in load().alloc)
    slots = {"0x10": "1", "3": "2", "0x2": "3"}
    spec = load(put("alloc", ADDRESS, {"balance": "1", "storage": slots}))
    (account,) = [account for account in spec.alloc if account.storage]
    assert account.storage == ((2, 3), (3, 2), (16, 1))


# --- strict keys -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*(n for n in RLP_ORDER if not n.startswith("stream_")), "streams", "upgrades"])
def test_every_key_is_needed(name: str) -> None:
    error = refusal(lambda data: data.pop(name))
    assert (error.code, error.expected) == (RuleCode.SPEC_MISSING_KEY, name)


def drop(*path: str) -> Callable[[dict[str, Any]], None]:
    """A change: the key at the path is gone."""
    *steps, last = path

    def change(data: Any) -> None:
        for step in steps:
            data = data[step]
        del data[last]

    return change


def test_every_stream_and_its_keys_are_needed() -> None:
    for stream in ("A", "B", "C"):
        assert refusal(drop("streams", stream)).code == RuleCode.SPEC_MISSING_KEY
        for name in STREAM_ORDER:
            error = refusal(drop("streams", stream, name))
            assert (error.code, error.expected) == (RuleCode.SPEC_MISSING_KEY, name)


@pytest.mark.parametrize(
    "change",
    [
        put("ghostdagK", 19),
        put("version", 1),
        put("stream_a", {}),
        put("streams", "D", {}),
        put("streams", "A", "rewards", 1),
        put("alloc", ADDRESS, {"balance": "1", "stroage": {}}),
        put("upgrades", [{"at_work_score": 1, "version": 2, "changed": {"chain_id": 1}}]),
        put("upgrades", [{"at_work_score": 1, "version": 2, "changed": {"network": "x"}}]),
        put("upgrades", [{"at_work_score": 1, "version": 2, "changed": {}, "when": 1}]),
    ],
)
def test_unknown_keys_are_refused(change: Callable[[dict[str, Any]], Any]) -> None:
    assert refusal(change).code == RuleCode.SPEC_UNKNOWN_KEY


def test_alloc_needs_a_balance() -> None:
    assert refusal(put("alloc", ADDRESS, {"nonce": 1})).code == RuleCode.SPEC_MISSING_KEY


def test_a_key_that_stands_twice_is_refused() -> None:
    text = json.dumps(raw())
    for once, twice in (
        ('"ghostdag_k": 19', '"ghostdag_k": 18, "ghostdag_k": 19'),
        ('"alloc": {', '"alloc": {"' + ADDRESS + '": {"balance": "1"}, "' + ADDRESS + '": {"balance": "2"}, '),
    ):
        assert once in text
        with pytest.raises(RuleViolation) as caught:
            load_spec(text.replace(once, twice, 1))
        assert (caught.value.code, caught.value.got) == (RuleCode.SPEC_VALUE, "repeated")


# --- upgrades and streams --------------------------------------------------------------------------------------------


def upgraded() -> ChainSpec:
    return load(
        put(
            "upgrades",
            [
                {"at_work_score": 100, "version": 2, "changed": {"ghostdag_k": 30, "c_den": 7}},
                {"at_work_score": 200, "version": 5, "changed": {"ghostdag_k": "40"}},
            ],
        )
    )


def test_parameters_at_a_work_score() -> None:
    spec = upgraded()
    seen = [(at.version, at.ghostdag_k, at.c_den) for at in map(spec.at, (0, 99, 100, 199, 200, 10**9))]
    assert seen == [(1, 19, 1), (1, 19, 1), (2, 30, 7), (2, 30, 7), (5, 40, 7), (5, 40, 7)]
    assert spec.at(99) is spec
    changed = {"version", "ghostdag_k", "c_den"}
    later = spec.at(200)
    for field in fields(ChainSpec):
        assert (getattr(later, field.name) == getattr(spec, field.name)) is (field.name not in changed), field.name


def test_upgrades_are_left_out_of_the_hash() -> None:
    assert upgraded().upgrades == (
        Upgrade(100, 2, (("c_den", 7), ("ghostdag_k", 30))),
        Upgrade(200, 5, (("ghostdag_k", 40),)),
    )
    assert upgraded().spec_hash == load().spec_hash


@pytest.mark.parametrize("name", [name for name in NEVER_UPGRADED if name != "version"])
def test_identity_is_never_upgraded(name: str) -> None:
    error = refusal(put("upgrades", [{"at_work_score": 1, "version": 2, "changed": {name: 3}}]))
    assert (error.code, error.got) == (RuleCode.SPEC_UNKNOWN_KEY, name)


def test_streams_by_number() -> None:
    spec = network_spec("devnet")
    assert [spec.stream(stream) for stream in (Stream.A, Stream.B, Stream.C)] == [
        spec.stream_a,
        spec.stream_b,
        spec.stream_c,
    ]
    for number in (-1, 0, 4, 2**64):
        with pytest.raises(RuleViolation) as caught:
            spec.stream(number)
        assert caught.value.code == RuleCode.HEADER_STREAM
    assert [stream_name(n) for n in range(4)] == ["genesis", "A", "B", "C"]
