"""The explorer's pages over a stored chain: every state of blocks and transactions is told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from chain.core.transactions import keccak
from chain.core.types import Log, SkipReason
from tests.explorer.conftest import Growing
from tests.factories import wallets
from tests.factories.chain import Effects

TRANSFER = keccak(b"Transfer(address,address,uint256)")
TOKEN = keccak(b"a token")[12:]
EVIL = "<script>alert(1)</script>"


def hexed(value: bytes) -> str:
    """0x hex."""
    return "0x" + value.hex()


def text_of(answer: Any) -> str:
    """The words of a page, without markup and runs of blanks."""
    body = re.sub(r"<(script|style|svg).*?</\1>", " ", answer.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def word(address: bytes) -> bytes:
    """An address as a word of 32 bytes."""
    return bytes(12) + address


@pytest.fixture
def page(growing: Growing, client: Client) -> Any:
    """Get a page, which must answer as expected; its text."""

    def get(path: str, status: int = 200) -> str:
        answer = client.get(path)
        assert answer.status_code == status, (path, answer.status_code)
        return text_of(answer)

    return get


def test_blocks_of_the_chain_in_pages(growing: Growing, page: Any, client: Client) -> None:
    for _ in range(60):
        growing.grow()
    first = client.get("/blocks").content.decode()
    assert [int(n) for n in re.findall(r'<th scope="row"><a href="/block/(\d+)"', first)] == list(range(60, 35, -1))
    older = re.search(r'href="(\?before=\d+)"', first)
    assert older is not None
    assert 'rel="prev"' not in first
    second = client.get("/blocks" + older[1]).content.decode()
    numbers = [int(n) for n in re.findall(r'<th scope="row"><a href="/block/(\d+)"', second)]
    assert numbers == list(range(35, 10, -1))
    newer = re.search(r'href="(\?after=\d+)"', second)
    assert newer is not None
    back = client.get("/blocks" + newer[1]).content.decode()
    assert re.findall(r'<th scope="row"><a href="/block/(\d+)"', back)[0] == "60"
    last = client.get("/blocks?before=11").content.decode()
    assert 'rel="next"' not in last
    assert "genesis" in last


def test_blocks_of_the_dag(growing: Growing, page: Any, client: Client) -> None:
    factory = growing.factory
    beside = factory.block(growing.sink, [], stream=3)
    growing.grow()
    top = factory.block(growing.sink, [], blues=[beside.record.hash])
    factory.execute(top)
    growing.apply(factory.update([beside, top], sink=top.record.hash, added=[top.record.hash]))
    assert "merged by 2" in page("/blocks/dag")
    told = page(f"/block/{hexed(beside.record.hash)}")
    assert "merged by block 2 as a blue block" in told
    merging = page("/block/2")
    assert "merged 1 other block" in merging
    assert "Mergeset, blue 1" in merging
    assert page(f"/block/{hexed(top.record.hash)}") == merging


def test_block_that_is_not_there(page: Any) -> None:
    assert "no such number yet" in page("/block/99", 404)
    assert "No block has this hash" in page(f"/block/{hexed(keccak(b'?'))}", 404)
    page("/block/nonsense", 404)
    page("/block/" + "9" * 40, 404)
    assert "The first block of devnet" in page("/block/0")


def test_transaction_that_was_accepted(growing: Growing, page: Any) -> None:
    factory = growing.factory
    sent = factory.send(growing.sink, 0, wallets.address(9), value=5 * 10**18)
    growing.grow([sent])
    growing.grow()
    told = page(f"/tx/{hexed(sent[1].hash)}")
    assert "sent 5 MSHW to" in told
    assert "accepted in block 1 , 2 blocks deep" in told
    assert "success" in told
    assert "sent" in page("/block/1") or hexed(sent[1].hash)[:10] in page("/block/1")
    assert hexed(sent[1].hash)[:10] in page("/tx")


def test_transaction_that_failed(growing: Growing, page: Any) -> None:
    sent = growing.factory.send(growing.sink, 0, wallets.address(9))
    growing.grow([sent], Effects(failed=(0,)))
    told = page(f"/tx/{hexed(sent[1].hash)}")
    assert "failed to send" in told
    assert "which failed" in told


def test_logs_are_decoded_and_escaped(growing: Growing, page: Any, client: Client) -> None:
    sent = growing.factory.send(growing.sink, 0, TOKEN)
    moved = Log(TOKEN, (TRANSFER, word(wallets.address(1)), word(wallets.address(2))), (77).to_bytes(32, "big"))
    strange = Log(TOKEN, (keccak(EVIL.encode()),), EVIL.encode())
    growing.grow([sent], Effects(logs={0: (moved, strange)}))
    answer = client.get(f"/tx/{hexed(sent[1].hash)}")
    told = text_of(answer)
    assert "Transfer of" in told
    assert "amount uint256 77" in told
    assert EVIL not in answer.content.decode()


def test_transaction_that_was_left_out(growing: Growing, page: Any) -> None:
    factory = growing.factory
    late = factory.send(growing.sink, 1, wallets.address(9), nonce=77)
    growing.grow([late], Effects(skipped=((late[1], SkipReason.NONCE),)))
    told = page(f"/tx/{hexed(late[1].hash)}")
    assert "left out" in told
    assert "its nonce was not its sender" in told
    assert "Left out" in page("/block/1")


def test_transaction_that_a_reorganisation_undid(growing: Growing, page: Any) -> None:
    factory = growing.factory
    root = growing.sink
    sent = factory.send(root, 0, wallets.address(9))
    growing.grow([sent])
    assert "accepted in" in page(f"/tx/{hexed(sent[1].hash)}")
    one = factory.extend(root, [])
    two = factory.extend(one, [])
    growing.reorganise(1, [one, two])
    told = page(f"/tx/{hexed(sent[1].hash)}")
    assert "blocks carry it, but none that the selected chain has merged" in told
    assert "After a reorganisation" in told


def test_transaction_whose_nonce_was_taken(growing: Growing, page: Any) -> None:
    factory = growing.factory
    root = growing.sink
    sent = factory.send(root, 0, wallets.address(9), value=1)
    other = factory.send(root, 0, wallets.address(9), value=2)
    growing.grow([sent])
    growing.reorganise(1, [factory.extend(root, [other]), *[]])
    told = page(f"/tx/{hexed(sent[1].hash)}")
    assert "took its nonce" in told
    assert hexed(other[1].hash)[:10] in told


def test_transaction_that_nobody_knows(page: Any, client: Client) -> None:
    assert "does not know the transaction" in page(f"/tx/{hexed(keccak(b'?'))}", 404)
    page("/tx/0x12", 404)
    answer = client.get("/tx/" + "AB" * 32)
    assert answer.status_code == 302
    assert answer["location"] == "/tx/0x" + "ab" * 32


def test_what_was_asked_of_a_thing_stays_on_the_way_to_its_address(client: Client) -> None:
    for path, asked in (("/token/", "?tab=holders"), ("/address/", "?before=7-3"), ("/address/", "")):
        answer = client.get(path + "0x" + "AB" * 20 + asked)
        assert answer.status_code == 302
        assert answer["location"] == path + "0x" + "ab" * 20 + asked
