"""Every node-wide fact that a scrape shows: its name, meaning and labels.

Names are without the ``mondoshawan_`` in front.  ``sources`` reads them; a test compares the two with the
documentation and with what a running node shows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """One metric that is read at scrape.

    Parameters
    ----------
    name : str
        Ends with its unit; a counter's ends with ``_total``.
    help : str
        One sentence.
    labels : tuple[str, ...]
        Names of its labels.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Prometheus' type."""
        return "counter" if self.name.endswith("_total") else "gauge"


FACTS: tuple[Fact, ...] = (
    # chain
    Fact("blue_score", "Blue score of the sink, the head of the selected chain."),
    Fact("work_score", "Work score of the sink: blue blocks of streams A and B in its past."),
    Fact("chain_number", "Number of the sink."),
    Fact("chain_finalized_number", "Number of the finality point."),
    Fact("dag_tips", "Blocks without a child."),
    Fact("dag_blocks_total", "Blocks in the DAG.", ("stream",)),
    Fact("last_block_timestamp_seconds", "When the newest block of the DAG came, in seconds since 1970."),
    Fact("base_fee_wei", "Base fee of the next epoch, wei per gas."),
    Fact("supply_mshw", "MSHW in existence after the sink's epoch."),
    Fact("transactions_per_second", "Accepted transactions a second, over the last minute of the selected chain."),
    Fact("evm_gas_per_second", "Gas used a second, over the last minute of the selected chain."),
    Fact("shard_accounts", "Accounts of a shard, as the database's statistics count them.", ("shard",)),
    # work that waits
    Fact("writer_queue_blocks", "Blocks that wait for a validator or for the writer."),
    Fact("parked_blocks", "Blocks that wait for a parent or for their time."),
    Fact("writer_lag_seconds", "How long the oldest block waits, or a commit for its publication."),
    Fact("outbox_lag_events", "Commits that readers of the head have not been told of."),
    Fact("index_lag_blocks", "Blocks of the selected chain that the explorer's slowest index has not taken in."),
    Fact("celery_queue_messages", "Messages that wait in a queue of Celery.", ("queue",)),
    # pool
    Fact("transaction_pool_size", "Transactions in the pool; queued ones stand beyond a nonce gap.", ("state",)),
    Fact("transaction_pool_bytes", "Bytes of the transactions in the pool."),
    Fact("transaction_pool_limit", "Transactions that the pool may hold."),
    Fact("transaction_pool_limit_bytes", "Bytes that the pool may hold."),
    # mining
    Fact("hashrate", "Tries a second of this node's miner: hashes, and slots for stream C.", ("stream",)),
    Fact("difficulty", "Hashes that a block of a work stream takes on average.", ("stream",)),
    Fact("mining_enabled", "1 while the operator wants a stream to be mined.", ("stream",)),
    Fact("mining_active", "1 while a stream is wanted and its miner is alive.", ("stream",)),
    Fact("template_age_seconds", "Age of the newest virtual block, which templates stand on."),
    # machine
    Fact("process_up", "1 while the supervisor says that a process of the node runs.", ("process",)),
    Fact("process_resident_memory_bytes", "Memory of a process and its children, shared in part.", ("process",)),
    Fact("process_cpu_seconds_total", "Processor time of a process and its living children.", ("process",)),
    Fact("process_uptime_seconds", "Seconds since a process was started.", ("process",)),
    Fact("database_size_bytes", "Size of the PostgreSQL database."),
    Fact("table_size_bytes", "Size of a table with its indexes and partitions.", ("table",)),
    Fact("database_connections", "Connections to the database, by what they do.", ("state",)),
    Fact("database_connections_limit", "Connections that PostgreSQL takes."),
    Fact("redis_memory_bytes", "Memory that Redis uses."),
    Fact("disk_free_bytes", "Free bytes on the disk of the data folder."),
    Fact("disk_free_limit_bytes", "Below so many free bytes the node is not ready."),
    # about itself
    Fact("ready_check", "1 where a check of /ready passes.", ("check",)),
    Fact("node_info", "Always 1; the labels say what runs.", ("version", "network")),
    Fact("scrape_source_up", "1 where a source of these facts could be read.", ("source",)),
)  # fmt: skip
BY_NAME = {fact.name: fact for fact in FACTS}
