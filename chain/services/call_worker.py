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
# it measures nothing, and one that is killed would leave its value files behind
os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
django.setup()

import msgpack  # noqa: E402
import structlog  # noqa: E402
from django.db import connections  # noqa: E402
from psycopg import IsolationLevel  # noqa: E402

from chain.core.errors import BlockchainError, RequestCode, StoreError  # noqa: E402
from chain.core.execution.call import simulate_call  # noqa: E402
from chain.core.execution.memory_state import MemoryState  # noqa: E402
from chain.core.execution.params import ExecutionParams  # noqa: E402
from chain.core.types import EpochEnv  # noqa: E402
from chain.services.call import FRAME, MAX_FRAME  # noqa: E402
from chain.services.call_ops import Site, run  # noqa: E402
from chain.services.network import current_spec  # noqa: E402
from chain.stores.connection import Connection, raw_connection  # noqa: E402
from chain.stores.state import CodeCache  # noqa: E402

log = structlog.get_logger(__name__)


class TimeIsUp(BaseException):
    """Raised by the alarm; beyond ``Exception``, so that no interpreter of bytecode takes it for its own."""


class Desk:
    """What a worker keeps between requests."""

    def __init__(self) -> None:
        self._spec = current_spec()
        self._params = ExecutionParams.of(self._spec)
        self._codes = CodeCache()
        self._configured: Connection | None = None

    def warm(self) -> None:
        """Load the interpreter and open the connection, before the first request's time begins."""
        env = EpochEnv(0, 0, bytes(32), 0, bytes(20), 0, 0, 0)
        simulate_call(self._params, env, MemoryState(), bytes(20), bytes(20))
        self._connection()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one request under its time limit; errors become fields."""
        try:
            with _alarm(request["seconds"]):
                return self._run(request)
        except TimeIsUp as late:
            # it may have struck in the middle of a statement
            connections["default"].close()
            used = gas_used_so_far(late.__traceback__)
            message = f"execution aborted (timeout = {request['seconds']:g}s)"
            data = {} if used is None else {"gasUsed": hex(used)}
            return {"error": [str(RequestCode.LIMIT_EXCEEDED), message, data]}
        except BlockchainError as error:
            if isinstance(error, StoreError):
                raise
            return {"error": [error.code, error.message, {name: _plain(v) for name, v in error.data.items()}]}

    def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        """All that a request reads is of one commit, whatever is committed meanwhile."""
        connection = self._connection()
        with connection.transaction():
            return run(Site(self._spec, self._params, self._codes, connection, request["number"]), request)

    def _connection(self) -> Connection:
        connection = raw_connection()
        if connection is not self._configured:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            self._configured = connection
        return connection


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
