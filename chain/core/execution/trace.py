"""Traces of calls and of accepted transactions: run again, watched, over the state before them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chain.core.errors import RequestCode, RequestError
from chain.core.execution.call import CallSession
from chain.core.execution.overlay import CachedReader, StateOverlay
from chain.core.execution.params import ExecutionParams, block_env
from chain.core.execution.runner import TransactionRunner
from chain.core.execution.tracers import Before, CallTracer, PrestateTracer, StructLogger, Traced
from chain.core.execution.transfer import effective_gas_price
from chain.core.ports import BlockHashes, StateReader
from chain.core.types import EpochEnv, Transaction

AnyTracer = StructLogger | CallTracer | PrestateTracer
TRACERS = ("structLogger", "callTracer", "prestateTracer")


class Placed(NamedTuple):
    """An accepted transaction and the COINBASE that it saw."""

    tx: Transaction
    coinbase: bytes


def make_tracer(name: str, options: Mapping[str, Any], overlay: StateOverlay, also: tuple[bytes, ...]) -> AnyTracer:
    """The tracer of a name over an overlay whose call is about to run.

    Raises
    ------
    RequestError
        invalid_params for a name that is not in ``TRACERS``.
    """
    if name == "structLogger":
        return StructLogger(options)
    if name == "callTracer":
        return CallTracer(options)
    if name == "prestateTracer":
        return PrestateTracer(options, Before(overlay), overlay, also)
    raise RequestError(RequestCode.INVALID_PARAMS, f"tracer not found: {name[:60]}", known=TRACERS)


def trace_call(session: CallSession, name: str, options: Mapping[str, Any], call: Mapping[str, Any]) -> Any:
    """Trace one simulated call.

    Parameters
    ----------
    call : mapping
        Arguments of ``CallSession.call``.

    Raises
    ------
    RequestError
        As ``CallSession.call``; limit_exceeded for a trace that is too large.
    """
    tracer = make_tracer(name, options, session.overlay, (session.env.coinbase,))
    result = session.call(**call, tracer=tracer)
    return tracer.result(Traced(call["gas"], result.gas_used, result.output, result.error, result.accessed))


def trace_transactions(
    env: EpochEnv,
    order: Sequence[Placed],
    wanted: Collection[bytes] | None,
    state: StateReader,
    params: ExecutionParams,
    block_hashes: BlockHashes,
    name: str,
    options: Mapping[str, Any],
) -> Iterator[tuple[bytes, Any]]:
    """Run an epoch's accepted transactions in canonical order and trace those that are wanted.

    The canonical order run one by one is what an epoch does (protocol §8), so each finds the state that it found
    then.  Tips and rewards come after all transactions and are part of no trace.

    Parameters
    ----------
    env : EpochEnv
        Of the epoch; its rooms are not used.
    order : sequence of Placed
        From the first of the epoch on.
    wanted : collection of bytes or None
        Hashes to trace; None: all.
    state : StateReader
        Before the epoch.

    Yields
    ------
    tuple
        (transaction hash, trace), in order.
    """
    from chain.core.execution.evm.executor import Call, Executor, error_code

    overlay = StateOverlay(CachedReader(state))
    block = block_env(env, params)
    runner = TransactionRunner(overlay, block, block_hashes)
    left = len(order) if wanted is None else len(wanted)
    for position, (tx, coinbase) in enumerate(order):
        if not left:
            return
        if wanted is not None and tx.hash not in wanted:
            runner.run(tx, position, coinbase)
            continue
        left -= 1
        tracer = make_tracer(name, options, overlay, (coinbase,))
        executor = Executor(overlay, block, block_hashes, tracer)
        outcome = executor.run(Call.of(tx, effective_gas_price(tx, env.base_fee)), coinbase)
        error = None if outcome.error is None else error_code(outcome.error)
        accessed = executor.db.accessed()
        yield tx.hash, tracer.result(Traced(tx.gas_limit, outcome.gas_used, outcome.output, error, accessed))
