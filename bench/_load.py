"""A load generator for any Ethereum-like node: pre-signed transfers until every receipt is readable.  Loopback only."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

import coincurve

from chain.core import rlp
from chain.core.transactions import keccak

TRANSFER_GAS = 21_000


class Connection:
    """One keep-alive HTTP/1.1 connection."""

    def __init__(self, url: str) -> None:
        parts = urlparse(url)
        assert parts.hostname in ("127.0.0.1", "localhost"), "loopback only"
        self._host, self._port = parts.hostname, parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> Any:
        """Send one JSON body; a connection that the server closed meanwhile is opened again."""
        for attempt in (0, 1):
            try:
                if self._streams is None:
                    self._streams = await asyncio.open_connection(self._host, self._port, limit=1 << 26)
                return await asyncio.wait_for(self._exchange(body), 120)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()
                if attempt:
                    raise
        return None

    async def call(self, method: str, *params: Any) -> Any:
        """One call's result."""
        answer = await self.post(request(method, *params))
        if "error" in answer:
            message = f"{method}: {answer['error']}"
            raise RuntimeError(message)
        return answer["result"]

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, body: bytes) -> Any:
        assert self._streams is not None
        reader, writer = self._streams
        head = f"POST / HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nContent-Type: application/json\r\n"
        writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        fields = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"transfer-encoding: chunked" in fields:
            data = b""
            while size := int(await reader.readline(), 16):
                data += await reader.readexactly(size)
                await reader.readexactly(2)
            await reader.readexactly(2)
        else:
            length = next(line for line in fields.split(b"\r\n") if line.startswith(b"content-length:"))
            data = await reader.readexactly(int(length.split(b":")[1]))
        return json.loads(data)


def request(method: str, *params: Any, number: int = 1) -> bytes:
    """A JSON-RPC request's bytes."""
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}).encode()


@dataclass(frozen=True)
class Wallet:
    """A key that signs legacy transfers as fast as libsecp256k1 does."""

    key: bytes

    @property
    def address(self) -> bytes:
        """20 bytes."""
        return keccak(coincurve.PrivateKey(self.key).public_key.format(compressed=False)[1:])[12:]

    def transfer(self, chain_id: int, nonce: int, price: int, to: bytes, value: int) -> tuple[bytes, bytes]:
        """(envelope, hash)."""
        fields: list[Any] = [nonce, price, TRANSFER_GAS, to, value, b""]
        digest = keccak(rlp.encode([*fields, chain_id, b"", b""]))
        signature = coincurve.PrivateKey(self.key).sign_recoverable(digest, hasher=None)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        raw = rlp.encode([*fields, chain_id * 2 + 35 + signature[64], r, s])
        return raw, keccak(raw)


@dataclass(frozen=True)
class Outcome:
    """Rates a second, and the median time of one request in ms."""

    count: int
    until_receipts: float
    submitted: float
    request_ms: float
    blocks: int


async def receipt(connection: Connection, tx_hash: bytes, nudge: bool = False) -> dict[str, Any]:
    """Poll for a receipt; ``nudge`` mines by hand where a development node left a transaction pending."""
    end = time.monotonic() + 120
    nudged = time.monotonic()
    while time.monotonic() < end:
        found = await connection.call("eth_getTransactionReceipt", "0x" + tx_hash.hex())
        if found:
            return dict(found)
        if nudge and time.monotonic() > nudged + 1:
            await connection.call("evm_mine")
            nudged = time.monotonic()
        await asyncio.sleep(0.005)
    message = f"no receipt for {tx_hash.hex()}"
    raise TimeoutError(message)


async def fund(control: Connection, bank: Wallet, wallets: list[Wallet], amount: int, nudge: bool) -> None:
    """Send each wallet its money and wait for the last."""
    chain_id = int(await control.call("eth_chainId"), 16)
    price = 2 * int(await control.call("eth_gasPrice"), 16) + 1
    nonce = int(await control.call("eth_getTransactionCount", "0x" + bank.address.hex(), "latest"), 16)
    last = b""
    for offset, wallet in enumerate(wallets):
        raw, last = bank.transfer(chain_id, nonce + offset, price, wallet.address, amount)
        await control.call("eth_sendRawTransaction", "0x" + raw.hex())
    await receipt(control, last, nudge)


async def transfers(
    url: str,
    key: bytes,
    *,
    count: int,
    senders: int,
    connections: int,
    batch: int = 1,
    salt: int = 0,
    nudge: bool = False,
    mark: Callable[[], None] = lambda: None,
) -> Outcome:
    """``count`` transfers from ``senders`` over ``connections``; every receipt is checked after the clock stops.

    ``mark`` is called when the clock starts and when it stops.
    """
    control = Connection(url)
    chain_id = int(await control.call("eth_chainId"), 16)
    price = 2 * int(await control.call("eth_gasPrice"), 16) + 1
    bank, sink = Wallet(key), keccak(b"sink%d" % salt)[12:]
    wallets = [Wallet(keccak(b"bench %d %d" % (salt, at))) for at in range(senders)]
    each = count // senders
    await fund(control, bank, wallets, each * (price * TRANSFER_GAS + 1) * 2, nudge)
    signed = [[wallet.transfer(chain_id, nonce, price, sink, 1) for nonce in range(each)] for wallet in wallets]
    times: list[float] = []

    async def send(mine: list[list[tuple[bytes, bytes]]]) -> None:
        connection = Connection(url)
        for run in mine:
            for start in range(0, len(run), batch):
                part = ["0x" + raw.hex() for raw, _ in run[start : start + batch]]
                bodies = [request("eth_sendRawTransaction", raw, number=at) for at, raw in enumerate(part)]
                began = time.perf_counter()
                answer = await connection.post(bodies[0] if batch == 1 else b"[" + b",".join(bodies) + b"]")
                times.append(time.perf_counter() - began)
                for one in answer if batch > 1 else [answer]:
                    assert "result" in one, one
        connection.close()

    mark()
    began = time.perf_counter()
    await asyncio.gather(*[send(signed[at::connections]) for at in range(connections)])
    submitted = time.perf_counter()
    for run in signed:
        await receipt(control, run[-1][1], nudge)
    ended = time.perf_counter()
    mark()
    found = [await receipt(control, tx_hash) for run in signed for _, tx_hash in run]
    assert all(int(one["status"], 16) == 1 for one in found)
    control.close()
    total = len(found)
    return Outcome(
        count=total,
        until_receipts=total / (ended - began),
        submitted=total / (submitted - began),
        request_ms=1000 * statistics.median(times),
        blocks=len({one["blockNumber"] for one in found}),
    )


async def lone_transfers(url: str, key: bytes, count: int, nudge: bool = False) -> list[float]:
    """Seconds from sending a lone transfer until its receipt is readable, one after another."""
    control, wallet = Connection(url), Wallet(key)
    chain_id = int(await control.call("eth_chainId"), 16)
    price = 2 * int(await control.call("eth_gasPrice"), 16) + 1
    nonce = int(await control.call("eth_getTransactionCount", "0x" + wallet.address.hex(), "latest"), 16)
    times = []
    for offset in range(count):
        raw, tx_hash = wallet.transfer(chain_id, nonce + offset, price, b"\x11" * 20, 1)
        began = time.perf_counter()
        await control.call("eth_sendRawTransaction", "0x" + raw.hex())
        await receipt(control, tx_hash, nudge)
        times.append(time.perf_counter() - began)
        # not in step with the node's own clock
        await asyncio.sleep(0.137 + 0.031 * (offset % 7))
    control.close()
    return times
