"""``/ws/operator``: who may hear it, what it says, and that it falls silent for who may no longer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from admin_ui import consumer, feed
from admin_ui.payloads import Cell
from admin_ui.roles import Role
from admin_ui.services import users
from tests.admin_ui.fakes import SECRET, FakeDoor

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[[Role | None], WebsocketCommunicator]


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "EVERY_S", 0.02)
    monkeypatch.setattr(consumer, "FOLLOW_S", 0.02)


@pytest.fixture
def values(monkeypatch: pytest.MonkeyPatch) -> dict[str, Cell]:
    """What the node would answer; a test changes it."""
    found = {"streams.B.hashrate": Cell("1 kH/s"), "alerts.open": Cell("", "ok", 0)}
    own = feed.Feed(lambda: dict(found))
    monkeypatch.setattr(consumer, "feed", lambda: own)
    return found


@pytest.fixture
def open_socket(client_of: Callable[[Role | None], Client], values: Any) -> Open:
    from mondoshawan.routing import websocket_application

    application = websocket_application()

    def make(
        role: Role | None, origin: bytes = b"http://localhost", client: str = "127.0.0.1"
    ) -> WebsocketCommunicator:
        headers = [(b"origin", origin), (b"host", b"localhost")]
        if role is not None:
            jar = "; ".join(f"{name}={item.value}" for name, item in client_of(role).cookies.items())
            headers.append((b"cookie", jar.encode()))
        made = WebsocketCommunicator(application, "/ws/operator", headers)
        made.scope["client"] = [client, 50_000]
        return made

    return make


def run(story: Callable[[], Awaitable[None]]) -> None:
    # figures come every second, so that who waits for what never comes would hear them for ever
    asyncio.run(asyncio.wait_for(story(), 240))


async def heard(socket: WebsocketCommunicator, kind: str) -> dict[str, Any]:
    while (message := json.loads(await socket.receive_from(60)))["type"] != kind:
        pass
    assert message["v"] == 1
    return message


async def closed(socket: WebsocketCommunicator) -> int:
    while (message := await socket.receive_output(60))["type"] != "websocket.close":
        pass
    return int(message["code"])


@pytest.mark.parametrize("role", [None, Role.NOBODY, Role.VIEWER, Role.OPERATOR, Role.ADMIN])
def test_each_role_and_each_action(open_socket: Open, role: Role | None) -> None:
    socket = open_socket(role)

    async def story() -> None:
        connected, _ = await socket.connect(60)
        assert connected is (role is not None and role >= Role.VIEWER)
        if connected:
            await heard(socket, "snapshot")
            for action, needed in consumer.ACTIONS.items():
                assert role is not None
                assert role >= needed
                await socket.send_to(json.dumps({"type": action, "log": "web"}))
            await heard(socket, "snapshot")
            await socket.disconnect()

    run(story)


@pytest.mark.parametrize(
    "where", [{"origin": b"https://evil.example"}, {"client": "203.0.113.9"}], ids=["origin", "network"]
)
def test_other_sites_and_networks_get_nothing(open_socket: Any, where: dict[str, Any]) -> None:
    socket = open_socket(Role.ADMIN, **where)

    async def story() -> None:
        connected, _ = await socket.connect(60)
        assert not connected

    run(story)


@pytest.mark.parametrize("sent", ["nonsense", "[]", '{"type": "drop"}', '{"type": ["resync"]}'])
def test_nonsense_closes_the_socket(open_socket: Open, sent: str) -> None:
    socket = open_socket(Role.VIEWER)

    async def story() -> None:
        await socket.connect(60)
        await socket.send_to(sent)
        assert await closed(socket) == consumer.UNREADABLE

    run(story)


def test_deltas_are_numbered_and_say_only_what_changed(open_socket: Open, values: dict[str, Cell]) -> None:
    socket = open_socket(Role.VIEWER)

    async def story() -> None:
        await socket.connect(60)
        first = await heard(socket, "snapshot")
        assert first["cells"] == {"streams.B.hashrate": ["1 kH/s"], "alerts.open": ["", "ok", 0]}
        values["streams.B.hashrate"] = Cell("2 kH/s")
        delta = await heard(socket, "delta")
        assert (delta["n"], delta["cells"], delta["gone"]) == (first["n"] + 1, {"streams.B.hashrate": ["2 kH/s"]}, [])
        del values["alerts.open"]
        delta = await heard(socket, "delta")
        assert (delta["n"], delta["cells"], delta["gone"]) == (first["n"] + 2, {}, ["alerts.open"])
        await socket.send_to(json.dumps({"type": "resync"}))
        again = await heard(socket, "snapshot")
        assert (again["n"], again["cells"]) == (delta["n"], {"streams.B.hashrate": ["2 kH/s"]})
        await socket.disconnect()

    run(story)


def test_a_quiet_node_is_heard_of(open_socket: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing changes, and still the page can tell a live line from one that died in its sleep."""
    monkeypatch.setattr(feed, "BEAT_S", 0.1)
    socket = open_socket(Role.VIEWER)

    async def story() -> None:
        await socket.connect(60)
        first = await heard(socket, "snapshot")
        for number in (1, 2):
            beat = await heard(socket, "delta")
            assert (beat["n"], beat["cells"], beat["gone"]) == (first["n"] + number, {}, [])
        await socket.disconnect()

    run(story)


@pytest.mark.parametrize("how", ["role", "kept out", "logged out", "password"])
def test_who_may_no_longer_hears_no_more(
    open_socket: Open, values: dict[str, Cell], client_of: Callable[[Role | None], Client], how: str
) -> None:
    client_of(Role.ADMIN)
    socket = open_socket(Role.VIEWER)

    def end() -> None:
        if how == "role":
            users.set_role("viewer", Role.NOBODY)
        elif how == "kept out":
            users.set_active("viewer", False)
        elif how == "password":
            from admin_ui.services.first_run import reset_password

            reset_password("viewer")
        else:
            SessionStore(client_of(Role.VIEWER).cookies["mds_session_8000"].value).delete()

    async def story() -> None:
        await socket.connect(60)
        await heard(socket, "snapshot")
        await asyncio.to_thread(end)
        values["streams.B.hashrate"] = Cell("a secret")
        assert await closed(socket) == consumer.FORBIDDEN

    run(story)


def test_a_followed_log_is_filtered_and_clean(open_socket: Open, node: FakeDoor) -> None:
    socket = open_socket(Role.VIEWER)
    node.log.write_text("2026 [error    ] before\n")

    async def story() -> None:
        await socket.connect(60)
        await socket.send_to(json.dumps({"type": "follow", "log": "web", "level": "warning"}))
        # answered once the place to go on from is known
        await socket.send_to(json.dumps({"type": "resync"}))
        await heard(socket, "snapshot")
        await heard(socket, "snapshot")
        with node.log.open("a") as file:
            file.write(f"2026 [info     ] small\n2026 [error    ] big {SECRET}\n")
        message = await heard(socket, "log")
        assert (message["n"], message["log"]) == (1, "web")
        assert message["lines"] == [["error", "2026 [error    ] big [hidden]"]]
        await socket.send_to(json.dumps({"type": "follow", "log": "../keys/django.key"}))
        assert (await heard(socket, "refused"))["reason"] == "no such log"
        await socket.disconnect()

    run(story)
