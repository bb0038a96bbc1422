"""Ethereum's general state tests through our executor (decisions: doors for checking from outside).

Differences from a node's epoch, all Ethereum's own: the tip is credited to COINBASE after the transaction,
chain id 1, BLOCKHASH(n) = keccak(str(n)), unprotected legacy transactions are let through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chain.core.execution.memory_state import MemoryState
from chain.core.execution.overlay import CachedReader, StateOverlay, delegate_of
from chain.core.execution.params import BlockEnv
from chain.core.transactions import keccak
from chain.core.types import EMPTY_CODE_HASH, UINT64_MAX, UINT256_MAX, AccessEntry, Authorization, Log

_CHAIN_ID = 1
_MAX_INITCODE = 49_152


@dataclass(frozen=True)
class StateTestResult:
    """What a case left: the state, the logs, gas in EVM gas; ``rejected`` names why nothing ran, else None."""

    state: MemoryState
    logs: tuple[Log, ...]
    gas_used: int
    rejected: str | None


def run_state_test(case: Mapping[str, Any], fork: str = "prague") -> StateTestResult:
    """Run one case of the Ethereum state-test format.

    Parameters
    ----------
    case : mapping
        ``env``, ``pre``, ``transaction`` and ``post`` with one entry (of which only ``indexes`` is read).
    fork : str
        "prague" or "cancun", in any case of letters.
    """
    from chain.core.execution.evm.executor import Call, Executor, intrinsic_and_floor

    fork = fork.lower()
    env = _env(case["env"], fork)
    state = _pre_state(case["pre"])
    overlay = StateOverlay(CachedReader(state))
    tx = _Tx(case["transaction"], case["post"].get("indexes", {"data": 0, "gas": 0, "value": 0}))
    price = min(tx.max_fee, tx.max_priority_fee + env.base_fee)
    call = Call(tx.sender, tx.to, tx.value, tx.data, tx.gas_limit, price, price, tx.access_list, tx.authorizations)
    executor = Executor(overlay, env, _block_hash)
    rejected = _reject(tx, env, overlay, max(intrinsic_and_floor(call, executor.has_floor)))
    if rejected is not None:
        return StateTestResult(state, (), 0, rejected)
    coinbase = _bytes(case["env"]["currentCoinbase"]).rjust(20, b"\x00")
    outcome = executor.run(call, coinbase)
    overlay.credit(coinbase, outcome.gas_used * (price - env.base_fee))
    diff, _ = overlay.changes()
    state.apply(diff)
    return StateTestResult(state, outcome.logs, outcome.gas_used, None)


class _Tx:
    """The transaction of a case at its indexes."""

    def __init__(self, fields: Mapping[str, Any], indexes: Mapping[str, int]) -> None:
        at = indexes["data"]
        self.is_blob = "maxFeePerBlobGas" in fields or "blobVersionedHashes" in fields
        self.sender = _bytes(fields["sender"])
        self.to = _bytes(fields["to"]) or None
        self.nonce = _int(fields["nonce"])
        self.value = _int(fields["value"][indexes["value"]])
        self.data = _bytes(fields["data"][at])
        self.gas_limit = _int(fields["gasLimit"][indexes["gas"]])
        self.max_fee = _int(fields.get("maxFeePerGas", fields.get("gasPrice", "0x0")))
        self.max_priority_fee = _int(fields.get("maxPriorityFeePerGas", fields.get("gasPrice", "0x0")))
        lists = fields.get("accessLists")
        entries = (lists[at] if lists else None) or []
        self.access_list = tuple(
            AccessEntry(_bytes(entry["address"]), tuple(_int(key) for key in entry["storageKeys"])) for entry in entries
        )
        self.has_authorizations = "authorizationList" in fields
        self.authorizations = tuple(
            Authorization(
                _int(item["chainId"]),
                _bytes(item["address"]),
                _int(item["nonce"]),
                _int(item.get("yParity", item.get("v", "0x0"))),
                _int(item["r"]),
                _int(item["s"]),
            )
            for item in fields.get("authorizationList", ())
        )


def _reject(tx: _Tx, env: BlockEnv, overlay: StateOverlay, least_gas: int) -> str | None:
    """Why the transaction may not run: the rules of protocol §3 and §8 that a state test can break."""
    account = overlay.account(tx.sender)
    nonce, balance, code_hash = account if account is not None else (0, 0, EMPTY_CODE_HASH)
    code = overlay.code(code_hash)
    checks = (
        ("tx_type", tx.is_blob),
        ("field_range", tx.value > UINT256_MAX or tx.max_fee > UINT256_MAX or tx.gas_limit > UINT64_MAX),
        ("tx_nonce_max", tx.nonce >= UINT64_MAX),
        ("tx_initcode_size", tx.to is None and len(tx.data) > _MAX_INITCODE),
        ("tx_intrinsic_gas", tx.gas_limit < least_gas),
        ("tx_gas_limit", tx.gas_limit > env.gas_limit),
        ("tx_fee_order", tx.max_priority_fee > tx.max_fee),
        ("tx_no_authorizations", tx.has_authorizations and (tx.to is None or not tx.authorizations)),
        ("nonce", tx.nonce != nonce),
        ("funds", tx.value + tx.gas_limit * tx.max_fee > balance),
        ("base_fee", tx.max_fee < env.base_fee),
        ("sender_code", bool(code) and (env.evm_fork == "cancun" or delegate_of(code) is None)),
    )
    return next((name for name, broken in checks if broken), None)


def _env(fields: Mapping[str, str], fork: str) -> BlockEnv:
    excess = _int(fields.get("currentExcessBlobGas", "0x0"))
    return BlockEnv(
        chain_id=_CHAIN_ID,
        number=_int(fields["currentNumber"]),
        timestamp=_int(fields["currentTimestamp"]),
        prevrandao=_bytes(fields["currentRandom"]).rjust(32, b"\x00"),
        base_fee=_int(fields["currentBaseFee"]),
        gas_limit=_int(fields["currentGasLimit"]),
        blob_base_fee=_fake_exponential(excess, 3_338_477 if fork == "cancun" else 5_007_716),
        evm_fork=fork,
    )


def _fake_exponential(numerator: int, denominator: int) -> int:
    """EIP-4844's integer e^(numerator / denominator), by its Taylor series."""
    total, term, n = 0, denominator, 1
    while term > 0:
        total += term
        term = term * numerator // (denominator * n)
        n += 1
    return total // denominator


def _pre_state(pre: Mapping[str, Mapping[str, Any]]) -> MemoryState:
    state = MemoryState()
    for address, fields in pre.items():
        storage = {_int(slot): _int(value) for slot, value in fields["storage"].items()}
        code = _bytes(fields["code"])
        state.put(_bytes(address), _int(fields["balance"]), _int(fields["nonce"]), code, storage)
    return state


def _block_hash(number: int) -> bytes:
    return keccak(str(number).encode())


def _int(text: str) -> int:
    # "0x:bigint 0x…" marks numbers beyond 256 bits
    return int(text.removeprefix("0x:bigint "), 16) if text not in ("", "0x") else 0


def _bytes(text: str) -> bytes:
    digits = text.removeprefix("0x")
    return bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0"))
