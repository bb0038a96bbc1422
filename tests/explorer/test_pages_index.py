"""Pages over the explorer's read models: addresses, tokens, miners, figures, search, exports; all of it escaped."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.test import Client

from chain.core.transactions import keccak
from chain.stores.connection import Connection
from explorer.exports import csv_response
from explorer.indexers import describe, sync
from tests.explorer.conftest import Growing
from tests.explorer.test_pages import EVIL, hexed, text_of
from tests.explorer.token_logs import ALICE, ART, BOB, COIN, GAME, ZERO, erc20, erc721, single
from tests.factories import wallets
from tests.factories.chain import Effects

pytestmark = pytest.mark.django_db(transaction=True)

CODE = bytes.fromhex("600160005260206000f3")


@pytest.fixture
def scene(growing: Growing, index_conn: Connection) -> Growing:
    """Three tokens, one of which has a name that wants to run."""
    send = growing.factory.send
    logs = (erc20(COIN, ZERO, ALICE, 10**20), erc721(ART, ZERO, ALICE, 7), single(GAME, ZERO, BOB, 5, 10))
    growing.grow(
        [send(growing.sink, 0, COIN, 0)], Effects(logs={0: logs}, codes={COIN: CODE, ART: CODE + b"\0", GAME: CODE})
    )
    growing.grow([send(growing.sink, 0, COIN, 0)], Effects(logs={0: (erc20(COIN, ALICE, BOB, 3 * 10**19),)}))
    growing.grow([send(growing.sink, 1, wallets.address(2), 5)])
    while sync.step(index_conn) is not None:
        pass
    label(index_conn, COIN, EVIL, "=1+1")
    return growing


def label(conn: Connection, token: bytes, name: str, symbol: str) -> None:
    """Let a token be called so."""
    asked = [one for one in describe.UNDESCRIBED.all(conn, 100) if one.address == token]
    describe.write(conn, [describe.Label(asked[0], name, symbol, 18)])
    conn.commit()


def get(client: Client, path: str, status: int = 200) -> Any:
    """A page that must answer as expected."""
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer


def test_address(scene: Growing, client: Client) -> None:
    told = text_of(get(client, f"/address/{hexed(ALICE)}"))
    assert "2 transactions concern it, 2 of them its own" in told.replace("concern s,", "concern")
    assert "out" in told
    bob = text_of(get(client, f"/address/{hexed(BOB)}"))
    assert "1 of them its own" in bob
    assert "has never seen this address" in text_of(get(client, f"/address/0x{'12' * 20}"))
    get(client, "/address/0x12", 404)
    assert get(client, f"/address/{ALICE.hex().upper()}", 302)["location"] == f"/address/{hexed(ALICE)}"


def test_history_of_an_address_in_pages(growing: Growing, index_conn: Connection, client: Client) -> None:
    for _ in range(4):
        growing.grow([growing.factory.send(growing.sink, 0, BOB, 1)])
    while sync.step(index_conn) is not None:
        pass
    found = [int(n) for n in re.findall(r'href="/block/(\d+)"', get(client, f"/address/{hexed(BOB)}").content.decode())]
    assert found == [4, 3, 2, 1]
    below = get(client, f"/address/{hexed(BOB)}?before=3-0").content.decode()
    assert re.findall(r'href="/block/(\d+)"', below) == ["2", "1"]
    above = get(client, f"/address/{hexed(BOB)}?after=2-0").content.decode()
    assert re.findall(r'href="/block/(\d+)"', above) == ["4", "3"]
    get(client, f"/address/{hexed(BOB)}?before=nonsense&after=-1")


def test_tokens_are_escaped(scene: Growing, client: Client) -> None:
    pages = ["/tokens", f"/token/{hexed(COIN)}", f"/address/{hexed(BOB)}/tokens", f"/address/{hexed(BOB)}/transfers"]
    pages += [f"/address/{hexed(COIN)}", "/search?q=script", f"/token/{hexed(COIN)}?tab=holders"]
    for path in pages:
        answer = client.get(path, follow=True)
        assert answer.status_code == 200, path
        assert EVIL not in answer.content.decode(), path
    assert "&lt;script&gt;" in get(client, "/tokens").content.decode()


def test_a_transaction_tells_what_tokens_moved(scene: Growing, index_conn: Connection, client: Client) -> None:
    first = re.search(r'href="(/tx/0x[0-9a-f]{64})"', get(client, "/block/1").content.decode())
    assert first is not None
    made = text_of(get(client, first[1]))
    assert re.search(r"Tokens 100 =1\+1 made for 0x\S+ token #7 made for 0x\S+ 10 × token #5 made for 0x", made)
    # calling a token's own transfer is told as such in the first sentence
    transfer = bytes.fromhex("a9059cbb") + bytes(12) + BOB + (10**18).to_bytes(32)
    call = scene.factory.send(scene.sink, 0, COIN, 0, data=transfer, gas_limit=100_000)
    scene.grow([call], Effects(logs={0: (erc20(COIN, wallets.address(0), BOB, 10**18),)}))
    while sync.step(index_conn) is not None:
        pass
    answer = get(client, f"/tx/{hexed(call[1].hash)}")
    assert re.search(r"0x\S+ sent 1 =1\+1 to 0x\S+", text_of(answer))
    assert EVIL not in answer.content.decode()


def test_token(scene: Growing, client: Client) -> None:
    told = text_of(get(client, f"/token/{hexed(COIN)}"))
    assert "2 transfers since block 1" in told
    assert "30" in told
    holders = text_of(get(client, f"/token/{hexed(COIN)}?tab=holders"))
    assert holders.index("70") < holders.index("30")
    assert "#7" in text_of(get(client, f"/token/{hexed(ART)}"))
    assert "ERC-1155" in text_of(get(client, "/tokens?standard=1155"))
    assert "ERC-721" not in re.sub(r"All ERC-20 ERC-721 ERC-1155", "", text_of(get(client, "/tokens?standard=20")))
    assert "told of no transfers" in text_of(get(client, f"/token/{hexed(ALICE)}", 404))


def test_what_an_address_holds_in_pages(scene: Growing, index_conn: Connection, client: Client) -> None:
    logs = tuple(
        log for n in range(30) for log in (erc20(keccak(b"%d" % n)[12:], ZERO, BOB, 1), erc721(ART, ZERO, BOB, 100 + n))
    )
    scene.grow([scene.factory.send(scene.sink, 0, COIN, 0)], Effects(logs={0: logs}))
    while sync.step(index_conn) is not None:
        pass

    def walk(name: str, pattern: str) -> list[str]:
        found, query = [], ""
        while True:
            body = get(client, f"/address/{hexed(BOB)}/tokens{query}").content.decode()
            found += re.findall(pattern, body)
            further = re.search(rf'href="(\?{name}=[^"]*)"', body)
            if further is None:
                return found
            query = further[1]

    tokens = walk("before", r'<th scope="row" class="wrap"><a href="/token/(0x[0-9a-f]{40})"')
    held = index_conn.execute("SELECT token FROM explorer_token_holding WHERE address = %s", (BOB,)).fetchall()
    index_conn.commit()
    assert sorted(tokens) == sorted([hexed(bytes(row[0])) for row in held])
    assert len(tokens) > 30
    ids = [int(n) for n in walk("items", r'<td class="mono" title="(\d+)"')]
    assert sorted(ids) == [5, *range(100, 130)]
    get(client, f"/address/{hexed(BOB)}/tokens?before=x&items=-1")


def test_contract(scene: Growing, client: Client) -> None:
    told = text_of(get(client, f"/address/{hexed(COIN)}/contract"))
    assert CODE.hex() in told
    assert "no code now" in text_of(get(client, f"/address/{hexed(ALICE)}/contract"))


def test_miners(scene: Growing, client: Client) -> None:
    listed = get(client, "/miners").content.decode()
    coinbase = re.search(r'href="/miner/(0x[0-9a-f]{40})"', listed)
    assert coinbase is not None
    told = text_of(get(client, f"/miner/{coinbase[1]}"))
    assert "with 3 blocks" in told
    assert "No block of this coinbase" in text_of(get(client, f"/miner/{hexed(BOB)}", 404))


def test_figures(scene: Growing, client: Client) -> None:
    told = text_of(get(client, "/shards"))
    assert "10 shards carried 3 transactions in the newest 3 blocks" in told
    get(client, "/shard/10", 404)
    shards = "".join(text_of(get(client, f"/shard/{i}")) for i in range(10))
    assert shards.count("Nothing of this shard lately") >= 8
    assert "gwei base fee" in text_of(get(client, "/fees"))
    supply = text_of(get(client, "/supply?span=day"))
    assert "that may ever be made" in supply
    # figures of a chart are data, and say nothing to the page's markup
    data = re.search(
        r'<script id="chart-data" type="application/json">(.*?)</script>', client.get("/fees").content.decode()
    )
    assert data is not None
    assert set(json.loads(data[1])) == {"x", "series"}


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("2", "/block/2"),
        (hexed(BOB), f"/address/{hexed(BOB)}"),
        (hexed(BOB)[2:].upper(), f"/address/{hexed(BOB)}"),
        ("script", f"/token/{hexed(COIN)}"),
    ],
)
def test_search_goes_there(scene: Growing, client: Client, query: str, place: str) -> None:
    assert client.get("/search", {"q": query})["location"] == place


def test_search(scene: Growing, client: Client) -> None:
    assert client.get("/search", {"q": hexed(scene.sink)})["location"] == f"/block/{hexed(scene.sink)}"
    for query in ("99", "0x12", "%", "_", "\\", EVIL + "x", hexed(keccak(b"?")), "9" * 50, "x\0"):
        answer = client.get("/search", {"q": query})
        assert answer.status_code == 200, query
        assert "Nothing found" in text_of(answer), query
        assert "<script>alert" not in answer.content.decode()
    assert "What are you looking for" in text_of(client.get("/search"))


def test_search_finds_any_part_of_a_name(scene: Growing, index_conn: Connection, client: Client) -> None:
    label(index_conn, ART, "Übergroße Kunst", "ART")
    label(index_conn, GAME, "Particle", "PRT")

    def found(query: str) -> list[str]:
        answer = client.get("/search", {"q": query})
        if answer.status_code == 302:
            return [answer["location"].removeprefix("/token/")]
        return list(dict.fromkeys(re.findall(r'href="/token/(0x[0-9a-f]{40})"', answer.content.decode())))

    art, game = hexed(ART), hexed(GAME)
    for query in ("über", "ÜBERGROSSE", "größe".replace("ö", "o"), "kun", "e k", "t"):
        assert art in found(query), query
    # what is called so comes first, then the more widely held
    assert found("art") == [art, game]
    assert found("ART ") == [art, game]
    assert found("particle") == [game]
    for query in ("kunst\nart", "kunstart", "=art", "a%t", "_"):
        assert found(query) == [], query


def test_csv(scene: Growing, client: Client) -> None:
    answer = get(client, f"/address/{hexed(ALICE)}/transactions.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [int(row["block"]) for row in rows] == [2, 1]
    assert rows[0]["from"] == hexed(ALICE)
    moved = get(client, f"/token/{hexed(COIN)}/transfers.csv")
    amounts = [row["amount"] for row in csv.DictReader(io.StringIO(b"".join(moved.streaming_content).decode()))]
    assert amounts == [str(3 * 10**19), str(10**20)]
    blocks = get(client, "/blocks.csv")
    numbers = [row["number"] for row in csv.DictReader(io.StringIO(b"".join(blocks.streaming_content).decode()))]
    assert numbers == ["3", "2", "1", "0"]


def test_csv_comes_by_and_by_where_the_server_is_asynchronous() -> None:
    """Django's own way would be to read all rows before the first byte."""
    read: list[int] = []

    def rows() -> Iterator[tuple[int]]:
        for number in range(2000):
            read.append(number)
            yield (number,)

    request = ASGIRequest({"type": "http", "method": "GET", "path": "/", "headers": []}, io.BytesIO())

    async def receive() -> tuple[bytes, int, bytes]:
        parts = aiter(csv_response(request, "numbers", ("number",), rows()))
        return await anext(parts), len(read), b"".join([part async for part in parts])

    first, so_far, rest = asyncio.run(receive())
    assert first.decode().splitlines() == ["number", *map(str, range(50))]
    assert so_far == 50
    assert rest.decode().splitlines() == [str(number) for number in range(50, 2000)]


def test_csv_is_one_gzip_file_for_browsers() -> None:
    """Browsers stop where the first file of several ends."""
    headers = [(b"accept-encoding", b"gzip, deflate, br")]
    request = ASGIRequest({"type": "http", "method": "GET", "path": "/", "headers": headers}, io.BytesIO())

    async def receive() -> list[bytes]:
        async def view(request: HttpRequest) -> HttpResponseBase:
            return csv_response(request, "numbers", ("number",), ((number,) for number in range(2000)))

        answer = await GZipMiddleware(view)(request)
        assert (answer["Content-Encoding"], answer["Vary"]) == ("gzip", "Accept-Encoding")
        return [part async for part in answer]

    parts = asyncio.run(receive())
    reader = zlib.decompressobj(31)
    assert reader.decompress(parts[0]).decode().splitlines() == ["number", *map(str, range(50))]
    assert reader.decompress(b"".join(parts[1:])).decode().splitlines() == [str(number) for number in range(50, 2000)]
    assert (reader.eof, reader.unused_data) == (True, b"")


class TestAbi:
    """What the contract page asks for."""

    def ask(self, client: Client, path: str, value: Any) -> tuple[int, Any]:
        body = value if isinstance(value, (str, bytes)) else json.dumps(value)
        answer = client.post(path, body, content_type="application/json")
        return answer.status_code, answer.json()

    def test_encodes_what_people_type(self, client: Client) -> None:
        asked = {"name": "transfer", "types": ["address", "uint256"], "values": [hexed(BOB), "0x10"]}
        status, answer = self.ask(client, "/abi/encode", asked)
        assert (status, answer["data"]) == (200, "0xa9059cbb" + BOB.hex().rjust(64, "0") + "10".rjust(64, "0"))
        asked = {"name": "f", "types": ["(uint8,bool)[]", "string"], "values": ["[[1, true]]", "é"]}
        assert self.ask(client, "/abi/encode", asked)[0] == 200

    def test_decodes_answers(self, client: Client) -> None:
        data = "0x" + "01".rjust(64, "0") + BOB.hex().rjust(64, "0")
        status, answer = self.ask(client, "/abi/decode", {"types": ["bool", "address"], "data": data})
        assert (status, answer["values"]) == (200, ["true", hexed(BOB)])

    @pytest.mark.parametrize(
        "value",
        [
            "{",
            "[]",
            {},
            {"name": "f", "types": ["uint256"], "values": ["x"]},
            {"name": "f", "types": ["uint8"], "values": ["256"]},
            {"name": "f", "types": ["uint7"], "values": ["1"]},
            {"name": "f", "types": ["(" * 40], "values": ["1"]},
            {"name": "f()", "types": [], "values": []},
            {"name": "f", "types": ["address"], "values": ["0x12"]},
            {"name": "f", "types": ["uint256[]"], "values": [5]},
            {"name": "f", "types": ["bytes4"], "values": ["0x1234567890"]},
            {"name": "f", "types": ["bool"], "values": [None]},
            {"name": "f", "types": ["uint256[]"], "values": ["[" * 1000]},
        ],
    )
    def test_refuses_the_rest(self, client: Client, value: Any) -> None:
        status, answer = self.ask(client, "/abi/encode", value)
        assert status == 400
        assert answer["error"]["code"]

    def test_refuses_data_that_is_none(self, client: Client) -> None:
        for data in ("0x", "zz", "0xzz", None, 5, "0x" + "ff" * 64):
            assert self.ask(client, "/abi/decode", {"types": ["string"], "data": data})[0] == 400
        assert self.ask(client, "/abi/encode", "x" * 300_000)[0] == 413
