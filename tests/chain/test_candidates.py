"""The writer's work list."""

from __future__ import annotations

import pytest

from chain.core.errors import StoreError
from chain.core.transactions import keccak
from chain.core.types import BlockStatus
from chain.stores import candidates
from chain.stores.candidates import (
    add_candidate,
    candidate_status,
    count_candidates,
    expire,
    fetch_work,
    forget,
    list_unvalidated,
    mark_parked,
    mark_refused,
    set_senders,
    unvalidated,
)
from chain.stores.connection import Connection
from chain.stores.load import load_refused
from tests.factories.database import StoredChain

NOW = 1_800_000_000_000


def _hash(name: str) -> bytes:
    return keccak(name.encode())


def _add(conn: Connection, name: str, senders: bytes | None = b"", until_ms: int | None = None, size: int = 10) -> bool:
    raw = name.encode().ljust(size)
    return add_candidate(conn, _hash(name), raw, senders=senders, source="rpc", received_ms=NOW, until_ms=until_ms)


def _park(conn: Connection, name: str, origin: str, size: int = 10) -> None:
    raw = name.encode().ljust(size)
    add_candidate(conn, _hash(name), raw, senders=b"", source="rpc", received_ms=NOW, until_ms=NOW + 1, origin=origin)


def _parked(conn: Connection) -> list[str]:
    """In order of arrival."""
    return [waiting.raw.decode().strip() for waiting in fetch_work(conn, NOW + 1, 10_000)]


def _work(conn: Connection, now_ms: int = NOW, **bounds: int) -> list[str]:
    return [waiting.raw.decode().strip() for waiting in fetch_work(conn, now_ms, **bounds)]


def test_work_comes_in_order_of_arrival_and_repeats_change_nothing(stored: StoredChain) -> None:
    conn = stored.conn
    assert [_add(conn, name) for name in ("b", "a", "c", "a", "b")] == [True, True, True, False, False]
    assert _work(conn) == ["b", "a", "c"]
    assert _work(conn, limit=2) == ["b", "a"]
    assert count_candidates(conn) == {"validated": 3}
    first = fetch_work(conn, NOW)[0]
    assert (first.hash, first.senders, first.source, first.received_ms) == (_hash("b"), b"", "rpc", NOW)
    forget(conn, _hash("b"))
    forget(conn, _hash("b"))
    assert _work(conn) == ["a", "c"]


def test_a_batch_is_bounded_by_bytes_but_never_empty(stored: StoredChain) -> None:
    conn = stored.conn
    for name in ("a", "b", "c"):
        _add(conn, name, size=100)
    assert _work(conn, max_bytes=1) == ["a"]
    assert _work(conn, max_bytes=101) == ["a", "b"]
    assert _work(conn, max_bytes=1000) == ["a", "b", "c"]


def test_a_body_is_judged_before_the_writer_sees_it(stored: StoredChain) -> None:
    conn = stored.conn
    _add(conn, "large", senders=None)
    assert _work(conn) == []
    assert list_unvalidated(conn) == [_hash("large")]
    assert unvalidated(conn, _hash("large")) is not None
    assert set_senders(conn, _hash("large"), bytes(20))
    assert not set_senders(conn, _hash("large"), bytes(40))
    assert unvalidated(conn, _hash("large")) is None
    assert fetch_work(conn, NOW)[0].senders == bytes(20)


@pytest.mark.parametrize("validated", [True, False])
def test_an_early_block_waits_for_its_time(stored: StoredChain, validated: bool) -> None:
    conn = stored.conn
    _add(conn, "early", senders=b"" if validated else None, until_ms=NOW + 50)
    if not validated:
        assert _work(conn, NOW + 50) == []
        set_senders(conn, _hash("early"), b"")
    assert _work(conn, NOW + 49) == []
    assert _work(conn, NOW + 50) == ["early"]


def test_an_orphan_wakes_when_every_missing_block_is_in_the_dag_or_refused(stored: StoredChain) -> None:
    factory, conn = stored.factory, stored.conn
    root = factory.genesis.hash
    one, two = factory.block(root), factory.block(root)
    _add(conn, "orphan")
    _add(conn, "bad")
    mark_parked(conn, _hash("orphan"), [one.record.hash, two.record.hash, _hash("bad")], code="unknown_parents")
    found = candidate_status(conn, _hash("orphan"))
    assert found is not None
    assert (found.state, found.code, len(found.missing)) == ("parked", "unknown_parents", 3)
    assert _work(conn) == ["bad"]
    stored.apply(factory.update([one], sink=root))
    mark_refused(conn, _hash("bad"), "merge_depth")
    assert _work(conn) == []
    stored.apply(factory.update([two], sink=root))
    assert _work(conn) == ["orphan"]


def test_waiting_for_what_is_stored_already_is_no_busy_loop(stored: StoredChain) -> None:
    conn, root = stored.conn, stored.factory.genesis.hash
    _add(conn, "lost")
    mark_parked(conn, _hash("lost"), [root], code="unknown_parents")
    assert _work(conn, NOW + 10**9) == []
    _add(conn, "conflict")
    mark_parked(conn, _hash("conflict"), code="finality_conflict")
    assert _work(conn, NOW + 10**9) == []
    assert expire(conn, NOW) == 0
    assert expire(conn, NOW + 1) == 2


def test_one_origins_flood_of_parked_blocks_costs_nobody_else(stored: StoredChain, monkeypatch) -> None:
    conn = stored.conn
    monkeypatch.setattr(candidates, "MAX_PARKED", 8)
    monkeypatch.setattr(candidates, "MAX_PARKED_OF_ORIGIN", 3)
    for name in ("own 1", "own 2", "own 3", "own 4"):
        _park(conn, name, "")
    for number in range(20):
        _park(conn, f"flood {number}", "ip:10.0.0.1")
        if number < 2:
            _park(conn, f"honest {number}", "ip:10.0.0.2")
    # the flood displaced itself only, then everybody's share shrank in step
    own = ["own 2", "own 3", "own 4"]
    assert _parked(conn) == [*own, "honest 0", "honest 1", "flood 17", "flood 18", "flood 19"]
    assert candidates.is_allowance_used(conn, "ip:10.0.0.1", 10) == (3, 30)
    assert candidates.is_allowance_used(conn, "ip:10.0.0.2", 10) is None
    # what waits longest of whoever has most goes first
    _park(conn, "other", "ip:10.0.0.3")
    assert "own 2" not in _parked(conn)
    assert len(_parked(conn)) == 8


def test_parked_bytes_of_an_origin_are_bounded(stored: StoredChain, monkeypatch) -> None:
    conn = stored.conn
    monkeypatch.setattr(candidates, "MAX_PARKED_BYTES_OF_ORIGIN", 250)
    for number in range(4):
        _park(conn, f"big {number}", "ip:10.0.0.1", size=100)
        _park(conn, f"own {number}", "", size=100)
    assert [name for name in _parked(conn) if name.startswith("big")] == ["big 2", "big 3"]
    assert len(_parked(conn)) == 6
    assert candidates.is_allowance_used(conn, "ip:10.0.0.1", 50) is None
    assert candidates.is_allowance_used(conn, "ip:10.0.0.1", 51) == (2, 200)


def test_a_refused_block_is_known_and_keeps_its_code_only(stored: StoredChain) -> None:
    factory, conn = stored.factory, stored.conn
    _add(conn, "bad")
    mark_refused(conn, _hash("bad"), "merge_depth")
    mark_refused(conn, _hash("never seen"), "merge_depth")
    assert not _add(conn, "bad")
    forget(conn, _hash("bad"))
    assert load_refused(conn) == {_hash("bad"): "merge_depth"}
    assert unvalidated(conn, _hash("bad")) is None
    _add(conn, "worse")
    stored.apply(factory.update([], sink=factory.genesis.hash, invalid=[(_hash("worse"), "wrong_number")]))
    found = candidate_status(conn, _hash("worse"))
    assert found is not None
    assert (found.state, found.code) == ("refused", "wrong_number")


def test_a_block_of_the_dag_is_no_candidate(stored: StoredChain) -> None:
    factory, conn = stored.factory, stored.conn
    root = factory.genesis.hash
    block = factory.block(root)
    block_hash = block.record.hash
    assert add_candidate(conn, block_hash, b"raw", senders=b"", source="rpc", received_ms=NOW)
    stored.apply(factory.update([block], sink=root))
    assert count_candidates(conn) == {}
    assert not add_candidate(conn, block_hash, b"raw", senders=b"", source="rpc", received_ms=NOW)
    bare = factory.block(root, status=BlockStatus.HEADER_ONLY)
    stored.apply(factory.update([bare], sink=root))
    assert add_candidate(conn, bare.record.hash, b"raw", senders=b"", source="rpc", received_ms=NOW)


def test_parked_blocks_are_bounded_by_count_and_bytes(stored: StoredChain, monkeypatch: pytest.MonkeyPatch) -> None:
    conn = stored.conn
    monkeypatch.setattr(candidates, "MAX_PARKED", 3)
    monkeypatch.setattr(candidates, "MAX_PARKED_BYTES", 250)
    for at in range(5):
        _add(conn, f"early {at}", until_ms=NOW + at, size=20)
    assert count_candidates(conn) == {"parked": 3}
    assert _work(conn, NOW + 10) == ["early 2", "early 3", "early 4"]
    _add(conn, "large", size=200)
    mark_parked(conn, _hash("large"), [_hash("parent")])
    assert count_candidates(conn) == {"parked": 3}
    _add(conn, "larger", size=240)
    mark_parked(conn, _hash("larger"), [_hash("parent")])
    assert count_candidates(conn) == {"parked": 1}


def test_a_candidate_with_a_wrong_hash_is_refused_by_the_database(stored: StoredChain) -> None:
    with pytest.raises(StoreError) as error:
        add_candidate(stored.conn, b"short", b"raw", senders=b"", source="rpc", received_ms=NOW)
    assert error.value.code == "database_refused"
    assert error.value.data["constraint"] == "chain_candidate_hash_check"
