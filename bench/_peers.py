"""The nodes that a user would pick instead, from npm at pinned versions, as their packages run them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from bench._load import Connection
from tests.tools.ports import free_port

# folder -> packages; two versions of one package do not go into one folder
PACKAGES = {
    "anvil": {"@foundry-rs/anvil": "1.7.1"},
    # it wants a newer Node.js than distributions have
    "hardhat3": {"hardhat": "3.18.0", "node": "22.23.3"},
    "hardhat2": {"hardhat": "2.29.1"},
}
_CONFIGS = {
    "anvil": (("package.json", '{"private": true}'),),
    "hardhat3": (
        ("package.json", '{"private": true, "type": "module"}'),
        ("hardhat.config.js", "export default {};\n"),
    ),
    "hardhat2": (
        ("package.json", '{"private": true}'),
        ("hardhat.config.js", 'module.exports = {solidity: "0.8.28"};\n'),
    ),
}
# name -> (folder, command); {port} stands for a free port
COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "anvil 1.7.1": ("anvil", ("anvil", "--port", "{port}", "--silent")),
    "hardhat 3.18.0": ("hardhat3", ("hardhat", "node", "--port", "{port}")),
    "hardhat 2.29.1": ("hardhat2", ("hardhat", "node", "--port", "{port}")),
}


@cache
def installed(name: str) -> Path | None:
    """The folder of a peer, installed at the first use; None without Node.js."""
    if shutil.which("npm") is None:
        return None
    folder = Path(tempfile.gettempdir()) / "mds-bench-peers" / name
    if not (folder / "node_modules").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in _CONFIGS[name]:
            (folder / file).write_text(text)
        packages = dict(PACKAGES[name])
        if "node" in packages:
            # first and alone: what the others take along depends on the Node.js that installs them
            _install(folder, {"node": packages.pop("node")})
        _install(folder, packages)
    return folder


def _install(folder: Path, packages: dict[str, str]) -> None:
    wanted = [f"{package}@{version}" for package, version in packages.items()]
    npm = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *wanted]
    subprocess.run(npm, cwd=folder, env=_environment(folder), check=True)


def _environment(folder: Path) -> dict[str, str]:
    path = f"{folder / 'node_modules/.bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true", "CI": "1"}


@contextmanager
def running(name: str, *extra: str) -> Iterator[tuple[str, int]]:
    """A peer's URL and process id; ``extra`` are more arguments for its command."""
    where, command = COMMANDS[name]
    folder = installed(where)
    assert folder is not None
    port = free_port()
    argv = [str(folder / "node_modules/.bin" / command[0]), *[part.format(port=port) for part in command[1:]], *extra]
    process = subprocess.Popen(
        argv, cwd=folder, env=_environment(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        asyncio.run(_answers(url))
        yield url, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _answers(url: str) -> None:
    for _ in range(300):
        connection = Connection(url)
        try:
            await connection.call("eth_chainId")
        except (OSError, RuntimeError, StopIteration):
            await asyncio.sleep(0.2)
        else:
            return
        finally:
            connection.close()
    message = f"{url} does not answer"
    raise TimeoutError(message)
