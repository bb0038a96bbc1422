"""Codes of the node's own data: what the store refuses, and what verification finds."""

from __future__ import annotations

from chain.core.catalogue.entry import Entry, entries, with_remedy
from chain.core.errors import StoreError

_REREAD = (
    "none at first: the writer drops its memory and reads the store again; if it comes back, stop the node, run "
    "verify_chain and report it with log/virtual.log"
)
_LANE = "none: the writer runs the lane itself; if it comes back, give all processes one version of the node"
_REPAIR = (
    "run `manage.py rebuild_state`, with --re-execute if that is not enough, then verify_chain; or restore a backup"
)
_BLOCKS = (
    "run `manage.py rebuild_state --re-execute --drop-damaged` and import the missing blocks, or restore a backup; a "
    "disk that returns other bytes than were written should be replaced"
)

STORES: tuple[Entry, ...] = (
    *entries(
        StoreError,
        (
            "database_unavailable",
            "PostgreSQL cannot be reached, or did not answer within its time-out",
            "start it, or look why it is slow (log/postgres.log, locks, disk); the node goes on by itself",
        ),
        (
            "database_refused",
            "a constraint of the database refused a row",
            "run verify_chain; report it with the constraint's name",
        ),
        (
            "database_error",
            "PostgreSQL refused a statement",
            "log/postgres.log says why: a full disk, a missing right, a damaged index",
        ),
        ("not_migrated", "a table is missing", "run `manage.py prepare`, which `up` does at each start"),
        (
            "not_initialised",
            "the database holds no chain yet",
            "run `manage.py init_chain`, which `up` does at each start",
        ),
        ("wrong_network", "the database holds another chain than the one that was asked for", "check MDS_NETWORK"),
        (
            "transaction_failed",
            "an earlier statement of the same database transaction had failed",
            _REREAD,
        ),
    ),
    *with_remedy(
        StoreError,
        _REREAD,
        (
            ("sequence_conflict", "an update does not follow the last stored commit"),
            ("chain_mismatch", "an update's path is not that of the stored chain"),
            ("undo_incomplete", "an update leaves values out that it undoes"),
            ("no_sink", "no block that is valid as a chain head holds the finality point"),
            ("parents_not_body_valid", "a block was to become a tip before its parents were valid"),
            ("not_in_window", "a block was asked for that memory no longer holds"),
            ("left_window", "something happened below the part of the DAG that memory holds"),
            ("finality_moved_back", "the finality point was to move down"),
            ("order_not_runnable", "a transaction could not run at the place that the order gave it"),
            ("lattice_count", "there are not as many lattices as shards"),
            ("lattice_length", "a stored lattice has not its length"),
            ("unknown_block", "the store names a block that it does not hold"),
        ),
    ),
    *with_remedy(
        StoreError,
        _LANE,
        (
            ("lane_missing", "outcomes came back for other lanes than were sent out"),
            ("malformed_lane", "a packed lane cannot be read"),
        ),
    ),
    *entries(
        StoreError,
        (
            "writer_locked",
            "another process writes this chain",
            "none while it works: it takes over by itself; else end the process that `holder` names",
        ),
        (
            "writer_fenced",
            "another process has become the writer since",
            "none: this one begins anew; where it happens often, look for a second `virtual`",
        ),
        ("prune_locked", "another prune runs on this database", "wait for its end; a second one would do nothing more"),
        (
            "writer_stalled",
            "blocks were handed in and the running node's writer takes none",
            "look at log/virtual.log and `/ready`; restart the virtual process",
        ),
        (
            "pool_state_behind",
            "PostgreSQL answers with an older state than the pool has seen",
            "none for a moment; a replica in MDS_DATABASE_URL is not enough, name the primary",
        ),
        (
            "head_corrupt",
            "the published head in Redis cannot be read",
            "none: it is published again by the writer; other programs must keep off this Redis",
        ),
        (
            "virtual_layout",
            "the published virtual block in Redis is of another version",
            "none: the writer publishes it again; restart processes of an older version",
        ),
        (
            "call_worker_lost",
            "the process that ran a call ended without an answer",
            "try again; if it comes back, look for want of memory in the kernel's log",
        ),
    ),
    *with_remedy(
        StoreError,
        _REPAIR,
        (
            ("missing_code", "an account names a contract code that is not stored"),
            ("versions_damaged", "the stored versions do not give the sink's state root"),
            ("verify_epoch", "an epoch's stored result is not what executing it gives"),
            ("verify_epoch_missing", "an epoch of the selected chain is not stored"),
            ("verify_selected_chain", "the stored selected chain is not the one that follows from the blocks"),
            ("verify_state", "an account or slot is not what executing the epochs gives"),
            ("verify_code", "a contract's code is missing or another one"),
            ("verify_lattice", "a stored lattice is not that of the shard's state"),
            ("verify_lattice_sum", "the shards' lattices do not give the state root"),
            ("verify_node_state", "the row of node state contradicts the blocks"),
            ("verify_row", "a stored row is not what follows from the blocks"),
            ("verify_row_count", "a table has more or fewer rows than follow from the blocks"),
            ("verify_status", "a block's stored status is not the one that follows"),
            ("verify_edge", "an edge of the DAG is missing or too many"),
        ),
    ),
    *with_remedy(
        StoreError,
        _BLOCKS,
        (
            ("missing_body", "a block's body is not stored completely"),
            ("block_unusable", "a stored block breaks the rules"),
            ("verify_block", "a block's stored figures are not those of its place in the DAG"),
            ("verify_block_gap", "blocks are missing between two insertion numbers"),
            ("verify_block_hash", "a stored header has another hash than its key"),
            ("verify_block_unusable", "a stored block breaks the rules"),
            ("verify_body", "a stored body is not the header's"),
            ("verify_transaction", "a stored transaction is not what its bytes say"),
        ),
    ),
)
