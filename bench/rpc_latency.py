"""What a caller of JSON-RPC waits for while others are at it.

1. eth_blockNumber on one connection while eth_call burns its whole time limit on others.
2. newHeads to many WebSocket subscribers: from the publication after a commit until the last of them has the head.
3. eth_getLogs by address and topic over 10 000 blocks that hold 100 000 logs, with the plan that finds them.

    python -m bench.rpc_latency [--subscribers 1000] [--heads 20] [--only calls,heads,logs]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import re
import secrets
import statistics
import struct
import time
from typing import Any
from urllib.parse import urlparse

from bench._load import Connection
from tests.e2e.node import Node, running_node

# loops for ever
LOOPER = "0x5b600056"
TARGET = "0x" + "71" * 20


def report(name: str, times_ms: list[float]) -> None:
    """A line of figures."""
    ordered = sorted(times_ms)
    print(
        f"{name}: median {statistics.median(ordered):.1f} ms, 90 % {ordered[int(0.9 * len(ordered))]:.1f} ms,"
        f" 99 % {ordered[int(0.99 * len(ordered))]:.1f} ms, worst {ordered[-1]:.1f} ms of {len(ordered)}",
        flush=True,
    )


# ---- 1: reads beside calls ----


async def reads_beside_calls(url: str, seconds: float = 12.0) -> None:
    """Ask for the number 50 times a second, alone and while two connections burn."""
    alone = await _numbers(url, seconds / 4)
    ended = asyncio.Event()
    burners = [asyncio.create_task(_burn(url, ended)) for _ in range(2)]
    await asyncio.sleep(0.5)
    beside = await _numbers(url, seconds)
    ended.set()
    spent = [time_ms for burner in burners for time_ms in await burner]
    report("eth_blockNumber alone", alone)
    report("eth_blockNumber while eth_call burns", beside)
    report("the calls themselves, until their limit", spent)


async def _numbers(url: str, seconds: float) -> list[float]:
    connection, times, end = Connection(url), [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        await connection.call("eth_blockNumber")
        times.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(0.02)
    connection.close()
    return times


async def _burn(url: str, ended: asyncio.Event) -> list[float]:
    connection, times = Connection(url), []
    while not ended.is_set():
        began = time.perf_counter()
        try:
            await connection.call("eth_call", {"to": TARGET, "gas": hex(2**40)}, "latest", {TARGET: {"code": LOOPER}})
        except RuntimeError as error:
            # the limit of time or of gas, whichever came first
            if "-32005" not in str(error) and "out of gas" not in str(error):
                raise
        times.append(1000 * (time.perf_counter() - began))
    connection.close()
    return times


# ---- 2: heads to many ----


class Subscriber(asyncio.Protocol):
    """A WebSocket client that only notes when a head comes; a library's would cost as much as the server."""

    def __init__(self, port: int, heard: dict[int, list[float]]) -> None:
        self._port, self._heard = port, heard
        self._buffer = b""
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands and subscribe."""
        key = base64.b64encode(secrets.token_bytes(16))
        hello = (
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n\r\n" % (self._port, key)
        )
        self._transport = transport
        transport.write(hello)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Note each whole head."""
        self._buffer += data
        if self._buffer.startswith(b"HTTP/1.1 101"):
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._buffer = self._buffer[end + 4 :]
            body = b'{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}'
            # text, masked with zeros
            self._transport.write(bytes([0x81, 0x80 | len(body)]) + bytes(4) + body)  # type: ignore[attr-defined]
        while (body := self._frame()) is not None:
            found = re.search(rb'"number":"(0x[0-9a-f]+)"', body)
            if found is not None:
                self._heard.setdefault(int(found[1], 16), []).append(time.time())
            elif b'"result"' in body and not self.subscribed.done():
                self.subscribed.set_result(None)

    def _frame(self) -> bytes | None:
        data = self._buffer
        if len(data) < 2:
            return None
        length, start = data[1] & 0x7F, 2
        if length == 126:
            if len(data) < 4:
                return None
            (length,), start = struct.unpack(">H", data[2:4]), 4
        if len(data) < start + length:
            return None
        self._buffer = data[start + length :]
        return data[start : start + length]


async def heads_to_many(node: Node, count: int, heads: int) -> None:
    """Subscribe, then follow what is published and who hears it when."""
    from django.conf import settings
    from redis.asyncio import Redis

    from chain.services.snapshot import events_channel

    port = urlparse(node.rpc_url).port
    assert port is not None
    heard: dict[int, list[float]] = {}
    loop = asyncio.get_running_loop()
    for start in range(0, count, 50):
        made = [
            await loop.create_connection(lambda: Subscriber(port, heard), "127.0.0.1", port)
            for _ in range(start, min(start + 50, count))
        ]
        await asyncio.wait_for(asyncio.gather(*[one.subscribed for _, one in made]), 60)
    redis = Redis.from_url(settings.MDS_REDIS_URL)
    published: dict[int, int] = {}
    heard.clear()
    async with redis.pubsub(ignore_subscribe_messages=True) as events:
        await events.subscribe(events_channel(redis))
        while sum(len(times) == count for number, times in heard.items() if number in published) < heads:
            message = await events.get_message(timeout=1)
            if message is not None and b'"kind":"head"' in message["data"]:
                fields = json.loads(message["data"])
                published.setdefault(fields["number"], fields["published_ms"])
    await redis.aclose()
    whole = [number for number, times in heard.items() if len(times) == count and number in published]
    report(f"newHeads to the first of {count}", [1000 * min(heard[n]) - published[n] for n in whole])
    report(f"newHeads to the last of {count}", [1000 * max(heard[n]) - published[n] for n in whole])


# ---- 3: logs ----


def logs_by_index(rounds: int = 20) -> None:
    """Time the query and the writing of its answer, and show the plan."""
    from bench._database import chain_database

    with chain_database() as conn:
        from chain.rpc import formats
        from chain.selectors import rpc as select
        from tests.factories.database import StoredChain
        from tests.rpc.conftest import TOKEN
        from tests.rpc.test_log_query import BLOCKS, fill

        StoredChain(conn, joined=True)
        fill(conn)
        conn.execute("ANALYZE")
        topic = conn.execute("SELECT sha256('\\x01')").fetchone()[0]  # type: ignore[index]

        class Sync:
            """The connection as the selector takes one."""

            text: Any = None

            async def execute(self, sql: str, args: Any, binary: bool) -> Any:
                self.text = (sql, args)
                rows = conn.execute(sql, args, binary=binary).fetchall()  # type: ignore[call-overload]

                class Rows:
                    async def fetchall(self) -> Any:
                        return rows

                return Rows()

        asked, times, found = Sync(), [], []
        for _ in range(rounds):
            began = time.perf_counter()
            found = asyncio.run(select.logs(asked, 1, BLOCKS, (TOKEN,), ((topic,),), 10_001))  # type: ignore[arg-type]
            json.dumps([formats.log(one) for one in found])
            times.append(1000 * (time.perf_counter() - began))
        report(f"eth_getLogs, {len(found)} of 100 000 logs in {BLOCKS} blocks", times)
        for (line,) in conn.execute(
            f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {asked.text[0]}", asked.text[1]
        ):
            print("   ", line)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--heads", type=int, default=20)
    parser.add_argument("--only", default="calls,heads,logs")
    options = parser.parse_args()
    wanted = set(options.only.split(","))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    if wanted & {"calls", "heads"}:
        with running_node() as node:
            while node.number() < 8:
                time.sleep(0.5)
            if "calls" in wanted:
                asyncio.run(reads_beside_calls(node.rpc_url))
            if "heads" in wanted:
                os.environ.update(MDS_DATA_DIR=str(node.folder), DJANGO_SETTINGS_MODULE="mondoshawan.settings.prod")
                asyncio.run(heads_to_many(node, options.subscribers, options.heads))
            node.stop()
    if "logs" in wanted:
        # another folder and other settings than the node's: in a process of its own
        if wanted == {"logs"}:
            logs_by_index()
        else:
            os.execvp("python", [os.path.realpath("/proc/self/exe"), "-m", "bench.rpc_latency", "--only", "logs"])


if __name__ == "__main__":
    main()
