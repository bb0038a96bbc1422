"""eth_getLogs over many blocks and logs finds by index, never by scan."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from chain.selectors import rpc as select
from chain.stores.connection import raw_connection
from tests.factories.database import StoredChain
from tests.rpc.conftest import TOKEN

pytestmark = pytest.mark.django_db

BLOCKS, PER_BLOCK = 10_000, 10
# one log in 100 is of the token, one in 200 has the topic


def fill(conn: Any) -> None:
    """Rows that the query meets; the DAG's own rows are not part of it."""
    conn.execute("ALTER TABLE chain_selected_chain DROP CONSTRAINT selected_chain_block_known")
    conn.execute(
        "INSERT INTO chain_selected_chain (number, hash) SELECT n, sha256(int8send(n)) FROM generate_series(1, %s) n",
        (BLOCKS,),
    )
    conn.execute(
        "INSERT INTO chain_block SELECT made.* FROM generate_series(1::bigint, %s) n,"
        " (SELECT b FROM chain_block b LIMIT 1) genesis(b),"
        " jsonb_populate_record(genesis.b, jsonb_build_object('hash', sha256(int8send(n)), 'seq', 1000000 + n)) made",
        (BLOCKS,),
    )
    conn.execute(
        'INSERT INTO chain_acceptance (number, "index", tx, block, position, phase, lane, status, gas_used,'
        " cumulative_gas_used, effective_gas_price, first_log, log_count)"
        " SELECT n, i, sha256(int8send(n * 100 + i)), sha256(int8send(n)), i, 1, 0, 1, 21000, 21000 * (i + 1), 1, i, 1"
        " FROM generate_series(1::bigint, %s) n, generate_series(0, %s) i",
        (BLOCKS, PER_BLOCK - 1),
    )
    conn.execute(
        'INSERT INTO chain_log (number, "index", tx_index, address, topic0, data)'
        " SELECT n, i, i, CASE WHEN (n * 10 + i) %% 100 = 0 THEN %s ELSE substr(sha256(int8send(n * i)), 1, 20) END,"
        " CASE WHEN (n * 10 + i) %% 200 = 0 THEN sha256('\\x01') ELSE sha256('\\x02') END, '\\x'"
        " FROM generate_series(1::bigint, %s) n, generate_series(0, %s) i",
        (TOKEN, BLOCKS, PER_BLOCK - 1),
    )
    conn.execute("ANALYZE chain_block")
    conn.execute("ANALYZE chain_log")
    conn.execute("ANALYZE chain_acceptance")
    conn.execute("ANALYZE chain_selected_chain")


def test_the_plan_is_by_index() -> None:
    conn = raw_connection()
    StoredChain(conn, joined=True)
    fill(conn)
    topic = conn.execute("SELECT sha256('\\x01')").fetchone()[0]

    class Explained:
        """Takes a query in place of a connection, and asks how it would be run."""

        plan: Any = None

        async def execute(self, sql: str, args: Any, binary: bool) -> Any:
            explained = conn.execute(f"EXPLAIN (FORMAT JSON) {sql}", args).fetchone()[0]
            self.plan = (explained if isinstance(explained, list) else json.loads(explained))[0]
            rows = conn.execute(sql, args).fetchall()

            class Rows:
                async def fetchall(self) -> Any:
                    return rows

            return Rows()

    explained = Explained()
    found = asyncio.run(select.logs(explained, 1, BLOCKS, (TOKEN,), ((topic,),), 1_001))
    assert len(found) == BLOCKS * PER_BLOCK // 200

    def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
        return [plan, *[node for part in plan.get("Plans", ()) for node in nodes(part)]]

    used = nodes(explained.plan["Plan"])
    scanned = [node["Relation Name"] for node in used if node["Node Type"] == "Seq Scan"]
    assert "chain_log" not in scanned
    assert any(node.get("Index Name") in ("log_address", "log_topic0") for node in used)
