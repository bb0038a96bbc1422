"""Simulated execution in worker processes that can be killed, so that no call delays anything else.

A worker is started at the first call, reads one request at a time from its standard input and answers on
its standard output: four bytes of length, then msgpack.  One that does not answer in time is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import sys
from typing import Any

import msgpack
import structlog
from django.conf import settings
from django.db import connections

from chain.core.errors import RequestCode, RequestError, StoreError

log = structlog.get_logger(__name__)

FRAME = struct.Struct(">I")
MAX_FRAME = 64 * 1024 * 1024
# beyond the worker's own time limit, before it is killed
GRACE_SECONDS = 1.0
# only ends a hopeless wait: a busy machine starts one slowly, and one that cannot start ends by itself
START_SECONDS = 120.0
MAX_WAITING = 64


class CallWorkers:
    """A few worker processes, started when first needed.

    Parameters
    ----------
    limit : int, optional
        The most at once, ``MDS_RPC_CALL_WORKERS`` if none.
    niceness : int
        Of the workers, for what may wait for everything else.
    """

    def __init__(self, limit: int | None = None, niceness: int = 0) -> None:
        self._limit: int = settings.MDS_RPC_CALL_WORKERS if limit is None else limit
        self._niceness = niceness
        self._seconds: float = settings.MDS_RPC_CALL_SECONDS
        self._free: list[_Worker] = []
        self._slots = asyncio.Semaphore(self._limit)
        self._waiting = 0

    async def run(self, request: dict[str, Any], seconds: float | None = None) -> dict[str, Any]:
        """Let a worker answer a request, in ``seconds`` where that is less than it may take.

        Raises
        ------
        RequestError
            limit_exceeded when it takes too long or too many wait.
        StoreError
            call_worker_lost when the worker dies without an answer.
        """
        if self._waiting >= MAX_WAITING:
            raise RequestError(RequestCode.LIMIT_EXCEEDED, "too many calls wait", waiting=self._waiting)
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            limit = self._seconds if seconds is None else max(0.001, min(seconds, self._seconds))
            return await self._run({**request, "seconds": limit})
        finally:
            self._slots.release()

    async def stop(self) -> None:
        """End all workers."""
        workers, self._free = self._free, []
        await asyncio.gather(*[worker.kill() for worker in workers])

    async def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        worker = self._free.pop() if self._free else await _Worker.start(self._niceness)
        try:
            answer = await asyncio.wait_for(worker.ask(request), self._seconds + GRACE_SECONDS)
        except TimeoutError:
            await worker.kill()
            raise RequestError(
                RequestCode.LIMIT_EXCEEDED, f"execution aborted (timeout = {self._seconds:g}s)"
            ) from None
        except (OSError, asyncio.IncompleteReadError) as error:
            await worker.kill()
            raise StoreError("call_worker_lost", "a worker ended without an answer") from error
        except BaseException:
            # the caller went away in the middle of an answer
            await worker.kill()
            raise
        self._free.append(worker)
        return answer


class _Worker:
    """One process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, niceness: int = 0) -> _Worker:
        """Start one and wait until it is ready."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "chain.services.call_worker",
            # the one that this process uses, which a test run has named
            str(connections["default"].settings_dict["NAME"]),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=settings.BASE_DIR,
        )
        worker = cls(process)
        if niceness:
            # it may have ended by itself
            with contextlib.suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, process.pid, niceness)
        try:
            await asyncio.wait_for(worker._read(), START_SECONDS)
        except BaseException as error:
            await worker.kill()
            if isinstance(error, (TimeoutError, asyncio.IncompleteReadError, OSError)):
                raise StoreError("call_worker_lost", "a worker did not start") from error
            raise
        log.info("rpc.call_worker_started", pid=process.pid)
        return worker

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        assert self._process.stdin is not None
        packed = msgpack.packb(request)
        self._process.stdin.write(FRAME.pack(len(packed)) + packed)
        await self._process.stdin.drain()
        return await self._read()

    async def kill(self) -> None:
        """End the process at once."""
        # it may have ended by itself
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        (size,) = FRAME.unpack(await self._process.stdout.readexactly(FRAME.size))
        answer: dict[str, Any] = msgpack.unpackb(await self._process.stdout.readexactly(size))
        return answer
