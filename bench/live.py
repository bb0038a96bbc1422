"""How soon after a commit do 500 open dashboards know?  Over a whole node with three streams.

Run from the project root: ``PYTHONPATH=. python bench/live.py [--sockets 500] [--seconds 60] [--transfers 20]``; with
``--node FOLDER WEB_PORT RPC_PORT`` over a devnet node that runs already.

The clock of a delta starts with its outbox row, which is written inside the commit, so the commit itself counts, and
stops when the last socket has the message.  The client's process reads all sockets on the same machine, so its share
of the two cores counts too.  ``--transfers`` a second keep stream C mining; 0 leaves A and B.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import requests
from websockets.asyncio.client import ClientConnection, connect

from bench._load import Connection, Wallet
from tests.e2e.node import Node, wait_for

# the first development account, whose key the node prints at its start
BANK = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
ACK_EVERY = 32


class Audience:
    """Open sockets, and when each of them had each delta."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.arrived: dict[int, int] = {}
        self.last_ms: dict[int, float] = {}
        self.numbers: dict[int, list[int]] = {}
        self.dropped = 0

    async def visitor(self, url: str, origin: str, ready: asyncio.Semaphore) -> None:
        """One dashboard: reads, counts, acknowledges."""
        try:
            async with connect(url, origin=origin, compression=None, max_size=None, proxy=None) as socket:
                await socket.recv()
                ready.release()
                await self._read(socket)
        except asyncio.CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - a closed socket is a figure, not an end
            self.dropped += 1
            print(f"a socket was lost: {error!r}")

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            now = time.time() * 1000
            # the head of a message is enough to know it: only the first to come is parsed
            at = text.index('"seq":') + 6
            seq = int(text[at : text.index(",", at)])
            if seq not in self.arrived:
                message = json.loads(text)
                self.numbers[seq] = [place[1] for place in message.get("merged", ()) if place[3]]
            self.arrived[seq] = self.arrived.get(seq, 0) + 1
            self.last_ms[seq] = now
            if seq % ACK_EVERY == 0:
                await socket.send(f'{{"type":"ack","seq":{seq}}}')

    def whole(self) -> list[int]:
        """Deltas with chain blocks that everybody had."""
        return [seq for seq, count in self.arrived.items() if count == self._count and self.numbers[seq]]


async def pay(url: str, rate: float) -> None:
    """Transfers from the first development account at a steady rate, until cancelled."""
    if not rate:
        return
    connection, bank = Connection(url), Wallet(BANK)
    chain_id = int(await connection.call("eth_chainId"), 16)
    nonce = int(await connection.call("eth_getTransactionCount", "0x" + bank.address.hex(), "pending"), 16)
    while True:
        price = 2 * int(await connection.call("eth_gasPrice"), 16)
        raw, _ = bank.transfer(chain_id, nonce, price, os.urandom(20), 1)
        await connection.call("eth_sendRawTransaction", "0x" + raw.hex())
        nonce += 1
        await asyncio.sleep(1 / rate)


async def listen(node: Node, sockets: int, seconds: float, rate: float) -> Audience:
    """Open all sockets, then let the node run."""
    audience, ready = Audience(sockets), asyncio.Semaphore(0)
    url = node.web_url.replace("http", "ws") + "/ws/live"
    tasks = []
    for _ in range(sockets):
        tasks.append(asyncio.create_task(audience.visitor(url, node.web_url, ready)))
        await asyncio.wait_for(ready.acquire(), 30)
    paying = asyncio.create_task(pay(node.rpc_url, rate))
    await asyncio.sleep(seconds)
    for task in (*tasks, paying):
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, paying, return_exceptions=True)
    return audience


def commits(folder: Path) -> dict[int, int]:
    """Number of each chain block → ms of the outbox row that told it first."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mondoshawan.settings.test")
    from mondoshawan.appliance import keys, postgres
    from mondoshawan.appliance.folder import DataFolder

    data = DataFolder(folder / "devnet", "devnet")
    password = keys.read_text(data.keys, keys.DATABASE_PASSWORD) or ""
    with psycopg.connect(**postgres.connection_info(data, password, postgres.DATABASE)) as conn:  # type: ignore[arg-type]
        rows = conn.execute(
            "SELECT (added ->> 'number')::bigint, max(created_ms) FROM chain_outbox_event,"
            " jsonb_array_elements(payload -> 'added') added GROUP BY 1"
        ).fetchall()
    return dict(rows)


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--transfers", type=float, default=20)
    parser.add_argument("--node", nargs=3, metavar=("FOLDER", "WEB_PORT", "RPC_PORT"))
    args = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="mds-bench-live-", dir="/tmp") as base:
        Path(base).chmod(0o755)
        node = Node(Path(args.node[0]) if args.node else Path(base) / "data")
        try:
            if args.node:
                node.web_port, node.rpc_port = int(args.node[1]), int(args.node[2])
            else:
                node.start()
            wait_for(lambda: requests.get(node.web_url + "/health", timeout=5).ok, "the web answers")
            audience = asyncio.run(listen(node, args.sockets, args.seconds, args.transfers))
            at = commits(node.folder)
        finally:
            if node.process is not None:
                node.stop()
    whole = audience.whole()
    delays = sorted(audience.last_ms[seq] - min(at[n] for n in audience.numbers[seq]) for seq in whole)
    assert delays, "no delta reached every socket"
    print(
        f"{args.sockets} sockets on {urlsplit(node.web_url).netloc}, {len(delays)} deltas in {args.seconds:.0f} s,"
        f" {audience.dropped} sockets lost, load {load:.1f} before: the last socket knows"
        f" {statistics.median(delays):.0f} ms (median), {delays[int(len(delays) * 0.95)]:.0f} ms (95 %),"
        f" {delays[-1]:.0f} ms (most) after the commit's row"
    )


if __name__ == "__main__":
    main()
