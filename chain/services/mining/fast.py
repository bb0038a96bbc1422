"""A slice of stream C: fast blocks, drawn slot by slot, made only when transactions wait."""

from __future__ import annotations

from chain.core.errors import NotYet, WaitCode
from chain.core.pool import BlockLimits
from chain.core.seals import sign_c, try_slot
from chain.core.template import build_template, next_draw
from chain.core.types import Stream
from chain.services.mining.ground import Ground, SliceReport
from chain.services.mining.pace import BodyBudget, Gather, Pace
from chain.services.mining.work import wait_s

SLOTS_A_SLICE = 10


def c_slice(ground: Ground) -> SliceReport:
    """Cover ``SLOTS_A_SLICE`` slots: at most one block in each, made as soon as it can be.

    With an empty pool the slice sleeps until the pool's first arrival wakes it.  After a block it
    waits until virtual has moved, so that the next one stands on it, and while transactions come fast
    for some more of them.  ``hashes`` counts tries of slots.
    """
    clock = ground.clock
    slot_ms = ground.spec.slot_ms
    start = now = clock.monotonic()
    end = start + SLOTS_A_SLICE * slot_ms / 1000
    pace = Pace(ground.share, start)
    budget = BodyBudget(ground.share, start, part=0.75)
    gather = Gather()
    if _is_shortly_after_a_block(ground):
        # what has come by the time of the first choice tells how fast
        gather.waits(ground.look()[1], start)
    tries, found, lost_slot = 0, [], -1
    while now < end:
        began = clock.cpu()
        time_ms = clock.now_ms()
        try:
            snapshot = ground.snapshot()
            if ground.memory.is_held(snapshot.sequence, time_ms):
                ground.wait_for_move(snapshot.sequence, end - now)
                now = clock.monotonic()
                continue
            draw = next_draw(ground.spec, snapshot, ground.key, time_ms)
            if draw.slot <= max(ground.memory.last_slot, lost_slot):
                clock.sleep(((draw.slot + 1) * slot_ms - time_ms) / 1000)
                now = clock.monotonic()
                continue
            if _is_shortly_after_a_block(ground) and gather.waits(ground.look()[1], now):
                clock.sleep(Gather.WINDOW_S)
                now = clock.monotonic()
                continue
            limits = ground.spec.stream(Stream.C)
            count = min(limits.max_txs, budget.limit(now))
            chosen = ground.select(BlockLimits(count, limits.call_gas_limit, limits.max_bytes), snapshot)
            if not chosen:
                ground.wait_for_arrival(max(slot_ms / 1000, end - now))
                now = clock.monotonic()
                continue
            tries += 1
            won = try_slot(
                ground.secret, draw.seed, draw.slot,
                weight=draw.weight, total=draw.total, c_num=draw.c_num, c_den=draw.c_den,
            )  # fmt: skip
            if won is None:
                lost_slot = draw.slot
            else:
                template = build_template(ground.spec, snapshot, Stream.C, ground.coinbase, ground.key, time_ms, chosen)
                budget.spent(now, len(template.hashes), clock.cpu() - began)
                seal = sign_c(ground.secret, template.pre_hash, won[0])
                with ground.turn():
                    block_hash = None if ground.is_stale(template) else ground.submit(template, seal)
                if block_hash is not None:
                    found.append(block_hash)
        except NotYet as wait:
            if wait.code == WaitCode.NO_TRANSACTIONS:
                # all of them are in merged blocks by now
                ground.wait_for_arrival(slot_ms / 1000)
            else:
                clock.sleep(wait_s(wait, time_ms))
        else:
            clock.sleep(pace.rest(clock.cpu() - began, clock.monotonic()))
        now = clock.monotonic()
    return SliceReport(tries, now - start, tuple(found))


def _is_shortly_after_a_block(ground: Ground) -> bool:
    return ground.clock.now_ms() - ground.memory.last_found_ms < 1000 * Gather.MOST_S
