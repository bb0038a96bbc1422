"""Genesis files as JSON data, changed for a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest

from chain.core.errors import RuleViolation
from chain.core.spec import ChainSpec, load_spec

ADDRESS = "0x" + "ab" * 20


def raw(network: str = "devnet") -> dict[str, Any]:
    """A genesis file as JSON data, free to be changed."""
    data: dict[str, Any] = json.loads(resources.files("chain").joinpath("genesis", f"{network}.json").read_text())
    return data


def load(change: Callable[[dict[str, Any]], Any] | None = None) -> ChainSpec:
    data = raw()
    if change is not None:
        change(data)
    return load_spec(json.dumps(data))


def refusal(change: Callable[[dict[str, Any]], Any]) -> RuleViolation:
    with pytest.raises(RuleViolation) as caught:
        load(change)
    return caught.value


def put(*path_and_value: Any) -> Callable[[dict[str, Any]], None]:
    """A change: the value at the path."""
    *path, last, value = path_and_value

    def change(data: Any) -> None:
        for step in path:
            data = data[step]
        data[last] = value

    return change
