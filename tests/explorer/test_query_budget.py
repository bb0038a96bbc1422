"""How many statements each question to the explorer asks PostgreSQL: as query_budget.toml has it, however many rows.

Whoever changes a number there says why in the review: what a page asks once more, it asks for every visitor.
"""

from __future__ import annotations

import tomllib
from collections import deque
from itertools import islice
from pathlib import Path

import pytest
from django.test import Client
from django.urls import resolve

from chain.core.transactions import keccak
from chain.core.types import SkipReason
from chain.stores.connection import Connection
from explorer.api import etherscan
from explorer.api.app import document
from explorer.indexers import internal, sync
from explorer.indexers.internal import Traced
from explorer.urls import urlpatterns
from tests.explorer.conftest import Growing
from tests.explorer.token_logs import ALICE, ART, BOB, COIN, GAME, ZERO, erc20, erc721, single
from tests.explorer.walk import API, ETHERSCAN, PAGES, Question, questions, read_facts
from tests.factories.chain import Effects
from tests.tools.queries import asked

pytestmark = pytest.mark.django_db(transaction=True)

BUDGET = Path(__file__).with_name("query_budget.toml")
CODE = bytes.fromhex("600160005260206000f3")
MANY = 60


def follow(conn: Connection) -> None:
    """Index to the head; what a tracer would tell of creations: two calls in each, one of them with value."""
    while sync.step(conn) is not None:
        pass
    while (plan := internal.plan(conn)) is not None:
        found = []
        for epoch in plan.epochs:
            one = [(0, 1, 0, ALICE, COIN, 5, b"", True), (1, 2, 5, COIN, BOB, 0, b"\x01\x02\x03\x04", False)]
            found.append(
                Traced(epoch, tuple([(epoch.number, index, *call) for index in epoch.indexes for call in one]))
            )
        assert internal.write(conn, plan, found, plan.end)


def one_of_each(growing: Growing, rows: int) -> None:
    """An epoch of so many transactions of each kind, tokens, holders, side blocks and skips; a transfer after it."""
    factory, send = growing.factory, growing.factory.send
    parent = growing.sink
    first = {sender: factory.states[parent].accounts[send(parent, sender, BOB)[1].sender].nonce for sender in range(3)}
    body, logs, codes = [], {}, {}
    for row in range(rows):
        body.append(send(parent, 0, COIN, 0, nonce=first[0] + row, data=bytes.fromhex("a9059cbb"), gas_limit=90_000))
        other = keccak(b"token %d %d" % (rows, row))[12:]
        holder = keccak(b"holder %d %d" % (rows, row))[12:]
        logs[len(body) - 1] = (
            erc20(COIN, ZERO, ALICE, 10**20), erc20(COIN, ALICE, holder, 1), erc20(other, ZERO, BOB, 5),
            erc721(ART, ZERO, BOB, rows * 1000 + row), single(GAME, ZERO, BOB, rows * 1000 + row, 10),
        )  # fmt: skip
        codes[other] = CODE
        body.append(send(parent, 1, None, 0, nonce=first[1] + row, data=b"\0", gas_limit=90_000))
        codes[keccak(body[-1][1].sender + (first[1] + row).to_bytes(8, "big"))[12:]] = CODE
    late = [send(parent, 2, BOB, 1, nonce=first[2] + 1 + row)[1] for row in range(rows)]
    sides = [
        factory.block(parent, body[: 2 * (not side)], stream=3, coinbase=keccak(b"miner %d %d" % (rows, side))[12:])
        for side in range(rows)
    ]
    names = [side.record.hash for side in sides]
    half = len(names) // 2
    block = factory.block(parent, body, blues=names[:half], reds=names[half:])
    skipped = [(tx, SkipReason.NONCE) for tx in late]
    factory.execute(block, Effects(logs=logs, codes={**codes, COIN: CODE}, skipped=skipped))
    growing.apply(factory.update([*sides, block], sink=block.record.hash, added=[block.record.hash]))
    growing.path.append(block.record.hash)
    growing.grow([send(growing.sink, 0, BOB, 1)])


def ask(client: Client, one: Question) -> int:
    """The number of statements of a question, which must be answered as expected."""
    with asked() as statements:
        if one.body:
            answer = client.post(one.path, one.body, content_type="application/json")
        else:
            answer = client.get(one.path)
        assert not one.status or answer.status_code == one.status, (one, answer.status_code)
        assert answer.status_code < 500, one
        # a file is read by and by: what its head and first row take
        content = iter(getattr(answer, "streaming_content", ()))
        list(islice(content, 2))
    # to its end: one that is given up is ended by the garbage collector, whenever that runs, in anybody's context
    deque(content, maxlen=0)
    return len(statements)


def as_toml(found: dict[str, dict[str, int]]) -> str:
    """The text of the budget file that these numbers would make."""
    parts = []
    for kind, numbers in found.items():
        parts.append(f"[{kind}]\n" + "".join([f'"{name}" = {count}\n' for name, count in numbers.items()]))
    return "\n".join(parts)


def test_every_question_keeps_to_its_budget(
    growing: Growing, index_conn: Connection, client: Client, redis_url: str
) -> None:
    one_of_each(growing, 2)
    follow(index_conn)
    few: dict[tuple[str, str], int] = {}
    for question in questions(read_facts(index_conn, 0)):
        ask(client, question)  # what is read once in a process
        few[question.kind, question.name] = ask(client, question)
    index_conn.commit()
    one_of_each(growing, MANY)
    for _ in range(MANY):
        growing.grow([growing.factory.send(growing.sink, 0, BOB, 1)])
    follow(index_conn)
    found: dict[str, dict[str, int]] = {PAGES: {}, API: {}, ETHERSCAN: {}}
    more = []
    for question in questions(read_facts(index_conn, 30)):
        found[question.kind][question.name] = count = ask(client, question)
        before = few.get((question.kind, question.name), count)
        if count > before:
            more.append(f"{question.name}: {before} statements with few rows, {count} with many")
    index_conn.commit()
    assert more == []
    budget = tomllib.loads(BUDGET.read_text())
    assert {kind: budget.get(kind) for kind in found} == found, f"the numbers are now\n{as_toml(found)}"


def test_every_address_of_the_explorer_is_asked(growing: Growing, index_conn: Connection) -> None:
    one_of_each(growing, 2)
    follow(index_conn)
    everything = questions(read_facts(index_conn, 1))
    index_conn.commit()
    names = {resolve(one.path.partition("?")[0]).url_name for one in everything if one.kind == PAGES}
    assert {str(item.name) for item in urlpatterns if hasattr(item, "name")} <= names

    operations = {path for path, methods in document()["paths"].items() if "get" in methods}
    routes = {resolve(one.path.partition("?")[0]).route for one in everything if one.kind == API}
    assert len(routes) == len(operations), (sorted(routes), sorted(operations))
    calls = {tuple(one.name.partition(",")[0].lower().split(".")) for one in everything if one.kind == ETHERSCAN}
    assert calls == set(etherscan._ACTIONS)
