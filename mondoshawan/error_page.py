"""docs/errors.md: the error tree, its mapping to JSON-RPC and HTTP, and the catalogue of codes, as one page."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec

from chain.core import errors
from chain.core.catalogue import ENTRIES, Entry
from chain.core.errors import BlockchainError
from chain.rpc.errors import BY_CLASS, BY_REQUEST_CODE, BY_SIMULATION, mapping_of

_INTRO = """# Errors

Every error of the node belongs to one tree and carries a stable `code` and named data. The class says what follows,
the code says what is the matter. `python manage.py error_docs --write` generates this page from
`chain/core/errors.py`, `chain/core/catalogue/`, `mondoshawan/catalogue.py` and `chain/rpc/errors.py`.

Where an error shows:

- **JSON-RPC**: an error object with Ethereum's number, a sentence, and `data.reason`, which is the code.
- **web and read API**: the HTTP status of the table, the code and the sentence.
- **commands**: one line on standard error; exit code 2 for `ConfigError`, 1 for the rest.
- **logs**: the field `code`, with the block, the transaction, the peer and the request that it was about.

An unexpected error, and one about the node itself (`StoreError`, `ConfigError` in a running node), shows its caller an
id and nothing more: JSON-RPC code -32603 with `data.id`, or a page with the number 500 and that id. The log has the
rest under the same id (`incident`). While PostgreSQL or Redis is away, JSON-RPC answers -32002 with `data.reason`
`postgresql_unavailable` or `redis_unavailable`, and HTTP answers 503.
"""


def all_entries() -> tuple[Entry, ...]:
    """The codes of the core and of every package above it that has a module ``catalogue``."""
    found = list(ENTRIES)
    for package in ("explorer", "admin_ui", "mondoshawan"):
        if find_spec(f"{package}.catalogue"):
            found += import_module(f"{package}.catalogue").ENTRIES
    return tuple(found)


def classes() -> tuple[type[BlockchainError], ...]:
    """The tree below its root, in the order of its source."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BlockchainError)]
    return tuple(kind for kind in kinds if kind is not BlockchainError)


def document() -> str:
    """The page."""
    lines = [_INTRO, "## Classes", "", *_class_table()]
    for kind in classes():
        own = [entry for entry in all_entries() if entry.kind is kind]
        lines += ["", f"## {kind.__name__}", "", *_code_table(own)]
    return "\n".join(lines) + "\n"


def _class_table() -> Iterable[str]:
    yield "| class | cause | remedy | JSON-RPC | HTTP | shown to callers |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for kind in classes():
        mapped = BY_CLASS[kind]
        shown = "yes" if mapped.shown else "an id only"
        number = f"{mapped.rpc}, or by code" if kind is errors.RequestError else f"{mapped.rpc}"
        yield f"| `{kind.__name__}` | {kind.cause} | {kind.remedy} | {number} | {mapped.http} | {shown} |"


def _code_table(own: Iterable[Entry]) -> Iterable[str]:
    by_code = [entry for entry in own if entry.code in BY_REQUEST_CODE or entry.code in BY_SIMULATION]
    if by_code:
        yield "| code | cause | remedy | JSON-RPC | HTTP |"
        yield "| --- | --- | --- | --- | --- |"
        for entry in own:
            mapped = mapping_of(entry.kind(entry.code))
            yield f"| `{entry.code}` | {entry.cause} | {entry.remedy} | {mapped.rpc} | {mapped.http} |"
        return
    yield "| code | cause | remedy |"
    yield "| --- | --- | --- |"
    for entry in own:
        yield f"| `{entry.code}` | {entry.cause} | {entry.remedy} |"
