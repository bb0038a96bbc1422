"""The process that runs simulated calls: ``python -m chain.services.call_worker``.

It has its own connection, answers one request at a time, and ends with its standard input.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, BinaryIO

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mondoshawan.settings.prod")
django.setup()

import msgpack  # noqa: E402
import structlog  # noqa: E402
from django.db import connections  # noqa: E402

from chain.core.errors import BlockchainError, RequestCode, StoreError  # noqa: E402
from chain.core.execution.call import CallResult, estimate_gas, simulate_call  # noqa: E402
from chain.core.execution.memory_state import MemoryState  # noqa: E402
from chain.core.execution.overrides import AccountOverride  # noqa: E402
from chain.core.execution.params import ExecutionParams  # noqa: E402
from chain.core.types import AccessEntry, EpochEnv  # noqa: E402
from chain.services.call import FRAME, MAX_FRAME  # noqa: E402
from chain.services.network import current_spec  # noqa: E402
from chain.stores.connection import cursor, raw_connection  # noqa: E402
from chain.stores.state import CodeCache, PostgresState  # noqa: E402

log = structlog.get_logger(__name__)

_ENV = (
    "SELECT b.timestamp_ms, b.lot, b.base_fee, b.coinbase FROM chain_selected_chain c"
    " JOIN chain_block b ON b.hash = c.hash WHERE c.number = %s"
)
_BLOCK_HASH = "SELECT hash FROM chain_selected_chain WHERE number = %s"


class TimeIsUp(BaseException):
    """Raised by the alarm; beyond ``Exception``, so that no interpreter of bytecode takes it for its own."""


class Desk:
    """What a worker keeps between requests."""

    def __init__(self) -> None:
        self._spec = current_spec()
        self._params = ExecutionParams.of(self._spec)
        self._codes = CodeCache()

    def warm(self) -> None:
        """Load the interpreter and open the connection, before the first request's time begins."""
        env = EpochEnv(0, 0, bytes(32), 0, bytes(20), 0, 0, 0)
        simulate_call(self._params, env, MemoryState(), bytes(20), bytes(20))
        raw_connection()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one request under its time limit; errors become fields."""
        try:
            with _alarm(request["seconds"]):
                return self._run(request)
        except TimeIsUp as late:
            used = gas_used_so_far(late.__traceback__)
            message = f"execution aborted (timeout = {request['seconds']:g}s)"
            data = {} if used is None else {"gasUsed": hex(used)}
            return {"error": [str(RequestCode.LIMIT_EXCEEDED), message, data]}
        except BlockchainError as error:
            if isinstance(error, StoreError):
                raise
            return {"error": [error.code, error.message, {name: _plain(v) for name, v in error.data.items()}]}

    def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        number: int = request["number"]
        connection = raw_connection()
        row = cursor(connection).execute(_ENV, (number,), binary=True).fetchone()
        if row is None:
            raise StoreError("unknown_block", number=number)
        state = PostgresState(connection, number, shard_count=self._spec.shard_count, codes=self._codes)
        env = EpochEnv(number, row[0], row[1], int(row[2]), row[3], 0, 0, 0)

        def block_hash(wanted: int) -> bytes | None:
            if not number - 256 <= wanted < number:
                return None
            found = cursor(connection).execute(_BLOCK_HASH, (wanted,), binary=True).fetchone()
            return found[0] if found else None

        call = request["call"]
        arguments: dict[str, Any] = {
            "sender": call["from"],
            "to": call["to"],
            "value": int.from_bytes(call["value"], "big"),
            "data": call["data"],
            "gas": call["gas"],
            "gas_price": int.from_bytes(call["price"], "big"),
            "overrides": _overrides(request["overrides"]),
            "block_hashes": block_hash,
            "access_list": tuple(
                AccessEntry(address, tuple(int.from_bytes(slot, "big") for slot in slots))
                for address, slots in call["access_list"]
            ),
        }
        if request["op"] == "estimate":
            estimate = estimate_gas(self._params, env, state, **arguments)
            if estimate.gas is not None:
                return {"gas": estimate.gas}
            assert estimate.failure is not None
            return _result(estimate.failure)
        return _result(simulate_call(self._params, env, state, **arguments))


def gas_used_so_far(trace: TracebackType | None) -> int | None:
    """Gas that the interrupted frames have used: what the outermost had less what each still holds."""
    first: int | None = None
    held, seen = 0, set()
    while trace is not None:
        for value in trace.tb_frame.f_locals.values():
            meter = getattr(value, "_gas_meter", None)
            if meter is None or id(meter) in seen:
                continue
            seen.add(id(meter))
            first = meter.start_gas if first is None else first
            held += meter.gas_remaining
        trace = trace.tb_next
    return None if first is None else max(0, first - held)


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the source ends."""
    desk = Desk()
    desk.warm()
    _write(sink, {"ready": True})
    while (head := _read(source, FRAME.size)) is not None:
        (size,) = FRAME.unpack(head)
        if size > MAX_FRAME:
            return
        body = _read(source, size)
        if body is None:
            return
        _write(sink, desk.answer(msgpack.unpackb(body)))


def _result(result: CallResult) -> dict[str, Any]:
    return {
        "success": result.success,
        "output": result.output,
        "gas": result.gas_used,
        "failure": result.error,
    }


def _overrides(raw: list[Any] | None) -> dict[bytes, AccountOverride] | None:
    if not raw:
        return None
    return {
        address: AccountOverride(
            balance=None if balance is None else int.from_bytes(balance, "big"),
            nonce=nonce,
            code=code,
            storage=None if storage is None else _slots(storage),
            slots=_slots(slots or []),
        )
        for address, balance, nonce, code, storage, slots in raw
    }


def _slots(pairs: list[tuple[bytes, bytes]]) -> dict[int, int]:
    return {int.from_bytes(slot, "big"): int.from_bytes(value, "big") for slot, value in pairs}


def _plain(value: Any) -> Any:
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    return value if value is None or isinstance(value, (int, str, bytes)) else str(value)


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(signum: int, frame: FrameType | None) -> None:
        raise TimeIsUp

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _read(source: BinaryIO, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        part = source.read(size - len(data))
        if not part:
            return None
        data += part
    return data


def _write(sink: BinaryIO, answer: dict[str, Any]) -> None:
    packed = msgpack.packb(answer)
    sink.write(FRAME.pack(len(packed)) + packed)
    sink.flush()


if __name__ == "__main__":
    connections["default"].settings_dict["NAME"] = sys.argv[1]
    # answers own the standard output: whatever else prints goes with the errors
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)
