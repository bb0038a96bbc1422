"""``/ws/live`` from outside, over a chain in the database: snapshot, numbers, gaps, origins, slow visitors, windows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import orjson
import pytest
from channels.testing import WebsocketCommunicator
from django.test import Client

from explorer.live import consumer, feed
from explorer.live.payloads import BLOCK_COLUMNS
from tests.explorer.conftest import Growing

ORIGIN = (b"origin", b"http://localhost")
Story = Callable[["Visit"], Coroutine[Any, Any, None]]


class Visit:
    """Sockets on one event loop, and a chain that grows under them."""

    def __init__(self, growing: Growing) -> None:
        self.growing = growing
        self.sockets: list[WebsocketCommunicator] = []

    async def open(self, path: str = "/ws/live", origin: tuple[bytes, bytes] = ORIGIN) -> WebsocketCommunicator:
        from mondoshawan.routing import websocket_application

        socket = WebsocketCommunicator(websocket_application(), path, headers=[(b"host", b"localhost"), origin])
        self.sockets.append(socket)
        connected, _ = await socket.connect(timeout=60)
        assert connected
        return socket

    async def close(self) -> None:
        for socket in self.sockets:
            if not socket.future.done():
                await socket.disconnect()

    async def moved(self) -> None:
        """Let the feed see what was committed."""
        from chain.rpc.app import process_node

        await (await process_node()).heads.reload()

    async def grow(self, **extra: Any) -> bytes:
        block = self.growing.grow(**extra)
        await self.moved()
        return block


async def heard(socket: WebsocketCommunicator, *kinds: str) -> dict[str, Any]:
    """The next message of some kinds; figures come every second between others."""
    while True:
        message = orjson.loads(await socket.receive_from(timeout=60))
        if message["type"] in kinds:
            return message


def column(block: list[Any], name: str) -> Any:
    return block[BLOCK_COLUMNS.index(name)]


@pytest.fixture
def visit(growing: Growing, redis_url: str) -> Iterator[Callable[[Story], None]]:
    from chain.rpc.app import _holder

    with asyncio.Runner() as runner:

        async def whole(story: Story) -> None:
            visit = Visit(growing)
            try:
                await story(visit)
            finally:
                await visit.close()

        async def end() -> None:
            starting = feed._feeds.pop(asyncio.get_running_loop(), None)
            if starting is not None and starting.done() and starting.exception() is None:
                await starting.result().stop()
            await _holder.close()

        # figures come every second, so that who waits for what never comes would hear them for ever
        yield lambda story: runner.run(asyncio.wait_for(whole(story), 240))
        runner.run(end())


def test_a_snapshot_and_then_numbered_deltas(visit: Callable[[Story], None]) -> None:
    async def story(visit: Visit) -> None:
        first = visit.growing.grow(stream=1)
        socket = await visit.open()
        snapshot = await heard(socket, "snapshot")
        assert (snapshot["v"], snapshot["network"]) == (1, "devnet")
        assert [column(block, "chain_number") for block in snapshot["blocks"]] == [0, 1]
        newest = snapshot["blocks"][-1]
        assert column(newest, "hash") == first.hex()[:12]
        assert column(newest, "stream") == 1
        assert column(newest, "parents") == [column(snapshot["blocks"][0], "id")]
        assert snapshot["head"]["id"] == column(newest, "id")
        assert len(snapshot["series"]) == 120
        assert snapshot["totals"]["blocks"] == [1, 0, 0]
        seq = snapshot["seq"]
        for number in (2, 3):
            block = await visit.grow(stream=3)
            while (message := await heard(socket, "dag", "stats"))["type"] == "stats":
                assert (message["seq"], message["feed"]) == (seq + 1, snapshot["feed"])
                seq += 1
            assert (message["seq"], message["feed"]) == (seq + 1, snapshot["feed"])
            seq += 1
            (told,) = message["blocks"]
            assert column(told, "hash") == block.hex()[:12]
            assert message["merged"] == [[column(told, "id"), number, True, True]]
            assert (message["fork"], message["removed"]) == (None, 0)
            assert message["head"]["number"] == number
        figures = await heard(socket, "stats")
        assert figures["seq"] == seq + 1
        assert figures["totals"]["blocks"] == [1, 0, 2]

    visit(story)


def test_colours_and_reorganisations_are_told(visit: Callable[[Story], None]) -> None:
    async def story(visit: Visit) -> None:
        growing = visit.growing
        factory = growing.factory
        base = growing.grow()
        socket = await visit.open()
        await heard(socket, "snapshot")
        side = factory.block(base, [], stream=3)
        red = factory.block(base, [], stream=2)
        top = factory.block(base, [], blues=[side.record.hash], reds=[red.record.hash])
        factory.execute(top)
        growing.apply(factory.update([side, red, top], sink=top.record.hash, added=[top.record.hash]))
        growing.path.append(top.record.hash)
        await visit.moved()
        message = await heard(socket, "dag")
        ids = {column(block, "hash"): column(block, "id") for block in message["blocks"]}
        merged = {place[0]: place[1:] for place in message["merged"]}
        assert merged[ids[side.record.hash.hex()[:12]]] == [2, True, False]
        assert merged[ids[red.record.hash.hex()[:12]]] == [2, False, False]
        assert merged[ids[top.record.hash.hex()[:12]]] == [2, True, True]
        # two blocks of another branch in place of the newest one
        other = factory.extend(base, [], stream=1)
        another = factory.extend(other, [], stream=1)
        growing.reorganise(1, [other, another])
        await visit.moved()
        message = await heard(socket, "dag")
        assert (message["fork"], message["removed"]) == (1, 1)
        assert [place[1] for place in message["merged"] if place[3]] == [2, 3]
        # who comes now sees the same without having heard of it
        late = await heard(await visit.open(), "snapshot")
        places = {column(block, "hash"): block for block in late["blocks"]}
        undone = places[top.record.hash.hex()[:12]]
        assert [column(undone, name) for name in ("chain_number", "merged_by", "blue")] == [None, None, None]
        assert column(places[another.hex()[:12]], "chain_number") == 3
        figures = await heard(socket, "stats")
        assert figures["now"]["reorgs"] == 1

    visit(story)


def test_a_visitor_who_was_away_hears_what_it_missed(visit: Callable[[Story], None]) -> None:
    async def story(visit: Visit) -> None:
        visit.growing.grow()
        socket = await visit.open()
        snapshot = await heard(socket, "snapshot")
        await socket.disconnect()
        watcher = await visit.open()
        await heard(watcher, "snapshot")
        await visit.grow()
        missed = await heard(watcher, "dag")
        place = f"?feed={snapshot['feed']}&seq={snapshot['seq']}"
        back = await visit.open("/ws/live" + place)
        assert await heard(back, "snapshot", "dag") == missed
        # an unknown feed or number begins anew
        for wrong in ("?feed=other&seq=0", f"?feed={snapshot['feed']}&seq=99999", "?seq=x"):
            assert (await heard(await visit.open("/ws/live" + wrong), "snapshot", "dag"))["type"] == "snapshot"

    visit(story)


def test_a_gap_heals_over_the_same_socket(visit: Callable[[Story], None]) -> None:
    async def story(visit: Visit) -> None:
        visit.growing.grow()
        socket = await visit.open()
        snapshot = await heard(socket, "snapshot")
        await visit.grow()
        first = await heard(socket, "dag")
        await socket.send_to(text_data=orjson.dumps({"type": "resume", "seq": first["seq"] - 1}).decode())
        assert await heard(socket, "dag") == first
        await socket.send_to(text_data=orjson.dumps({"type": "ack", "seq": first["seq"]}).decode())
        await socket.send_to(text_data=orjson.dumps({"type": "resume", "seq": first["seq"] + 5000}).decode())
        again = await heard(socket, "snapshot")
        assert again["feed"] == snapshot["feed"]
        assert again["seq"] >= first["seq"]

    visit(story)


def test_who_talks_nonsense_or_too_much_is_sent_away(visit: Callable[[Story], None]) -> None:
    async def story(visit: Visit) -> None:
        for say in (["nonsense"], [orjson.dumps({"type": "ack", "seq": 0}).decode()] * (consumer.MAX_TALK + 1)):
            socket = await visit.open()
            await heard(socket, "snapshot")
            for text in say:
                await socket.send_to(text_data=text)
            while (message := await socket.receive_output(timeout=60))["type"] == "websocket.send":
                pass
            assert message == {"type": "websocket.close", "code": consumer.BAD_MESSAGE}

    visit(story)


def test_a_slow_visitor_is_dropped_and_the_others_are_not(visit: Callable[[Story], None]) -> None:
    async def story(visit: Visit) -> None:
        visit.growing.grow()
        slow, quick = await visit.open(), await visit.open()
        await heard(slow, "snapshot")
        await heard(quick, "snapshot")
        hub = (await feed.process_feed()).hub
        hub._unread = 3
        for _ in range(5):
            hub.publish(lambda seq: orjson.dumps({"type": "dag", "seq": seq}).decode())
            kind = ""
            # figures too: on a slow machine several may come between
            while kind != "dag":
                message = await heard(quick, "dag", "stats")
                kind = message["type"]
                await quick.send_to(text_data=orjson.dumps({"type": "ack", "seq": message["seq"]}).decode())
                # the acknowledgement is read by the consumer's own task
                while not any(  # noqa: ASYNC110 - its own code sets no event
                    listener.acknowledged == message["seq"] for listener in hub._listeners
                ):
                    await asyncio.sleep(0.01)
        while (message := await slow.receive_output(timeout=60))["type"] == "websocket.send":
            pass
        assert message == {"type": "websocket.close", "code": consumer.TOO_SLOW}
        await visit.grow()
        assert (await heard(quick, "dag"))["type"] == "dag"

    visit(story)


@pytest.mark.parametrize("origin", [b"http://elsewhere.example", b"null", b"http://localhost.elsewhere.example"])
def test_pages_of_others_are_refused(visit: Callable[[Story], None], origin: bytes) -> None:
    async def story(visit: Visit) -> None:
        with pytest.raises(AssertionError):
            await visit.open(origin=(b"origin", origin))

    visit(story)


def test_one_visitor_too_many_is_told_so(visit: Callable[[Story], None], settings: Any) -> None:
    async def story(visit: Visit) -> None:
        visit.growing.grow()
        settings.MDS_LIVE_MAX_SOCKETS = 1
        await heard(await visit.open(), "snapshot")
        second = await visit.open()
        assert await second.receive_output(timeout=60) == {"type": "websocket.close", "code": consumer.TOO_MANY}
        await second.wait()
        await visit.close()
        await heard(await visit.open(), "snapshot")

    visit(story)


def test_a_database_that_was_set_back_begins_a_new_feed(visit: Callable[[Story], None]) -> None:
    async def story(visit: Visit) -> None:
        growing = visit.growing
        for _ in range(3):
            growing.grow()
        socket = await visit.open()
        snapshot = await heard(socket, "snapshot")
        reading = await feed.process_feed()
        reading._seen += 10
        await visit.grow()
        again = await heard(socket, "snapshot")
        assert again["feed"] != snapshot["feed"]
        assert again["head"]["number"] == 4

    visit(story)


def test_windows_and_blocks_over_http(growing: Growing, client: Client) -> None:
    for stream in (1, 2, 3, 3):
        block = growing.grow(stream=stream)
    answer = client.get("/live/window", {"from": 1, "to": 3}).json()
    assert answer["columns"] == list(BLOCK_COLUMNS)
    assert answer["complete"] is True
    scores = [column(found, "score") for found in answer["blocks"]]
    assert scores == sorted(scores, reverse=True)
    assert set(scores) == {1, 2, 3}
    for bad in ({}, {"from": "x", "to": 1}, {"from": 3, "to": 1}, {"from": "1" * 30, "to": "2" * 30}):
        refused = client.get("/live/window", bad)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_params")
    whole = client.get("/live/window", {"from": 0, "to": 10**15}).json()["blocks"]
    found = client.get(f"/live/block/{column(whole[0], 'id')}").json()
    assert found["hash"] == "0x" + block.hex()
    assert (found["stream"], found["chain_number"], found["blue"]) == ("C", 4, True)
    assert found["parents"] == [column(whole[1], "id")]
    assert found["children"] == []
    assert found["mergeset"] == {"blue": [], "red": []}
    assert found["epoch"]["transactions"] == 0
    unknown = client.get("/live/block/999999999999")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")
    assert client.post("/live/window").status_code == 405
