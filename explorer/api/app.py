"""``/api/v1/``: the routes.  Each reads what a page reads and answers it typed; nothing here changes anything."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Path, Query
from ninja.errors import HttpError, ValidationError
from pydantic import Field

from chain.core.errors import RequestCode, RequestError
from chain.services.network import current_genesis, current_spec, now_ms
from chain.services.redis_client import redis_client
from chain.stores.connection import database_errors, raw_connection
from explorer.api import reading, schemas, schemas_more
from explorer.api.wire import address as address_wire
from explorer.api.wire import block as block_wire
from explorer.api.wire import hexed
from explorer.api.wire import transaction as transaction_wire
from explorer.pages import figures, search
from explorer.pages.address import address_head
from explorer.pages.block import block_page
from explorer.pages.transaction import transaction_page
from explorer.selectors.lag import index_lag_blocks
from explorer.views.common import address_of, hash_of, number_of

VERSION = "1.0.0"
# 429 comes from explorer.limits, before any route
ERRORS: Any = dict.fromkeys((400, 404, 422, 429, 503), schemas.ErrorAnswer)
AddressPath = Annotated[str, Path(pattern="^0x[0-9a-fA-F]{40}$", description="an address, 0x hex")]
HashPath = Annotated[str, Path(pattern="^0x[0-9a-fA-F]{64}$", description="a hash, 0x hex")]
_NEXT = "`next` of the page before"
ByNumber = Annotated[str, Query(pattern="^([0-9]{1,18}(-[0-9]{1,18})?)?$", description=_NEXT)]
ByHash = Annotated[str, Query(pattern="^([0-9]{1,18}-[0-9a-f]{64})?$", description=_NEXT)]
ByPlace = Annotated[str, Query(pattern="^([0-9]{1,18}-[0-9]{1,18}-[0-9]{1,18})?$", description=_NEXT)]
ByRank = Annotated[str, Query(pattern="^(-?[0-9]{1,78}-[0-9a-f]{40})?$", description=_NEXT)]
Moved = Annotated[bool, Query(description="only what sent value, made or ended a contract; false: every call")]
Limit = Annotated[int, Query(ge=1, le=100, description="items of a page")]

api = NinjaAPI(
    title="Mondoshawan",
    version=VERSION,
    description="Read the chain as the explorer shows it. Amounts are decimal strings of wei, times ms since 1970.",
    urls_namespace="api-v1",
    docs_url=None,
    openapi_url=None,
)


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return api.get_openapi_schema(path_prefix="/api/v1/")


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    found = [{"place": ".".join(map(str, one.get("loc", ()))), "message": one.get("msg", "")} for one in error.errors]
    return _error(request, 422, "invalid_params", "a parameter is not what it should be", {"errors": found})


@api.exception_handler(HttpError)
def _refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _error(request, error.status_code, "invalid_request", str(error))


def _error(request: HttpRequest, status: int, code: str, message: str, data: Any = None) -> HttpResponse:
    body = {"error": {"code": code, "message": message, "data": data or {}}}
    return api.create_response(request, body, status=status)


def _missing(what: str) -> RequestError:
    return RequestError(RequestCode.NOT_FOUND, f"no such {what}")


def _address(text: str) -> bytes:
    found = address_of(text)
    assert found is not None  # the path's pattern lets nothing else in
    return found


@api.get("/status", response={200: schemas.Status, **ERRORS}, tags=["chain"])
def status(request: HttpRequest) -> Any:
    """Which network this is and where its chain stands."""
    spec = current_spec()
    with database_errors():
        now = reading.standing(raw_connection())
    return {
        "network": spec.network,
        "chain_id": spec.chain_id,
        "genesis": hexed(current_genesis().hash),
        "head": now.number,
        "head_hash": hexed(now.sink),
        "head_timestamp_ms": now.timestamp_ms,
        "blue_score": now.blue_score,
        "work_score": now.work_score,
        "finalized": now.finality_number,
        "tips": now.tips,
        "blocks": {"A": now.blocks_a, "B": now.blocks_b, "C": now.blocks_c},
        "transactions": now.accepted,
        "reorganisations": now.reorgs,
        "deepest_reorganisation": now.deepest_reorg,
        "base_fee": str(now.next_base_fee),
        "index_lag": index_lag_blocks(),
    }


@api.get("/blocks", response={200: schemas.PageOf[schemas.ChainBlock], **ERRORS}, tags=["chain"])
def blocks(request: HttpRequest, before: ByNumber = "", limit: Limit = 25) -> Any:
    """The selected chain's blocks, newest first."""
    with database_errors():
        return reading.blocks(raw_connection(), before, limit)


@api.get("/dag/blocks", response={200: schemas.PageOf[schemas.DagBlock], **ERRORS}, tags=["chain"])
def dag_blocks(request: HttpRequest, before: ByHash = "", limit: Limit = 25) -> Any:
    """All blocks of the DAG, by blue score, newest first."""
    with database_errors():
        return reading.dag_blocks(raw_connection(), before, limit)


@api.get("/blocks/{ref}", response={200: schemas.Block, **ERRORS}, tags=["chain"])
def block(
    request: HttpRequest,
    ref: Annotated[str, Path(pattern="^([0-9]{1,18}|0x[0-9a-fA-F]{64})$", description="a number or a hash")],
) -> Any:
    """One block by hash, or by number on the selected chain."""
    number = number_of(ref)
    key = number if number is not None else hash_of(ref)
    page = block_page(raw_connection(), key) if key is not None else None
    if page is None:
        raise _missing("block")
    return block_wire(page)


@api.get("/transactions", response={200: schemas.PageOf[schemas.TransactionItem], **ERRORS}, tags=["transactions"])
def transactions(request: HttpRequest, before: ByNumber = "", limit: Limit = 25) -> Any:
    """Accepted transactions in canonical order, newest first."""
    with database_errors():
        return reading.transactions(raw_connection(), before, limit)


@api.get("/blocks/{number}/transactions", response={200: schemas.PageOf[schemas.TransactionItem], **ERRORS},
         tags=["transactions"])  # fmt: skip
def block_transactions(
    request: HttpRequest,
    number: Annotated[int, Path(ge=0, lt=2**62)],
    after: Annotated[int, Query(ge=-1, lt=2**31, description="the index after which to go on")] = -1,
    limit: Limit = 25,
) -> Any:
    """A chain block's accepted transactions in canonical order; `next` goes into `after`."""
    with database_errors():
        return reading.block_transactions(raw_connection(), number, after, limit)


@api.get("/transactions/{tx_hash}", response={200: schemas.Transaction, **ERRORS}, tags=["transactions"])
def transaction(request: HttpRequest, tx_hash: HashPath) -> Any:
    """One transaction, pending ones too."""
    page = transaction_page(raw_connection(), redis_client(), hash_of(tx_hash) or b"")
    if page is None:
        raise _missing("transaction")
    return transaction_wire(page)


@api.get("/transactions/{tx_hash}/internal", response={200: schemas_more.InternalOf, **ERRORS}, tags=["transactions"])
def transaction_internal(
    request: HttpRequest,
    tx_hash: HashPath,
    moved: Moved = True,
    after: Annotated[int, Query(ge=-1, lt=2**31, description="the ordinal after which to go on")] = -1,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> Any:
    """What happened inside an accepted transaction and took effect, in order; `next` goes into `after`."""
    with database_errors():
        found = reading.transaction_internal(raw_connection(), hash_of(tx_hash) or b"", after, limit, moved)
    if found is None:
        raise _missing("accepted transaction")
    return found


@api.get("/addresses/{address}", response={200: schemas.Address, **ERRORS}, tags=["addresses"])
def address(request: HttpRequest, address: AddressPath) -> Any:
    """What an address has and is; one that the chain never saw has nothing."""
    with database_errors():
        return address_wire(address_head(raw_connection(), _address(address)))


@api.get("/addresses/{address}/transactions", response={200: schemas.PageOf[schemas.TransactionItem], **ERRORS},
         tags=["addresses"])  # fmt: skip
def address_transactions(request: HttpRequest, address: AddressPath, before: ByNumber = "", limit: Limit = 25) -> Any:
    """Accepted transactions that concern an address, newest first."""
    with database_errors():
        return reading.address_transactions(raw_connection(), _address(address), before, limit)


@api.get("/addresses/{address}/transfers", response={200: schemas.PageOf[schemas.Transfer], **ERRORS},
         tags=["addresses"])  # fmt: skip
def address_transfers(request: HttpRequest, address: AddressPath, before: ByPlace = "", limit: Limit = 25) -> Any:
    """An address's token transfers, newest first."""
    with database_errors():
        return reading.address_transfers(raw_connection(), _address(address), before, limit)


@api.get("/addresses/{address}/tokens", response={200: list[schemas.Holding], **ERRORS}, tags=["addresses"])
def address_tokens(request: HttpRequest, address: AddressPath) -> Any:
    """The tokens that an address holds, at most 200."""
    with database_errors():
        return reading.address_tokens(raw_connection(), _address(address))


@api.get("/addresses/{address}/internal", response={200: schemas.PageOf[schemas_more.Internal], **ERRORS},
         tags=["addresses"])  # fmt: skip
def address_internal(
    request: HttpRequest, address: AddressPath, moved: Moved = True, before: ByPlace = "", limit: Limit = 25
) -> Any:
    """What reached or left an address inside transactions, newest first, as far as blocks are traced."""
    with database_errors():
        return reading.address_internal(raw_connection(), _address(address), before, limit, moved)


@api.get("/addresses/{address}/abi", response={200: schemas_more.Abi, **ERRORS}, tags=["addresses"])
def address_abi(request: HttpRequest, address: AddressPath) -> Any:
    """The ABI that this node's operator has published for a contract."""
    with database_errors():
        found = reading.abi(raw_connection(), _address(address))
    if found is None:
        raise _missing("ABI")
    return found


@api.get("/tokens", response={200: schemas.PageOf[schemas.Token], **ERRORS}, tags=["tokens"])
def tokens(
    request: HttpRequest, standard: Literal["20", "721", "1155"] | None = None, before: ByRank = "", limit: Limit = 25
) -> Any:
    """Token contracts, most held first."""
    with database_errors():
        return reading.tokens(raw_connection(), int(standard) if standard else None, before, limit)


@api.get("/tokens/{address}", response={200: schemas.Token, **ERRORS}, tags=["tokens"])
def token(request: HttpRequest, address: AddressPath) -> Any:
    """One token."""
    with database_errors():
        found = reading.token(raw_connection(), _address(address))
    if found is None:
        raise _missing("token")
    return found


@api.get("/tokens/{address}/transfers", response={200: schemas.PageOf[schemas.Transfer], **ERRORS}, tags=["tokens"])
def token_transfers(request: HttpRequest, address: AddressPath, before: ByPlace = "", limit: Limit = 25) -> Any:
    """A token's transfers, newest first."""
    with database_errors():
        return reading.token_transfers(raw_connection(), _address(address), before, limit)


@api.get("/tokens/{address}/holders", response={200: schemas.PageOf[schemas.Holder], **ERRORS}, tags=["tokens"])
def token_holders(request: HttpRequest, address: AddressPath, before: ByRank = "", limit: Limit = 25) -> Any:
    """Who holds a token, most first."""
    with database_errors():
        return reading.token_holders(raw_connection(), _address(address), before, limit)


@api.get("/shards", response={200: list[schemas.Shard], **ERRORS}, tags=["figures"])
def shards(request: HttpRequest) -> Any:
    """Every shard over the newest epochs."""
    with database_errors():
        return reading.shards(raw_connection())


@api.get("/streams", response={200: list[schemas_more.StreamOf], **ERRORS}, tags=["figures"])
def streams(request: HttpRequest) -> Any:
    """The three streams: how fast, how hard, how much they were paid."""
    with database_errors():
        return reading.streams(raw_connection(), now_ms())


@api.get("/miners", response={200: schemas.PageOf[schemas.Miner], **ERRORS}, tags=["figures"])
def miners(request: HttpRequest, before: ByRank = "", limit: Limit = 25) -> Any:
    """Miners, most earned first."""
    with database_errors():
        return reading.miners(raw_connection(), before, limit)


@api.get("/miners/{address}", response={200: schemas.Miner, **ERRORS}, tags=["figures"])
def miner(request: HttpRequest, address: AddressPath) -> Any:
    """One coinbase's sums."""
    with database_errors():
        found = reading.miner(raw_connection(), _address(address))
    if found is None:
        raise _missing("miner")
    return found


@api.get("/fees", response={200: schemas.Fees, **ERRORS}, tags=["figures"])
def fees(request: HttpRequest) -> Any:
    """What a user pays now."""
    with database_errors():
        page = figures.fees(raw_connection(), figures.SPANS[0], now_ms())
    if page.standing is None:
        raise _missing("chain")
    tips = {percentile: str(tip) for percentile, tip in page.percentiles}
    return {
        "base_fee": str(page.standing.base_fee),
        "next_base_fee": str(page.standing.next_base_fee),
        "tip_low": tips.get(10),
        "tip_usual": tips.get(50),
        "tip_high": tips.get(90),
        "pending": page.pending,
    }


@api.get("/supply", response={200: schemas.Supply, **ERRORS}, tags=["figures"])
def supply(request: HttpRequest) -> Any:
    """How much there is."""
    with database_errors():
        now = reading.standing(raw_connection())
    spec = current_spec()
    return {
        "supply": str(now.supply),
        "minted": str(now.minted),
        "burned": str(now.minted - now.supply),
        "genesis": str(sum(account.balance for account in spec.alloc)),
        "cap": str(spec.cap),
    }


@api.get("/charts/{span}", response={200: list[schemas.Point], **ERRORS}, tags=["figures"])
def charts(request: HttpRequest, span: Literal["hour", "day", "month", "year"]) -> Any:
    """The chain's figures: by minute over an hour, by hour over a day, by day over a month or a year."""
    with database_errors():
        return reading.charts(raw_connection(), figures.span_of(span), now_ms())


@api.get("/search", response={200: list[schemas.Hit], **ERRORS}, tags=["search"])
def find(request: HttpRequest, q: Annotated[str, Query(min_length=1, max_length=100), Field()]) -> Any:
    """What a number, hash, address or token's name may name."""
    with database_errors():
        found = search.find(raw_connection(), redis_client(), q.replace("\0", "").strip())
    return [
        {"kind": target.route.partition(":")[2], "ref": target.ref, "title": target.title} for target in found.targets
    ]
