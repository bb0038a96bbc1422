"""From a header's parents to what its fields must be, and to the record that the DAG keeps of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from chain.core.consensus.model import BlockRecord
from chain.core.difficulty import StreamDrift, WorkParams, compact, expand, next_drift, target_of, work
from chain.core.rules.header_in_context import HeaderContext
from chain.core.spec import ChainSpec, StreamSpec
from chain.core.types import Header, Stream


class Coloured(Protocol):
    """What colouring says of a block or of virtual (see ``chain.core.ghostdag``)."""

    @property
    def selected_parent(self) -> bytes | None: ...
    @property
    def mergeset(self) -> tuple[bytes, ...]: ...
    @property
    def stream_counts(self) -> tuple[int, int, int]: ...
    @property
    def blue_score(self) -> int: ...
    @property
    def blue_work(self) -> int: ...


def work_params(stream: StreamSpec) -> WorkParams:
    """The difficulty parameters of a work stream."""
    return WorkParams(
        interval_ms=stream.interval_ms,
        initial_target=stream.initial_target,
        pow_limit=stream.pow_limit,
        halflife_ms=stream.halflife_ms,
        work_factor=stream.work_factor,
    )


def own_work(header: Header, spec: ChainSpec) -> int:
    """The work that a block adds: 0 for C and genesis."""
    if header.stream not in (Stream.A, Stream.B):
        return 0
    return work(expand(header.target), spec.stream(header.stream).work_factor)


def child_target(parent: BlockRecord, stream: int, spec: ChainSpec) -> int:
    """The compact target that a block of ``stream`` on this selected parent carries (0 for C)."""
    rules = spec.at(parent.work_score)
    if stream == Stream.A:
        return compact(target_of(work_params(rules.stream_a), parent.drift_a))
    if stream == Stream.B:
        return compact(target_of(work_params(rules.stream_b), parent.drift_b))
    return 0


def header_context(
    stream: int,
    coloured: Coloured,
    parent: BlockRecord,
    parent_timestamps: Iterable[int],
    spec: ChainSpec,
) -> HeaderContext:
    """What a header of ``stream`` over these parents must say; ``parent`` is the selected one."""
    rules = spec.at(parent.work_score)
    latest = max(parent_timestamps)
    return HeaderContext(
        version=rules.version,
        latest_parent_timestamp=latest,
        latest_parent_slot=latest // rules.slot_ms,
        slot_ms=rules.slot_ms,
        target=child_target(parent, stream, spec),
        stream_counts=coloured.stream_counts,
        blue_score=coloured.blue_score,
        blue_work=coloured.blue_work,
        number=parent.header.number + 1,
    )


def child_drifts(
    header: Header, merged: Iterable[Header], parent: BlockRecord, spec: ChainSpec
) -> tuple[StreamDrift, StreamDrift]:
    """The difficulty accounts of a block; ``merged`` is its mergeset without the selected parent."""
    rules = spec.at(parent.work_score)
    targets: dict[int, list[int]] = {Stream.A: [], Stream.B: []}
    for part in (*merged, header):
        if part.stream in targets:
            targets[part.stream].append(expand(part.target))
    delta = header.timestamp_ms - parent.header.timestamp_ms
    return (
        next_drift(StreamDrift(parent.drift_a, parent.gap_a), delta, targets[Stream.A], work_params(rules.stream_a)),
        next_drift(StreamDrift(parent.drift_b, parent.gap_b), delta, targets[Stream.B], work_params(rules.stream_b)),
    )


def merged_headers(coloured: Coloured, records: Mapping[bytes, BlockRecord]) -> list[Header]:
    """Headers of the mergeset without the selected parent, ascending."""
    return [records[part].header for part in coloured.mergeset if part != coloured.selected_parent]
