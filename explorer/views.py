"""Public pages."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chain.selectors.front import Front, front
from chain.services.network import current_spec
from chain.stores.connection import raw_connection

STREAMS = ("–", "A", "B", "C")


def _figures(found: Front) -> list[tuple[str, str]]:
    """Names and values at the head of the page, as they are shown."""
    streams = zip("ABC", found.blocks_by_stream, strict=True)
    named = {
        "Chain block": found.number,
        **{f"Stream {name} blocks": count for name, count in streams},
        "Accepted transactions": found.accepted,
        "Tips": found.tips,
        "Reorganisations": found.reorgs,
    }
    return [(name, f"{value:,}") for name, value in named.items()]


@require_safe
def front_page(request: HttpRequest) -> HttpResponse:
    """Where the chain stands and its newest blocks, without script."""
    found = front(raw_connection())
    spec = current_spec()
    blocks = []
    if found is not None:
        blocks = [
            {
                "number": f"{block.number:,}",
                "hash": "0x" + block.hash.hex(),
                "stream": STREAMS[block.stream],
                "blue_score": f"{block.blue_score:,}",
                "transactions": f"{block.transactions:,}",
                "gas_used": f"{block.gas_used:,}",
                "merged": f"{block.merged:,}",
                "age": f"{block.age_ms / 1000:.1f} s" if block.number else "genesis",
            }
            for block in found.recent
        ]
    context = {
        "spec": spec,
        "chain_id_hex": hex(spec.chain_id),
        "rpc_port": settings.MDS_RPC_PORT,
        "front": found,
        "figures": _figures(found) if found else [],
        "blocks": blocks,
    }
    return render(request, "explorer/front.html", context)
