"""The light line of ``/ws/live``: where the chain stands, and what became of the one thing that a page watches."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.test import Client

from chain.core.shards import shard_of
from chain.core.transactions import keccak
from chain.services.network import current_spec
from explorer.indexers.sync import step
from explorer.live import consumer
from tests.explorer.conftest import Growing
from tests.explorer.test_live import ORIGIN, Story, Visit, heard, visit  # noqa: F401 - the fixture
from tests.explorer.token_logs import COIN, ZERO, erc20
from tests.factories import wallets
from tests.factories.chain import Effects

HEAD = "/ws/live?view=head"


async def told(socket: Any, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first head message that is wanted; it is said again every three seconds, so not for ever."""
    for _ in range(20):
        message = await heard(socket, "head")
        if wanted(message):
            return message
    raise AssertionError(message)


async def news(socket: Any) -> dict[str, Any]:
    """What the line says of the watched thing, among the next messages."""
    for _ in range(20):
        message = await heard(socket, "snapshot", "head", "watched")
        if message["type"] == "watched":
            return message
    raise AssertionError(message)


async def grow(visit: Visit, *args: Any, **extra: Any) -> bytes:  # noqa: F811
    block = visit.growing.grow(*args, **extra)
    await visit.moved()
    return block


def test_it_says_where_the_chain_stands_and_nothing_else(visit: Callable[[Story], None]) -> None:  # noqa: F811
    async def story(visit: Visit) -> None:
        visit.growing.grow(stream=1)
        socket = await visit.open(HEAD)
        first = await heard(socket, "snapshot")
        names = {"v", "type", "feed", "seq", "head", "newest", "transactions", "fork", "reorgs", "forks_since", "forks"}
        assert set(first) == names | {"server_ms"}
        assert (first["head"]["number"], first["transactions"], first["fork"]) == (1, 0, None)
        sent = visit.growing.factory.send(visit.growing.sink, 0, wallets.address(9))
        await grow(visit, [sent])
        message = await told(socket, lambda message: message["head"]["number"] > 1)
        assert (message["head"]["number"], message["transactions"]) == (2, 1)
        assert message["newest"] == first["newest"] + 1
        assert message["feed"] == first["feed"]
        assert message["seq"] > first["seq"]

    visit(story)


def test_it_says_how_far_the_chain_was_undone(visit: Callable[[Story], None]) -> None:  # noqa: F811
    async def story(visit: Visit) -> None:
        growing = visit.growing
        base = growing.grow()
        growing.grow()
        socket = await visit.open(HEAD)
        await heard(socket, "snapshot")
        other = growing.factory.extend(base, [], stream=1)
        growing.reorganise(1, [other, growing.factory.extend(other, [], stream=1)])
        await visit.moved()
        message = await told(socket, lambda message: message["fork"] is not None)
        assert (message["fork"], message["head"]["number"]) == (1, 3)
        assert (message["reorgs"], message["forks_since"], message["forks"]) == (1, 0, [[1, 1]])
        # said once to who is here, and to everybody who comes later
        await grow(visit)
        message = await told(socket, lambda message: message["head"]["number"] == 4)
        assert (message["fork"], message["forks_since"], message["forks"]) == (None, 1, [])
        later = await heard(await visit.open(HEAD), "snapshot")
        assert (later["fork"], later["reorgs"], later["forks_since"], later["forks"]) == (None, 1, 0, [[1, 1]])

    visit(story)


def test_who_was_away_while_nobody_was_here_hears_of_a_reorganisation(visit: Callable[[Story], None]) -> None:  # noqa: F811
    async def story(visit: Visit) -> None:
        growing = visit.growing
        base = growing.grow()
        growing.grow()
        socket = await visit.open(HEAD)
        first = await heard(socket, "snapshot")
        await socket.disconnect()
        other = growing.factory.extend(base, [], stream=1)
        growing.reorganise(1, [other, growing.factory.extend(other, [], stream=1)])
        await visit.moved()
        # the whole line too, so that the feed has looked at it
        await told_by_the_whole_line(visit, 3)
        back = await visit.open(f"{HEAD}&feed={first['feed']}&seq={first['seq']}")
        message = await heard(back, "snapshot", "head")
        if message["type"] == "head" and not message["forks"]:
            message = await told(back, lambda message: bool(message["forks"]))
        assert message["forks"] == [[1, 1]]

    visit(story)


async def told_by_the_whole_line(visit: Visit, number: int) -> None:  # noqa: F811
    """Wait until the feed has seen a block."""
    socket = await visit.open()
    message = await heard(socket, "snapshot")
    while message["head"]["number"] < number:
        message = await heard(socket, "dag")


def test_a_transaction_is_watched_through_acceptance_and_reorganisation(visit: Callable[[Story], None]) -> None:  # noqa: F811
    async def story(visit: Visit) -> None:
        growing = visit.growing
        base = growing.grow()
        sent = growing.factory.send(base, 0, wallets.address(9))
        name = "0x" + sent[1].hash.hex()
        socket = await visit.open(f"{HEAD}&tx={name}")
        assert (await heard(socket, "snapshot"))["head"]["number"] == 1
        nothing = {"v": 1, "type": "watched", "tx": name, "number": None, "block": None, "success": None}
        assert await news(socket) == nothing
        block = await grow(visit, [sent])
        taken = {**nothing, "number": 2, "block": "0x" + block.hex(), "success": True}
        assert await news(socket) == taken
        # what does not change it is not told
        await grow(visit)
        one = growing.factory.extend(base, [])
        two = growing.factory.extend(one, [])
        growing.reorganise(2, [one, two, growing.factory.extend(two, [])])
        await visit.moved()
        assert await news(socket) == nothing

    visit(story)


def test_an_address_is_watched(visit: Callable[[Story], None], index_conn: Any) -> None:  # noqa: F811
    async def story(visit: Visit) -> None:
        growing = visit.growing
        growing.grow()
        receiver, stranger = wallets.address(9), keccak(b"nobody")[12:]
        socket = await visit.open(f"{HEAD}&address=0x{receiver.hex()}")
        other = await visit.open(f"{HEAD}&address=0x{stranger.hex()}")
        before = await news(socket)
        empty = {"nonce": 0, "balance": "0", "transactions": 0}
        assert (await news(other)).items() >= empty.items()
        await grow(visit, [growing.factory.send(growing.sink, 0, receiver, value=7)])
        after = await news(socket)
        assert int(after["balance"]) == int(before["balance"]) + 7
        # the index comes a moment later: its count is told when it has changed
        while step(index_conn) is not None:
            pass
        await grow(visit)
        assert (await news(socket))["transactions"] == 1

    visit(story)


def test_tokens_miners_and_shards_are_watched(visit: Callable[[Story], None], index_conn: Any) -> None:  # noqa: F811
    async def story(visit: Visit) -> None:
        growing = visit.growing
        growing.grow()
        sender, miner = wallets.address(0), b"\x77" * 20
        shard = shard_of(sender, current_spec().shard_count)
        names = [f"token=0x{COIN.hex()}", f"miner=0x{miner.hex()}", f"shard={shard}"]
        token, mined, sharded = [await visit.open(f"{HEAD}&{name}") for name in names]
        every, coins, items = [await visit.open(f"{HEAD}&tokens={which}") for which in ("all", "20", "721")]
        none = [await news(socket) for socket in (token, mined, sharded)]
        for socket, standard in ((every, 0), (coins, 20), (items, 721)):
            one = await news(socket)
            assert (one["standard"], one["tokens"], one["transfers"]) == (standard, 0, 0)
        assert (none[0]["token"], none[0]["transfers"], none[0]["supply"]) == (f"0x{COIN.hex()}", 0, "0")
        assert (none[1]["miner"], none[1]["blocks"], none[1]["income"]) == (f"0x{miner.hex()}", 0, "0")
        assert (none[2]["shard"], none[2]["transactions"]) == (shard, 0)
        sent = [growing.factory.send(growing.sink, 0, COIN, 0)]
        effects = Effects(logs={0: (erc20(COIN, ZERO, sender, 9),)}, codes={COIN: b"\0"})
        growing.grow(sent, effects, stream=1, coinbase=miner)
        growing.grow()
        while step(index_conn) is not None:
            pass
        await visit.moved()
        moved = await news(token)
        assert (moved["transfers"], moved["holders"], moved["supply"]) == (1, 1, "9")
        earned = await news(mined)
        assert earned["blocks"] == 1
        assert int(earned["income"]) > 0
        assert (await news(sharded))["transactions"] == 1
        for socket in (every, coins):
            one = await news(socket)
            assert (one["tokens"], one["transfers"]) == (1, 1)
        # and goes back with the chain
        one = growing.factory.extend(growing.path[1], [])
        growing.reorganise(2, [one, growing.factory.extend(one, [])])
        while step(index_conn) is not None:
            pass
        await visit.moved()
        assert (await news(token))["transfers"] == 0
        assert (await news(mined))["blocks"] == 0
        assert (await news(sharded))["transactions"] == 0
        for socket in (every, coins):
            one = await news(socket)
            assert (one["tokens"], one["transfers"]) == (0, 0)

    visit(story)


@pytest.mark.parametrize(
    "wrong",
    [
        "shard=12345",
        "shard=-1",
        "token=0x12",
        "tx=0x12",
        "address=zz",
        "tx=" + "0x" + "gg" * 32,
        "watch=all",
        "tokens=5",
    ],
)
def test_what_is_no_name_is_not_watched(visit: Callable[[Story], None], wrong: str) -> None:  # noqa: F811
    async def story(visit: Visit) -> None:
        visit.growing.grow()
        socket = await visit.open(f"{HEAD}&{wrong}")
        assert (await heard(socket, "snapshot", "watched"))["type"] == "snapshot"
        await grow(visit)
        assert (await heard(socket, "head", "watched"))["type"] == "head"

    visit(story)


def test_pages_say_what_they_show(growing: Growing, client: Client) -> None:
    growing.grow()
    sent = growing.factory.send(growing.sink, 0, wallets.address(9))
    block = growing.grow([sent])
    pages = {
        "/blocks": 'data-live="blocks" data-known="2"',
        "/blocks/dag": 'data-live="dag" data-known="',
        "/tx": 'data-live="transactions" data-known="1"',
        f"/tx/0x{sent[1].hash.hex()}": f'data-live="transaction" data-known="0x{block.hex()}" data-socket="/ws/live"'
        f' data-watch="tx=0x{sent[1].hash.hex()}"',
        f"/address/0x{wallets.address(9).hex()}": f'data-watch="address=0x{wallets.address(9).hex()}"',
        "/block/2": 'data-live="block"',
        "/fees": 'data-live="figures"',
        "/streams": 'data-live="streams"',
        "/shards": 'data-live="shards"',
        "/shard/1": 'data-watch="shard=1"',
        "/miners": 'data-live="miners" data-known="2"',
        "/tokens": 'data-live="tokens" data-known="0" data-moves="0" data-listed="-1" data-reorgs="0"'
        ' data-socket="/ws/live" data-watch="tokens=all"',
        "/tokens?standard=721": 'data-watch="tokens=721"',
    }
    for path, mark in pages.items():
        assert mark in client.get(path).content.decode(), path
    # further pages stand still: what is new does not belong there
    for path in ("/blocks?before=2", "/tx?before=2-0", "/blocks/dag?before=2-" + "0" * 64):
        assert "data-live=" not in client.get(path).content.decode(), path
    unknown = client.get(f"/tx/0x{'12' * 32}")
    assert unknown.status_code == 404
    assert f'data-watch="tx=0x{"12" * 32}"' in unknown.content.decode()


def mark_of(client: Client, path: str) -> tuple[int, int]:
    """What a list says that it is of: the number down to which it must not be undone, and reorganisations seen."""
    found = re.search(r'data-listed="(-?\d+)" data-reorgs="(-?\d+)"', client.get(path).content.decode())
    assert found, path
    return int(found[1]), int(found[2])


def test_lists_say_of_what_chain_they_are(growing: Growing, client: Client, index_conn: Any) -> None:
    def follow() -> None:
        while step(index_conn) is not None:
            pass

    sender, miner = wallets.address(0), b"\x77" * 20
    base = growing.grow()
    sent = growing.factory.send(growing.sink, 0, COIN, 0)
    effects = Effects(logs={0: (erc20(COIN, ZERO, sender, 9),)}, codes={COIN: b"\0"})
    growing.grow([sent], effects, coinbase=miner)
    growing.grow()
    follow()
    shard = shard_of(sender, current_spec().shard_count)
    # of rows: the newest of them
    of_rows = [f"/shard/{shard}", f"/address/0x{sender.hex()}", f"/address/0x{sender.hex()}/transfers"]
    of_rows += [f"/token/0x{COIN.hex()}", "/tx"]
    # of everything, as ranks and sums are: the head
    of_all = ["/miners", "/tokens", f"/token/0x{COIN.hex()}?tab=holders", f"/address/0x{sender.hex()}/tokens"]
    assert {path: mark_of(client, path) for path in of_rows} == dict.fromkeys(of_rows, (2, 0))
    assert {path: mark_of(client, path) for path in [*of_all, "/blocks"]} == dict.fromkeys([*of_all, "/blocks"], (3, 0))
    assert mark_of(client, f"/miner/0x{miner.hex()}") == (2, 0)
    assert mark_of(client, "/blocks/dag") == (3, 0)
    # no rows, nothing that could be undone
    assert mark_of(client, f"/address/0x{keccak(b'nobody')[12:].hex()}") == (-1, 0)
    one = growing.factory.extend(base, [])
    growing.reorganise(2, [one, growing.factory.extend(one, [])])
    # the index has yet to follow: its lists are of a chain that is no more, and say so
    assert {mark_of(client, path) for path in [*of_rows[:-1], *of_all]} == {(3, -1)}
    assert mark_of(client, "/blocks") == (3, 1)
    assert mark_of(client, "/tx") == (-1, 1)
    follow()
    assert mark_of(client, f"/shard/{shard}") == (-1, 1)
    assert mark_of(client, "/miners") == (3, 1)


def test_visitors_from_one_address_are_bounded(visit: Callable[[Story], None], settings: Any) -> None:  # noqa: F811
    settings.MDS_LIVE_ADDRESS_SOCKETS = 1

    async def story(visit: Visit) -> None:
        from mondoshawan.routing import websocket_application

        async def come(address: str, *headers: tuple[bytes, bytes]) -> WebsocketCommunicator:
            known = [(b"host", b"localhost"), ORIGIN, *headers]
            socket = WebsocketCommunicator(websocket_application(), HEAD, headers=known)
            socket.scope["client"] = (address, 1)
            visit.sockets.append(socket)
            assert (await socket.connect(timeout=10))[0]
            return socket

        async def is_refused(socket: WebsocketCommunicator) -> bool:
            return await socket.receive_output(timeout=10) == {"type": "websocket.close", "code": consumer.TOO_MANY}

        visit.growing.grow()
        first = await come("203.0.113.5")
        await heard(first, "snapshot")
        assert await is_refused(await come("203.0.113.5"))
        await heard(await come("203.0.113.6"), "snapshot")
        # this machine's own are not counted, unless a proxy names somebody
        for _ in range(3):
            await heard(await come("127.0.0.1"), "snapshot")
        assert await is_refused(await come("127.0.0.1", (b"x-forwarded-for", b"203.0.113.5")))
        # who leaves makes room
        await first.disconnect()
        await heard(await come("203.0.113.5"), "snapshot")

    visit(story)
    assert not consumer._addresses
