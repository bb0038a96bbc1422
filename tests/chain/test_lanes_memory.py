"""The committed state that workers remember between lanes."""

from __future__ import annotations

import pytest
from django.db import connection as django_connection

from chain.core.errors import NotYet, StoreError
from chain.core.types import StateDiff
from chain.stores.connection import raw_connection
from chain.stores.lane_base import CommittedState
from chain.stores.state import PostgresState
from tests.chain import lane_world
from tests.chain.lane_world import BASE
from tests.core.execution.build import (
    SHARDS,
    address_in,
)
from tests.factories.lanes import base_hash, undo_state, write_state

world = lane_world.world


def slot_diff(address: bytes, values: dict[int, int]) -> StateDiff:
    return StateDiff({}, {(address, slot): value for slot, value in values.items()}, {})


def test_remembered_slots_follow_the_chain(world):
    owner = address_in(3, "count")
    committed, conn = CommittedState(), raw_connection()

    def read(number: int, branch: str = "") -> tuple[int, int]:
        block = world.hash if number == BASE else base_hash(number, branch)
        with committed.at(conn, number, block):
            return committed.get_slot(owner, 0), committed.get_slot(owner, 9)

    assert read(BASE) == (1, 0)
    write_state(world.conn, 8, base_hash(8), slot_diff(owner, {0: 5}), SHARDS)
    assert read(BASE) == (1, 0)
    assert read(8) == (5, 0)
    write_state(world.conn, 9, base_hash(9), slot_diff(owner, {9: 4}), SHARDS)
    write_state(world.conn, 10, base_hash(10), slot_diff(owner, {0: 6}), SHARDS)
    assert read(10) == (6, 4)
    assert read(9) == (5, 4)
    # a reorganisation: number 10 belongs to another block
    undo_state(world.conn, 10, slot_diff(owner, {0: 5}), SHARDS)
    write_state(world.conn, 10, base_hash(10, "b"), slot_diff(owner, {9: 8}), SHARDS)
    with pytest.raises(NotYet):
        read(10)
    assert read(10, "b") == (5, 8)


def test_slots_that_did_not_change_are_read_once(world):
    owner = address_in(3, "count")
    committed, conn = CommittedState(), raw_connection()
    with committed.at(conn, BASE, world.hash):
        assert committed.get_slot(owner, 0) == 1
    write_state(world.conn, 8, base_hash(8), slot_diff(owner, {5: 5}), SHARDS)
    with committed.at(conn, 8, base_hash(8)):
        committed._reader = None  # reading now would fail
        assert committed.get_slot(owner, 0) == 1


def test_a_snapshot_outlives_a_commit(world):
    """What is read after the writer went on is still the base's."""
    owner = address_in(3, "count")
    committed, conn = CommittedState(), raw_connection()
    with committed.at(conn, BASE, world.hash):
        undo_state(world.conn, BASE, slot_diff(owner, {0: 77}), SHARDS)
        write_state(world.conn, BASE, base_hash(BASE, "b"), slot_diff(owner, {0: 78}), SHARDS)
        assert committed.get_slot(owner, 0) == 1
        assert PostgresState(world.conn, BASE, shard_count=SHARDS).get_slot(owner, 0) == 78
    with committed.at(conn, BASE, base_hash(BASE, "b")):
        assert committed.get_slot(owner, 0) == 78


def test_a_lost_connection_forgets(world):
    committed, conn = CommittedState(), raw_connection()
    owner = address_in(3, "count")

    def lose() -> None:
        with committed.at(conn, BASE, world.hash):
            committed.get_slot(owner, 0)
            conn.close()
            committed.get_slot(owner, 1)

    with pytest.raises(StoreError):
        lose()
    django_connection.close()
    with committed.at(raw_connection(), BASE, world.hash):
        assert committed.get_slot(owner, 0) == 1
