"""A slice of proof of work: streams A and B."""

from __future__ import annotations

from collections.abc import Callable

from chain.core.errors import NotYet
from chain.core.pool import BlockLimits
from chain.core.seals import search_a, search_b
from chain.core.template import Template, build_template
from chain.core.types import Stream
from chain.services.mining.ground import Ground, SliceReport
from chain.services.mining.pace import BodyBudget, Courtesy, Pace, SearchSize

SLICE_S = 1.5
# a work block outweighs every C block that it did not see, so a search on one template is this short at most
SEARCH_S = 0.02
# how often transactions that came since are looked for while virtual stands still, and the time is set anew
REFRESH_S = 0.5
LONGEST_LIFE_S = 2.0
HOLD_POLL_S = 0.01
LONGEST_WAIT_S = 0.25
# how often a miner that gives way looks whether it still should
COURTESY_S = 0.05
# nonces that one batch of the search function takes; a part of a batch costs as much
Search = Callable[[Template, int, int], "tuple[bytes, ...] | None"]
BATCH = {Stream.A: 4096, Stream.B: 8192}
NONCES = 2**64


def work_slice(stream: Stream, ground: Ground, search: Search | None = None) -> SliceReport:
    """Search for about ``SLICE_S`` seconds on templates that are never older than one search.

    Before each search the sequence of virtual is read; after each the miner rests, so that over time
    it takes its share of one core, templates included.  It gives way to transactions that come fast.

    Parameters
    ----------
    stream : Stream
        A or B.
    ground : Ground
    search : callable, optional
        (template, first nonce, count) → seal or None; by default the stream's own.
    """
    search = search or search_seal
    clock = ground.clock
    start = now = clock.monotonic()
    pace = Pace(ground.share, start)
    courtesy = Courtesy(ground.memory.gave_way_at(clock.now_ms(), Courtesy.REGAIN), start)
    size = SearchSize(BATCH[stream], SEARCH_S)
    desk = _Desk(stream, ground, start)
    nonce = ground.start_nonce()
    hashes, found = 0, []
    while now < start + SLICE_S:
        sequence, taken = ground.look()
        if courtesy.gives_way(taken, now):
            clock.sleep(COURTESY_S)
            now = clock.monotonic()
            continue
        if ground.memory.is_held(sequence, clock.now_ms()):
            clock.sleep(HOLD_POLL_S)
            now = clock.monotonic()
            continue
        began = clock.cpu()
        try:
            template = desk.template(sequence, now)
        except NotYet as wait:
            clock.sleep(wait_s(wait, clock.now_ms()))
            now = clock.monotonic()
            continue
        searching = clock.cpu()
        seal = search(template, nonce, size.count)
        tried = size.count if seal is None else (int.from_bytes(seal[0], "little") - nonce) % NONCES + 1
        size.took(tried, clock.cpu() - searching)
        nonce = (nonce + tried) % NONCES
        hashes += tried
        if seal is not None:
            desk.clear()
            with ground.turn():
                block_hash = None if ground.is_stale(template) else ground.submit(template, seal)
            if block_hash is not None:
                found.append(block_hash)
        clock.sleep(pace.rest(clock.cpu() - began, clock.monotonic()))
        now = clock.monotonic()
    return SliceReport(hashes, now - start, tuple(found), courtesy.spent)


def wait_s(wait: NotYet, now_ms: int) -> float:
    """Seconds to sleep for a template that is not ready: until its time, within bounds."""
    if wait.until is None:
        return LONGEST_WAIT_S
    return min(LONGEST_WAIT_S, max(0.001, (wait.until - now_ms) / 1000))


class _Desk:
    """Keeps the template, and knows when it needs another."""

    def __init__(self, stream: Stream, ground: Ground, now: float) -> None:
        self._stream = stream
        self._ground = ground
        self._budget = BodyBudget(ground.share, now)
        self._template: Template | None = None
        self._built = self._looked = now

    def clear(self) -> None:
        """The template has become a block."""
        self._template = None

    def template(self, sequence: int, now: float) -> Template:
        """A template on the virtual block of ``sequence`` or a newer one."""
        kept = self._template
        if kept is not None and kept.sequence == sequence and now - self._looked < REFRESH_S:
            return kept
        self._looked = now
        built = self._build(now)
        same = kept is not None and (kept.sequence, kept.hashes) == (built.sequence, built.hashes)
        if kept is not None and same and now - self._built < LONGEST_LIFE_S:
            # another time alone is not worth a new start: B's matrix hangs on the header
            return kept
        self._template, self._built = built, now
        return built

    def _build(self, now: float) -> Template:
        ground = self._ground
        began = ground.clock.cpu()
        snapshot = ground.snapshot()
        limits = ground.spec.stream(self._stream)
        count = min(limits.max_txs, self._budget.limit(now))
        chosen = ground.select(BlockLimits(count, limits.call_gas_limit, limits.max_bytes), snapshot)
        template = build_template(
            ground.spec, snapshot, self._stream, ground.coinbase, ground.key, ground.clock.now_ms(), chosen
        )
        self._budget.spent(now, len(template.hashes), ground.clock.cpu() - began)
        return template


def search_seal(template: Template, nonce: int, count: int) -> tuple[bytes, ...] | None:
    """The seal of the first good nonce of ``count`` ones, or None."""
    if template.stream == Stream.A:
        return search_a(template.pre_hash, template.target, nonce, count)
    return search_b(template.pre_hash, template.header.timestamp_ms, template.target, nonce, count)
