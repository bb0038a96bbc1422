"""``prune``: let old bodies, receipts and values of the state go, while the node runs.

What stays: every header, the selected chain, each epoch's summary, codes, and the state after the newest pruned epoch,
whole and checked.  Nothing that a reorganisation could still need is touched: the horizon lies below finality.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import structlog
from django.apps import apps
from django.conf import settings

from chain import locks, stopping
from chain.core import lthash
from chain.core.errors import StoreError
from chain.core.spec import ChainSpec
from chain.services.network import current_spec
from chain.services.writer import dedicated_connection
from chain.stores import audit
from chain.stores import prune as store
from chain.stores.connection import Connection, database_errors

log = structlog.get_logger(__name__)

# epochs of one database transaction: a kill undoes at most these
BATCH_NUMBERS = 200
# what is kept below finality at least, for BLOCKHASH and for a verification that starts at the horizon
LEAST_KEPT = 1_000
# epochs that an automatic run waits for
WORTH_A_RUN = 1_000


@dataclass(frozen=True, slots=True)
class PruneReport:
    """``horizon``: up to where history is gone, -1 where nothing ever was; ``epochs`` and ``rows`` of this run."""

    horizon: int
    epochs: int
    rows: int


def prune(
    conn: Connection,
    spec: ChainSpec,
    keep: int,
    *,
    floor: int | None = None,
    at_least: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
    is_over: Callable[[], bool] = lambda: False,
) -> PruneReport:
    """Prune everything older than ``keep`` numbers below finality.

    Parameters
    ----------
    conn : psycopg.Connection
        One's own, in autocommit.
    keep : int
        Numbers below the finality point that stay.
    floor : int, optional
        The oldest number that somebody else still needs, such as an index that has not read it yet.
    at_least : int
        Epochs below which a run is not worth the check of the state that it begins with.
    progress : callable
        Told (epochs done, epochs in all).
    is_over : callable
        Asked between two parts; true ends the run early, and the next one goes on there.

    Raises
    ------
    StoreError
        ``prune_locked`` while another one runs; ``versions_damaged`` where the state at the new horizon does not give
        its state root (nothing is deleted then); errors of the database.
    """
    with database_errors():
        if not locks.try_lock(conn, locks.Lock.PRUNE):
            raise StoreError("prune_locked", "another prune runs")
    try:
        known = store.read_horizon(conn)
        before = -1 if known is None else known.number
        last = store.finality_number(conn) - max(0, keep)
        if floor is not None:
            last = min(last, floor - 1)
        if last - before < at_least:
            return PruneReport(before, 0, 0)
        _check_state(conn, spec, last)
        rows, done = 0, before
        while done < last and not is_over():
            end = min(done + BATCH_NUMBERS, last)
            horizon = store.horizon_at(conn, end)
            if horizon is None:
                raise StoreError("versions_damaged", "an epoch of the selected chain is not stored", number=end)
            rows += store.prune_part(conn, done + 1, horizon)
            done = end
            progress(done - before, last - before)
        log.info("pruned", horizon=done, epochs=done - before, rows=rows)
        return PruneReport(done, done - before, rows)
    finally:
        if not conn.closed:
            locks.unlock(conn, locks.Lock.PRUNE)


def prune_by_setting() -> dict[str, int]:
    """A run as ``MDS_PRUNE_KEEP`` asks for it, when enough has come together; nothing in an archive."""
    keep = settings.MDS_PRUNE_KEEP
    if not keep:
        return {"epochs": 0, "rows": 0}
    with closing(dedicated_connection()) as connection:
        try:
            done = prune(
                connection, current_spec(), max(keep, LEAST_KEPT), floor=oldest_needed(), at_least=WORTH_A_RUN,
                is_over=stopping.requested,
            )  # fmt: skip
        except StoreError as error:
            if error.code != "prune_locked":
                raise
            # somebody prunes by hand
            return {"epochs": 0, "rows": 0}
    return {"epochs": done.epochs, "rows": done.rows}


def oldest_needed() -> int | None:
    """The oldest number that an app still has to read; None where none asks for any.

    An app says so by a method ``prune_floor`` of its AppConfig.
    """
    floors = [config.prune_floor() for config in apps.get_app_configs() if hasattr(config, "prune_floor")]
    return min(floors) if floors else None


def _check_state(conn: Connection, spec: ChainSpec, number: int) -> None:
    """The state that will be the oldest one is whole: before anything is deleted that could mend it."""
    with audit.snapshot(conn):
        horizon = store.horizon_at(conn, number)
        if horizon is None:
            raise StoreError("versions_damaged", "an epoch of the selected chain is not stored", number=number)
        epoch = audit.read_epochs(conn, [horizon.hash])[horizon.hash]
        root = lthash.state_root(epoch.summary.minted, store.lattices_at(conn, number, spec.shard_count))
    conn.read_only = None
    conn.isolation_level = None
    if root != horizon.state_root:
        raise StoreError(
            "versions_damaged", "the state at the new horizon does not give its state root", got=root,
            expected=horizon.state_root, number=number, hint="run verify_chain before anything is pruned",
        )  # fmt: skip
