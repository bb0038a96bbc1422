"""Tools of the survival tests: a node's processes, a load that remembers what it was told, the final account."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from mondoshawan.appliance import supervisor
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.programs import SERVERS
from tests.core.consensus.mini import dev
from tests.e2e.node import ROOT, Node, wait_for
from tests.tools import children

GWEI = 10**9


def data_folder(node: Node) -> DataFolder:
    """Where the node keeps everything."""
    return DataFolder(node.folder / "devnet", "devnet")


def client(node: Node) -> supervisor.Client:
    """A client of the node's supervisor."""
    return supervisor.Client(data_folder(node))


def states(node: Node) -> dict[str, str]:
    """Each program and its state."""
    return {name: info["statename"] for name, info in client(node).processes().items()}


def stop_program(node: Node, name: str) -> None:
    """Stop one program and wait for its end; the supervisor does not start it again by itself."""
    client(node)._call("stopProcess", name if name in SERVERS else f"node:{name}", True)


def all_run(node: Node) -> bool:
    """Whether every program is in its good state."""
    return set(states(node).values()) == {supervisor.RUNNING}


def family(node: Node) -> list[psutil.Process]:
    """Every process below ``up``."""
    assert node.process is not None
    return psutil.Process(node.process.pid).children(recursive=True)


def supervisor_of(node: Node) -> psutil.Process:
    """The process of supervisord."""
    pid = client(node).pid()
    assert pid is not None
    return psutil.Process(pid)


def alive(processes: list[psutil.Process]) -> list[str]:
    """Command lines of those that have not ended."""
    left = []
    for process in processes:
        try:
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                left.append(" ".join(process.cmdline())[:200] or process.name())
        except psutil.NoSuchProcess:
            continue
    return left


def kill_one(node: Node, rng: random.Random) -> tuple[str, psutil.Process] | None:
    """kill -9 of a program drawn at random, or of one of the processes below it."""
    try:
        running = {name: info["pid"] for name, info in client(node).processes().items() if info["pid"]}
        name = rng.choice(sorted(running))
        top = psutil.Process(running[name])
        victim = rng.choice([top, *top.children(recursive=True)]) if rng.random() < 0.5 else top
        victim.kill()
    except (psutil.Error, IndexError, *supervisor.UNREACHABLE):
        return None
    return name, victim


def number(node: Node) -> int:
    """Of the sink, as soon as the node tells it."""

    def told() -> int | None:
        stats = node.rpc("mds_getDagStats")
        return stats["number"] + 1 if "number" in stats else None

    return wait_for(told, "the node tells its number") - 1


def grows(node: Node, blocks: int = 3, seconds: float = 120) -> None:
    """The chain gets longer."""
    before = number(node)
    wait_for(lambda: number(node) >= before + blocks, "the chain grows", seconds)


def verify(node: Node) -> str:
    """Run ``verify_chain`` in a process of its own; its output when it is good."""
    done = subprocess.run(
        [sys.executable, "manage.py", "verify_chain"],
        cwd=ROOT, env=node.environment, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    return done.stdout


@dataclass(frozen=True)
class Sent:
    """A transaction whose hash was returned at ``at`` (time.time)."""

    sender: int
    hash: str
    raw: str
    at: float


class Load:
    """Development accounts that send transfers all the time, and remember every hash that was returned."""

    def __init__(self, node: Node, accounts: range, pause: float = 0.15) -> None:
        self.node = node
        self.pause = pause
        self.sent: list[Sent] = []
        self.refused: list[Any] = []
        self._chain_id = int(node.rpc("eth_chainId"), 16)
        self._first = {index: int(node.rpc("eth_getTransactionCount", dev(index).address, "pending"), 16)
                       for index in accounts}  # fmt: skip
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(index,), daemon=True) for index in accounts]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        senders = {sent.sender for sent in self.sent}
        assert len(senders) == len(self._threads), f"only {sorted(senders)} were heard: {self.refused[-3:]}"

    def _send(self, index: int) -> None:
        nonce = self._first[index]
        while not self._stop.is_set():
            signed = dev(index).sign_transaction(
                {
                    "chainId": self._chain_id, "nonce": nonce, "gas": 21_000, "maxFeePerGas": 1000 * GWEI,
                    "maxPriorityFeePerGas": GWEI, "to": bytes([0xE0 + index]) * 20, "value": 1,
                }
            )  # fmt: skip
            raw = "0x" + bytes(signed.raw_transaction).hex()
            while not self._stop.is_set():
                answer = self._offer(raw)
                if isinstance(answer, str):
                    self.sent.append(Sent(index, answer, raw, time.time()))
                    break
                time.sleep(0.2)
            nonce += 1
            time.sleep(self.pause)

    def _offer(self, raw: str) -> Any:
        try:
            answer = self.node.rpc("eth_sendRawTransaction", raw)
        except (requests.RequestException, OSError):
            return None
        if not isinstance(answer, str):
            self.refused.append(answer)
        return answer

    def unknown(self) -> list[Sent]:
        """What the node knows nothing of: neither pooled nor in a block."""
        return [sent for sent in self.sent if self.node.rpc("eth_getTransactionByHash", sent.hash) is None]

    def settle(self, lossy: list[tuple[float, float]]) -> int:
        """Wait until every transaction has its receipt; returns how many were lost and sent again.

        Parameters
        ----------
        lossy : list of (from, to)
            Times in which a returned hash may be lost, because Redis itself was the victim.
        """
        waiting = {sent.hash: sent for sent in self.sent}
        lost = 0
        end = time.monotonic() + 240
        while waiting:
            for tx_hash in list(waiting):
                receipt = self.node.rpc("eth_getTransactionReceipt", tx_hash)
                if receipt is not None and "status" in receipt:
                    assert receipt["status"] == "0x1"
                    del waiting[tx_hash]
                elif receipt is None and self.node.rpc("eth_getTransactionByHash", tx_hash) is None:
                    # asked again: it may have moved from the pool into a block between the two questions
                    if self.node.rpc("eth_getTransactionReceipt", tx_hash) is not None:
                        continue
                    sent = waiting[tx_hash]
                    assert any(first <= sent.at <= last for first, last in lossy), f"{tx_hash} was lost"
                    lost += 1
                    assert self.node.rpc("eth_sendRawTransaction", sent.raw) == tx_hash
            assert time.monotonic() < end, f"no receipt for {len(waiting)} of {len(self.sent)}"
            time.sleep(0.5)
        return lost


def second_writer(node: Node, log: Path) -> subprocess.Popen[bytes]:
    """Another worker of the writer's queue, as if somebody had started one by hand."""
    folder = data_folder(node)
    environment = {**node.environment, "DJANGO_SETTINGS_MODULE": "mondoshawan.settings.prod",
                   "PROMETHEUS_MULTIPROC_DIR": str(folder.metrics)}  # fmt: skip
    with log.open("wb") as output:
        return children.start(
            [sys.executable, "-m", "celery", "--quiet", "-A", "mondoshawan", "worker", "-n", "second@mondoshawan",
             "-Q", "virtual", "-P", "prefork", "-c", "1", "-l", "WARNING", "--without-gossip", "--without-mingle",
             "--without-heartbeat"],
            cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
