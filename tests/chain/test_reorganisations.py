"""Random walks of the sink over a random tree, against the same states kept in memory."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.core.transactions import keccak
from chain.stores import load
from chain.stores.connection import Connection
from chain.stores.state import PostgresState
from tests.factories import wallets
from tests.factories.chain import ChainFactory, Effects
from tests.factories.database import StoredChain, fetch

CONTRACTS = tuple(keccak(b"contract %d" % i)[12:] for i in range(3))
MOVES = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, 3), st.lists(st.integers(0, 59), max_size=4)), min_size=1, max_size=5
)


def _epoch(factory: ChainFactory, parent: bytes, marks: list[int]) -> bytes:
    """Transfers and slots chosen by ``marks``; some slots are zeroed, some accounts vanish."""
    senders = sorted({mark % 10 for mark in marks})
    body = [factory.send(parent, sender, wallets.address(10 + sender % 3), 1 + sender) for sender in senders]
    state = factory.states[parent]
    gone = [wallets.address(12)] if 59 in marks and state.get_account(wallets.address(12)) and not body else []
    slots = {(CONTRACTS[mark % 3], mark // 12): mark % 5 for mark in marks}
    return factory.extend(parent, body, Effects(slots=slots, gone=gone))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES)
def test_every_walk_ends_in_the_state_of_its_sink(conn: Connection, moves: list[tuple[int, int, list[int]]]) -> None:
    with conn.transaction(force_rollback=True):
        stored = StoredChain(conn)
        factory = stored.factory
        chain = [factory.genesis.hash]
        for back, forward, marks in moves:
            fork = max(0, len(chain) - 1 - min(back, forward - 1))
            removed, chain = chain[fork + 1 :][::-1], chain[: fork + 1]
            for step in range(forward):
                chain.append(_epoch(factory, chain[-1], [(mark + step) % 60 for mark in marks]))
            added = chain[fork + 1 :]
            blocks = [factory.blocks[block_hash] for block_hash in added]
            stored.apply(factory.update(blocks, sink=chain[-1], removed=removed, added=added))
        _assert_equal(conn, factory, chain)


def _assert_equal(conn: Connection, factory: ChainFactory, chain: list[bytes]) -> None:
    assert [block_hash for _, block_hash in load.load_selected_chain(conn)] == chain
    assert load.load_lattices(conn) == factory.lattices[chain[-1]]
    places = [(address, slot) for address in CONTRACTS for slot in range(5)]
    everyone = sorted({address for block in chain for address in factory.states[block].accounts} | set(CONTRACTS))
    now = factory.states[chain[-1]]
    rows = fetch(conn, "SELECT address FROM chain_account_current ORDER BY address")
    assert [address for (address,) in rows] == sorted(now.accounts)
    readers = [(PostgresState(conn), now)]
    readers += [(PostgresState(conn, number), factory.states[block]) for number, block in enumerate(chain)]
    for reader, expected in readers:
        reader.prefetch(everyone, places)
        assert [reader.get_account(a) for a in everyone] == [expected.get_account(a) for a in everyone]
        assert [reader.get_slot(*p) for p in places] == [expected.get_slot(*p) for p in places]
        assert [reader.has_storage(a) for a in CONTRACTS] == [expected.has_storage(a) for a in CONTRACTS]
    for number, block in enumerate(chain[1:], 1):
        assert load.load_undo(conn, number) == factory.epochs[block].result.undo
    numbers = fetch(conn, "SELECT max(number) FROM chain_account_version")
    assert numbers[0][0] <= len(chain) - 1
