"""``ChainSpec``: one frozen object per network, read from its genesis file with strict keys (protocol §2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from chain.core import rlp
from chain.core.codec import blake3_hash
from chain.core.errors import RuleCode, RuleViolation
from chain.core.rlp import Encodable
from chain.core.types import UINT64_MAX, UINT256_MAX, Stream

EVM_FORKS = ("prague", "cancun")
WEI = 10**18


@dataclass(frozen=True)
class StreamSpec:
    """One mining stream; targets are integers and, like half-life and factor, 0 where C has none."""

    interval_ms: int
    max_txs: int
    call_gas_limit: int
    max_bytes: int
    reward: int
    initial_target: int
    pow_limit: int
    halflife_ms: int
    work_factor: int


@dataclass(frozen=True)
class AllocAccount:
    """A genesis account; ``storage`` is ascending (slot, value)."""

    address: bytes
    balance: int
    nonce: int = 0
    code: bytes = b""
    storage: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Upgrade:
    """Parameters that change for children of blocks with work_score ≥ ``at_work_score``."""

    at_work_score: int
    version: int
    changed: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class ChainSpec:
    """Every consensus parameter of one network.  The order of fields is the order in its RLP."""

    chain_id: int
    network: str
    token: str
    cap: int
    timestamp_ms: int
    alloc: tuple[AllocAccount, ...]
    stream_a: StreamSpec
    stream_b: StreamSpec
    stream_c: StreamSpec
    ghostdag_k: int
    max_parents: int
    mergeset_limit: int
    merge_depth: int
    finality_depth: int
    future_drift_ms: int
    slot_ms: int
    vrf_window: int
    vrf_lag: int
    vrf_era: int
    c_num: int
    c_den: int
    shard_count: int
    epoch_call_gas: int
    epoch_max_txs: int
    call_gas_per_s: int
    tx_per_s: int
    max_tx_bytes: int
    min_base_fee: int
    latest_depth: int
    evm_fork: str
    upgrades: tuple[Upgrade, ...] = ()
    version: int = 1

    def stream(self, stream: int) -> StreamSpec:
        """Parameters of stream A, B or C."""
        return (self.stream_a, self.stream_b, self.stream_c)[stream - 1]

    def at(self, work_score: int) -> ChainSpec:
        """The parameters that bind children of a selected parent with this work_score."""
        reached = [upgrade for upgrade in self.upgrades if work_score >= upgrade.at_work_score]
        if not reached:
            return self
        changes = {name: value for upgrade in reached for name, value in upgrade.changed}
        return replace(self, version=reached[-1].version, **changes)

    @cached_property
    def minted_at_genesis(self) -> int:
        """Σ alloc in wei."""
        return sum(account.balance for account in self.alloc)

    @cached_property
    def spec_hash(self) -> bytes:
        """What genesis' ``extra`` commits to: the hash of the RLP of every parameter but upgrades."""
        return blake3_hash(rlp.encode(spec_items(self)))


NOT_HASHED = ("upgrades", "version")


def spec_items(spec: ChainSpec) -> list[Encodable]:
    """The ChainSpec as RLP items, in the order of its fields; text is ASCII, times are ms."""
    items: list[Encodable] = []
    for field in fields(spec):
        if field.name in NOT_HASHED:
            continue
        value = getattr(spec, field.name)
        if isinstance(value, str):
            items.append(value.encode("ascii"))
        elif isinstance(value, StreamSpec):
            items.append([getattr(value, part.name) for part in fields(value)])
        elif field.name == "alloc":
            items.append([_alloc_items(account) for account in spec.alloc])
        else:
            items.append(value)
    return items


def _alloc_items(account: AllocAccount) -> list[Encodable]:
    storage = [[slot.to_bytes(32, "big"), value.to_bytes(32, "big")] for slot, value in account.storage]
    return [account.address, account.balance, account.nonce, account.code, storage]


def load_spec(text: str) -> ChainSpec:
    """Parse a genesis file.

    Raises
    ------
    RuleViolation
        SPEC_UNKNOWN_KEY, SPEC_MISSING_KEY or SPEC_VALUE, naming the key.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RuleViolation(RuleCode.SPEC_VALUE, str(error)[:80], "JSON") from error
    names = [field.name for field in fields(ChainSpec) if field.name != "version"]
    expected = [name for name in names if not name.startswith("stream_")] + ["streams"]
    _strict_keys(raw, expected, "spec")
    streams = raw.pop("streams")
    _strict_keys(streams, ["A", "B", "C"], "streams")
    values = {name: _scalar(raw[name], name) for name in expected if name not in ("streams", "alloc", "upgrades")}
    spec = ChainSpec(
        alloc=_alloc(raw["alloc"]),
        stream_a=_stream(streams["A"], "A"),
        stream_b=_stream(streams["B"], "B"),
        stream_c=_stream(streams["C"], "C"),
        upgrades=tuple([_upgrade(part) for part in _expect_list(raw["upgrades"], "upgrades")]),
        **values,
    )
    check_spec(spec)
    return spec


def check_spec(spec: ChainSpec) -> None:
    """Refuse parameters that contradict each other."""
    for name, stream in (("A", spec.stream_a), ("B", spec.stream_b)):
        if not 0 < stream.initial_target <= stream.pow_limit <= UINT256_MAX:
            raise _bad(
                f"streams.{name}.initial_target", stream.initial_target, "0 < initial_target ≤ pow_limit < 2^256"
            )
        if stream.halflife_ms <= 0 or stream.interval_ms <= 0 or stream.work_factor <= 0:
            raise _bad(f"streams.{name}", stream.halflife_ms, "positive interval, half-life and work factor")
    if (spec.stream_c.initial_target, spec.stream_c.pow_limit, spec.stream_c.work_factor) != (0, 0, 0):
        raise _bad("streams.C", spec.stream_c.initial_target, "0: C has no work")
    if spec.minted_at_genesis > spec.cap:
        raise _bad("alloc", spec.minted_at_genesis, f"at most the cap {spec.cap}")
    if spec.evm_fork not in EVM_FORKS:
        raise _bad("evm_fork", spec.evm_fork, " or ".join(EVM_FORKS))
    for stream in (spec.stream_a, spec.stream_b, spec.stream_c):
        if stream.call_gas_limit > spec.epoch_call_gas:
            raise _bad("call_gas_limit", stream.call_gas_limit, f"at most epoch_call_gas {spec.epoch_call_gas}")
    at_least_one = (
        "chain_id", "cap", "ghostdag_k", "max_parents", "mergeset_limit", "merge_depth", "finality_depth",
        "slot_ms", "vrf_window", "vrf_era", "c_den", "shard_count", "epoch_call_gas", "epoch_max_txs",
        "call_gas_per_s", "tx_per_s",
    )  # fmt: skip
    for name in at_least_one:
        if getattr(spec, name) < 1:
            raise _bad(name, getattr(spec, name), "at least 1")
    if spec.finality_depth <= spec.merge_depth:
        raise _bad("finality_depth", spec.finality_depth, f"more than merge_depth {spec.merge_depth}")


def _bad(key: str, got: Any, expected: Any) -> RuleViolation:
    return RuleViolation(RuleCode.SPEC_VALUE, got, expected, key=key)


def _strict_keys(raw: Any, names: list[str], where: str) -> None:
    if not isinstance(raw, dict):
        raise _bad(where, type(raw).__name__, "an object")
    for name in sorted(raw):
        if name not in names:
            raise RuleViolation(RuleCode.SPEC_UNKNOWN_KEY, name, sorted(names), where=where)
    for name in names:
        if name not in raw:
            raise RuleViolation(RuleCode.SPEC_MISSING_KEY, None, name, where=where)


def _expect_list(raw: Any, key: str) -> list[Any]:
    if not isinstance(raw, list):
        raise _bad(key, type(raw).__name__, "a list")
    return raw


def _integer(raw: Any, key: str, at_most: int = UINT64_MAX) -> int:
    """An integer, or a string of one: decimal, 0x hex, or a power "2^n"."""
    value = raw
    if isinstance(raw, str):
        try:
            value = 2 ** int(raw[2:]) if raw.startswith("2^") else int(raw, 16 if raw.startswith("0x") else 10)
        except ValueError as error:
            raise _bad(key, raw, "an integer") from error
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= at_most:
        raise _bad(key, raw, f"an integer from 0 to {at_most}")
    return value


def _scalar(raw: Any, key: str) -> Any:
    if key in ("network", "token", "evm_fork"):
        if not isinstance(raw, str) or not raw.isascii() or not raw:
            raise _bad(key, raw, "ASCII text")
        return raw
    return _integer(raw, key, UINT256_MAX if key in ("cap", "min_base_fee") else UINT64_MAX)


def _stream(raw: Any, name: str) -> StreamSpec:
    names = [field.name for field in fields(StreamSpec)]
    _strict_keys(raw, names, f"streams.{name}")
    wide = ("initial_target", "pow_limit", "reward")
    return StreamSpec(**{key: _integer(raw[key], key, UINT256_MAX if key in wide else UINT64_MAX) for key in names})


def _hex(raw: Any, key: str, length: int | None = None) -> bytes:
    try:
        if not isinstance(raw, str) or not raw.startswith("0x"):
            raise ValueError(raw)
        data = bytes.fromhex(raw[2:])
    except ValueError as error:
        raise _bad(key, raw, "0x and hex digits") from error
    if length is not None and len(data) != length:
        raise _bad(key, raw, f"{length} bytes")
    return data


def _alloc(raw: Any) -> tuple[AllocAccount, ...]:
    if not isinstance(raw, dict):
        raise _bad("alloc", type(raw).__name__, "an object by address")
    accounts = [_alloc_account(address, entry) for address, entry in raw.items()]
    accounts.sort(key=lambda account: account.address)
    for one, other in pairwise(accounts):
        if one.address == other.address:
            raise _bad("alloc", one.address, "each address once")
    return tuple(accounts)


def _alloc_account(address: str, raw: Any) -> AllocAccount:
    if not isinstance(raw, dict):
        raise _bad("alloc", type(raw).__name__, "an object")
    for name in sorted(raw):
        if name not in ("balance", "nonce", "code", "storage"):
            raise RuleViolation(RuleCode.SPEC_UNKNOWN_KEY, name, "balance, nonce, code, storage", where="alloc")
    if "balance" not in raw:
        raise RuleViolation(RuleCode.SPEC_MISSING_KEY, None, "balance", where="alloc")
    storage: Mapping[str, Any] = raw.get("storage", {})
    slots = sorted(
        (_integer(slot, "slot", UINT256_MAX), _integer(v, "value", UINT256_MAX)) for slot, v in storage.items()
    )
    if any(value == 0 for _, value in slots):
        raise _bad("storage", 0, "non-zero values")
    return AllocAccount(
        address=_hex(address, "alloc", 20),
        balance=_integer(raw["balance"], "balance", UINT256_MAX),
        nonce=_integer(raw.get("nonce", 0), "nonce"),
        code=_hex(raw.get("code", "0x"), "code"),
        storage=tuple(slots),
    )


def _upgrade(raw: Any) -> Upgrade:
    _strict_keys(raw, ["at_work_score", "version", "changed"], "upgrades")
    allowed = [
        field.name for field in fields(ChainSpec) if field.type == "int" and field.name not in ("chain_id", "version")
    ]
    changed = raw["changed"]
    if not isinstance(changed, dict):
        raise _bad("upgrades.changed", type(changed).__name__, "an object")
    for name in sorted(changed):
        if name not in allowed:
            raise RuleViolation(RuleCode.SPEC_UNKNOWN_KEY, name, sorted(allowed), where="upgrades.changed")
    return Upgrade(
        at_work_score=_integer(raw["at_work_score"], "at_work_score"),
        version=_integer(raw["version"], "version"),
        changed=tuple(sorted((name, _scalar(value, name)) for name, value in changed.items())),
    )


def stream_name(stream: int) -> str:
    """ "A", "B", "C", or "genesis"."""
    return Stream(stream).name if stream else "genesis"
