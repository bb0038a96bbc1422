"""What the node itself adds to its start, where this build has it.

``chain.services.startup`` may offer ``genesis_hash() -> bytes`` and ``notes() -> list[str]``; both are
called after the chain was initialised, with the database ready.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

MODULE = "chain.services.startup"


def _module() -> ModuleType | None:
    try:
        return import_module(MODULE) if find_spec(MODULE) else None
    except ModuleNotFoundError as error:
        if error.name and MODULE.startswith(error.name):
            return None
        raise


def genesis_hash() -> str | None:
    """Genesis hash of this database as 0x hex, or None where there is no chain yet."""
    module = _module()
    if module is None or not hasattr(module, "genesis_hash"):
        return None
    return "0x" + module.genesis_hash().hex()


def notes() -> list[str]:
    """Lines that ``up`` prints once everything runs, such as the development accounts and their warning."""
    module = _module()
    return list(module.notes()) if module is not None and hasattr(module, "notes") else []
