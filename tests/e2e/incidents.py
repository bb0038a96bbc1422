"""What can befall a running node, and how it is undone: for the test of ``/ready`` and its benchmark."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import requests

from mondoshawan.appliance import supervisor
from tests.e2e.node import ROOT, Node
from tests.e2e.survival import client, states, stop_program


@dataclass(frozen=True)
class Incident:
    """One mishap.

    Parameters
    ----------
    red : frozenset of str
        The checks that must fail.
    also : frozenset of str
        Those that may fail too, because they cannot be asked without.
    """

    name: str
    cause: Callable[[Node], None]
    heal: Callable[[Node], None]
    red: frozenset[str]
    also: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Answer:
    """One answer of ``/ready``; ``failed`` are the names of red checks."""

    status: int
    failed: frozenset[str]
    seconds: float
    text: str


def ask(node: Node) -> Answer:
    """Poll once."""
    started = time.monotonic()
    answer = requests.get(f"{node.web_url}/ready", timeout=30)
    checks: dict[str, Any] = answer.json()["checks"]
    failed = frozenset(name for name, check in checks.items() if check["status"] != "ok")
    return Answer(answer.status_code, failed, time.monotonic() - started, answer.text)


def program(node: Node, name: str) -> list[psutil.Process]:
    """The processes of one program, the supervised one first."""
    top = psutil.Process(client(node).processes()[name]["pid"])
    return [top, *top.children(recursive=True)]


def stop(name: str) -> Callable[[Node], None]:
    """The operator stops one program: nobody starts it again."""
    return lambda node: stop_program(node, name)


def start(name: str) -> Callable[[Node], None]:
    """The operator starts it again."""

    def again(node: Node) -> None:
        if states(node)[name] != supervisor.RUNNING:
            with contextlib.suppress(*supervisor.UNREACHABLE):
                client(node).start(name)

    return again


def suspend(name: str) -> Callable[[Node], None]:
    """It hangs."""

    def hang(node: Node) -> None:
        for process in program(node, name):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()

    return hang


def resume(name: str) -> Callable[[Node], None]:
    """It goes on."""

    def go_on(node: Node) -> None:
        for process in program(node, name):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    return go_on


def disk_limit(text: str) -> Callable[[Node], None]:
    """The operator sets the free space that the node needs (MB; empty: the default again)."""
    code = f"from chain.services.node_settings import change_setting; change_setting('node.disk_free_mb', {text!r})"

    def change(node: Node) -> None:
        subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
            cwd=ROOT, env=node.environment, check=True, capture_output=True, timeout=120,
        )  # fmt: skip

    return change


_DATABASE = frozenset({"database"})
_NEEDS_DATABASE = frozenset({"writer_lag", "chain_identity", "clock"})
_REDIS = frozenset({"redis"})
# workers leave when Redis is away for long; the lag is measured in both servers
_NEEDS_REDIS = frozenset({"workers", "writer_lag"})
INCIDENTS = (
    Incident("PostgreSQL is stopped", stop("postgres"), start("postgres"), _DATABASE, _NEEDS_DATABASE),
    Incident("PostgreSQL hangs", suspend("postgres"), resume("postgres"), _DATABASE, _NEEDS_DATABASE | {"workers"}),
    Incident("Redis is stopped", stop("redis"), start("redis"), _REDIS, _NEEDS_REDIS),
    Incident("Redis hangs", suspend("redis"), resume("redis"), _REDIS, _NEEDS_REDIS | {"chain_identity", "clock"}),
    Incident("the writer is stopped", stop("virtual"), start("virtual"), frozenset({"workers"})),
    Incident("the writer hangs", suspend("virtual"), resume("virtual"), frozenset({"workers"})),
    Incident(
        "the writer falls behind", stop("virtual"), start("virtual"), frozenset({"writer_lag"}), frozenset({"workers"})
    ),
    Incident(
        "less disk is free than needed", disk_limit("1000000000"), disk_limit(""), frozenset({"disk"})
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Course:
    """How an incident went: seconds until the right checks were red, until all was green, and of the slowest answer."""

    red_s: float
    green_s: float
    slowest_s: float
    answers: tuple[Answer, ...]


def go_through(node: Node, incident: Incident, patience_s: float = 120, hold_s: float = 0.0) -> Course:
    """Cause it, wait until it shows, undo it, wait until everything is well.

    ``hold_s``: how long it lasts after it showed.
    """
    answers: list[Answer] = []

    def until(reached: Callable[[Answer], bool], what: str) -> float:
        begun = time.monotonic()
        while time.monotonic() < begun + patience_s:
            with contextlib.suppress(requests.ConnectionError):
                answers.append(ask(node))
                if reached(answers[-1]):
                    return time.monotonic() - begun
            time.sleep(0.1)
        raise AssertionError(f"{incident.name}: not {what} within {patience_s} s, last {answers[-1]}")

    with _undone(node, incident):
        incident.cause(node)
        red = until(lambda one: incident.red <= one.failed, "red")
        until_held = time.monotonic() + hold_s
        while time.monotonic() < until_held:
            answers.append(ask(node))
            time.sleep(1)
    green = until(lambda one: not one.failed, "green")
    return Course(red, green, max(one.seconds for one in answers), tuple(answers))


@contextlib.contextmanager
def _undone(node: Node, incident: Incident) -> Iterator[None]:
    try:
        yield
    finally:
        incident.heal(node)
