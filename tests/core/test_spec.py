"""Genesis files are read strictly; the ChainSpec's RLP is the table of protocol §2; upgrades change parameters."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from importlib import resources
from typing import Any

import pytest
import rlp as reference
from blake3 import blake3
from rlp.sedes import big_endian_int

from chain.core.codec import MAX_BLOCK_BYTES, MAX_HEADER_BYTES
from chain.core.errors import RuleCode, RuleViolation
from chain.core.genesis import NETWORKS, network_spec
from chain.core.spec import NEVER_UPGRADED, ChainSpec, StreamSpec, Upgrade, check_spec, load_spec, stream_name
from chain.core.types import UINT64_MAX, UINT256_MAX, Stream

ADDRESS = "0x" + "ab" * 20

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


def raw(network: str = "devnet") -> dict[str, Any]:
    """A genesis file as JSON data, free to be changed."""
    data: dict[str, Any] = json.loads(resources.files("chain").joinpath("genesis", f"{network}.json").read_text())
    return data


def load(change: Callable[[dict[str, Any]], Any] | None = None) -> ChainSpec:
    data = raw()
    if change is not None:
        change(data)
    return load_spec(json.dumps(data))


def refusal(change: Callable[[dict[str, Any]], Any]) -> RuleViolation:
    with pytest.raises(RuleViolation) as caught:
        load(change)
    return caught.value


def put(*path_and_value: Any) -> Callable[[dict[str, Any]], None]:
    """A change: the value at the path."""
    *path, last, value = path_and_value

    def change(data: Any) -> None:
        for step in path:
            data = data[step]
        data[last] = value

    return change


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


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", "null", '"text"', "[" * 100_000, '{"chain_id": ' + "9" * 5_000 + "}", "{}}", "\ufeff{}"],
)
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        load_spec(text)
    assert caught.value.code in (RuleCode.SPEC_VALUE, RuleCode.SPEC_MISSING_KEY)


@pytest.mark.parametrize(
    "value",
    [-1, 1.0, 1.5, True, None, [], {}, "", " 1", "1 ", "+1", "-1", "01", "1_000", "٣", "0x", "0xG", "0X1", "1e3",
     "2^", "2^-1", "2^1000", "2^99999999999", "2^ 4", "2**4", "9" * 79, "9" * 5_000, "0x" + "f" * 65,
     float("inf"), float("nan")],
)  # fmt: skip
def test_what_is_no_integer_is_refused(value: Any) -> None:
    for change in (
        put("cap", value),
        put("streams", "A", "pow_limit", value),
        put("alloc", ADDRESS, {"balance": value}),
        put("alloc", ADDRESS, {"balance": "1", "storage": {"1": value}}),
    ):
        error = refusal(change)
        assert error.code == RuleCode.SPEC_VALUE
        str(error)


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("17", 17), ("0x1f", 31), ("2^10", 1024), (12, 12)])
def test_the_forms_of_an_integer(text: Any, value: int) -> None:
    spec = load(put("alloc", ADDRESS, {"balance": "1", "nonce": text}))
    assert [account.nonce for account in spec.alloc if account.address == b"\xab" * 20] == [value]


def test_bounds_of_integers() -> None:
    most = MAX_BLOCK_BYTES - MAX_HEADER_BYTES - 8
    assert load(put("streams", "A", "max_bytes", most)).stream_a.max_bytes == most
    assert refusal(put("streams", "A", "max_bytes", most + 1)).code == RuleCode.SPEC_VALUE
    assert load(put("streams", "A", "max_txs", 65_536)).stream_a.max_txs == 65_536
    assert load(put("max_parents", 64)).max_parents == 64
    assert load(put("streams", "B", "pow_limit", str(UINT256_MAX))).stream_b.pow_limit == UINT256_MAX
    assert refusal(put("streams", "B", "pow_limit", "2^256")).code == RuleCode.SPEC_VALUE
    assert load(put("latest_depth", UINT64_MAX)).latest_depth == UINT64_MAX
    assert refusal(put("latest_depth", UINT64_MAX + 1)).code == RuleCode.SPEC_VALUE


@pytest.mark.parametrize(
    "value", ["", "ab", "0x" + "ab" * 19, "0x" + "ab" * 21, "0x" + "ag" * 20, "0xab cd", "0X" + "ab" * 20]
)
def test_what_is_no_address_is_refused(value: str) -> None:
    assert refusal(put("alloc", value, {"balance": "1"})).code == RuleCode.SPEC_VALUE


CONTRADICTIONS: list[tuple[str, Any]] = [
    ("no text", put("network", "")),
    ("text is ASCII", put("token", "MSHW√")),
    ("text is a string", put("network", 5)),
    ("alloc is an object", put("alloc", [])),
    ("account is an object", put("alloc", ADDRESS, "1")),
    ("code is hex", put("alloc", ADDRESS, {"balance": "1", "code": "6001"})),
    ("code has whole bytes", put("alloc", ADDRESS, {"balance": "1", "code": "0x600"})),
    ("storage is an object", put("alloc", ADDRESS, {"balance": "1", "storage": [1]})),
    ("zero slots are no slots", put("alloc", ADDRESS, {"balance": "1", "storage": {"1": 0}})),
    ("a slot stands once", put("alloc", ADDRESS, {"balance": "1", "storage": {"1": 1, "0x1": 2}})),
    ("storage of an account that is none", put("alloc", ADDRESS, {"balance": 0, "storage": {"1": 1}})),
    ("an address stands once", lambda d: [
        put("alloc", address, {"balance": 1})(d) for address in (ADDRESS, "0x" + "AB" * 20)]),
    ("alloc over the cap", put("alloc", ADDRESS, {"balance": str(10**28)})),
    ("balances are one sum", put("cap", str(10**23 - 1))),
    ("streams is an object", put("streams", [])),
    ("a stream is an object", put("streams", "A", 5)),
    ("initial target over the limit, A", put("streams", "A", "initial_target", "2^247")),
    ("initial target over the limit, B", put("streams", "B", "initial_target", "2^251")),
    ("no initial target", put("streams", "A", "initial_target", 0)),
    ("no interval", put("streams", "B", "interval_ms", 0)),
    ("no half-life", put("streams", "A", "halflife_ms", 0)),
    ("no work factor", put("streams", "B", "work_factor", 0)),
    ("C has no target", put("streams", "C", "initial_target", 1)),
    ("C has no limit", put("streams", "C", "pow_limit", 1)),
    ("C has no half-life", put("streams", "C", "halflife_ms", 1)),
    ("C has no work", put("streams", "C", "work_factor", 1)),
    ("unknown fork", put("evm_fork", "osaka")),
    ("a stream's gas over an epoch's", put("streams", "A", "call_gas_limit", 30_000_001)),
    ("an epoch too small for a transfer", lambda d: (
        d.update(epoch_call_gas=20_999), [d["streams"][s].update(call_gas_limit=1) for s in "ABC"])),
    ("no transactions", put("streams", "C", "max_txs", 0)),
    ("more transactions than are decoded", put("streams", "A", "max_txs", 65_537)),
    ("no bytes", put("streams", "A", "max_bytes", 0)),
    ("more bytes than are decoded", put("streams", "A", "max_bytes", 9_000_000)),
    ("more parents than are decoded", put("max_parents", 65)),
    ("longer transactions than are decoded", put("max_tx_bytes", (1 << 20) + 1)),
    ("finality before merging ends", put("finality_depth", 600)),
    ("merging ends among blocks that k still counts", put("merge_depth", 79)),
    ("upgrades is a list", put("upgrades", {})),
    ("an upgrade is an object", put("upgrades", [1])),
    ("changed is an object", put("upgrades", [{"at_work_score": 1, "version": 2, "changed": []}])),
    ("an upgrade changes children, not genesis", put("upgrades", [{"at_work_score": 0, "version": 2, "changed": {}}])),
    ("an upgrade has a new version", put("upgrades", [{"at_work_score": 9, "version": 1, "changed": {}}])),
    ("upgrades ascend by score", put("upgrades", [
        {"at_work_score": 9, "version": 2, "changed": {}}, {"at_work_score": 9, "version": 3, "changed": {}}])),
    ("upgrades ascend by version", put("upgrades", [
        {"at_work_score": 8, "version": 3, "changed": {}}, {"at_work_score": 9, "version": 3, "changed": {}}])),
    ("an upgrade contradicts the rest", put("upgrades", [
        {"at_work_score": 9, "version": 2, "changed": {"finality_depth": 1}}])),
    ("an upgrade's value is an integer", put("upgrades", [
        {"at_work_score": 9, "version": 2, "changed": {"ghostdag_k": "many"}}])),
]  # fmt: skip


@pytest.mark.parametrize("change", [change for _, change in CONTRADICTIONS], ids=[name for name, _ in CONTRADICTIONS])
def test_contradictions_are_refused(change: Callable[[dict[str, Any]], Any]) -> None:
    error = refusal(change)
    assert error.code == RuleCode.SPEC_VALUE
    assert error.data["key"]


AT_LEAST_ONE = (
    "chain_id", "cap", "ghostdag_k", "max_parents", "mergeset_limit", "merge_depth", "finality_depth", "slot_ms",
    "vrf_window", "vrf_era", "c_den", "shard_count", "epoch_call_gas", "epoch_max_txs", "call_gas_per_s", "tx_per_s",
    "max_tx_bytes",
)  # fmt: skip


@pytest.mark.parametrize("name", AT_LEAST_ONE)
def test_what_is_divided_by_or_counted_is_at_least_one(name: str) -> None:
    """On an empty alloc, so that no other check speaks first."""
    spec = replace(network_spec("testnet"), finality_depth=10**9)
    check_spec(spec)
    with pytest.raises(RuleViolation) as caught:
        check_spec(replace(spec, **{name: 0}))
    assert caught.value.code == RuleCode.SPEC_VALUE
    assert caught.value.data["key"] in (name, "call_gas_limit")


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
