"""The Lua scripts: loaded once, called by digest."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from chain.core.pool import TIME_WEIGHT

NAMES = ("add", "update", "flight", "select", "expire", "drop")


class Script(NamedTuple):
    """A script and the digest that Redis knows it by."""

    text: bytes
    sha: str


@cache
def scripts() -> dict[str, Script]:
    """All scripts by name, the shared part before each."""
    folder = files("chain.services.pool")
    shared = f"local TIME_WEIGHT = {TIME_WEIGHT}\n".encode() + folder.joinpath("common.lua").read_bytes()
    found = {}
    for name in NAMES:
        text = shared + folder.joinpath(f"{name}.lua").read_bytes()
        found[name] = Script(text, hashlib.sha1(text, usedforsecurity=False).hexdigest())
    return found
