"""Internal calls: traced behind the index, undone with the chain, listed by page, API and Etherscan's call."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from chain.services.call import CallWorkers
from chain.stores.connection import Connection
from explorer.indexers import internal, sync, tracing
from explorer.indexers.internal import Traced
from explorer.selectors.internal import COVERAGE, Coverage
from tests.explorer.conftest import Growing
from tests.explorer.test_ots import CHILD, FAILING, HEIR, WORKER, fill
from tests.explorer.test_pages import hexed, text_of
from tests.factories import wallets
from tests.factories.database import fetch


def csv_of(client: Client, path: str) -> list[dict[str, str]]:
    answer = client.get(path)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]


pytestmark = pytest.mark.django_db(transaction=True)

CALLS = (
    "SELECT number, index, ordinal, depth, kind, moved, selector, sender, recipient, value FROM explorer_internal_call"
    " ORDER BY 1, 2, 3"
)


@pytest.fixture
def chain(growing: Growing, index_conn: Connection, settings: Any) -> Growing:
    """Otterscan's chain: block 3 has a call with four operations inside, one that fails, and a creation."""
    settings.MDS_INDEX_TRACE_SHARE = 25
    fill(growing)
    # the factory's receipts are all of plain transfers
    raw = growing.stored.conn
    raw.execute(
        "UPDATE chain_acceptance SET gas_used = 21001, cumulative_gas_used = cumulative_gas_used + index + 1"
        " WHERE number = 3"
    )
    while sync.step(index_conn) is not None:
        pass
    return growing


@pytest.fixture
def workers() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def follow(runner: asyncio.Runner, conn: Connection) -> int:
    """Trace to the head; how many epochs were run again."""

    async def rounds() -> int:
        found, total = CallWorkers(limit=1, niceness=1), 0
        try:
            while (traced := await tracing.trace_round(conn, found)) is not None:
                total += traced
        finally:
            await found.stop()
        return total

    return runner.run(rounds())


def test_what_moved_inside_is_kept_and_undone(chain: Growing, index_conn: Connection, workers: asyncio.Runner) -> None:
    # the creation of block 2, and what block 3 calls
    assert follow(workers, index_conn) == 2
    rows = fetch(index_conn, CALLS)
    # what failed, and what it did, is not there
    assert [(row[:6], bytes(row[7]), int(row[9])) for row in rows] == [
        ((3, 0, 0, 1, 0, True), WORKER, 5),
        ((3, 0, 1, 1, 5, False), WORKER, 0),
        ((3, 0, 2, 1, 2, True), WORKER, 1),
        ((3, 0, 3, 1, 3, True), WORKER, 2),
        ((3, 0, 4, 2, 1, True), bytes(rows[3][8]), 2),
    ]
    assert [bytes(row[8]) for row in rows[:3]] == [HEIR, HEIR, CHILD]
    assert COVERAGE.one(index_conn) == Coverage(9, 0)
    # nothing to do: nothing is run
    assert follow(workers, index_conn) == 0
    # blocks 3 to 9 leave the chain for two others
    factory = chain.factory
    one = factory.extend(chain.path[2], [])
    others = [one]
    for _ in range(8):
        others.append(factory.extend(others[-1], []))
    chain.reorganise(7, others)
    assert COVERAGE.one(index_conn) == Coverage(2, 0), "before it is undone it is not shown either"
    assert follow(workers, index_conn) == 0
    assert fetch(index_conn, CALLS) == []
    assert COVERAGE.one(index_conn) == Coverage(11, 0)


def test_a_stale_or_doubled_round_keeps_nothing(chain: Growing, index_conn: Connection) -> None:
    found = internal.plan(index_conn)
    assert found is not None
    assert [epoch.number for epoch in found.epochs] == [2, 3]
    chain.reorganise(1, [chain.factory.extend(chain.path[-2], []), *[]])
    assert internal.write(index_conn, found, [], found.end) is False
    again = internal.plan(index_conn)
    assert again is not None
    assert internal.write(index_conn, again, [], again.end) is True
    assert internal.write(index_conn, again, [], again.end) is False


def test_what_cannot_be_traced_is_noted_and_passed(
    chain: Growing, index_conn: Connection, workers: asyncio.Runner, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(internal, "EPOCH_ROWS", 3)
    assert follow(workers, index_conn) == 2
    assert COVERAGE.one(index_conn) == Coverage(9, 1)
    assert fetch(index_conn, "SELECT number, reason FROM explorer_untraced_epoch") == [(3, "limit_exceeded")]
    assert "1 block was passed over" in text_of(client.get(f"/address/{hexed(HEIR)}/internal"))
    monkeypatch.undo()
    internal.reset(index_conn)
    assert COVERAGE.one(index_conn) == Coverage(-1, 0)
    follow(workers, index_conn)
    assert len(fetch(index_conn, CALLS)) == 5


def test_calls_without_value_have_bounds(
    chain: Growing, index_conn: Connection, workers: asyncio.Runner, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tx = hexed(fetch(index_conn, "SELECT tx FROM chain_acceptance WHERE number = 3 AND index = 0")[0][0])
    index_conn.rollback()
    for bound in ("PLAIN_OF_TX", "PLAIN_OF_EPOCH"):
        with monkeypatch.context() as patched:
            patched.setattr(internal, bound, 0)
            follow(workers, index_conn)
        rows = fetch(index_conn, CALLS)
        assert [row[2] for row in rows] == [0, 2, 3, 4], "those with value keep their places"
        assert fetch(index_conn, "SELECT number, index, count FROM explorer_left_calls") == [(3, 0, 1)]
        assert client.get(f"/api/v1/transactions/{tx}/internal").json()["left_out"] == 1
        assert "1 more without value was too many" in text_of(client.get(f"/tx/{tx}"))
        index_conn.rollback()
        internal.reset(index_conn)
        assert fetch(index_conn, "SELECT count(*) FROM explorer_left_calls") == [(0,)]
    follow(workers, index_conn)
    again = fetch(index_conn, CALLS)
    internal.reset(index_conn)
    follow(workers, index_conn)
    assert fetch(index_conn, CALLS) == again, "made anew it is the same"


def traced(conn: Connection, rows: list[tuple[Any, ...]], left: list[tuple[int, int, int]]) -> None:
    """As if a trace of block 3 had told this, and block 2 were too much."""
    internal.reset(conn)
    found = internal.plan(conn)
    assert found is not None
    two, three = found.epochs
    told = [Traced(two, (), refusal="limit_exceeded"), Traced(three, tuple(rows), tuple(left))]
    assert internal.write(conn, found, told, found.end)


def test_calls_that_are_not_kept_are_never_told_as_none(chain: Growing, index_conn: Connection, client: Client) -> None:
    taken = fetch(index_conn, "SELECT number, tx FROM chain_acceptance WHERE number IN (2, 3) AND index = 0 ORDER BY 1")
    untraced, tx = [hexed(row[1]) for row in taken]
    index_conn.rollback()
    path, page = f"/api/v1/transactions/{tx}/internal", f"/tx/{tx}"

    def told(**asked: Any) -> tuple[Any, ...]:
        found = client.get(path, asked).json()
        return found["traced"], found["left_out"], [item["ordinal"] for item in found["items"]], found["next"]

    # an earlier transaction used up what the block has
    traced(index_conn, [], [(3, 0, 7)])
    assert told() == told(moved="false") == told(moved="false", after=5) == (True, 7, [], None)
    for query in ("", "?moved=1", "?inside=5"):
        shown = text_of(client.get(page + query))
        assert "Calls inside" in shown, query
        assert "7 more without value were too many" in shown, query
    assert "None of them is listed" in text_of(client.get(page))
    (alone,) = csv_of(client, f"{page}/internal.csv")
    assert (alone["transaction"], alone["block"], alone["ordinal"], alone["left_out"]) == (tx, "3", "", "7")
    # some are kept
    plain = [(3, 0, ordinal, 1, 0, WORKER, HEIR, 0, b"", False) for ordinal in range(3)]
    traced(index_conn, plain, [(3, 0, 7)])
    assert told() == (True, 7, [], None)
    for path_of_file in (page, f"/address/{hexed(HEIR)}"):
        rows = csv_of(client, f"{path_of_file}/internal.csv")
        assert {(row["type"], row["left_out"]) for row in rows} == {("call", "7")}
        assert len(rows) == 3
    assert told(moved="false", limit=2) == (True, 7, [0, 1], 1)
    assert told(moved="false", limit=2, after=1) == (True, 7, [2], None)
    shown = text_of(client.get(f"{page}?moved=1"))
    assert ["None of them with value" in shown, "7 more without value were too many" in shown] == [True, True]
    history = f"/address/{hexed(HEIR)}/internal"
    assert "of those without value the first 500 of a transaction and" in text_of(client.get(history))
    assert "of those without value" not in text_of(client.get(history, {"moved": "1"}))
    assert "as far as calls were traced and kept" in text_of(client.get(f"/address/{hexed(FAILING)}/internal"))
    # nothing is known of what could not be traced
    assert client.get(f"/api/v1/transactions/{untraced}/internal").json()["traced"] is False
    assert "Calls inside" not in text_of(client.get(f"/tx/{untraced}?moved=1"))
    # another transaction has the place, and the tracer has not seen it yet
    factory = chain.factory
    call = factory.send(chain.path[2], 3, WORKER, 1, gas_limit=1_000_000, data=b"\1")
    others = [factory.extend(chain.path[2], [call])]
    for _ in range(8):
        others.append(factory.extend(others[-1], []))
    chain.reorganise(7, others)
    other = hexed(call[1].hash)
    assert client.get(f"/api/v1/transactions/{other}/internal").json() == {
        "traced": False, "left_out": 0, "items": [], "next": None,
    }  # fmt: skip
    assert "Calls inside" not in text_of(client.get(f"/tx/{other}"))


def test_a_file_of_calls_is_refused_where_they_are_not_known(
    chain: Growing, index_conn: Connection, client: Client, settings: Any
) -> None:
    taken = fetch(index_conn, "SELECT tx FROM chain_acceptance WHERE number IN (2, 3) AND index = 0 ORDER BY number")
    untraced, tx = [f"/tx/{hexed(row[0])}/internal.csv" for row in taken]
    index_conn.rollback()

    def refusal(path: str) -> str:
        answer = client.get(path)
        assert (answer.status_code, answer["Content-Type"]) == (404, "text/plain; charset=utf-8")
        assert answer["Cache-Control"] == "no-store"
        return answer.content.decode()

    assert refusal(tx) == "Block 3 is not traced yet, the newest that is: -1\n"
    settings.MDS_INDEX_TRACE_SHARE = 0
    assert refusal(tx) == "This node lists no internal transactions: use ots_getInternalOperations\n"
    settings.MDS_INDEX_TRACE_SHARE = 25
    traced(index_conn, [], [])
    assert refusal(untraced) == "Block 2 is too much to trace: use debug_traceTransaction\n"
    assert csv_of(client, tx) == [], "it is known that there are none"


def test_a_node_that_traces_nothing_says_so(growing: Growing, client: Client, settings: Any) -> None:
    growing.grow()
    assert settings.MDS_INDEX_TRACE_SHARE == 0
    assert tracing.Tracing().look() is False
    assert "Not listed here" in text_of(client.get(f"/address/{hexed(HEIR)}/internal"))
    asked = {"module": "account", "action": "txlistinternal", "address": hexed(HEIR)}
    assert "lists no internal transactions" in client.get("/api", asked).json()["result"]


def test_everybody_reads_them(chain: Growing, index_conn: Connection, workers: asyncio.Runner, client: Client) -> None:
    def etherscan(**asked: Any) -> Any:
        return client.get("/api", {"module": "account", "action": "txlistinternal", **asked}).json()

    call = chain.factory.blocks[chain.path[3]]
    tx = hexed(fetch(index_conn, "SELECT tx FROM chain_acceptance WHERE number = 3 AND index = 0")[0][0])
    assert call is not None
    before = client.get(f"/tx/{tx}")
    assert "not traced yet" in text_of(client.get(f"/address/{hexed(HEIR)}/internal"))
    assert "Calls inside" not in text_of(before)
    waits = etherscan(txhash=tx)
    assert (waits["status"], waits["message"]) == ("0", "NOTOK")
    assert "not traced yet" in waits["result"]
    follow(workers, index_conn)
    told = text_of(client.get(f"/tx/{tx}"))
    assert "Calls inside" in told
    assert "staticcall" in told
    assert "staticcall" not in text_of(client.get(f"/tx/{tx}?moved=1"))
    assert "selfdestruct" in text_of(client.get(f"/tx/{tx}?inside=3"))
    assert "create2" not in text_of(client.get(f"/tx/{tx}?inside=3"))
    page = f"/address/{hexed(HEIR)}/internal"
    told = text_of(client.get(page))
    assert ["selfdestruct" in told, "staticcall" in told] == [True, True]
    assert "staticcall" not in text_of(client.get(page, {"moved": "1"}))
    path = f"/api/v1/addresses/{hexed(HEIR)}/internal"

    def walk(**asked: Any) -> list[tuple[str, int, str]]:
        items, cursor = [], ""
        while cursor is not None:
            part = client.get(path, {"limit": 1, "before": cursor, **asked}).json()
            items += part["items"]
            cursor = part["next"]
        return [(item["type"], item["depth"], item["value"]) for item in items]

    moved = [("selfdestruct", 2, "2"), ("call", 1, "5")]
    assert walk(moved="false") == [moved[0], ("staticcall", 1, "0"), moved[1]]
    assert walk() == moved
    assert [item["value"] for item in client.get(f"/api/v1/transactions/{tx}/internal").json()["items"]] == [
        "5",
        "1",
        "2",
        "2",
    ]
    of_tx = client.get(f"/api/v1/transactions/{tx}/internal", {"moved": "false"}).json()
    assert (of_tx["traced"], [item["value"] for item in of_tx["items"]]) == (True, ["5", "0", "1", "2", "2"])
    assert of_tx["next"] is None
    part = client.get(f"/api/v1/transactions/{tx}/internal", {"limit": 2, "after": 0, "moved": "false"}).json()
    assert ([item["ordinal"] for item in part["items"]], part["next"], part["left_out"]) == ([1, 2], 2, 0)
    assert {row["left_out"] for row in csv_of(client, f"/tx/{tx}/internal.csv")} == {"0"}
    rows = csv_of(client, f"{page}.csv")
    assert [(row["type"], row["value_wei"], row["block"]) for row in rows] == [
        ("selfdestruct", "2", "3"),
        ("staticcall", "0", "3"),
        ("call", "5", "3"),
    ]
    assert [row["type"] for row in csv_of(client, f"/tx/{tx}/internal.csv")] == [
        "call",
        "staticcall",
        "create",
        "create2",
        "selfdestruct",
    ]
    assert [row["ordinal"] for row in csv_of(client, f"/tx/{tx}/internal.csv?moved=1&inside=0")] == ["2", "3", "4"]
    assert client.get(f"/tx/0x{'00' * 32}/internal.csv").status_code == 404
    rows = etherscan(address=hexed(HEIR))["result"]
    assert [(row["type"], row["value"], row["hash"]) for row in rows] == [("call", "5", tx), ("suicide", "2", tx)]
    assert rows[0]["traceId"] == "0"
    assert etherscan(txhash=tx)["result"][1]["contractAddress"] == hexed(CHILD)
    assert len(etherscan(startblock=0, endblock=9)["result"]) == 4
    assert [row["value"] for row in etherscan(startblock=0, endblock=9, sort="desc", page=1, offset=2)["result"]] == [
        "2",
        "2",
    ]
    assert etherscan(address=hexed(FAILING))["message"] == "No transactions found"
    assert etherscan(address=hexed(wallets.address(3)))["result"] == []
    assert etherscan()["status"] == "0"
