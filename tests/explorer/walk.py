"""Every question that can be asked of the explorer, over whatever chain there is: pages, API, Etherscan's calls.

The budget of statements (tests/explorer/test_query_budget.py) and the times (bench/explorer.py) are of these.  Keys of
lists that go deep are read from the chain; on a small one they lie near its end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from chain.selectors.query import Query
from chain.stores.connection import Connection
from explorer.paging import PAGE

PAGES, API, ETHERSCAN = "page", "api", "etherscan"
DEEP_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Question:
    """A request: ``name`` in tables and budgets, ``body`` makes it a POST; ``page`` is how deep in its list it is."""

    kind: str
    name: str
    path: str
    body: str = ""
    status: int = 200
    page: int = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What is in the chain that may be asked for; ``deep`` has cursors by list, with the page that they lead to."""

    head: int
    last_ms: int
    score: int
    seq: int
    full_block: int
    full_hash: str
    merging_block: int
    tx: str
    logging_tx: str
    creating_tx: str
    busy: str
    holder: str
    contract: str
    created: str
    called: str
    token: str
    token_name: str
    nft: str
    miner: str
    shard: int
    topic: str
    deep: dict[str, tuple[str, int]]


def read_facts(conn: Connection, rows_before: int = (DEEP_PAGE - 1) * PAGE) -> Facts:
    """Look for the busiest of everything, and for places ``rows_before`` rows deep in lists."""

    def one(sql: str, *args: Any) -> Any:
        found: Any = Query(sql, tuple).one(conn, *args)
        return (None,) if found is None else found if len(found) > 1 else found[0]

    def hexed(value: Any) -> str:
        return "0x" + (bytes(value).hex() if value is not None else "00" * 20)

    deep: dict[str, tuple[str, int]] = {}

    def dive(name: str, columns: str, source: str, order: str, *args: Any) -> None:
        count = one(f"SELECT count(*) FROM {source}", *args)
        skip = max(0, min(rows_before, count - PAGE - 1))
        # the cursor of a page is the last row of the page before it
        if skip:
            row = one(f"SELECT {columns} FROM {source} ORDER BY {order} OFFSET %s LIMIT 1", *args, skip - 1)
            row = row if isinstance(row, tuple) else (row,)
            cursor = "-".join([bytes(v).hex() if isinstance(v, (bytes, memoryview)) else str(int(v)) for v in row])
            deep[name] = (cursor, skip // PAGE + 1)

    busy = one("SELECT address FROM explorer_address_total ORDER BY txs DESC, address LIMIT 1")
    holder = one("SELECT address FROM explorer_token_holding GROUP BY address ORDER BY count(*) DESC, 1 LIMIT 1")
    token = one("SELECT address FROM explorer_token ORDER BY transfers DESC, address LIMIT 1")
    named = one("SELECT coalesce((SELECT name FROM explorer_token WHERE address = %s), '')", token)
    nft = one("SELECT address FROM explorer_token WHERE standard = 721 ORDER BY transfers DESC, address LIMIT 1")
    miner = one("SELECT coinbase FROM explorer_miner_total ORDER BY blocks_a + blocks_b + blocks_c DESC, 1 LIMIT 1")
    shard = one("SELECT lane FROM chain_acceptance GROUP BY lane ORDER BY count(*) DESC, lane LIMIT 1")
    full = one("SELECT c.number, c.hash FROM chain_selected_chain c JOIN chain_epoch e ON e.hash = c.hash"
               " ORDER BY e.tx_count DESC, e.skipped_count DESC, c.number LIMIT 1")  # fmt: skip
    dive("blocks", "number", "chain_selected_chain", "number DESC")
    dive("dag", "blue_score, hash", "chain_block", "blue_score DESC, hash DESC")
    places = '"number" DESC, "index" DESC'
    dive("transactions", 'number, "index"', "chain_acceptance", places)
    dive("address", 'number, "index"', "explorer_activity WHERE address = %s", places, busy)
    moved = "number DESC, log_index DESC, ordinal DESC"
    dive("token", "number, log_index, ordinal", "explorer_token_transfer WHERE token = %s", moved, token)
    dive("holders", "amount, address", "explorer_token_holding WHERE token = %s", "amount DESC, address DESC", token)
    dive(
        "transfers",
        "number, log_index, ordinal",
        "explorer_token_transfer WHERE %s IN (sender, recipient)",
        moved,
        holder,
    )
    held = "explorer_token_holding h JOIN explorer_token t ON t.address = h.token WHERE h.address = %s"
    called = one(
        "SELECT (SELECT recipient FROM explorer_internal_call GROUP BY recipient ORDER BY count(*) DESC, 1 LIMIT 1)"
    )
    inside = "explorer_internal_call WHERE %s IN (sender, recipient)"
    dive("internal", 'number, "index", ordinal', inside, f"{places}, ordinal DESC", called)
    moved_inside = f"{inside} AND moved"
    dive("internal moved", 'number, "index", ordinal', moved_inside, f"{places}, ordinal DESC", called)
    dive("holdings", "t.holders, t.address", held, "t.holders DESC, t.address DESC", holder)
    dive("tokens", "holders, address", "explorer_token", "holders DESC, address DESC")
    dive("miners", "income, coinbase", "explorer_miner_total", "income DESC, coinbase DESC")
    dive("miner", "number, position", "explorer_mined_block WHERE coinbase = %s", "number DESC, position DESC", miner)
    dive("shard", 'number, "index"', "chain_acceptance WHERE lane = %s", places, shard)
    newest = 'ORDER BY a.number DESC, a."index" DESC LIMIT 1'
    head, last_ms, score = one(
        "SELECT n.sink_number, b.timestamp_ms, b.blue_score FROM chain_node_state n"
        " JOIN chain_block b ON b.hash = n.sink"
    )
    return Facts(
        head=head,
        last_ms=last_ms,
        score=score,
        seq=one("SELECT max(seq) FROM chain_block"),
        full_block=full[0],
        full_hash=hexed(full[1]),
        merging_block=one("SELECT number FROM chain_consensus_order ORDER BY position DESC, number DESC LIMIT 1"),
        tx=hexed(one(f"SELECT a.tx FROM chain_acceptance a WHERE a.log_count = 0 {newest}")),
        logging_tx=hexed(one(f"SELECT a.tx FROM chain_acceptance a WHERE a.log_count > 0 {newest}")),
        creating_tx=hexed(one(f"SELECT a.tx FROM chain_acceptance a WHERE a.contract_address IS NOT NULL {newest}")),
        busy=hexed(busy),
        holder=hexed(holder),
        created=hexed(one('SELECT address FROM explorer_contract WHERE "index" IS NOT NULL ORDER BY address LIMIT 1')),
        contract=hexed(
            one('SELECT address FROM explorer_contract ORDER BY "index" NULLS FIRST, code_size DESC, address LIMIT 1')
        ),
        called=hexed(called),
        token=hexed(token),
        token_name=named,
        nft=hexed(nft),
        miner=hexed(miner),
        shard=shard or 0,
        topic=hexed(one("SELECT topic0 FROM chain_log WHERE topic0 IS NOT NULL LIMIT 1") or bytes(32)),
        deep=deep,
    )


def questions(facts: Facts) -> list[Question]:
    """All of them, each list's first page before its deep one."""
    return [*_pages(facts), *_api(facts), *_etherscan(facts)]


def _deep(facts: Facts, kind: str, name: str, path: str, key: str) -> Iterator[Question]:
    """A list's first page, and its deep one where there is one."""
    yield Question(kind, name, path)
    if key in facts.deep:
        cursor, page = facts.deep[key]
        yield Question(kind, f"{name}, deep", f"{path}{'&' if '?' in path else '?'}before={cursor}", page=page)


def _pages(facts: Facts) -> Iterator[Question]:
    f = facts

    def page(name: str, path: str, status: int = 200) -> Question:
        return Question(PAGES, name, path, status=status)

    yield page("front", "/")
    yield page("live window, 1000 scores", f"/live/window?from={max(0, f.score - 1000)}&to={f.score}")
    yield page("live window, everything", f"/live/window?from=0&to={f.score}")
    yield page("live block", f"/live/block/{f.seq}")
    yield from _deep(f, PAGES, "blocks", "/blocks", "blocks")
    yield from _deep(f, PAGES, "dag", "/blocks/dag", "dag")
    yield page("block", f"/block/{f.head}")
    yield page("block, full", f"/block/{f.full_block}")
    yield page("block, full, more of it", f"/block/{f.full_block}?from=50")
    yield page("block, by hash", f"/block/{f.full_hash}")
    yield page("block, merging", f"/block/{f.merging_block}")
    yield page("block, unknown", f"/block/{f.head + 1000}", 404)
    yield from _deep(f, PAGES, "transactions", "/tx", "transactions")
    yield page("transaction", f"/tx/{f.tx}")
    yield page("transaction, with logs", f"/tx/{f.logging_tx}")
    yield page("transaction, creating", f"/tx/{f.creating_tx}")
    yield page("transaction, unknown", f"/tx/0x{'5a' * 32}", 404)
    yield from _deep(f, PAGES, "address", f"/address/{f.busy}", "address")
    yield page("address, unknown", f"/address/0x{'5a' * 20}")
    yield page("address, contract", f"/address/{f.contract}")
    yield page("address, created contract", f"/address/{f.created}")
    yield from _deep(f, PAGES, "address transfers", f"/address/{f.holder}/transfers", "transfers")
    yield from _deep(f, PAGES, "address internal", f"/address/{f.called}/internal", "internal")
    yield from _deep(
        f, PAGES, "address internal, with value", f"/address/{f.called}/internal?moved=1", "internal moved"
    )
    yield from _deep(f, PAGES, "address tokens", f"/address/{f.holder}/tokens", "holdings")
    yield page("address contract", f"/address/{f.contract}/contract")
    yield from _deep(f, PAGES, "tokens", "/tokens", "tokens")
    yield page("tokens, one standard", "/tokens?standard=721")
    yield from _deep(f, PAGES, "token", f"/token/{f.token}", "token")
    yield from _deep(f, PAGES, "token holders", f"/token/{f.token}?tab=holders", "holders")
    yield page("token, items", f"/token/{f.nft}")
    yield page("token, unknown", f"/token/0x{'5a' * 20}", 404)
    yield page("shards", "/shards")
    yield from _deep(f, PAGES, "shard", f"/shard/{f.shard}", "shard")
    for span in ("hour", "year"):
        yield page(f"streams, {span}", f"/streams?span={span}")
    yield from _deep(f, PAGES, "miners", "/miners", "miners")
    yield from _deep(f, PAGES, "miner", f"/miner/{f.miner}", "miner")
    for span in ("hour", "day", "month", "year"):
        yield page(f"fees, {span}", f"/fees?span={span}")
        yield page(f"supply, {span}", f"/supply?span={span}")
    yield page("API documentation", "/api")
    yield page("away", "/away")
    yield page("worker", "/worker.js")
    yield page("OpenAPI", "/api/v1/openapi.json")
    yield page("search, number", f"/search?q={f.head}", 302)
    yield page("search, block hash", f"/search?q={f.full_hash}", 302)
    yield page("search, transaction hash", f"/search?q={f.tx}", 302)
    yield page("search, address", f"/search?q={f.busy}", 302)
    yield page("search, unknown hash", f"/search?q=0x{'5a' * 32}")
    yield Question(PAGES, "search, token's name", "/search?" + urlencode({"q": f.token_name or "coin"}), status=0)
    pieces = {"beginning of a name": f.token_name[:3] or "coi", "one letter": "a", "inside of a word": "ridg"}
    for name, text in pieces.items():
        yield Question(PAGES, f"search, {name}", "/search?" + urlencode({"q": text}), status=0)
    yield page("search, no such name", "/search?q=nothing-is-called-so")
    yield page("blocks as CSV", "/blocks.csv")
    yield page("DAG as CSV", "/blocks/dag.csv")
    yield page("block as CSV", f"/block/{f.full_block}/transactions.csv")
    yield page("transactions as CSV", "/tx.csv")
    # 404 over a chain that nobody traced, as the bench's
    yield page("calls of a transaction as CSV", f"/tx/{f.logging_tx}/internal.csv", status=0)
    yield page("address as CSV", f"/address/{f.busy}/transactions.csv")
    yield page("transfers of an address as CSV", f"/address/{f.holder}/transfers.csv")
    yield page("tokens of an address as CSV", f"/address/{f.holder}/tokens.csv")
    yield page("items of an address as CSV", f"/address/{f.holder}/items.csv")
    yield page("calls of an address as CSV", f"/address/{f.called}/internal.csv")
    yield page("tokens as CSV", "/tokens.csv")
    yield page("token as CSV", f"/token/{f.token}/transfers.csv")
    yield page("holders as CSV", f"/token/{f.token}/holders.csv")
    yield page("shards as CSV", "/shards.csv")
    yield page("shard as CSV", f"/shard/{f.shard}/transactions.csv")
    for name in ("fees", "streams", "supply"):
        yield page(f"{name} as CSV", f"/{name}.csv?span=day")
    yield page("miners as CSV", "/miners.csv")
    yield page("miner as CSV", f"/miner/{f.miner}/blocks.csv")
    call = json.dumps({"name": "transfer", "types": ["address", "uint256"], "values": [f.busy, "1"]})
    yield Question(PAGES, "ABI encode", "/abi/encode", call)
    answer = json.dumps({"types": ["uint256"], "data": f"0x{7:064x}"})
    yield Question(PAGES, "ABI decode", "/abi/decode", answer)
    undone = json.dumps({"address": f.contract, "data": "0x12345678"})
    yield Question(PAGES, "ABI error", "/abi/error", undone)
    yield Question(PAGES, "favicon", "/favicon.ico", status=0)


def _api(facts: Facts) -> Iterator[Question]:
    f = facts

    def ask(name: str, path: str, status: int = 200) -> Question:
        return Question(API, name, f"/api/v1/{path}", status=status)

    def deep(name: str, path: str, key: str) -> Iterator[Question]:
        return _deep(f, API, name, f"/api/v1/{path}?limit=100", key)

    yield ask("status", "status")
    yield from deep("blocks", "blocks", "blocks")
    yield from deep("dag/blocks", "dag/blocks", "dag")
    yield ask("blocks/{ref}", f"blocks/{f.full_block}")
    yield from deep("transactions", "transactions", "transactions")
    yield ask("blocks/{number}/transactions", f"blocks/{f.full_block}/transactions?limit=100")
    yield ask("transactions/{tx_hash}", f"transactions/{f.logging_tx}")
    yield ask("addresses/{address}", f"addresses/{f.contract}")
    yield from deep("addresses/{address}/transactions", f"addresses/{f.busy}/transactions", "address")
    yield from deep("addresses/{address}/transfers", f"addresses/{f.holder}/transfers", "transfers")
    yield ask("transactions/{tx_hash}/internal", f"transactions/{f.logging_tx}/internal")
    yield from _deep(f, API, "addresses/{address}/internal", f"/api/v1/addresses/{f.called}/internal", "internal")
    yield ask("addresses/{address}/abi", f"addresses/{f.contract}/abi", 404)
    yield ask("addresses/{address}/tokens", f"addresses/{f.holder}/tokens")
    yield from deep("tokens", "tokens", "tokens")
    yield ask("tokens/{address}", f"tokens/{f.token}")
    yield from deep("tokens/{address}/transfers", f"tokens/{f.token}/transfers", "token")
    yield from deep("tokens/{address}/holders", f"tokens/{f.token}/holders", "holders")
    yield ask("shards", "shards")
    yield ask("streams", "streams")
    yield from deep("miners", "miners", "miners")
    yield ask("miners/{address}", f"miners/{f.miner}")
    yield ask("fees", "fees")
    yield ask("supply", "supply")
    for span in ("hour", "year"):
        yield ask(f"charts/{{span}}, {span}", f"charts/{span}")
    yield ask("search", f"search?q={f.tx}")


def _etherscan(facts: Facts) -> Iterator[Question]:
    f = facts

    def ask(module: str, action: str, note: str = "", **more: Any) -> Question:
        query = urlencode({"module": module, "action": action, **more})
        return Question(ETHERSCAN, f"{module}.{action}{note and ', ' + note}", f"/api?{query}")

    many = ",".join([f.busy, f.holder, f.nft, f.miner, f.token, f.contract])
    yield ask("account", "balance", address=f.busy)
    yield ask("account", "balancemulti", address=many)
    yield ask("account", "txlist", "100", address=f.busy, offset=100, sort="desc")
    yield ask("account", "txlist", "100 after 9900", address=f.busy, page=100, offset=100)
    yield ask("account", "txlistinternal", address=f.busy)
    yield ask("account", "txlistinternal", "of a transaction", txhash=f.logging_tx)
    yield ask("account", "balancehistory", address=f.busy, blockno=f.head)
    yield ask("account", "addresstokenbalance", address=f.holder, offset=100)
    yield ask("account", "addresstokennftbalance", address=f.holder, offset=100)
    yield ask("account", "txsbeaconwithdrawal", address=f.busy)
    yield ask("account", "tokentx", "of a holder", address=f.holder, offset=100, sort="desc")
    yield ask("account", "tokentx", "of a holder, oldest", address=f.holder, offset=100)
    yield ask("account", "tokentx", "of a token", contractaddress=f.token, offset=100, sort="desc")
    yield ask("account", "tokentx", "of both", address=f.holder, contractaddress=f.token, offset=100, sort="desc")
    yield ask("account", "tokentx", "of one without any", address=f"0x{'5a' * 20}", offset=100)
    yield ask("account", "tokennfttx", address=f.holder, offset=100, sort="desc")
    yield ask("account", "token1155tx", address=f.holder, offset=100)
    yield ask("account", "tokenbalance", address=f.holder, contractaddress=f.token)
    yield ask("account", "getminedblocks", address=f.miner, offset=100, sort="desc")
    yield ask("logs", "getLogs", "of an address", address=f.token, fromBlock=0, offset=100)
    yield ask("logs", "getLogs", "of a topic", topic0=f.topic, fromBlock=0, offset=100)
    either = {"topic0": f.topic, "topic1": f"0x{f.busy[2:]:0>64}", "topic0_1_opr": "or"}
    yield ask("logs", "getLogs", "of either topic", **either, fromBlock=0, offset=100)
    yield ask("contract", "getabi", address=f.contract)
    yield ask("contract", "getsourcecode", address=f.contract)
    yield ask("contract", "getcontractcreation", contractaddresses=",".join([f.contract, f.token, f.nft]))
    yield ask("transaction", "getstatus", txhash=f.tx)
    yield ask("transaction", "gettxreceiptstatus", txhash=f.tx)
    yield ask("block", "getblockreward", blockno=f.full_block)
    yield ask("block", "getblocknobytime", timestamp=f.last_ms // 1000 - 60, closest="before")
    yield ask("block", "getblockcountdown", blockno=f.head + 100)
    yield ask("gastracker", "gasoracle")
    yield ask("token", "tokeninfo", contractaddress=f.token)
    yield ask("token", "tokenholderlist", contractaddress=f.token, offset=100)
    yield ask("token", "tokenholdercount", contractaddress=f.token)
    yield ask("stats", "ethsupply")
    yield ask("stats", "ethsupply2")
    yield ask("stats", "ethprice")
    yield ask("stats", "tokensupply", contractaddress=f.token)
