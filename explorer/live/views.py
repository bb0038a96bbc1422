"""What the picture of the DAG asks for by HTTP: older blocks, and one block closely."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from chain.core.errors import RequestCode, RequestError
from chain.core.spec import stream_name
from chain.selectors import live
from chain.stores.connection import database_errors, raw_connection
from explorer.context import url_of
from explorer.live import payloads

MAX_BLOCKS = 1_000
MAX_SCORE = 2**53


@require_safe
def window(request: HttpRequest) -> HttpResponse:
    """Blocks between two blue scores (``from``, ``to``), at most 1 000 of them, the newest first.

    ``complete`` is false where there are more below the last one.

    Raises
    ------
    RequestError
        ``invalid_params``.
    """
    low, high = _score(request.GET.get("from", "")), _score(request.GET.get("to", ""))
    if low is None or high is None or low > high:
        raise RequestError(RequestCode.INVALID_PARAMS, "from and to are blue scores, from the lower one")
    with database_errors():
        blocks = live.BLOCKS_BETWEEN.all(raw_connection(), low, high, MAX_BLOCKS)
    wire = [payloads.wire_block(block) for block in blocks]
    return _json(
        {
            "v": payloads.VERSION,
            "columns": payloads.BLOCK_COLUMNS,
            "from": low,
            "to": high,
            "complete": len(wire) < MAX_BLOCKS,
            "blocks": wire,
        }
    )


@require_safe
def block(request: HttpRequest, seq: int) -> HttpResponse:
    """One block by its insertion number: everything that its panel tells.

    Raises
    ------
    RequestError
        ``not_found``.
    """
    with database_errors():
        found = live.INSPECTED.one(raw_connection(), min(seq, MAX_SCORE))
    if found is None:
        raise RequestError(RequestCode.NOT_FOUND, "block not found", id=seq)
    block_hash, coinbase = "0x" + found.hash.hex(), "0x" + found.coinbase.hex()
    return _json(
        {
            "v": payloads.VERSION,
            "id": found.seq,
            "hash": block_hash,
            "url": url_of("explorer:block", block_hash),
            "stream": stream_name(found.stream),
            "score": found.blue_score,
            "work_score": found.work_score,
            "timestamp_ms": found.timestamp_ms,
            "received_ms": found.received_ms,
            "own_transactions": found.own_transactions,
            "size": found.size,
            "miner": coinbase,
            "miner_url": url_of("explorer:address", coinbase),
            "number": found.number,
            "status": found.status,
            "source": found.source,
            "chain_number": found.chain_number,
            "merged_by": found.merged_by,
            "position": found.position,
            "blue": found.is_blue,
            "epoch": None
            if found.epoch_transactions is None
            else {
                "transactions": found.epoch_transactions,
                "skipped": found.skipped,
                "gas_used": found.gas_used,
                "base_fee": str(found.base_fee),
            },
            "selected_parent": found.selected_parent,
            "parents": found.parents,
            "children": found.children,
            "mergeset": {"blue": found.mergeset_blue, "red": found.mergeset_red},
        }
    )


def _score(text: str) -> int | None:
    return min(int(text), MAX_SCORE) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _json(value: Any) -> HttpResponse:
    answer = HttpResponse(orjson.dumps(value), content_type="application/json")
    # colours and the chain may change under a window as long as it is not final
    answer["Cache-Control"] = "no-store"
    return answer
