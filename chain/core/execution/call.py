"""Calls that nobody signed: ``eth_call``, ``eth_estimateGas``, ``eth_createAccessList``, ``eth_simulateV1``.

They run on the same EVM as an epoch, over any state and environment, and change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from chain.core.errors import RequestError
from chain.core.execution.overlay import CachedReader, StateOverlay
from chain.core.execution.overrides import AccountOverride, OverriddenState
from chain.core.execution.params import BlockEnv, ExecutionParams, block_env
from chain.core.ports import BlockHashes, StateReader
from chain.core.types import EMPTY_CODE_HASH, AccessEntry, Authorization, EpochEnv, Log, StateDiff

if TYPE_CHECKING:
    from chain.core.execution.tracing import Tracer

_TRANSFER_GAS = 21_000
# eth_estimateGas stops when the answer is known to 1.5 %
_ERROR_NUMERATOR, _ERROR_DENOMINATOR = 15, 1_000


@dataclass(frozen=True)
class CallResult:
    """What a simulated call did.

    ``error`` is None or a stable code ("execution_reverted", "out_of_gas", …); ``output`` the returned bytes, or the
    reverted ones.  ``accessed`` are the accounts and slots that it reached, in reverted frames too.
    """

    success: bool
    output: bytes
    gas_used: int
    gas_refund: int
    error: str | None
    logs: tuple[Log, ...]
    contract_address: bytes | None
    accessed: tuple[AccessEntry, ...]

    @property
    def reverted(self) -> bool:
        """Whether the code itself reverted, so that ``output`` tells why."""
        return self.error == "execution_reverted"


class Estimate(NamedTuple):
    """The least gas limit found, or the call that fails at the greatest one."""

    gas: int | None
    failure: CallResult | None


def no_block_hashes(number: int) -> bytes | None:
    """BLOCKHASH where no chain is at hand."""
    del number
    return None


class CallSession:
    """Simulated calls one after another over one state; later ones see what earlier ones did.

    Parameters
    ----------
    params : ExecutionParams
        Parameters of the chain.
    env : EpochEnv
        The block that the calls run in; its coinbase is COINBASE.
    state : StateReader
        Not changed.
    overrides : mapping, optional
        Address → what to see instead.
    block_hashes : BlockHashes
        BLOCKHASH.
    block : BlockEnv, optional
        Stands in for the environment derived from ``env`` (block overrides).
    """

    def __init__(
        self,
        params: ExecutionParams,
        env: EpochEnv,
        state: StateReader,
        overrides: Mapping[bytes, AccountOverride] | None = None,
        *,
        block_hashes: BlockHashes = no_block_hashes,
        block: BlockEnv | None = None,
    ) -> None:
        self.env = env
        self.block = block if block is not None else block_env(env, params)
        self.block_hashes = block_hashes
        self.overlay = StateOverlay(CachedReader(OverriddenState(state, overrides) if overrides else state))

    def call(
        self,
        sender: bytes,
        to: bytes | None,
        value: int = 0,
        data: bytes = b"",
        gas: int = _TRANSFER_GAS,
        gas_price: int = 0,
        *,
        access_list: Sequence[AccessEntry] = (),
        authorizations: Sequence[Authorization] = (),
        tracer: Tracer | None = None,
    ) -> CallResult:
        """Run a call.  Without a gas price nothing is paid and BASEFEE is 0, as tools expect.

        Raises
        ------
        RequestError
            ``insufficient_funds``, ``intrinsic_gas`` or ``max_fee_below_base_fee``: it could not even start.
        """
        from chain.core.execution.evm.executor import Call, Executor, error_code, intrinsic_and_floor

        block = self.block if gas_price else replace(self.block, base_fee=0)
        if gas_price and gas_price < block.base_fee:
            raise RequestError("max_fee_below_base_fee", max_fee=gas_price, base_fee=block.base_fee)
        call = Call(sender, to, value, data, gas, gas_price, gas_price, access_list, authorizations)
        executor = Executor(self.overlay, block, self.block_hashes, tracer)
        least = max(intrinsic_and_floor(call, executor.has_floor))
        if gas < least:
            raise RequestError("intrinsic_gas", "intrinsic gas too low", have=gas, want=least)
        balance = executor.db.get_balance(sender)
        if balance < value + gas * gas_price:
            raise RequestError(
                "insufficient_funds", "insufficient funds", address=sender, have=balance, want=value + gas * gas_price
            )
        outcome = executor.run(call, self.env.coinbase)
        return CallResult(
            outcome.success,
            outcome.output,
            outcome.gas_used,
            outcome.gas_refund,
            None if outcome.error is None else error_code(outcome.error),
            outcome.logs,
            outcome.contract_address,
            executor.db.accessed(),
        )

    def changes(self) -> StateDiff:
        """What the calls so far changed."""
        diff, _ = self.overlay.changes()
        return diff


def simulate_call(
    params: ExecutionParams,
    env: EpochEnv,
    state: StateReader,
    sender: bytes,
    to: bytes | None,
    value: int = 0,
    data: bytes = b"",
    gas: int | None = None,
    gas_price: int = 0,
    overrides: Mapping[bytes, AccountOverride] | None = None,
    *,
    block_hashes: BlockHashes = no_block_hashes,
    block: BlockEnv | None = None,
    **fields: Any,
) -> CallResult:
    """Run one call over a state and change nothing.

    Parameters
    ----------
    gas : int, optional
        Gas limit; epoch_call_gas where left out.
    fields
        ``access_list``, ``authorizations``, ``tracer`` of ``CallSession.call``; the other parameters are those of
        ``CallSession``.

    Raises
    ------
    RequestError
        As ``CallSession.call``.
    """
    session = CallSession(params, env, state, overrides, block_hashes=block_hashes, block=block)
    limit = params.epoch_call_gas if gas is None else gas
    return session.call(sender, to, value, data, limit, gas_price, **fields)


def estimate_gas(
    params: ExecutionParams,
    env: EpochEnv,
    state: StateReader,
    sender: bytes,
    to: bytes | None,
    value: int = 0,
    data: bytes = b"",
    gas: int | None = None,
    gas_price: int = 0,
    overrides: Mapping[bytes, AccountOverride] | None = None,
    **fields: Any,
) -> Estimate:
    """The least gas limit with which a call succeeds, by bisection to 1.5 %.

    ``gas`` bounds it (epoch_call_gas at most), and so does the sender's balance where there is a gas price.

    Raises
    ------
    RequestError
        As ``CallSession.call``.
    """
    seen = OverriddenState(state, overrides or {})
    high = min(params.epoch_call_gas, gas or params.epoch_call_gas)
    if gas_price:
        account = seen.get_account(sender)
        high = min(high, max(0, (account.balance if account else 0) - value) // gas_price)

    def attempt(limit: int) -> CallResult | None:
        """The call with a limit, None where it is too low to start."""
        try:
            return simulate_call(params, env, state, sender, to, value, data, limit, gas_price, overrides, **fields)
        except RequestError as error:
            if error.code != "intrinsic_gas" or limit == high:
                raise
            return None

    recipient = seen.get_account(to) if to is not None else None
    has_code = recipient is not None and recipient.code_hash != EMPTY_CODE_HASH
    if to is not None and not data and not has_code:
        simple = attempt(_TRANSFER_GAS) if high > _TRANSFER_GAS else None
        if simple is not None and simple.success:
            return Estimate(_TRANSFER_GAS, None)
    greatest = attempt(high)
    assert greatest is not None
    if not greatest.success:
        return Estimate(None, greatest)
    low = max(_TRANSFER_GAS, greatest.gas_used) - 1
    # what 63/64 and a call's stipend add, tried first: most calls need no more
    optimistic = (greatest.gas_used + greatest.gas_refund + 2_300) * 64 // 63
    trial = optimistic if low < optimistic < high else min((low + high) // 2, low * 2)
    while low + 1 < high and (high - low) * _ERROR_DENOMINATOR >= high * _ERROR_NUMERATOR:
        result = attempt(trial)
        if result is not None and result.success:
            high = trial
        else:
            low = trial
        trial = min((low + high) // 2, low * 2)
    return Estimate(high, None)
