"""What tokens call themselves is shown as text and nothing else, and asked for without trusting them."""

from __future__ import annotations

import asyncio
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.db import connection as django_connection

from chain.core.errors import StoreError
from chain.stores.connection import Connection, raw_connection
from explorer.indexers import describe, sync
from explorer.indexers.token_labels import DECIMALS, NAME, SYMBOL, decode_decimals, decode_text
from explorer.selectors.tokens import TOKENS_NAMED
from tests.core.execution import asm
from tests.explorer.conftest import Growing
from tests.explorer.token_logs import ALICE, ZERO, erc20, erc721
from tests.factories.chain import Effects
from tests.factories.database import fetch


def abi(text: bytes) -> bytes:
    return (32).to_bytes(32, "big") + len(text).to_bytes(32, "big") + text.ljust(-(-len(text) // 32) * 32, b"\0")


def test_selectors_are_the_standards() -> None:
    assert (NAME.hex(), SYMBOL.hex(), DECIMALS.hex()) == ("06fdde03", "95d89b41", "313ce567")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (abi(b"Dai Stablecoin"), "Dai Stablecoin"),
        (b"Maker".ljust(32, b"\0"), "Maker"),
        (abi("Grüße 🦦".encode()), "Grüße 🦦"),
        (abi(b"<script>alert(1)</script>"), "<script>alert(1)</script>"),
        (abi(b"a\0b\x1b[31mc\r\n\t d\x7f"), "ab[31mc d"),
        (abi("\u202eevil\u2066\ufeff\u200b".encode()), "evil"),
        (abi(b"\xff\xfeok\xc3"), "ok"),
        (abi(b"x" * 5000), "x" * 64),
        (abi("é".encode() * 5000), "é" * 64),
        (abi(b""), ""),
        (b"", ""),
        (b"\1" * 31, ""),
        ((2**255).to_bytes(32, "big") * 2, ""),
        ((32).to_bytes(32, "big") + (2**255).to_bytes(32, "big") + b"name", "name"),
    ],
)
def test_text(answer: bytes, text: str) -> None:
    assert decode_text(answer, 64) == text


def test_decimals() -> None:
    words = [n.to_bytes(32, "big") for n in (0, 18, 77, 78, 255, 2**255)]
    assert [decode_decimals(word) for word in (*words, b"", b"\x12")] == [0, 18, 77, None, None, None, None, None]


def label_code(name: bytes, decimals: int) -> bytes:
    """Answers decimals() with a number and everything else with one word of text."""
    selector = asm.asm(asm.push(0), asm.CALLDATALOAD, asm.push(224), 0x1C)
    head = asm.asm(selector, asm.push(DECIMALS), 0x14)
    text = asm.asm(asm.push(name.ljust(32, b"\0")), asm.push(0), asm.MSTORE, asm.push(32), asm.push(0), asm.RETURN)
    number = asm.asm(asm.push(decimals), asm.push(0), asm.MSTORE, asm.push(32), asm.push(0), asm.RETURN)
    target = len(head) + 3 + len(text)
    return asm.asm(head, asm.push(bytes([target])), asm.JUMPI, text, asm.JUMPDEST, number)


NICE, LOOPING, SILENT = (bytes([n]) * 20 for n in (0x21, 0x22, 0x23))


def test_new_tokens_are_asked_once(growing: Growing, index_conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describe, "CALL_GAS", 10**9)
    codes = {NICE: label_code(b"Nice", 6), LOOPING: asm.asm(asm.JUMPDEST, asm.push(bytes([0])), asm.JUMP)}
    logs = (erc20(NICE, ZERO, ALICE, 5), erc721(LOOPING, ZERO, ALICE, 1), erc20(SILENT, ZERO, ALICE, 5))
    growing.grow([growing.factory.send(growing.sink, 0, NICE, 0)], Effects(codes=codes, logs={0: logs}))
    while sync.step(index_conn) is not None:
        pass
    waiting = describe.UNDESCRIBED.all(index_conn, 10)
    assert {token.address for token in waiting} == {NICE, LOOPING, SILENT}
    assert describe.describe_round() == 3
    rows = fetch(index_conn, "SELECT address, name, symbol, decimals, is_described FROM explorer_token")
    assert {row[0]: row[1:] for row in rows} == {
        NICE: ("Nice", "Nice", 6, True),
        LOOPING: ("", "", None, True),
        SILENT: ("", "", None, True),
    }
    assert describe.describe_round() == 0


def test_a_label_of_an_undone_block_is_not_kept(growing: Growing, index_conn: Connection) -> None:
    growing.grow([growing.factory.send(growing.sink, 0, NICE, 0)], Effects(logs={0: (erc20(NICE, ZERO, ALICE, 5),)}))
    while sync.step(index_conn) is not None:
        pass
    (token,) = describe.UNDESCRIBED.all(index_conn, 10)
    growing.reorganise(1, [growing.factory.extend(growing.path[0], [])])
    describe.write(index_conn, [describe.Label(token, "Old", "OLD", 1)])
    assert fetch(index_conn, "SELECT name, is_described FROM explorer_token") == [("", False)]


def test_workers_that_do_not_start_say_nothing_about_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(*_: object) -> None:
        raise StoreError("call_worker_lost", "a worker did not start")

    monkeypatch.setattr(describe.CallWorkers, "run", lost)
    with pytest.raises(StoreError):
        asyncio.run(describe.ask([describe.NewToken(NICE, 1, 20, bytes(32))]))


def test_tokens_that_had_names_are_found_after_the_migration(growing: Growing, index_conn: Connection) -> None:
    logs = (erc20(NICE, ZERO, ALICE, 5), erc20(SILENT, ZERO, ALICE, 5))
    growing.grow([growing.factory.send(growing.sink, 0, NICE, 0)], Effects(logs={0: logs}))
    while sync.step(index_conn) is not None:
        pass
    # as the version before left them
    index_conn.execute(
        "UPDATE explorer_token SET name = 'Größe', symbol = 'GR', is_described = true WHERE address = %s", (NICE,)
    )
    index_conn.commit()
    assert TOKENS_NAMED.all(raw_connection(), ["öss"], "%", 5) == []
    migration = import_module("explorer.migrations.0004_search_shards_and_standards")
    migration.make_searchable(None, SimpleNamespace(connection=django_connection))
    assert [token.address for token in TOKENS_NAMED.all(raw_connection(), ["öss"], "%grösse%", 5)] == [NICE]
