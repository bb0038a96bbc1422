"""A lane elsewhere sees the state that the writer sees, also where a reorganisation undid a contract."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chain.core.consensus.hot_state import HotState
from chain.core.execution.memory_state import MemoryState
from chain.core.types import StateDiff
from chain.services.lanes.work import LaneState

NOTHING = StateDiff({}, {}, {})
ADDRESSES = [bytes([number]) * 20 for number in range(4)]
SLOTS = st.dictionaries(st.tuples(st.sampled_from(ADDRESSES), st.integers(0, 2)), st.integers(0, 2), max_size=8)


def test_storage_that_was_undone_is_gone_though_the_store_still_has_it() -> None:
    store = MemoryState()
    store.apply(StateDiff({}, {(ADDRESSES[0], 0): 1}, {}))
    hot = HotState(store)
    hot.apply(StateDiff({}, {(ADDRESSES[0], 0): 0}, {}))
    lane = LaneState(store, hot.net_changes(), NOTHING)
    assert not hot.has_storage(ADDRESSES[0])
    assert not lane.has_storage(ADDRESSES[0])


@given(SLOTS, st.lists(SLOTS, max_size=3))
def test_lane_and_writer_agree(stored: dict[tuple[bytes, int], int], moves: list[dict[tuple[bytes, int], int]]) -> None:
    store = MemoryState()
    store.apply(StateDiff({}, stored, {}))
    hot = HotState(store)
    for slots in moves:
        hot.apply(StateDiff({}, slots, {}))
    lane = LaneState(store, hot.net_changes(), NOTHING)
    for address in ADDRESSES:
        assert lane.has_storage(address) == hot.has_storage(address)
        for slot in range(3):
            assert lane.get_slot(address, slot) == hot.get_slot(address, slot)
