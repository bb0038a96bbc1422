"""The one reader of ``MDS_*`` environment variables.

``mondoshawan.variables`` describes each; a name that is not there is refused, so a typing error never passes for a
default.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

from chain.core.errors import ConfigError
from mondoshawan import chosen_servers
from mondoshawan.parsers import Bind, names
from mondoshawan.variables import PROJECT_ROOT, Environment

__all__ = [
    "PREFIX",
    "PROJECT_ROOT",
    "Bind",
    "Entry",
    "Environment",
    "current",
    "document",
    "is_set",
    "read",
    "registry",
]

PREFIX = "MDS_"


@dataclass(frozen=True, slots=True)
class Entry:
    """One variable as documentation and error messages need it."""

    name: str
    attribute: str
    kind: str
    default: str
    doc: str
    secret: bool
    internal: bool


def registry() -> tuple[Entry, ...]:
    """All variables, in the order of ``Environment``."""
    return tuple(
        Entry(
            PREFIX + item.name.upper(),
            item.name,
            item.metadata["kind"],
            item.metadata["shown"],
            item.metadata["doc"],
            item.metadata["secret"],
            item.metadata["internal"],
        )
        for item in fields(Environment)
    )


def read(environ: Mapping[str, str] | None = None) -> Environment:
    """Parse the environment.

    Parameters
    ----------
    environ : Mapping[str, str], optional
        Defaults to ``os.environ``.  A variable that is set to the empty text counts as not set.

    Raises
    ------
    ConfigError
        ``config_unknown`` for a name that is not in the registry, ``config_value`` for a value that
        does not parse; both with a hint.
    """
    source = os.environ if environ is None else environ
    known = {PREFIX + item.name.upper(): item for item in fields(Environment)}
    for name in sorted(source):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]}?" if near else "docs/operations/configuration.md lists every variable"
            raise ConfigError("config_unknown", f"{name} is not a setting of the node", hint=hint, variable=name)
    values: dict[str, Any] = {}
    for name, item in known.items():
        raw = source.get(name, "").strip()
        if not raw:
            values[item.name] = item.metadata["parse"](item.metadata["raw"]) if item.metadata["raw"] else _empty(item)
            continue
        try:
            values[item.name] = item.metadata["parse"](raw)
        except ValueError as error:
            shown = "its value" if item.metadata["secret"] else repr(raw)
            raise ConfigError("config_value", f"{name} cannot be {shown}", hint=str(error), variable=name) from error
    return Environment(**values)


def is_set(attribute: str, environ: Mapping[str, str] | None = None) -> bool:
    """Whether the environment fixes this variable, so that nothing else may change it."""
    source = os.environ if environ is None else environ
    return bool(source.get(PREFIX + attribute.upper(), "").strip())


@cache
def current() -> Environment:
    """The environment of this process, read once; servers that it does not name are those that an operator chose."""
    env = read()
    chosen = chosen_servers.read(env.data_dir / env.network) or {}
    return replace(env, **{name: url for name, url in chosen.items() if url and not is_set(name)})


def document() -> str:
    """The text of docs/operations/configuration.md."""
    lines = [
        "# Configuration",
        "",
        "Every setting of the node is an environment variable. A value that does not parse, or a name that starts with",
        "`MDS_` and is not in this table, is refused at start with a hint. Secrets are never logged.",
        "What an operator may also change while the node runs is kept in the database; a variable that is set here",
        "wins over it and shows read-only in the web. PostgreSQL and Redis may be chosen in the web too, for the next",
        "start ([servers](operator.md#servers)).",
        "",
        "`python manage.py configuration --write` generates this file from `mondoshawan/variables.py`.",
        "",
        "| variable | value | default | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for entry in registry():
        if not entry.internal:
            meaning = entry.doc + (" Secret." if entry.secret else "")
            lines.append(f"| `{entry.name}` | {entry.kind} | {entry.default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _empty(item: Any) -> Any:
    """The parsed form of a default that is the empty text: an empty tuple for lists, else empty text."""
    return () if item.metadata["parse"] is names else ""
