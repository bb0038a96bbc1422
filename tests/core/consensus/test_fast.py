"""What this node's C templates stand on: away from the merge bound, and not behind blocks from the future."""

from __future__ import annotations

import pytest

from chain.core.consensus.fast import fast_parents
from chain.core.errors import NotYet
from chain.core.seals import vrf
from chain.core.template import next_draw
from chain.core.types import Stream
from tests.core.consensus.mini import Mini, easy_spec, name, transfer

KEY = vrf.public_key(b"\x01" * 32)
BOB = b"\xb0" * 20
SHALLOW = easy_spec(merge_depth=40, finality_depth=400)


def grown(blocks: int, spec=None) -> Mini:
    node = Mini(spec)
    for _ in range(blocks):
        node.take(node.make(Stream.B))
    return node


def test_virtual_is_what_fast_blocks_stand_on_where_nothing_is_wrong():
    node = grown(8)
    assert node.engine.fast_virtual(node.engine.virtual(), node.clock + 200) is None
    # a parent in the slot that runs is waited for: it is a tenth of a second
    assert node.engine.fast_virtual(node.engine.virtual(), node.clock) is None


def test_a_block_stamped_ahead_stops_no_fast_block():
    node = grown(8)
    below = node.engine.sink
    held = transfer(node.spec, 1, 0, BOB, value=5)
    ahead = node.make(Stream.B, [held], timestamp_ms=node.clock + 2_500, after_ms=500)
    node.take(ahead)
    virtual = node.engine.virtual()
    with pytest.raises(NotYet):
        next_draw(node.spec, virtual, KEY, node.clock)
    fast = node.engine.fast_virtual(virtual, node.clock)
    assert fast is not None
    assert (fast.sink, fast.parents, fast.sequence) == (below.hash, (below.hash,), virtual.sequence)
    # what the block beside it holds is not taken again, the sender's next one is
    more = transfer(node.spec, 1, 1, BOB, value=7)
    block = node.make(Stream.C, [more], snapshot=fast, after_ms=0)
    node.take(block)
    assert node.engine.sink.hash == name(ahead)
    assert name(block) in node.engine.virtual().parents
    node.take(node.make(Stream.B, after_ms=3_000))
    assert name(block) in node.engine.sink.blues
    assert node.balance(BOB) == 12


def test_a_clock_behind_the_whole_chain_changes_nothing():
    node = grown(4)
    assert node.engine.fast_virtual(node.engine.virtual(), 0) is None


def test_fast_blocks_keep_k_away_from_the_merge_bound():
    node = grown(2, SHALLOW)
    before = node.engine.virtual()
    stale = node.make(Stream.B, coinbase=b"\x0b" * 20, snapshot=before, after_ms=0)
    for _ in range(SHALLOW.merge_depth - SHALLOW.ghostdag_k - 2):
        node.take(node.make(Stream.B))
    node.deliver(stale)
    node.settle()
    virtual = node.engine.virtual()
    assert name(stale) in virtual.parents
    # just far enough
    assert node.engine.fast_virtual(virtual, node.clock + 200) is None

    node = grown(2, SHALLOW)
    stale = node.make(Stream.B, coinbase=b"\x0b" * 20, snapshot=node.engine.virtual(), after_ms=0)
    for _ in range(SHALLOW.merge_depth - SHALLOW.ghostdag_k + 2):
        node.take(node.make(Stream.B))
    node.deliver(stale)
    node.settle()
    virtual = node.engine.virtual()
    assert name(stale) in virtual.parents
    fast = node.engine.fast_virtual(virtual, node.clock + 200)
    assert fast is not None
    assert fast.parents == (virtual.sink,)
    block = node.make(Stream.C, [transfer(SHALLOW, 1, 0, BOB)], snapshot=fast, after_ms=200)
    node.take(block)
    assert node.engine.sink.hash == name(block)


def test_what_lies_beside_an_older_block_must_be_in_bounds_with_it():
    node = grown(8)
    parents = node.engine.virtual()
    sibling = node.make(Stream.B, coinbase=b"\x0b" * 20, snapshot=parents, after_ms=0)
    node.take(node.make(Stream.B))
    node.deliver(sibling)
    ahead = node.make(Stream.B, timestamp_ms=node.clock + 1_900, after_ms=0)
    node.take(ahead)
    engine = node.engine
    found = fast_parents(engine.dag, engine.records, node.spec, engine.sink.hash, [name(sibling)], node.clock + 200)
    assert engine.records[found[0]].header.timestamp_ms < node.clock + 200
    assert found[0] in (engine.sink.selected_parent, name(sibling))
