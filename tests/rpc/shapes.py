"""JSON schemas from answers: what a value looks like, and what two of them have in common."""

from __future__ import annotations

import re
from typing import Any

Schema = dict[str, Any]

# the narrowest first; each is contained in some later one
_FORMS = (
    ("hash", r"^0x[0-9a-f]{64}$"),
    ("address", r"^0x[0-9a-f]{40}$"),
    ("quantity", r"^0x(0|[1-9a-f][0-9a-f]*)$"),
    ("hex", r"^0x[0-9a-f]*$"),
)
_PATTERNS = dict(_FORMS)


def shape(value: Any) -> Schema:
    """The schema of one value."""
    if value is None:
        return {"type": "null"}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer"}
    if isinstance(value, float):
        return {"type": "number"}
    if isinstance(value, str):
        return _text(next((pattern for _, pattern in _FORMS if re.search(pattern, value)), None))
    if isinstance(value, list):
        items: Schema = {}
        for item in value:
            items = join(items, shape(item))
        return {"type": "array", "items": items} if items else {"type": "array"}
    return {
        "type": "object",
        "properties": {name: shape(part) for name, part in value.items()},
        "required": sorted(value),
    }


def join(one: Schema, other: Schema) -> Schema:
    """A schema that what fits either fits."""
    if not one or one == other:
        return other
    if not other:
        return one
    options = [*one.get("oneOf", [one]), *other.get("oneOf", [other])]
    kinds: dict[str, Schema] = {}
    for option in options:
        kind = "number" if option["type"] == "integer" and "number" in kinds else option["type"]
        if kind == "number" and "integer" in kinds:
            del kinds["integer"]
        kinds[kind] = _join(kinds[kind], option) if kind in kinds else option
    found = [kinds[kind] for kind in sorted(kinds)]
    return found[0] if len(found) == 1 else {"oneOf": found}


def _join(one: Schema, other: Schema) -> Schema:
    """Two of one type."""
    if one["type"] == "string":
        patterns = {one.get("pattern"), other.get("pattern")}
        if None in patterns:
            return _text(None)
        return _text(patterns.pop() if len(patterns) == 1 else _PATTERNS["hex"])
    if one["type"] == "array":
        items = join(one.get("items", {}), other.get("items", {}))
        return {"type": "array", "items": items} if items else {"type": "array"}
    if one["type"] == "object":
        if "additionalProperties" in one:
            # a map, which only a reader of the code can tell from an object
            return one
        mine, theirs = one["properties"], other["properties"]
        names = [*mine, *[name for name in theirs if name not in mine]]
        return {
            "type": "object",
            "properties": {name: join(mine.get(name, {}), theirs.get(name, {})) for name in names},
            "required": sorted(set(one["required"]) & set(other["required"])),
        }
    return {"type": "number"} if "number" in (one["type"], other["type"]) else one


def _text(pattern: str | None) -> Schema:
    return {"type": "string"} if pattern is None else {"type": "string", "pattern": pattern}


def promises(schema: Schema, at: str = "result") -> set[str]:
    """What a reader may rely on: which fields there are, which never miss, and of which types they may be."""
    if not schema:
        return set()
    options = schema.get("oneOf", [schema])
    found = {f"{at}: {' or '.join(sorted(option['type'] for option in options))}"}
    for option in options:
        if option["type"] == "array":
            found |= promises(option.get("items", {}), f"{at}[]")
        for name, part in option.get("properties", {}).items():
            found |= promises(part, f"{at}.{name}")
            if name in option["required"]:
                found.add(f"{at}.{name} is always there")
    return found
