"""``ChainSpec``: one frozen object per network, read from its genesis file with strict keys (protocol §2)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from chain.core import rlp
from chain.core.codec import (
    MAX_BLOCK_BYTES,
    MAX_ENVELOPES_DECODED,
    MAX_HEADER_BYTES,
    MAX_PARENTS_DECODED,
    blake3_hash,
)
from chain.core.errors import RuleCode, RuleViolation
from chain.core.rlp import Encodable
from chain.core.transactions import MAX_TX_BYTES_DECODED, TRANSFER_GAS
from chain.core.types import UINT64_MAX, UINT256_MAX, Stream

EVM_FORKS = ("prague", "cancun")
WEI = 10**18
# what no upgrade can change: the network's identity, its first moment, and how the state is cut
NEVER_UPGRADED = ("chain_id", "timestamp_ms", "shard_count", "version")
# a block that the decoder takes leaves room for its header and for two list prefixes
_MAX_BODY_BYTES = MAX_BLOCK_BYTES - MAX_HEADER_BYTES - 8
_NUMBER = re.compile(r"(0|[1-9][0-9]*)|0x([0-9a-f]+)|2\^([0-9]{1,3})")
_MAX_JSON_DEPTH = 16
_JSON_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*(?:"|$)|([\[{])|([\]}])', re.DOTALL)
_HEX = re.compile(r"0x((?:[0-9a-fA-F]{2})*)")


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
        """Parameters of stream A, B or C; HEADER_STREAM for any other number."""
        if not 1 <= stream <= 3:
            raise RuleViolation(RuleCode.HEADER_STREAM, stream, (1, 2, 3))
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
    _check_depth(text)
    try:
        raw = json.loads(text, object_pairs_hook=_object)
    except ValueError as error:
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
    free = spec.stream_c
    if any((free.initial_target, free.pow_limit, free.halflife_ms, free.work_factor)):
        raise _bad("streams.C", free.initial_target, "0: C has no work")
    if spec.minted_at_genesis > spec.cap:
        raise _bad("alloc", spec.minted_at_genesis, f"at most the cap {spec.cap}")
    if spec.evm_fork not in EVM_FORKS:
        raise _bad("evm_fork", spec.evm_fork, " or ".join(EVM_FORKS))
    for stream in (spec.stream_a, spec.stream_b, spec.stream_c):
        if stream.call_gas_limit > spec.epoch_call_gas:
            raise _bad("call_gas_limit", stream.call_gas_limit, f"at most epoch_call_gas {spec.epoch_call_gas}")
        if not 1 <= stream.max_txs <= MAX_ENVELOPES_DECODED:
            raise _bad("max_txs", stream.max_txs, f"1 to {MAX_ENVELOPES_DECODED}")
        if not 1 <= stream.max_bytes <= _MAX_BODY_BYTES:
            raise _bad("max_bytes", stream.max_bytes, f"1 to {_MAX_BODY_BYTES}")
    at_least_one = (
        "chain_id", "cap", "ghostdag_k", "max_parents", "mergeset_limit", "merge_depth", "finality_depth",
        "slot_ms", "vrf_window", "vrf_era", "c_den", "shard_count", "epoch_call_gas", "epoch_max_txs",
        "call_gas_per_s", "tx_per_s", "max_tx_bytes",
    )  # fmt: skip
    for name in at_least_one:
        if getattr(spec, name) < 1:
            raise _bad(name, getattr(spec, name), "at least 1")
    for name, at_most in (("max_parents", MAX_PARENTS_DECODED), ("max_tx_bytes", MAX_TX_BYTES_DECODED)):
        if getattr(spec, name) > at_most:
            raise _bad(name, getattr(spec, name), f"at most {at_most}")
    if spec.epoch_call_gas < TRANSFER_GAS:
        raise _bad("epoch_call_gas", spec.epoch_call_gas, f"at least {TRANSFER_GAS}, a transfer's gas limit")
    if spec.merge_depth < 4 * (spec.ghostdag_k + 1):
        # what leaves the DAG window must be red on any count (chain.core.ghostdag.retention)
        raise _bad("merge_depth", spec.merge_depth, f"at least 4·(k + 1) = {4 * (spec.ghostdag_k + 1)}")
    if spec.finality_depth <= spec.merge_depth:
        raise _bad("finality_depth", spec.finality_depth, f"more than merge_depth {spec.merge_depth}")
    _check_accounts(spec.alloc)
    _check_upgrades(spec)


def _check_accounts(alloc: tuple[AllocAccount, ...]) -> None:
    for one, other in pairwise(alloc):
        if one.address >= other.address:
            raise _bad("alloc", other.address, "ascending, each address once")
    for account in alloc:
        for (slot, _), (following, _) in pairwise(account.storage):
            if slot >= following:
                raise _bad("storage", following, "ascending, each slot once")
        if any(value == 0 for _, value in account.storage):
            raise _bad("storage", 0, "non-zero values")
        if account.storage and not (account.balance or account.nonce or account.code):
            raise _bad("storage", account.address, "an account that exists (EIP-161)")


def _check_upgrades(spec: ChainSpec) -> None:
    at_work_score, version = 0, spec.version
    for upgrade in spec.upgrades:
        if upgrade.at_work_score <= at_work_score:
            raise _bad("upgrades.at_work_score", upgrade.at_work_score, f"more than {at_work_score}")
        if upgrade.version <= version:
            raise _bad("upgrades.version", upgrade.version, f"more than {version}")
        at_work_score, version = upgrade.at_work_score, upgrade.version
        check_spec(replace(spec.at(at_work_score), upgrades=()))


def _check_depth(text: str) -> None:
    """Refuse nesting that no genesis file has: the parser recurses, and libraries lift Python's limit."""
    depth = 0
    for match in _JSON_BRACKET.finditer(text):
        depth += bool(match[1]) - bool(match[2])
        if depth > _MAX_JSON_DEPTH:
            raise _bad("spec", depth, f"nesting of at most {_MAX_JSON_DEPTH}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys stand once each."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = sorted(name for name, _ in pairs)
        repeated = next(one for one, other in pairwise(names) if one == other)
        raise _bad(repeated, "repeated", "each key once")
    return found


def _bad(key: str, got: Any, expected: Any) -> RuleViolation:
    if isinstance(got, (list, dict)):
        got = type(got).__name__
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
        match = _NUMBER.fullmatch(raw) if len(raw) <= 80 else None
        if match is None:
            raise _bad(key, raw[:80], "an integer")
        decimal, hexadecimal, power = match.groups()
        if power:
            value = 1 << int(power)
        else:
            value = int(decimal) if decimal else int(hexadecimal, 16)
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
    match = _HEX.fullmatch(raw) if isinstance(raw, str) else None
    if match is None:
        raise _bad(key, raw, "0x and hex digits")
    data = bytes.fromhex(match[1])
    if length is not None and len(data) != length:
        raise _bad(key, raw, f"{length} bytes")
    return data


def _alloc(raw: Any) -> tuple[AllocAccount, ...]:
    if not isinstance(raw, dict):
        raise _bad("alloc", type(raw).__name__, "an object by address")
    accounts = [_alloc_account(address, entry) for address, entry in raw.items()]
    return tuple(sorted(accounts, key=lambda account: account.address))


def _alloc_account(address: str, raw: Any) -> AllocAccount:
    if not isinstance(raw, dict):
        raise _bad("alloc", type(raw).__name__, "an object")
    for name in sorted(raw):
        if name not in ("balance", "nonce", "code", "storage"):
            raise RuleViolation(RuleCode.SPEC_UNKNOWN_KEY, name, "balance, nonce, code, storage", where="alloc")
    if "balance" not in raw:
        raise RuleViolation(RuleCode.SPEC_MISSING_KEY, None, "balance", where="alloc")
    storage = raw.get("storage", {})
    if not isinstance(storage, dict):
        raise _bad("storage", type(storage).__name__, "an object by slot")
    slots = sorted(
        (_integer(slot, "slot", UINT256_MAX), _integer(v, "value", UINT256_MAX)) for slot, v in storage.items()
    )
    return AllocAccount(
        address=_hex(address, "alloc", 20),
        balance=_integer(raw["balance"], "balance", UINT256_MAX),
        nonce=_integer(raw.get("nonce", 0), "nonce"),
        code=_hex(raw.get("code", "0x"), "code"),
        storage=tuple(slots),
    )


def _upgrade(raw: Any) -> Upgrade:
    _strict_keys(raw, ["at_work_score", "version", "changed"], "upgrades")
    allowed = [field.name for field in fields(ChainSpec) if field.type == "int" and field.name not in NEVER_UPGRADED]
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
