"""Contracts for nodes under test, compiled when they are asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple


class Compiled(NamedTuple):
    """What the compiler made of one file."""

    abi: list[dict[str, Any]]
    bytecode: str


@lru_cache
def compiled(name: str) -> Compiled:
    """``coin`` (ERC-20), ``art`` (ERC-721), ``goods`` (ERC-1155) or ``market`` (calls the first two).

    In a process of its own, since vyper changes Python's decimals for good.
    """
    file = Path(__file__).parent / f"{name}.vy"
    command = [sys.executable, "-m", "vyper", "-f", "abi,bytecode", str(file)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return Compiled(json.loads(lines[0]), lines[1])
