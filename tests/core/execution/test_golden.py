"""One epoch written down in full: a change of any number here is a change of consensus.

Origin: this implementation, 2026-11; the same values come from the sequential oracle, and Merkle root, lattices and
state root are checked against their formulas in test_settlement and in tests of their own.
"""

from __future__ import annotations

from blake3 import blake3

from chain.core.execution.memory_state import MemoryState
from chain.core.execution.overlay import DELEGATION_PREFIX
from chain.core.types import AccessEntry, SkipReason
from tests.core.execution import asm
from tests.core.execution.build import ETHER, GWEI, check_epoch, make_block, make_env, make_tx

USERS = [bytes((n,)) * 20 for n in range(1, 9)]
COUNTER, CALLER, CREATOR, DELEGATED = b"\xc1" * 20, b"\xc2" * 20, b"\xc3" * 20, b"\xd1" * 20
MINER = b"\x99" * 20


def golden_epoch():
    state = MemoryState()
    for user in USERS:
        state.put(user, 10 * ETHER)
    state.put(COUNTER, 0, 1, asm.sstore(0, asm.push(0), asm.SLOAD, asm.push(1), asm.ADD), {0: 41})
    emit = asm.asm(asm.CALLVALUE, asm.push(0), asm.push(0), asm.LOG1)
    state.put(CALLER, 5, 1, asm.asm(asm.call(COUNTER), emit))
    state.put(CREATOR, 5, 1, asm.asm(asm.create(asm.asm(asm.ADDRESS, asm.SELFDESTRUCT), value=5)))
    state.put(DELEGATED, ETHER, 7, DELEGATION_PREFIX + CALLER)
    txs = [
        make_tx(USERS[0], 0, USERS[1], ETHER),
        make_tx(USERS[1], 0, COUNTER, 3, gas_limit=100_000),
        make_tx(USERS[2], 0, CALLER, 1, gas_limit=100_000, access_list=[AccessEntry(COUNTER, (0,))]),
        make_tx(USERS[3], 0, CREATOR, 0, gas_limit=200_000),
        make_tx(USERS[4], 0, None, 9, asm.deployer(b"\x5b"), gas_limit=200_000),
        make_tx(DELEGATED, 7, USERS[5], 1),
        make_tx(USERS[5], 0, DELEGATED, 2, gas_limit=100_000),
        make_tx(USERS[6], 1, USERS[7], 1),
        make_tx(USERS[7], 0, USERS[6], 11 * ETHER),
    ]
    blocks = [
        make_block("red", txs[:3], MINER, is_blue=False),
        make_block("blue", [txs[0], *txs[3:6]], MINER),
        make_block("x", txs[6:]),
    ]
    return state, blocks, make_env(minted=10**25)


def test_the_golden_epoch():
    state, blocks, env = golden_epoch()
    result = check_epoch(state, blocks, env)
    order = [(done.position, int(done.phase), done.status, done.gas_used) for done in result.receipts]
    assert order == [
        (3, 1, 1, 58023),
        (4, 1, 1, 53396),
        (0, 2, 1, 21000),
        (5, 2, 1, 21000),
        (1, 3, 1, 26010),
        (2, 3, 1, 29181),
        (6, 3, 1, 29381),
    ]
    assert [skipped.reason for skipped in result.skipped] == [SkipReason.NONCE, SkipReason.FUNDS]
    assert result.gas_used == 237_991
    assert (result.admitted_count, result.admitted_gas, result.reserved_gas) == (7, 700_000, 742_000)
    assert result.supply.destroyed == 5
    assert result.supply.base_fees_burned == result.gas_used * GWEI
    assert result.state_root.hex() == "19b8ab5075463f0d9a5666b7c8a263daaed655063f09f40d5a598b9da560269a"
    assert result.receipts_root.hex() == "8bc98dc50598f33796b16a860681289042f095caca46883b4eb5db0fef8ce03c"
    assert blake3(result.logs_bloom).hexdigest() == "a71ea09cf37cc4c388dbbd3c28f060005fa2107fd287efdae84df0fe233cb74a"
