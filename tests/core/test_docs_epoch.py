"""The worked example of docs/protocol/transactions-and-epochs.md, executed."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from chain.core.execution.memory_state import MemoryState
from chain.core.types import EpochResult, SkipReason
from tests.core.execution import asm
from tests.core.execution.build import ETHER, GWEI, address_in, check_epoch, make_block, make_env, make_tx
from tests.core.test_docs_dag import epochs

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "protocol" / "transactions-and-epochs.md").read_text()
EXAMPLE = TEXT[TEXT.index("## A worked example") : TEXT.index("## What Ethereum tools see")]
ALICE, BOB = address_in(0, "alice"), address_in(0, "bob")
CAROL, COUNTER = address_in(1, "carol"), address_in(1, "counter")
COINBASES = {name: name.encode().rjust(20) for name in ("B4", "B6", "B8")}
TXS = {
    "t1": make_tx(ALICE, 0, BOB, ETHER),
    "t2": make_tx(ALICE, 1, CAROL, 2 * ETHER),
    "t3": make_tx(CAROL, 0, COUNTER, gas_limit=100_000),
    "t4": make_tx(BOB, 0, COUNTER, gas_limit=100_000),
    "t5": make_tx(BOB, 5, CAROL, ETHER),
    "t6": make_tx(ALICE, 2, BOB, ETHER),
    "t7": make_tx(CAROL, 1, COUNTER, gas_limit=100_000),
}
NAMES = {tx.hash: name for name, tx in TXS.items()}
BODIES = {"B4": ("t1",), "B6": ("t1", "t2", "t3"), "B8": ("t4", "t5", "t6", "t7")}


@cache
def executed() -> EpochResult:
    """Epoch 5, and the check that its plain sequential run gives the same."""
    state = MemoryState()
    for person in (ALICE, BOB, CAROL):
        state.put(person, 10 * ETHER)
    state.put(COUNTER, 0, 1, asm.sstore(0, asm.push(0), asm.SLOAD, asm.push(1), asm.ADD))
    assert epochs()["B8"] == list(BODIES)
    blocks = [
        make_block(name, [TXS[tx] for tx in body], COINBASES[name], is_blue=name != "B4")
        for name, body in BODIES.items()
    ]
    return check_epoch(state, blocks, make_env(coinbase=COINBASES["B8"]))


def rows(columns: int) -> list[list[str]]:
    """Rows of the example's tables with so many columns, without headings."""
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in EXAMPLE.splitlines() if line[:1] == "|"]
    return [row for row in found if len(row) == columns and not set(row[0]) <= set("- ")][1:]


def test_the_transactions_stand_where_the_text_says() -> None:
    for name, where, _ in rows(3):
        assert re.findall(r"B\d", where) == [block for block, body in BODIES.items() if name in body]
    assert [row[0] for row in rows(3)] == list(TXS)


def test_the_canonical_order_of_the_text() -> None:
    expected = [
        [str(index), NAMES[one.tx_hash], str(int(one.phase)), str(one.lane), str(one.gas_used)]
        for index, one in enumerate(executed().receipts)
    ]
    assert [row[:5] for row in rows(6)] == expected
    assert [row[1] for row in rows(6) if row[5]] == ["t3", "t4", "t7"]
    assert executed().diff.slots == {(COUNTER, 0): 3}


def test_what_is_skipped() -> None:
    assert [(NAMES[one.tx_hash], one.reason) for one in executed().skipped] == [("t5", SkipReason.NONCE)]
    assert executed().admitted_count == 6


def test_the_sums_of_the_text() -> None:
    result = executed()
    assert f"{result.gas_used} gas were used; {result.supply.base_fees_burned // GWEI} gwei" in EXAMPLE
    assert f"The tip of t1, {result.supply.tips_burned // GWEI} gwei" in EXAMPLE
    assert dict(result.rewards) == {COINBASES[name]: 25 * ETHER for name in ("B6", "B8")}
    tips = {}
    for name in ("B6", "B8"):
        account = result.diff.accounts[COINBASES[name]]
        assert account is not None
        tips[name] = (account.balance - 25 * ETHER) // GWEI
    text = " ".join(EXAMPLE.split())
    assert f"B6's coinbase gets {tips['B6']} gwei of tips (t2, t3), B8's gets {tips['B8']} gwei (t4, t6, t7)" in text
    assert COINBASES["B4"] not in result.diff.accounts
