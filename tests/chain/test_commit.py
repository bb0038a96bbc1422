"""One commit of the writer: what it writes, what it undoes, what it refuses."""

from __future__ import annotations

import dataclasses
import json

import pytest

from chain.core.errors import StoreError
from chain.core.transactions import keccak
from chain.core.types import BlockStatus, Log, SkipReason
from chain.locks import new_term
from chain.stores import epochs, load
from chain.stores.commit import apply_update
from chain.stores.state import PostgresState
from tests.factories import wallets
from tests.factories.chain import ChainFactory, Effects
from tests.factories.database import StoredChain, dump, fetch

CONTRACT = keccak(b"contract")[12:]
# codes are named by hash and may be named again; events and counters tell what happened
KEPT_BY_UNDO = ("chain_code", "chain_outbox_event", "chain_node_state", "chain_undone_log")
TOPIC = keccak(b"Transfer(address,address,uint256)")


def _busy_epoch(factory: ChainFactory, parent: bytes, mark: int) -> bytes:
    """An epoch with transfers, a failure, logs, slots set and cleared, code, and a skipped transaction."""
    body = [factory.send(parent, i, wallets.address(20 + (i + mark) % 5), 1000 + mark) for i in range(6)]
    body.append(factory.send(parent, 6, None, 0, data=b"\x60\x00", gas_limit=60_000))
    late = factory.send(parent, 7, wallets.address(3), 5, nonce=99 + mark)
    log = Log(CONTRACT, (TOPIC, mark.to_bytes(32, "big")), b"data %d" % mark)
    effects = Effects(
        logs={1: (log, Log(CONTRACT, (), b"")), 4: (log,)},
        slots={(CONTRACT, 1): mark, (CONTRACT, 2**255 + mark): 7, (CONTRACT, 3): mark % 2},
        codes={CONTRACT: b"\x60" + bytes([mark % 256])},
        failed=(2,),
        skipped=((late[1], SkipReason.NONCE),),
    )
    return factory.extend(parent, [*body, late], effects)


def _assert_state(stored: StoredChain, sink: bytes) -> None:
    """The current state, the lattices and the node state are those of ``sink``."""
    factory, conn = stored.factory, stored.conn
    state, found = factory.states[sink], PostgresState(conn)
    rows = fetch(conn, "SELECT address FROM chain_account_current")
    assert {row[0] for row in rows} == set(state.accounts)
    for address, account in state.accounts.items():
        assert found.get_account(address) == account
        assert found.get_code(account.code_hash) == state.get_code(account.code_hash)
    count = fetch(conn, "SELECT count(*) FROM chain_slot_current")
    assert count == [(sum(len(slots) for slots in state.storage.values()),)]
    for address, slots in state.storage.items():
        for slot, value in slots.items():
            assert found.get_slot(address, slot) == value
    assert load.load_lattices(conn) == factory.lattices[sink]
    node = load.load_node_state(conn)
    assert (node.sink, node.sink_number) == (sink, factory.records[sink].header.number)


def test_a_commit_stores_everything_and_reads_back_equal(stored: StoredChain) -> None:
    factory = stored.factory
    first = _busy_epoch(factory, factory.genesis.hash, 1)
    update = factory.update([factory.blocks[first]], sink=first, added=[first])
    stored.apply(update)
    second = _busy_epoch(factory, first, 2)
    third = _busy_epoch(factory, second, 3)
    both = factory.update([factory.blocks[second], factory.blocks[third]], sink=third, added=[second, third])
    stored.apply(both)

    conn = stored.conn
    _assert_state(stored, third)
    assert load.load_records(conn) == [factory.records[h] for h in (factory.genesis.hash, first, second, third)]
    assert load.load_node_state(conn).virtual == both.virtual
    bodies = load.load_bodies(conn, [first, third])
    assert bodies == {h: factory.blocks[h].transactions for h in (first, third)}
    for stored_epoch in load.load_epochs(conn, 1):
        epoch = factory.epochs[stored_epoch.hash]
        assert stored_epoch.summary == epoch.summary
        assert stored_epoch.supply == factory.supplies[epoch.hash]
        assert stored_epoch.rewards == epoch.result.rewards
        assert load.load_undo(conn, epoch.number) == epoch.result.undo
        assert load.load_diff(conn, epoch.number) == dataclasses.replace(epoch.result.diff, codes={})
        assert [tx.hash for tx in load.load_accepted(conn, epoch.number)] == [
            receipt.tx_hash for receipt in epoch.result.receipts
        ]


def test_undoing_is_the_same_as_never_having_been(stored: StoredChain) -> None:
    """The rows after 1 → 2a → 3a → (2b, 3b, 4b) are those after 1 → 2b → 3b → 4b, to the bit."""
    factory, conn = stored.factory, stored.conn
    one = _busy_epoch(factory, factory.genesis.hash, 1)
    gone = factory.extend(one, [factory.send(one, 0, wallets.address(77), 5)], Effects(gone=[wallets.address(21)]))
    branch_a = [gone, _busy_epoch(factory, gone, 4)]
    branch_b = [_busy_epoch(factory, one, 2)]
    branch_b.append(_busy_epoch(factory, branch_b[0], 3))
    branch_b.append(factory.extend(branch_b[1], [], Effects(slots={(CONTRACT, 1): 0}, gone=[wallets.address(22)])))
    blocks = [factory.blocks[h] for h in (one, *branch_a, *branch_b)]
    shared = factory.update(blocks, sink=one, added=[one])
    to_a = factory.update([], sink=branch_a[1], added=branch_a)
    over = factory.update([], sink=branch_b[2], removed=branch_a[::-1], added=branch_b)
    assert {tx.hash for tx in over.returned} >= {tx.hash for tx in factory.blocks[gone].transactions}
    straight = dataclasses.replace(factory.update([], sink=branch_b[2], added=branch_b), sequence=over.sequence)
    straight = dataclasses.replace(straight, virtual=over.virtual)

    stored.apply(shared)
    before = dump(conn)
    with conn.transaction(force_rollback=True):
        stored.apply(straight)
        never = dump(conn, leave_out=KEPT_BY_UNDO)
        _assert_state(stored, branch_b[2])
    assert dump(conn) == before
    stored.apply(to_a)
    _assert_state(stored, branch_a[1])
    stored.apply(over)
    assert dump(conn, leave_out=KEPT_BY_UNDO) == never
    _assert_state(stored, branch_b[2])
    node = load.load_node_state(conn)
    assert (node.reorgs, node.deepest_reorg) == (1, 2)
    accepted = fetch(conn, "SELECT count(*) FROM chain_acceptance")
    assert accepted == [(node.accepted,)]
    payload = fetch(conn, "SELECT payload::text FROM chain_outbox_event ORDER BY sequence DESC LIMIT 1")
    event = json.loads(payload[0][0])
    assert event["removed"] == [h.hex() for h in branch_a[::-1]]
    assert [added["hash"] for added in event["added"]] == [h.hex() for h in branch_b]


def test_state_at_old_numbers(stored: StoredChain) -> None:
    factory, conn = stored.factory, stored.conn
    chain = [factory.genesis.hash]
    for mark in range(1, 5):
        chain.append(_busy_epoch(factory, chain[-1], mark))
        stored.apply(factory.update([factory.blocks[chain[-1]]], sink=chain[-1], added=[chain[-1]]))
    everyone = sorted(factory.states[chain[-1]].accounts) + [keccak(b"nobody")[12:]]
    slots = [(CONTRACT, slot) for slot in (1, 2, 3, *[2**255 + mark for mark in range(5)])]
    for number, block_hash in enumerate(chain):
        expected = factory.states[block_hash]
        for prefetch in (False, True):
            state = PostgresState(conn, number)
            if prefetch:
                state.prefetch(everyone, slots)
            for address in everyone:
                assert state.get_account(address) == expected.get_account(address)
                assert state.has_storage(address) == expected.has_storage(address)
            for address, slot in slots:
                assert state.get_slot(address, slot) == expected.get_slot(address, slot)


def test_a_fenced_writer_changes_nothing(stored: StoredChain) -> None:
    factory, conn = stored.factory, stored.conn
    update = factory.step(factory.genesis.hash)
    new_term(conn, "another")
    before = dump(conn)
    with pytest.raises(StoreError) as error:
        apply_update(conn, update, stored.term, joined=True)
    assert error.value.code == "writer_fenced"
    assert dump(conn) == before
    assert apply_update(conn, update, stored.term + 1, joined=True)


def test_a_sequence_is_applied_once(stored: StoredChain) -> None:
    factory, conn = stored.factory, stored.conn
    update = factory.step(factory.genesis.hash, [factory.send(factory.genesis.hash, 0, wallets.address(1))])
    stored.apply(update)
    after = dump(conn)
    assert not apply_update(conn, update, stored.term, joined=True)
    assert dump(conn) == after
    other = dataclasses.replace(update, virtual=dataclasses.replace(update.virtual, sink=factory.genesis.hash))
    with pytest.raises(StoreError, match="sequence_conflict"):
        apply_update(conn, other, stored.term, joined=True)


def test_updates_that_do_not_continue_the_chain_are_refused_whole(stored: StoredChain) -> None:
    factory, conn = stored.factory, stored.conn
    root = factory.genesis.hash
    one = _busy_epoch(factory, root, 1)
    two = _busy_epoch(factory, one, 2)
    stored.apply(factory.update([factory.blocks[one], factory.blocks[two]], sink=two, added=[one, two]))
    other = factory.extend(root)
    before = dump(conn)
    good = factory.update([factory.blocks[other]], sink=other, removed=[two, one], added=[other])
    wrong = [
        dataclasses.replace(good, removed=(one, two)),
        dataclasses.replace(good, removed=(two,)),
        dataclasses.replace(good, fork_number=1),
        dataclasses.replace(good, fork_number=9, removed=()),
        dataclasses.replace(good, added=()),
        dataclasses.replace(good, added=(dataclasses.replace(good.added[0], parent_hash=one),)),
        dataclasses.replace(good, virtual=factory.virtual(one)),
    ]
    for update in wrong:
        with pytest.raises(StoreError, match="chain_mismatch"):
            apply_update(conn, dataclasses.replace(update, sequence=good.sequence), stored.term, joined=True)
        assert dump(conn) == before
    forgetful = dict(good.state.accounts)
    forgetful.pop(wallets.address(0))
    forgotten = dataclasses.replace(good, state=dataclasses.replace(good.state, accounts=forgetful))
    with pytest.raises(StoreError, match="undo_incomplete"):
        apply_update(conn, forgotten, stored.term, joined=True)
    assert dump(conn) == before
    stored.apply(good)
    _assert_state(stored, other)


def test_a_transaction_in_several_blocks_is_stored_once_and_found_in_each(stored: StoredChain) -> None:
    factory, conn = stored.factory, stored.conn
    root = factory.genesis.hash
    body = [factory.send(root, 0, wallets.address(1))]
    left, right = factory.block(root, body), factory.block(root, body, stream=1)
    stored.apply(factory.update([left, right], sink=root))
    assert fetch(conn, "SELECT count(*) FROM chain_transaction") == [(1,)]
    found = fetch(conn, "SELECT block FROM chain_block_transaction WHERE tx = %s", body[0][1].hash)
    assert {row[0] for row in found} == {left.record.hash, right.record.hash}
    again = factory.block(root, body, stream=1)
    stored.apply(factory.update([again, left], sink=root))
    assert fetch(conn, "SELECT count(*) FROM chain_block") == [(4,)]
    assert load.load_node_state(conn).blocks_by_stream == (1, 2, 1, 0)


def test_statuses_move_and_a_header_only_block_gets_its_body(stored: StoredChain) -> None:
    factory, conn = stored.factory, stored.conn
    root = factory.genesis.hash
    full = factory.block(root, [factory.send(root, 0, wallets.address(1))], status=BlockStatus.BODY_VALID)
    bare = dataclasses.replace(full, status=BlockStatus.HEADER_ONLY, transactions=(), envelopes=())
    stored.apply(factory.update([bare], sink=root))
    assert load.load_blocks(conn)[1].status is BlockStatus.HEADER_ONLY
    stored.apply(factory.update([full], sink=root, statuses=[(full.record.hash, BlockStatus.BODY_VALID)]))
    assert load.load_blocks(conn)[1].status is BlockStatus.BODY_VALID
    assert load.load_bodies(conn, [full.record.hash])[full.record.hash] == full.transactions
    stored.apply(
        factory.update(
            [],
            sink=root,
            statuses=[(full.record.hash, BlockStatus.CHAIN_VALID), (full.record.hash, BlockStatus.DISQUALIFIED)],
        )
    )
    assert load.load_blocks(conn)[1].status is BlockStatus.DISQUALIFIED


def test_consensus_order_and_colours(stored: StoredChain) -> None:
    factory, conn = stored.factory, stored.conn
    root = factory.genesis.hash
    one = factory.extend(root)
    light, heavy = factory.block(root, stream=3), factory.block(root, stream=1)
    red = factory.block(root, stream=2)
    two = factory.block(one, blues=[light.record.hash, heavy.record.hash], reds=[red.record.hash])
    factory.execute(two)
    blocks = [factory.blocks[one], light, heavy, red, two]
    stored.apply(factory.update(blocks, sink=two.record.hash, added=[one, two.record.hash]))
    rows = fetch(conn, "SELECT hash, number, position, is_blue FROM chain_consensus_order ORDER BY number, position")
    assert rows == [
        (root, 0, 0, True),
        (one, 1, 0, True),
        (light.record.hash, 2, 0, True),
        (red.record.hash, 2, 1, False),
        (heavy.record.hash, 2, 2, True),
        (two.record.hash, 2, 3, True),
    ]


def test_many_rows_take_the_same_way_as_few(stored: StoredChain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays and the staging table write the same current state."""
    factory, conn = stored.factory, stored.conn
    chain = [factory.genesis.hash]
    for mark in (1, 2, 3):
        chain.append(_busy_epoch(factory, chain[-1], mark))
    dumps = []
    for few in (0, 10_000):
        monkeypatch.setattr(epochs, "_FEW_ROWS", few)
        with conn.transaction(force_rollback=True):
            for number, block_hash in enumerate(chain[1:], 1):
                update = factory.update([factory.blocks[block_hash]], sink=block_hash, added=[block_hash])
                stored.apply(dataclasses.replace(update, sequence=number))
            _assert_state(stored, chain[-1])
            dumps.append(dump(conn, leave_out=["chain_outbox_event", "chain_node_state"]))
    assert dumps[0] == dumps[1]
