"""What a warm start reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chain.core.codec import Block, encode_block, encode_header, header_hash
from chain.core.errors import StoreError
from chain.core.seals.eligibility import Lottery
from chain.core.transactions import keccak
from chain.core.types import UINT64_MAX, UINT256_MAX, BlockStatus
from chain.stores import load
from chain.stores.rows import SKIP_REASONS, block_size
from chain.stores.state import CodeCache, PostgresState
from chain.stores.virtual import pack_virtual, unpack_virtual
from tests.factories import wallets
from tests.factories.chain import ChainFactory
from tests.factories.database import StoredChain


def test_a_snapshot_survives_to_the_bit() -> None:
    factory = ChainFactory()
    lottery = Lottery(seed=bytes(range(32)), weights={bytes(32): 2, b"\xff" * 32: 5}, total=7)
    plain = factory.virtual(factory.genesis.hash)
    wide = replace(plain, blue_work=UINT256_MAX, base_fee=2**64, lottery=lottery, in_flight=(), number=2**63)
    for snapshot in (plain, wide):
        again = unpack_virtual(pack_virtual(snapshot))
        assert again == snapshot
        assert type(again.parents) is tuple
        assert type(again.in_flight) is tuple


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x91\x02", b"\xc1", pack_virtual.__doc__.encode()])  # type: ignore[union-attr]
def test_a_snapshot_of_another_layout_is_an_error_with_a_code(data: bytes) -> None:
    with pytest.raises(StoreError, match="virtual_layout"):
        unpack_virtual(data)


def test_headers_of_any_legal_value_come_back_equal(stored: StoredChain) -> None:
    """A disqualified block's claims are any value that its encoding allows."""
    factory, conn = stored.factory, stored.conn
    root = factory.genesis.hash
    block = factory.block(root, status=BlockStatus.DISQUALIFIED)
    header = replace(
        block.record.header, gas_used=UINT64_MAX, base_fee=UINT256_MAX, extra=b"\x00" * 32, seal=(b"", b"\xff" * 80)
    )
    block = replace(block, record=replace(block.record, header=header, hash=header_hash(header)))
    stored.apply(factory.update([block], sink=root))
    found = load.load_headers(conn, [block.record.hash, bytes(32)])
    assert found == {block.record.hash: header}
    assert encode_header(found[block.record.hash]) == encode_header(header)
    assert header_hash(found[block.record.hash]) == block.record.hash
    assert load.load_blocks(conn)[-1] == load.StoredBlock(block.record, BlockStatus.DISQUALIFIED)


def test_bounds_of_the_records(stored: StoredChain) -> None:
    factory, conn = stored.factory, stored.conn
    chain = [factory.genesis.hash]
    for _ in range(4):
        update = factory.step(chain[-1])
        chain.append(update.virtual.sink)
        stored.apply(update)
    every = [factory.records[block] for block in chain]
    assert load.load_records(conn) == every
    assert load.load_records(conn, from_hash=chain[2]) == every[2:]
    assert load.load_records(conn, min_blue_score=3) == [r for r in every if r.header.blue_score >= 3]
    assert load.load_records(conn, min_work_score=2) == [r for r in every if r.work_score >= 2]
    assert [epoch.number for epoch in load.load_epochs(conn, 2)] == [2, 3, 4]
    assert load.load_selected_chain(conn, 3) == [(3, chain[3]), (4, chain[4])]
    with pytest.raises(StoreError, match="unknown_block"):
        load.load_records(conn, from_hash=bytes(32))


def test_bodies_keep_order_and_bytes(stored: StoredChain) -> None:
    factory, conn = stored.factory, stored.conn
    root = factory.genesis.hash
    body = [factory.send(root, sender, wallets.address(sender)) for sender in (3, 1, 2)]
    full, empty = factory.block(root, body), factory.block(root)
    stored.apply(factory.update([full, empty], sink=root))
    hashes = [empty.record.hash, full.record.hash]
    assert load.load_envelopes(conn, hashes) == {
        empty.record.hash: (),
        full.record.hash: tuple((envelope, tx.sender) for envelope, tx in body),
    }
    assert load.load_bodies(conn, hashes)[full.record.hash] == tuple(tx for _, tx in body)
    assert load.load_bodies(conn, hashes + hashes) == load.load_bodies(conn, hashes)
    assert load.load_bodies(conn, []) == {}
    with pytest.raises(StoreError, match="missing_body"):
        load.load_bodies(conn, [bytes(32)])
    conn.execute("DELETE FROM chain_block_transaction WHERE position = 1")
    with pytest.raises(StoreError, match="missing_body"):
        load.load_bodies(conn, hashes)


def test_block_sizes_are_those_of_the_encoding() -> None:
    factory = ChainFactory()
    root = factory.genesis.hash
    for count, data in ((0, 0), (1, 0), (3, 30), (2, 300), (1, 70_000)):
        body = [
            factory.send(root, i, wallets.address(1), data=bytes(data), gas_limit=21_000 + 40 * data)
            for i in range(count)
        ]
        block = factory.block(root, body)
        header, envelopes = block.record.header, block.envelopes
        assert block_size(header, envelopes) == len(encode_block(Block(header, envelopes)))
    assert block_size(header, (b"\x05", b"\x85")) == len(encode_block(Block(header, (b"\x05", b"\x85"))))


def test_current_reads_are_never_stale(stored: StoredChain) -> None:
    """What was prefetched answers once; then the database is asked again."""
    factory, conn = stored.factory, stored.conn
    root, receiver = factory.genesis.hash, wallets.address(5)
    state = PostgresState(conn)
    state.prefetch([receiver], [(receiver, 1)])
    before = state.get_account(receiver)
    state.prefetch([receiver], [])
    state.get_account(receiver)
    update = factory.step(root, [factory.send(root, 0, receiver, 7)])
    stored.apply(update)
    after = state.get_account(receiver)
    assert after == factory.states[update.virtual.sink].get_account(receiver)
    assert after != before


def test_the_code_cache_is_bounded() -> None:
    cache = CodeCache(max_bytes=10)
    for size in (4, 5, 6):
        cache.put(bytes([size]) * 32, bytes(size))
    assert [cache.get(bytes([size]) * 32) is not None for size in (4, 5, 6)] == [False, False, True]
    cache.put(keccak(b"large"), bytes(100))
    assert cache.get(keccak(b"large")) == bytes(100)


def test_every_skip_reason_has_a_number() -> None:
    from chain.core.types import SkipReason

    assert sorted(SKIP_REASONS) == sorted(SkipReason)
