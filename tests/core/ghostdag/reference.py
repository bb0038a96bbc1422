"""GHOSTDAG from its definitions (protocol §5 and §6), with sets and lists, as slowly as they read.

No bitset, no index, no early exit: pasts by search, anticones by comparing every pair, chains as lists,
counts by counting the blue set.  Only finished answers about a block are remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any


@dataclass(frozen=True)
class Made:
    """A block as it is made: what its header says, no colour."""

    hash: bytes
    parents: tuple[bytes, ...]
    work: int = 1
    stream: str = "A"
    lot: bytes = b""
    vrf_key: bytes | None = None
    slot: int | None = None

    @property
    def is_work(self) -> bool:
        return self.stream in "AB"

    @property
    def ticket(self) -> tuple[bytes, int] | None:
        if self.stream != "C" or self.vrf_key is None or self.slot is None:
            return None
        return self.vrf_key, self.slot


def remembered(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Answer a question about blocks once; blocks never change."""

    @wraps(answer)
    def ask(self: Reference, *question: Any) -> Any:
        key = (answer.__name__, *question)
        if key not in self.memory:
            self.memory[key] = answer(self, *question)
        return self.memory[key]

    return ask


@dataclass
class Reference:
    k: int
    made: dict[bytes, Made] = field(default_factory=dict)
    genesis: bytes = b""
    memory: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def add(self, block: Made) -> None:
        if not block.parents:
            self.genesis = block.hash
        self.made[block.hash] = block

    # pasts

    @remembered
    def past(self, block: bytes) -> frozenset[bytes]:
        return self.past_of(self.made[block].parents)

    def past_of(self, parents: Iterable[bytes]) -> frozenset[bytes]:
        found: set[bytes] = set()
        for parent in parents:
            found |= {parent} | self.past(parent)
        return frozenset(found)

    def anticone(self, block: bytes, within: Iterable[bytes]) -> set[bytes]:
        return {
            other
            for other in within
            if other != block and other not in self.past(block) and block not in self.past(other)
        }

    # order

    @remembered
    def selected_parent(self, block: bytes) -> bytes | None:
        parents = self.made[block].parents
        return self.greatest(parents) if parents else None

    def greatest(self, blocks: Iterable[bytes]) -> bytes:
        return max(blocks, key=self.key)

    @remembered
    def key(self, block: bytes) -> tuple[int, bytes, int, bytes, bytes]:
        made = self.made[block]
        return (self.weight(block), self.line(block), self.blue_score(block), made.lot or block, block)

    @remembered
    def weight(self, block: bytes) -> int:
        return self.blue_work(block) + self.own_work(block)

    def own_work(self, block: bytes) -> int:
        made = self.made[block]
        return made.work if made.parents and made.is_work else 0

    @remembered
    def line(self, block: bytes) -> bytes:
        for ancestor in self.chain(block):
            if ancestor == self.genesis or self.made[ancestor].is_work:
                return ancestor
        raise AssertionError("a chain ends at genesis")

    @remembered
    def chain(self, block: bytes) -> list[bytes]:
        """The selected chain from the block down to genesis."""
        found = [block]
        while (parent := self.selected_parent(found[-1])) is not None:
            found.append(parent)
        return found

    # colours

    @remembered
    def colours(self, parents: tuple[bytes, ...]) -> tuple[set[bytes], list[bytes], list[bytes]]:
        """The blue set of the past of a block with these parents; mergeset blues (SP first) and reds."""
        if not parents:
            return set(), [], []
        selected = self.greatest(parents)
        past = self.past_of(parents)
        before = self.consensus_order_of_past(selected) + [selected]
        blue = set(self.blue_set(selected)) | {selected}
        blues, reds = [selected], []
        for candidate in sorted(past - self.past(selected) - {selected}, key=self.key):
            made = self.made[candidate]
            repeated = made.ticket is not None and any(self.made[other].ticket == made.ticket for other in before)
            peers = {other for other in self.anticone(candidate, past) if other in blue and self.is_work(other)}
            fits = len(peers) <= self.k
            if made.is_work:
                for peer in peers:
                    around = {other for other in self.anticone(peer, past) if other in blue and self.is_work(other)} | {
                        candidate
                    }
                    fits = fits and len(around) <= self.k
            if fits and not repeated:
                blue.add(candidate)
                blues.append(candidate)
            else:
                reds.append(candidate)
            before.append(candidate)
        return blue, blues, reds

    def is_work(self, block: bytes) -> bool:
        return block != self.genesis and self.made[block].is_work

    def blue_set(self, block: bytes) -> set[bytes]:
        return self.colours(self.made[block].parents)[0]

    @remembered
    def mergeset(self, parents: tuple[bytes, ...]) -> list[bytes]:
        """Selected parent first, then the rest ascending."""
        if not parents:
            return []
        selected = self.greatest(parents)
        rest = self.past_of(parents) - self.past(selected) - {selected}
        return [selected, *sorted(rest, key=self.key)]

    @remembered
    def consensus_order_of_past(self, block: bytes) -> list[bytes]:
        order: list[bytes] = []
        for chain_block in reversed(self.chain(block)[1:]):
            order += self.mergeset(self.made[chain_block].parents)[1:] + [chain_block]
        return order + self.mergeset(self.made[block].parents)[1:]

    # scores

    @remembered
    def counts_of(self, parents: tuple[bytes, ...]) -> tuple[int, int, int]:
        blue = self.colours(parents)[0] - {self.genesis}
        a, b, c = (sum(self.made[block].stream == stream for block in blue) for stream in "ABC")
        return a, b, c

    @remembered
    def blue_score(self, block: bytes) -> int:
        return 0 if block == self.genesis else sum(self.counts_of(self.made[block].parents)) + 1

    @remembered
    def blue_work(self, block: bytes) -> int:
        return sum(map(self.own_work, self.blue_set(block)))

    @remembered
    def work_score(self, block: bytes) -> int:
        a, b, _ = self.counts_of(self.made[block].parents)
        return a + b

    # bounds

    def at_or_below(self, head: bytes, score: int) -> bytes:
        for block in self.chain(head):
            if self.work_score(block) <= score:
                return block
        return self.genesis

    def lowest_at_least(self, head: bytes, score: int) -> bytes | None:
        found = None
        for block in self.chain(head):
            if self.work_score(block) >= score:
                found = block
        return found

    def root(self, selected: bytes, merge_depth: int) -> bytes:
        return self.at_or_below(selected, self.work_score(selected) - merge_depth)

    def too_deep(self, parents: tuple[bytes, ...], merge_depth: int) -> list[bytes]:
        """Merged blocks that break the merge depth."""
        selected = self.greatest(parents)
        root = self.root(selected, merge_depth)
        blues = self.colours(parents)[1]
        bridges = [b for b in blues if b != selected and self.is_work(b) and root in self.chain(b)]
        return [
            block
            for block in self.mergeset(parents)[1:]
            if root not in self.past(block) and not any(block in self.past(bridge) for bridge in bridges)
        ]

    def within_bounds(self, parents: tuple[bytes, ...], mergeset_limit: int, merge_depth: int) -> bool:
        return len(self.mergeset(parents)) - 1 <= mergeset_limit and not self.too_deep(parents, merge_depth)

    # sink, virtual

    def finality_point(self, sink: bytes, depth: int, previous: bytes) -> bytes:
        point = self.at_or_below(sink, self.work_score(sink) - depth)
        chain = self.chain(sink)
        return point if chain.index(point) < chain.index(previous) else previous

    def tips(self, valid: set[bytes]) -> set[bytes]:
        named = {parent for block in valid for parent in self.made[block].parents}
        return valid - named

    def find_sink(
        self, valid: set[bytes], chain_valid: Callable[[bytes], bool], finality: bytes
    ) -> tuple[bytes, set[bytes]]:
        members = self.tips(valid)
        while True:
            greatest = self.greatest(members)
            members = members - {greatest}
            if chain_valid(greatest) and finality in self.chain(greatest):
                return greatest, members
            members |= {
                parent
                for parent in self.made[greatest].parents
                if not any(parent in self.past(other) for other in members)
            }

    def virtual_parents(
        self, sink: bytes, rest: set[bytes], max_parents: int, mergeset_limit: int, merge_depth: int
    ) -> list[bytes]:
        chosen = [sink]
        rest = set(rest)
        while rest and len(chosen) < max_parents:
            work = [block for block in rest if self.is_work(block)]
            best = self.greatest(work or rest)
            rest.remove(best)
            ticket = self.made[best].ticket
            if ticket is not None and any(self.made[other].ticket == ticket for other in chosen):
                continue
            if self.within_bounds((*chosen, best), mergeset_limit, merge_depth):
                chosen.append(best)
                continue
            for parent in self.made[best].parents:
                if not any(parent == other or parent in self.past(other) for other in [*chosen, *rest]):
                    rest.add(parent)
        return chosen

    def blue_work_window(self, anchor: bytes, count: int) -> list[bytes]:
        blue = self.blue_set(anchor) | {anchor}
        order = [*self.consensus_order_of_past(anchor), anchor]
        return [block for block in order if block in blue and self.is_work(block)][-count:]
