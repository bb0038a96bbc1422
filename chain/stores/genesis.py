"""Making a database one network's: partitions, genesis and identity."""

from __future__ import annotations

from dataclasses import dataclass

from chain.core.consensus.model import BlockRecord
from chain.core.errors import ConfigError
from chain.core.genesis import Genesis
from chain.core.lthash import digest
from chain.core.spec import ChainSpec
from chain.core.types import BlockStatus, SupplyChange
from chain.locks import Lock, hold_until_commit
from chain.stores import epochs
from chain.stores.connection import NOW_MS, Connection, Cursor, copy_rows, cursor, database_errors
from chain.stores.rows import (
    BLOCK_COLUMNS,
    EPOCH_COLUMNS,
    StoredEpoch,
    block_size,
    epoch_values,
    header_values,
    place_values,
)

# of the rows in the database; a data folder with a newer one is refused
LAYOUT = 1
# current rows are updated in place: room on each page keeps updates off the indexes
_PARTITIONED = {
    "chain_account_version": "",
    "chain_account_current": " WITH (fillfactor = 80)",
    "chain_slot_version": "",
    "chain_slot_current": " WITH (fillfactor = 80)",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """The network that a database belongs to."""

    network: str
    genesis_hash: bytes
    shard_count: int
    layout: int


def read_identity(conn: Connection) -> Identity | None:
    """Whose database this is; None before ``initialise``."""
    with database_errors():
        row = (
            cursor(conn)
            .execute("SELECT network, genesis_hash, shard_count, layout FROM chain_identity", binary=True)
            .fetchone()
        )
    return None if row is None else Identity(*row)


def initialise(conn: Connection, spec: ChainSpec, genesis: Genesis) -> bool:
    """Make shard partitions and write genesis, where that has not been done; safe to repeat.

    Returns
    -------
    bool
        Whether this call wrote genesis.

    Raises
    ------
    ConfigError
        ``wrong_network`` when the database holds another network or another genesis, ``layout_newer``
        when a newer version of the node wrote it.
    StoreError
        For errors of the database.
    """
    with database_errors(), conn.transaction():
        hold_until_commit(conn, Lock.INIT)
        _check_identity(read_identity(conn), spec, genesis)
        cur = cursor(conn)
        make_partitions(cur, spec.shard_count)
        if cur.execute("SELECT 1 FROM chain_identity").fetchone() is not None:
            return False
        write_genesis(cur, spec, genesis)
    return True


def make_partitions(cur: Cursor, shard_count: int) -> None:
    """One partition a shard of every table that is split by shard."""
    for table, storage in _PARTITIONED.items():
        for shard in range(shard_count):
            cur.execute(
                f"CREATE TABLE IF NOT EXISTS {table}_s{shard:03d} PARTITION OF {table} FOR VALUES IN ({shard}){storage}"
            )


def genesis_record(genesis: Genesis) -> BlockRecord:
    """Genesis as a block of the DAG (protocol §2, §6): no work, its own line and lot."""
    return BlockRecord(
        hash=genesis.hash,
        header=genesis.header,
        selected_parent=None,
        blues=(),
        reds=(),
        work_score=0,
        weight=0,
        line=genesis.hash,
        lot=genesis.hash,
        drift_a=0,
        gap_a=0,
        drift_b=0,
        gap_b=0,
    )


def genesis_epoch(spec: ChainSpec, genesis: Genesis) -> StoredEpoch:
    """The row of the epoch that nobody executed."""
    return StoredEpoch(
        hash=genesis.hash,
        number=0,
        parent=None,
        timestamp_ms=genesis.header.timestamp_ms,
        base_fee=genesis.header.base_fee,
        summary=genesis.summary,
        reserved_gas=0,
        supply=spec.minted_at_genesis,
        change=SupplyChange(0, 0, 0, 0),
        tx_count=0,
        skipped_count=0,
        log_count=0,
        lane_txs=(0,) * spec.shard_count,
        phase_txs=(0, 0, 0),
        logs_bloom=bytes(256),
        lattice_digests=tuple([digest(lattice) for lattice in genesis.lattices]),
        rewards=(),
    )


def _check_identity(found: Identity | None, spec: ChainSpec, genesis: Genesis) -> None:
    if found is None:
        return
    hint = "set MDS_NETWORK to the network of this database, or name another data folder or database"
    if (found.network, found.genesis_hash) != (spec.network, genesis.hash):
        raise ConfigError(
            "wrong_network",
            f"the database holds {found.network} with genesis {found.genesis_hash.hex()}, "
            f"not {spec.network} with genesis {genesis.hash.hex()}",
            hint=hint,
            got=found.genesis_hash,
            expected=genesis.hash,
        )
    if found.layout > LAYOUT:
        raise ConfigError(
            "layout_newer",
            f"the database has layout {found.layout}, this version of the node knows {LAYOUT}",
            hint="run the version of the node that wrote it, or a newer one",
            got=found.layout,
            expected=LAYOUT,
        )


def write_genesis(cur: Cursor, spec: ChainSpec, genesis: Genesis) -> None:
    """Write the rows of genesis and of the node at genesis into empty tables that have their partitions."""
    block_hash, header = genesis.hash, genesis.header
    arrival = (str(BlockStatus.CHAIN_VALID), "genesis", header.timestamp_ms, block_size(header, ()), 0)
    block = (0, *header_values(block_hash, header), *place_values(genesis_record(genesis)), *arrival)
    copy_rows(cur, "chain_block", BLOCK_COLUMNS, [block])
    copy_rows(cur, "chain_epoch", EPOCH_COLUMNS, [epoch_values(genesis_epoch(spec, genesis))])
    cur.execute("INSERT INTO chain_selected_chain (number, hash) VALUES (0, %s)", (block_hash,))
    cur.execute(
        "INSERT INTO chain_consensus_order (hash, number, position, is_blue) VALUES (%s, 0, 0, true)", (block_hash,)
    )
    if genesis.state.codes:
        cur.executemany(
            "INSERT INTO chain_code (hash, code) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            sorted(genesis.state.codes.items()),
        )
    epochs.insert_versions(cur, [(0, genesis.state)], spec.shard_count)
    epochs.set_current_state(cur, genesis.state, spec.shard_count)
    cur.executemany(
        "INSERT INTO chain_shard_lattice (shard, lattice, number) VALUES (%s, %s, 0)", list(enumerate(genesis.lattices))
    )
    cur.execute(
        "INSERT INTO chain_node_state (id, sequence, sink, sink_number, finality_point, tips, virtual,"  # noqa: S608
        " blocks_by_stream, accepted, reorgs, deepest_reorg, updated_ms)"
        f" VALUES (1, 0, %s, 0, %s, %s, NULL, '{{1,0,0,0}}', 0, 0, 0, {NOW_MS})",
        (block_hash, block_hash, [block_hash]),
    )
    cur.execute(f"INSERT INTO chain_writer_term (id, term, holder, since_ms) VALUES (1, 0, '', {NOW_MS})")  # noqa: S608
    cur.execute(
        "INSERT INTO chain_identity (id, network, genesis_hash, shard_count, layout, created_ms)"  # noqa: S608
        f" VALUES (1, %s, %s, %s, %s, {NOW_MS})",
        (spec.network, block_hash, spec.shard_count, LAYOUT),
    )
