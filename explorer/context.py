"""What every page knows: the network it shows and the rooms of the site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from chain.services.network import current_spec

# label, URL name, and what else counts as being in that room
ROOMS = (
    ("Dashboard", "explorer:front", ()),
    ("Blocks", "explorer:blocks", ("dag", "block")),
    ("Transactions", "explorer:transactions", ("transaction",)),
    ("Tokens", "explorer:tokens", ("token",)),
    ("Shards", "explorer:shards", ("shard",)),
    ("Streams", "explorer:streams", ()),
    ("Miners", "explorer:miners", ("miner",)),
    ("Fees", "explorer:fees", ()),
    ("Supply", "explorer:supply", ()),
    ("API", "explorer:api", ()),
)


@dataclass(frozen=True, slots=True)
class Room:
    """A link of the navigation."""

    label: str
    url: str
    is_here: bool


def rooms(request: HttpRequest) -> list[Room]:
    """The rooms that this build has, in order, and which one the request is in."""
    match = request.resolver_match
    here = match.view_name if match else ""
    found = []
    for label, name, also in ROOMS:
        url = url_of(name)
        if url:
            names = {name, *(f"explorer:{part}" for part in also)}
            found.append(Room(label, url, here in names))
    return found


def url_of(name: str, *args: Any) -> str:
    """Path of a named page; empty where this build has none."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def site(request: HttpRequest) -> dict[str, Any]:
    """Context processor of all templates; it reads neither database nor Redis."""
    spec = current_spec()
    operator_url = url_of("operator:overview") or url_of("admin:index")
    return {
        "site": {
            "network": spec.network,
            "chain_id": spec.chain_id,
            "token": spec.token,
            "rooms": rooms(request),
            "search_url": url_of("explorer:search"),
            "operator_url": operator_url,
            "is_operators": bool(operator_url) and request.path.startswith(operator_url),
            "rpc_port": settings.MDS_RPC_PORT,
        }
    }
