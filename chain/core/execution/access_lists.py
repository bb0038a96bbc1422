"""``eth_createAccessList``: the accounts and slots that a call reaches, found until they no longer change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from chain.core.execution.call import CallResult, simulate_call
from chain.core.execution.overrides import AccountOverride
from chain.core.execution.params import ExecutionParams
from chain.core.ports import StateReader
from chain.core.types import AccessEntry, EpochEnv

# a list can change what runs (gas), and so what is reached; each round adds, so few are needed
_ROUNDS = 16
_PRECOMPILES = frozenset(number.to_bytes(20, "big") for number in range(1, 0x12))


class Found(NamedTuple):
    """The list, and the call with it."""

    access_list: tuple[AccessEntry, ...]
    result: CallResult


def create_access_list(
    params: ExecutionParams,
    env: EpochEnv,
    state: StateReader,
    sender: bytes,
    to: bytes | None,
    *,
    access_list: tuple[AccessEntry, ...] = (),
    overrides: Mapping[bytes, AccountOverride] | None = None,
    **fields: Any,
) -> Found:
    """The access list (EIP-2930) that fits a call.

    What is warm anyway (sender, recipient, coinbase, precompiles) is left out unless slots of it are reached.

    Raises
    ------
    RequestError
        As ``CallSession.call``.
    """
    warm = _PRECOMPILES | {sender, env.coinbase}
    known = access_list
    for _ in range(_ROUNDS):
        result = simulate_call(params, env, state, sender, to, access_list=known, overrides=overrides, **fields)
        target = to if to is not None else result.contract_address
        found = tuple([entry for entry in result.accessed if entry.slots or entry.address not in (*warm, target)])
        if found == known:
            break
        known = found
    return Found(known, result)
