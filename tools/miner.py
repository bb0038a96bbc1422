#!/usr/bin/env python
"""A stand-alone miner of all three streams, over JSON-RPC: mds_getBlockTemplate, search, mds_submitBlock.

It needs nothing of a node but its address; of this repository it uses the seals (``chain.core``).  Each
stream runs in a process of its own::

    python tools/miner.py --rpc http://127.0.0.1:8545 --streams A,B,C --coinbase 0x… --vrf-key-file miner.key

Stream C is drawn among those whose work carries their key: mine A or B with the same key first.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing as mp
import os
import secrets
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from chain.core import rlp
from chain.core.errors import RuleViolation
from chain.core.seals import search_a, search_b, sign_c, vrf
from chain.core.seals.eligibility import vrf_alpha

STREAMS = "ABC"
# A work block outweighs every fast block that it did not see, so the head is looked at after each search
SEARCH_S = 0.05
FIRST_COUNT = {"A": 1 << 14, "B": 1 << 11}
# transactions that came since, and the time, get into a template this often though the head stands still
REFRESH_S = 1.0
WAIT_S = 0.2
REPORT_S = 5.0


class RpcError(Exception):
    """The node's answer was an error."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(f"{message} ({code})")


class Rpc:
    """JSON-RPC over one kept connection, made anew when it breaks."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SystemExit(f"--rpc: {url} is no http address")
        self._class = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._place = (parts.hostname, parts.port)
        self._path = parts.path or "/"
        self._connection: http.client.HTTPConnection | None = None
        self._id = 0

    def call(self, method: str, *params: Any) -> Any:
        """One call; OSError when the node is away, RpcError when it answers so."""
        self._id += 1
        body = json.dumps({"jsonrpc": "2.0", "id": self._id, "method": method, "params": list(params)})
        for attempt in (1, 2):
            kept = self._connection is not None
            try:
                answer = json.loads(self._post(body))
                break
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._drop()
                if attempt == 2 or not kept:
                    raise OSError(str(error)) from error
        if "error" in answer:
            raise RpcError(int(answer["error"]["code"]), str(answer["error"]["message"]))
        return answer["result"]

    def _post(self, body: str) -> bytes:
        if self._connection is None:
            self._connection = self._class(*self._place, timeout=30)
        self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
        return self._connection.getresponse().read()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass(frozen=True)
class Job:
    """A template and the head that it was asked for under."""

    stream: str
    template: dict[str, Any]
    head: str
    follows: bool  # readers see this head itself: a block beside it would take back what they saw
    made: float

    @property
    def pre_hash(self) -> bytes:
        """What the seal is over."""
        return bytes.fromhex(self.template["preHash"][2:])

    def block(self, seal: tuple[bytes, ...]) -> str:
        """The sealed block in hex: RLP [header, body]."""
        header = rlp.decode_list(bytes.fromhex(self.template["header"][2:]))
        body = [bytes.fromhex(raw[2:]) for raw in self.template["transactions"]]
        return "0x" + rlp.wrap_list(rlp.encode([*header, seal]) + rlp.encode(body)).hex()


@dataclass
class Tally:
    """What a stream did, shared with the process that reports."""

    tries: Any = field(default_factory=lambda: mp.Value("Q", 0))
    found: Any = field(default_factory=lambda: mp.Value("Q", 0))


class Miner:
    """One stream, until it is stopped."""

    def __init__(self, stream: str, rpc: Rpc, coinbase: str, secret: bytes, share: float, tally: Tally) -> None:
        self.stream = stream
        self.rpc = rpc
        self.coinbase = coinbase
        self.secret = secret
        self.key = vrf.public_key(secret)
        self.share = share
        self.tally = tally
        self.job: Job | None = None
        self.count = FIRST_COUNT.get(stream, 0)
        self.last_slot = -1
        self.complaint = ""

    def run(self) -> None:
        """Search for ever; whatever the node answers, go on."""
        while True:
            began = time.monotonic()
            try:
                wait = self.draw() if self.stream == "C" else self.search()
            except RpcError as error:
                # no transactions, not eligible yet, a parent ahead of the clock: all of them pass
                self.complain(str(error))
                self.job, wait = None, WAIT_S
            except OSError as error:
                self.complain(f"the node is away: {error}")
                self.job, wait = None, 1.0
            spent = time.monotonic() - began
            time.sleep(wait if wait else spent * (1 - self.share) / self.share)

    def search(self) -> float:
        """One search on a template that is fresh; seconds to wait, 0 where work was done."""
        job = self.current()
        target = int(job.template["target"], 16)
        nonce = secrets.randbits(64)
        began = time.monotonic()
        if self.stream == "A":
            seal = search_a(job.pre_hash, target, nonce, self.count)
        else:
            seal = search_b(job.pre_hash, job.template["timestampMs"], target, nonce, self.count)
        took = max(time.monotonic() - began, 1e-4)
        tried = self.count if seal is None else (int.from_bytes(seal[0], "little") - nonce) % 2**64 + 1
        self.tally.tries.value += tried
        if seal is None:
            self.count = max(256, min(1 << 24, int(self.count * min(2.0, max(0.5, SEARCH_S / took)))))
        else:
            self.submit(job, seal)
        return 0.0

    def draw(self) -> float:
        """Try the next slot once."""
        job = self.fetch()
        slot = int(job.template["slot"])
        if slot <= self.last_slot:
            return 0.02
        self.last_slot = slot
        self.tally.tries.value += 1
        proof = vrf.prove(self.secret, vrf_alpha(bytes.fromhex(job.template["seed"][2:]), slot))
        drawn = int.from_bytes(vrf.proof_to_hash(proof)[:32], "big")
        if drawn < int(job.template["threshold"], 16):
            self.submit(job, sign_c(self.secret, job.pre_hash, proof))
        return 0.02

    def current(self) -> Job:
        """The template in hand, or a new one where the head or time has moved on."""
        job = self.job
        if job is None or time.monotonic() - job.made > REFRESH_S or self.head() != job.head:
            job = self.job = self.fetch()
        return job

    def fetch(self) -> Job:
        """A new template."""
        head = self.head()
        options = {"coinbase": self.coinbase, "vrfKey": "0x" + self.key.hex()}
        template = self.rpc.call("mds_getBlockTemplate", self.stream, options)
        parents = rlp.decode_list(bytes.fromhex(template["header"][2:]))[3]
        return Job(self.stream, template, head, bytes.fromhex(head[2:]) in parents, time.monotonic())

    def head(self) -> str:
        """Hash of the newest block that readers see."""
        return str(self.rpc.call("eth_getBlockByNumber", "latest", False)["hash"])

    def submit(self, job: Job, seal: tuple[bytes, ...]) -> None:
        """Hand a block in, unless it would take back what readers of the newest head have seen."""
        self.job = None
        if job.follows and self.head() != job.head:
            return
        answer = self.rpc.call("mds_submitBlock", job.block(seal))
        if answer["status"] != "known":
            self.tally.found.value += 1
            say(f"{self.stream} {answer['hash']} {answer['status']}")

    def complain(self, text: str) -> None:
        """Say it once."""
        if text != self.complaint:
            self.complaint = text
            say(f"{self.stream} waits: {text}")


def say(line: str) -> None:
    """A line on standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def work(stream: str, options: argparse.Namespace, secret: bytes, tally: Tally) -> None:
    """Body of a stream's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Miner(stream, Rpc(options.rpc), options.coinbase, secret, options.share, tally).run()


def read_secret(path: Path | None) -> bytes:
    """The 32-byte seed in a file as hex; the file is made where there is none.  A passing one without a file."""
    if path is None:
        return secrets.token_bytes(32)
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise SystemExit(f"--vrf-key-file: {path} does not hold 32 bytes as hex")
    return secret


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rpc", default="http://127.0.0.1:8545", help="address of the node (default %(default)s)")
    parser.add_argument("--streams", default="A,B,C", help="streams, comma (default %(default)s)")
    parser.add_argument("--coinbase", required=True, help="address that is paid")
    parser.add_argument("--vrf-key-file", type=Path, help="32 bytes as hex; made if missing; without it, a passing key")
    parser.add_argument("--share", type=float, default=1.0, help="share of a core for each stream, 0 to 1 (default 1)")
    parser.add_argument("--blocks", type=int, help="end after so many blocks")
    options = parser.parse_args(arguments)
    options.streams = [name.strip().upper() for name in options.streams.split(",") if name.strip()]
    if not options.streams or any(name not in STREAMS or len(name) != 1 for name in options.streams):
        parser.error("--streams: some of A, B and C")
    if not 0 < options.share <= 1:
        parser.error("--share: more than 0, at most 1")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Start a process for each stream, report, and end them."""
    options = parse(arguments)
    secret = read_secret(options.vrf_key_file)
    try:
        network = int(Rpc(options.rpc).call("eth_chainId"), 16)
        say(f"mines {','.join(options.streams)} on chain {network}, key 0x{vrf.public_key(secret).hex()}")
    except (OSError, RpcError, RuleViolation) as error:
        sys.stderr.write(f"{options.rpc}: {error}\n")
        return 1
    tallies = {stream: Tally() for stream in options.streams}
    miners = [
        mp.Process(target=work, args=(stream, options, secret, tally), daemon=True) for stream, tally in tallies.items()
    ]
    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _: stopping.append(got))
    for miner in miners:
        miner.start()
    try:
        report(tallies, options.blocks, miners, stopping)
    finally:
        for miner in miners:
            miner.terminate()
        for miner in miners:
            miner.join()
    return 0


def report(tallies: dict[str, Tally], blocks: int | None, miners: list[mp.Process], stopping: list[int]) -> None:
    """A line every few seconds until the end."""
    before, shown = dict.fromkeys(tallies, 0), time.monotonic()
    while not stopping and all(miner.is_alive() for miner in miners):
        time.sleep(0.1)
        if blocks is not None and sum(tally.found.value for tally in tallies.values()) >= blocks:
            return
        now = time.monotonic()
        if now - shown >= REPORT_S:
            parts = []
            for stream, tally in tallies.items():
                done, before[stream] = tally.tries.value - before[stream], tally.tries.value
                unit = "slots" if stream == "C" else "hashes"
                parts.append(f"{stream} {done / (now - shown):,.0f} {unit}/s, {tally.found.value} blocks")
            say(" | ".join(parts))
            shown = now


if __name__ == "__main__":
    sys.exit(main())
