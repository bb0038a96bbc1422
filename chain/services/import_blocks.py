"""Blocks of a file into the node: validated in parallel, then through the same door as every other block."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from chain.core.codec import decode_block, header_hash
from chain.core.errors import BadDelivery, RequestError, RuleViolation, StoreError
from chain.core.spec import ChainSpec
from chain.core.types import Block, Stream
from chain.kick import TaskName, kick
from chain.services.block_file import check_block_file, read_block_file
from chain.services.network import current_genesis, current_spec, now_ms
from chain.services.submit_block import take_validated
from chain.services.validation import validate_block
from chain.stores import candidates
from chain.stores.connection import raw_connection

SOURCE = "import"
CHUNK_BLOCKS = 256
CHUNK_BYTES = 16 * 1024 * 1024
# files below are validated in this process: others take a second to start
FEW_BLOCKS = 64
# how far the file may be ahead of another process's writer, and how long that may stand still
MAX_AHEAD = 1024
STALLED_S = 120.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Imported:
    """``taken`` of ``count`` blocks were new, ``known`` were not.

    ``left`` are (hash, state, code) of those that did not enter the DAG: refused, or parked for missing blocks.
    """

    count: int
    taken: int
    known: int
    left: tuple[tuple[bytes, str, str | None], ...]


def import_blocks(
    path: Path,
    *,
    drain: Callable[[], int] | None,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """Take the blocks of a file; those that are known are passed over, so it may be repeated.

    The file is read to its checksum before anything is taken.

    Parameters
    ----------
    drain : callable, optional
        Runs this process's writer over what waits; None where another process is the writer, which is woken.
    workers : int, optional
        Processes that validate; the number of cores where left out.
    progress : callable
        Told (blocks done, blocks in all).

    Raises
    ------
    RequestError
        ``wrong_network``, or an error of ``check_block_file``; nothing was taken then.
    RuleViolation, BadDelivery
        A block of the file is invalid in isolation: ``position`` in data; the ones before it were taken.
    StoreError
        ``writer_stalled`` when the other writer does not go on.
    """
    found = check_block_file(path)
    if found.genesis_hash != current_genesis().hash:
        raise RequestError(
            "wrong_network", f"{path} holds blocks of another network", got=found.genesis_hash,
            expected=current_genesis().hash,
        )  # fmt: skip
    since, done, taken = now_ms(), 0, 0
    with ExitStack() as stack:
        judge = _judges(stack, current_spec(), found.count, workers)
        for chunk in _chunks(read_block_file(path)):
            try:
                taken += _take(chunk, done, judge)
            except (RuleViolation, BadDelivery):
                _go_on(drain)
                raise
            done += len(chunk)
            _go_on(drain)
            progress(done, found.count)
    if drain is None:
        _wait(0)
    return Imported(found.count, taken, found.count - taken, tuple(candidates.left_of(raw_connection(), SOURCE, since)))


Verdict = bytes | RuleViolation | BadDelivery
Judge = Callable[[Iterable[bytes]], Iterator[Verdict]]


def judge_block(spec: ChainSpec, raw: bytes) -> Verdict:
    """Everything in isolation: the senders, 20 bytes each, or what is wrong."""
    try:
        return b"".join([tx.sender for tx in validate_block(decode_block(raw), spec)])
    except (RuleViolation, BadDelivery) as error:
        return error


def _judges(stack: ExitStack, spec: ChainSpec, count: int, workers: int | None) -> Judge:
    judge = partial(judge_block, spec)
    workers = workers or os.cpu_count() or 1
    if count < FEW_BLOCKS or workers == 1:
        return lambda raws: map(judge, raws)
    pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
    return lambda raws: pool.map(judge, raws, chunksize=8)


def _take(chunk: list[bytes], first: int, judge: Judge) -> int:
    """Offer a chunk; how many of its blocks were new."""
    named: list[tuple[bytes, bytes, Block]] = []
    for offset, raw in enumerate(chunk):
        try:
            block = decode_block(raw)
        except RuleViolation as error:
            raise _placed(error, first + offset) from error
        named.append((header_hash(block.header), raw, block))
    known = candidates.known_among(raw_connection(), [name for name, _, _ in named])
    fresh = [
        (offset, name, raw, block)
        for offset, (name, raw, block) in enumerate(named)
        if name not in known and block.header.stream != Stream.GENESIS
    ]
    taken, failed = 0, None
    verdicts = list(judge([raw for _, _, raw, _ in fresh]))
    with raw_connection().transaction():
        for (offset, name, raw, block), verdict in zip(fresh, verdicts):
            if not isinstance(verdict, bytes):
                failed = _placed(verdict, first + offset)
                break
            taken += take_validated(name, raw, block.header, verdict, SOURCE)
    if failed is not None:
        raise failed
    return taken


def _placed(error: RuleViolation | BadDelivery, position: int) -> RuleViolation | BadDelivery:
    error.data["position"] = position
    return error


def _chunks(blocks: Iterable[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    size = 0
    for block in blocks:
        chunk.append(block)
        size += len(block)
        if len(chunk) == CHUNK_BLOCKS or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _go_on(drain: Callable[[], int] | None) -> None:
    if drain is not None:
        drain()
    else:
        _wait(MAX_AHEAD)


def _wait(at_most: int) -> None:
    """Wake the other process's writer until no more than so many blocks wait for it."""
    kick(TaskName.VIRTUAL)
    before, since = -1, time.monotonic()
    while (waiting := candidates.count_candidates(raw_connection()).get("validated", 0)) > at_most:
        if waiting != before:
            before, since = waiting, time.monotonic()
        elif time.monotonic() > since + STALLED_S:
            raise StoreError("writer_stalled", "the node's writer does not take blocks", waiting=waiting)
        time.sleep(_POLL_S)
