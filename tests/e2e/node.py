"""A real node for end-to-end tests: ``manage.py up`` in a folder and on ports of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import requests
from web3 import Web3

from tests.tools import children
from tests.tools.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")
# seconds for one answer, and for what needs several: they only end hopeless waits
PATIENCE_S = 180


def wait_for(what: Callable[[], T | None], description: str, seconds: float = PATIENCE_S) -> T:
    """Poll until ``what`` answers something true; the bound only ends a hopeless wait."""
    end = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < end:
        try:
            answer = what()
        except (requests.RequestException, ConnectionError, OSError) as error:
            last = error
        else:
            if answer:
                return answer
            last = answer
        time.sleep(0.1)
    message = f"{description}: not within {seconds} s, last {last!r}"
    raise AssertionError(message)


class Node:
    """One node; it can be stopped and started again on the same data folder."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.web_port, self.rpc_port = free_port(), free_port()
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("MDS_")}
        self.environment.pop("DJANGO_SETTINGS_MODULE", None)
        self.environment |= {
            "MDS_DATA_DIR": str(folder),
            "MDS_WEB_BIND": f"127.0.0.1:{self.web_port}",
            "MDS_RPC_BIND": f"127.0.0.1:{self.rpc_port}",
            **settings,
        }
        self.process: subprocess.Popen[str] | None = None
        self.output = folder.parent / f"{folder.name}.out"

    @property
    def rpc_url(self) -> str:
        """Where JSON-RPC is."""
        return f"http://127.0.0.1:{self.rpc_port}"

    @property
    def web_url(self) -> str:
        """Where the web is."""
        return f"http://127.0.0.1:{self.web_port}"

    def start(self) -> None:
        """Start and wait until JSON-RPC answers."""
        with self.output.open("a") as out:
            self.process = children.start(
                [sys.executable, "manage.py", "up"], cwd=ROOT, env=self.environment, stdout=out, stderr=out, text=True
            )
        wait_for(self._answers, "JSON-RPC answers", 300)

    def stop(self) -> int:
        """Ctrl-C; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(PATIENCE_S)
        self.process = None
        return code

    def kill(self) -> None:
        """End it whatever state it is in."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def rpc(self, method: str, *params: Any) -> Any:
        """One call; the error object where there is one."""
        answer = requests.post(
            self.rpc_url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}, timeout=PATIENCE_S
        ).json()
        return answer["result"] if "result" in answer else answer["error"]

    def web3(self) -> Web3:
        """A web3.py client."""
        return Web3(Web3.HTTPProvider(self.rpc_url, request_kwargs={"timeout": PATIENCE_S}))

    def number(self) -> int:
        """Number of the latest block."""
        return int(self.rpc("eth_blockNumber"), 16)

    def logs(self) -> str:
        """The ends of all logs, for a failing test's report."""
        parts = [f"== {self.output}\n{self.output.read_text()[-4000:]}"]
        for path in sorted(self.folder.rglob("*.log")):
            parts.append(f"== {path.name}\n{path.read_text(errors='replace')[-3000:]}")
        return "\n".join(parts)

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            message = f"the node ended with {self.process.returncode}\n{self.logs()}"
            raise RuntimeError(message)
        return str(self.rpc("eth_chainId")).startswith("0x")


@contextmanager
def running_node(**settings: str) -> Iterator[Node]:
    """A started node in a temporary folder, ended and removed at the end."""
    with children.temporary_folder("node") as base:
        node = Node(base / "data", **settings)
        try:
            node.start()
            yield node
        except BaseException:
            print(node.logs())
            raise
        finally:
            node.kill()
