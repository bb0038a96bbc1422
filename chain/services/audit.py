"""The trail of what operators did: one row for each attempt, whichever door it came through.

A service that changes the node opens ``operation``; who asked is known from ``acting`` (the door says it once)
or from the service's own ``by``.  Secrets never belong into ``before``, ``after`` or ``target``.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import DatabaseError

from chain.core.errors import BlockchainError
from chain.models import OperatorAction
from chain.services.network import now_ms

DONE, REFUSED, FAILED = "done", "refused", "failed"
SYSTEM = "system"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user or key by name, the door (web, rpc, cli) and, where there is one, the client's address."""

    name: str
    door: str
    address: str | None = None


@dataclass(slots=True)
class Trail:
    """What an operation tells of itself: JSON values before and after."""

    target: str = ""
    before: Any = None
    after: Any = None
    outcome: str = DONE
    detail: str = ""


@dataclass(slots=True)
class Session:
    """What was recorded while an actor acted: how many attempts, and how many of them were refused."""

    recorded: int = 0
    refused: int = 0


_actor: ContextVar[Actor | None] = ContextVar("operator_actor", default=None)
_session: ContextVar[Session | None] = ContextVar("operator_session", default=None)
# for doors whose context ends with the request anyway
set_actor = _actor.set
current_session = _session.get


@contextmanager
def acting(actor: Actor) -> Iterator[Session]:
    """What happens inside is this actor's doing."""
    token, made = _actor.set(actor), Session()
    outer = _session.set(made)
    try:
        yield made
    finally:
        _actor.reset(token)
        _session.reset(outer)


def current_actor(by: str = SYSTEM) -> Actor:
    """Who acts now; a name that a caller gave wins over the door's."""
    actor = _actor.get()
    if actor is None:
        return Actor(by, SYSTEM)
    return actor if by == SYSTEM else Actor(by, actor.door, actor.address)


@contextmanager
def operation(action: str, target: str = "", by: str = SYSTEM) -> Iterator[Trail]:
    """Record one attempt: done, refused with its code, or failed; errors go on to the caller.

    Parameters
    ----------
    action : str
        Subject and verb, such as ``mining.set_share``.
    target : str
        What it was done to.
    by : str
        The caller's word for who asked.
    """
    trail = Trail(target)
    try:
        yield trail
    except BlockchainError as error:
        trail.outcome, trail.detail = REFUSED, f"{error.code}: {error.message}"
        raise
    except BaseException as error:
        # Ctrl-C in the midst of a long command is no success
        trail.outcome, trail.detail = FAILED, type(error).__name__
        raise
    finally:
        _write(action, trail, current_actor(by))


@contextmanager
def by_command(action: str, target: str = "") -> Iterator[Trail]:
    """An operation of whoever runs a command on the node's machine."""
    with acting(Actor(getpass.getuser(), "cli")), operation(action, target) as trail:
        yield trail


def refuse(action: str, error: BlockchainError, target: str = "") -> None:
    """Record an attempt that was refused before any service heard of it, by a door's own rules."""
    refusal = Trail(target, outcome=REFUSED, detail=f"{error.code}: {error.message}")
    _write(action, refusal, current_actor())


def _write(action: str, trail: Trail, actor: Actor) -> None:
    """A row and a log line; a trail that cannot be kept is no reason to undo what was done."""
    session = _session.get()
    if session is not None:
        session.recorded += 1
        session.refused += trail.outcome == REFUSED
    log.info("operator action", action=action, target=trail.target, by=actor.name, outcome=trail.outcome)
    try:
        OperatorAction.objects.create(
            at_ms=now_ms(),
            actor=actor.name[:150],
            door=actor.door,
            address=actor.address,
            action=action,
            target=trail.target[:200],
            before=trail.before,
            after=trail.after,
            outcome=trail.outcome,
            detail=trail.detail[:500],
        )
    except DatabaseError:
        log.exception("an operator's action could not be recorded", action=action, by=actor.name, after=trail.after)
