"""What forms and paths hand in, parsed or refused with a sentence."""

from __future__ import annotations

import math
import re
from typing import Any

from django.http import HttpRequest

from admin_ui.doors import door
from admin_ui.roles import Role
from chain.core.errors import RequestError
from chain.core.types import Stream

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")


class AddressConverter:
    """An account in a path."""

    regex = "0x[0-9a-fA-F]{40}"

    def to_python(self, value: str) -> bytes:
        """Its twenty bytes."""
        return bytes.fromhex(value[2:])

    def to_url(self, value: Any) -> str:
        """0x hex."""
        return value if isinstance(value, str) else "0x" + bytes(value).hex()


def text(request: HttpRequest, name: str, most: int = 200) -> str:
    """A field of the form, trimmed; empty where it is missing."""
    return request.POST.get(name, "").strip()[:most]


def stream(request: HttpRequest) -> Stream:
    """The stream that a form names."""
    name = text(request, "stream", 8)
    if name not in ("A", "B", "C"):
        raise RequestError("invalid_params", "a stream is A, B or C", got=name)
    return Stream[name]


def address(value: str) -> bytes:
    """An account as people paste it."""
    value = value.strip()
    if not _ADDRESS.fullmatch(value):
        raise RequestError("invalid_params", "an address is 0x and 40 hex digits", got=value[:50])
    return bytes.fromhex(value[2:])


def tx_hash(value: str) -> bytes:
    """A transaction's hash."""
    value = value.strip()
    if not _HASH.fullmatch(value):
        raise RequestError("invalid_params", "a hash is 0x and 64 hex digits", got=value[:80])
    return bytes.fromhex(value[2:])


def share(value: str) -> float:
    """A percentage of one core as a fraction."""
    try:
        percent = float(value.replace(",", "."))
    except ValueError:
        percent = math.nan
    if not 1 <= percent <= 100:
        raise RequestError("invalid_params", "a share is from 1 to 100 % of one core", got=value[:20])
    return round(percent / 100, 4)


def whole(value: str, name: str) -> int | None:
    """A whole number, None where nothing was given."""
    if not value:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 12:
        raise RequestError("invalid_params", f"{name} is a whole number", got=value[:20])
    return int(value)


def server_urls(request: HttpRequest) -> dict[str, str | None]:
    """The URL of each server that a form names: empty for the node's own, None for one that stays as it is."""
    urls: dict[str, str | None] = {}
    for choice in door().server_choices() or []:
        kind, url = text(request, f"{choice.name}_kind", 10), text(request, choice.name, 1_000)
        if choice.is_fixed or kind not in ("embedded", "external"):
            continue
        if kind == "external" and not url and not choice.external:
            raise RequestError("invalid_params", f"the URL of {choice.label} is missing")
        if kind == "external" or url:
            # a URL that somebody typed is meant, whatever stands beside it
            urls[choice.name] = url or None
        else:
            # going back to it may also take a choice back that waits
            urls[choice.name] = "" if choice.external or choice.waiting else None
    return urls


def role(value: str) -> Role:
    """A role by its group's name."""
    for known in (Role.VIEWER, Role.OPERATOR, Role.ADMIN):
        if known.group == value:
            return known
    raise RequestError("invalid_params", "a role is viewer, operator or admin", got=value[:20])
