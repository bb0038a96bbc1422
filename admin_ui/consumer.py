"""``/ws/operator``: live values and a followed log, for who may see them, as long as he may."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore

from admin_ui.addresses import is_allowed, named_address
from admin_ui.doors import door
from admin_ui.feed import Feed
from admin_ui.payloads import LogLines, Message, Refused, to_json
from admin_ui.roles import Role, role_of
from admin_ui.services import first_run, logs, users
from admin_ui.services.cells import live_cells
from chain.core.errors import RequestError

FORBIDDEN, UNREADABLE = 4403, 4400
FOLLOW_S = 1.0
# lines of one message; a process that writes more is cut, and the page says so by what it shows
MOST_LINES = 500
# what a client may ask for, and the role that it takes; the sockets' part of the table in tests/admin_ui
ACTIONS = {"resync": Role.VIEWER, "follow": Role.VIEWER, "unfollow": Role.VIEWER}
log = structlog.get_logger(__name__)


@cache
def feed() -> Feed:
    """The one of this process."""
    return Feed(lambda: live_cells(door()))


@dataclass(slots=True)
class _Following:
    """One followed log."""

    name: str
    wanted: logs.Wanted
    offset: int
    inode: int
    number: int = 0


class OperatorConsumer(AsyncJsonWebsocketConsumer):
    """One socket; the user's role is looked up on connect, for each action and before each message."""

    _key: str | None = None
    _task: asyncio.Task[None] | None = None
    _joined = False

    async def connect(self) -> None:
        """Let in who is a viewer at least and has nothing to do first."""
        session = self.scope.get("session")
        self._key = session.session_key if session is not None else None
        if not is_allowed(self._address()) or await self._role() < Role.VIEWER:
            await self.close(FORBIDDEN)
            return
        await self.accept()
        self._joined = True
        await feed().join(self)

    async def disconnect(self, code: int) -> None:
        """Stop whatever runs for it."""
        if self._joined:
            feed().leave(self)
        await self._unfollow()

    async def deliver(self, message: Message) -> None:
        """Send a message, or close the socket of somebody who may no longer see it."""
        if await self._role() < Role.VIEWER:
            await self._close_now()
            return
        # the other end may have gone between two messages
        with contextlib.suppress(RuntimeError):
            await self.send_json(to_json(message))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any) -> None:
        """One action of the client; what is none closes the socket."""
        try:
            content = await self.decode_json(text_data or "")
        except ValueError:
            await self.close(UNREADABLE)
            return
        action = content.get("type") if isinstance(content, dict) else None
        if not isinstance(action, str) or action not in ACTIONS:
            await self.close(UNREADABLE)
            return
        if await self._role() < ACTIONS[action]:
            await self._close_now()
            return
        if action == "resync":
            await self.deliver(feed().snapshot())
        elif action == "follow":
            await self._follow(content)
        else:
            await self._unfollow()

    async def _follow(self, content: dict[str, Any]) -> None:
        await self._unfollow()
        level, text = content.get("level"), content.get("text")
        wanted = logs.Wanted(level if level in logs.LEVELS else "debug", text[:100] if isinstance(text, str) else "")
        try:
            following = await asyncio.to_thread(_begin, str(content.get("log"))[:40], wanted)
        except (RequestError, OSError) as refused:
            reason = refused.message if isinstance(refused, RequestError) else "the log cannot be read"
            await self.deliver(Refused("follow", reason))
            return
        self._task = asyncio.create_task(self._run(following))

    async def _run(self, following: _Following) -> None:
        while True:
            await asyncio.sleep(FOLLOW_S)
            try:
                lines = await asyncio.to_thread(_more, following)
            except OSError as error:
                log.debug("a followed log is away for now", log=following.name, error=type(error).__name__)
                continue
            if lines:
                following.number += 1
                await self.deliver(LogLines(following.number, following.name, lines))

    async def _unfollow(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _close_now(self) -> None:
        feed().leave(self)
        await self._unfollow()
        # the other side may have closed it already
        with contextlib.suppress(RuntimeError):
            await self.close(FORBIDDEN)

    def _address(self) -> str | None:
        """Whom the socket belongs to, by the rule of the pages."""
        client = self.scope.get("client")
        forwarded = [value for name, value in self.scope["headers"] if name == b"x-forwarded-for"]
        return named_address(client[0] if client else None, forwarded[-1].decode("latin-1") if forwarded else None)

    @database_sync_to_async
    def _role(self) -> Role:
        """The role that the session's user has now; nobody's where the session or the user has ended."""
        if not self._key:
            return Role.NOBODY
        user = get_user(SimpleNamespace(session=SessionStore(self._key)))
        role = role_of(user)
        if role > Role.NOBODY and users.must_change(user):
            return Role.NOBODY
        # nothing is shown to an admin before the node is set up, as on the pages
        return Role.NOBODY if role is Role.ADMIN and not first_run.is_set_up() else role


@cache
def _redactor() -> logs.Redactor:
    return logs.Redactor(door().secrets())


def _begin(name: str, wanted: logs.Wanted) -> _Following:
    path = logs.log_of(door().logs(), name)
    end = logs.tail(path, wanted, 1, _redactor())
    return _Following(name, wanted, end.offset, end.inode)


def _more(following: _Following) -> list[list[str]]:
    path = logs.log_of(door().logs(), following.name)
    found = logs.follow(path, following.offset, following.inode, following.wanted, _redactor())
    following.offset, following.inode = found.offset, found.inode
    return [[line.level, line.text] for line in found.lines[-MOST_LINES:]]
