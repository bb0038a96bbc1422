"""Transfers are read off logs of the three standards, and off nothing else."""

from __future__ import annotations

from chain.core.types import Log
from explorer.indexers import token_events
from explorer.indexers.token_events import BATCH, SINGLE, TRANSFER, Moved, movements
from tests.explorer.token_logs import ALICE, ART, BOB, COIN, GAME, ZERO, batch, erc20, erc721, single, word


def test_topics_are_the_standards() -> None:
    assert TRANSFER.hex() == "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    assert SINGLE.hex() == "c3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
    assert BATCH.hex() == "4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"


def test_each_standard_is_read() -> None:
    assert movements(erc20(COIN, ALICE, BOB, 2**256 - 1)) == [Moved(20, ALICE, BOB, None, 2**256 - 1)]
    assert movements(erc721(ART, ZERO, BOB, 7)) == [Moved(721, ZERO, BOB, 7, 1)]
    assert movements(single(GAME, BOB, ZERO, 3, 0)) == [Moved(1155, BOB, ZERO, 3, 0)]
    assert movements(batch(GAME, ALICE, BOB, [(1, 5), (1, 6), (2**255, 7)])) == [
        Moved(1155, ALICE, BOB, 1, 5),
        Moved(1155, ALICE, BOB, 1, 6),
        Moved(1155, ALICE, BOB, 2**255, 7),
    ]
    assert movements(batch(GAME, ALICE, BOB, [])) == []


def test_what_is_malformed_says_nothing() -> None:
    whole = batch(GAME, ALICE, BOB, [(1, 5), (2, 6)])
    data = whole.data
    cut = [Log(GAME, whole.topics, data[:size]) for size in range(len(data))]
    wild = [
        Log(GAME, whole.topics, word(2**255) + data[32:]),
        Log(GAME, whole.topics, data[:32] + word(len(data) - 31) + data[64:]),
        Log(GAME, whole.topics, data[:64] + word(2**200) + data[96:]),
        Log(GAME, whole.topics, data[:64] + word(1) + data[96:]),
        Log(COIN, (), b""),
        Log(COIN, (TRANSFER,), b""),
        Log(COIN, (TRANSFER, word(ALICE), word(BOB)), b"\1"),
        Log(COIN, (TRANSFER, b"\1" * 32, word(BOB)), word(1)),
        Log(COIN, (TRANSFER, word(ALICE), word(BOB), word(1)), word(1)),
        Log(GAME, (SINGLE, word(ALICE), word(ALICE), word(BOB)), word(1)),
    ]
    assert [movements(log) for log in cut + wild] == [[]] * (len(cut) + len(wild))


def test_a_batch_has_a_bound() -> None:
    many = [(1, 1)] * (token_events.MAX_BATCH + 1)
    assert movements(batch(GAME, ALICE, BOB, many)) == []
