"""mds_: order, window, shards and fairness of the DAG."""

from __future__ import annotations

from typing import Any

from chain.core.consensus.model import VirtualSnapshot
from chain.core.errors import NotYet, RequestCode, RequestError, WaitCode
from chain.core.shards import shard_of
from chain.core.spec import stream_name
from chain.core.transactions import decode_transaction
from chain.core.types import Phase
from chain.rpc import fairness
from chain.rpc.formats import data, maybe
from chain.rpc.node import Node
from chain.rpc.params import LATEST, Address, BlockRef, Hash32, Quantity, bad
from chain.rpc.registry import method
from chain.rpc.threads import in_thread
from chain.selectors import dag, mds
from chain.selectors import rpc as select
from chain.selectors.mds import PlacedTransaction
from chain.services.control import mining_status
from chain.services.network import now_ms
from chain.services.snapshot import VIRTUAL_KEY, load_virtual

MAX_ORDER = 1000
MAX_WINDOW = 1000
MAX_LISTED = 1000
# transactions and epochs that one question about fairness reads
MAX_JUDGED = 2000
MAX_EPOCHS = 100
_ONE_HUNDRED, _TWO_HUNDRED = Quantity(100), Quantity(200)
_MINUTE = 60_000


@method("mds_getTps", cost=5)
async def mds_get_tps(node: Node) -> dict[str, Any]:
    """Accepted transactions a second over the last 1, 10 and 60 seconds of block time."""
    now, head = now_ms(), node.head
    answer: dict[str, Any] = {"atMs": now}
    for seconds in (1, 10, 60):
        load = await node.read(dag.load, max(0, head.number - seconds * 20), now - seconds * 1000)
        answer[f"{seconds}s"] = sum(part[0] for part in load) / seconds
    return answer


@method("mds_getBlueScore")
def mds_get_blue_score(node: Node) -> int:
    """The sink's blue score."""
    return node.head.blue_score


@method("mds_getVirtual")
async def mds_get_virtual(node: Node) -> dict[str, Any]:
    """The imaginary block over all tips, which the next blocks are built on."""
    virtual = await _virtual(node)
    return {
        "sequence": virtual.sequence,
        "selectedParent": data(virtual.sink),
        "parents": [data(parent) for parent in virtual.parents],
        "number": virtual.number,
        "blueScore": virtual.blue_score,
        "blueWork": hex(virtual.blue_work),
        "streamCounts": dict(zip("ABC", virtual.stream_counts, strict=True)),
        "mergeset": {"blue": virtual.mergeset_blue, "red": virtual.mergeset_red},
        "latestParentTimestampMs": virtual.latest_parent_timestamp,
        "baseFee": hex(virtual.base_fee),
        "gasLeft": virtual.gas_left,
        "transactionsLeft": virtual.tx_left,
        "targets": {"A": hex(virtual.target_a), "B": hex(virtual.target_b)},
        "inFlight": len(virtual.in_flight),
    }


@method("mds_getBlockOrder", cost=10)
async def mds_get_block_order(node: Node, block: BlockRef, count: Quantity = _ONE_HUNDRED) -> list[dict[str, Any]]:
    """The consensus order of DAG blocks from a chain block's number on, at most 1000."""
    point = await node.resolve(block)
    if not 0 < count <= MAX_ORDER:
        raise bad(f"count is from 1 to {MAX_ORDER}")
    rows = await node.read(mds.block_order, point.number, count)
    return [
        {"number": number, "position": position, "hash": data(block_hash), "colour": "blue" if is_blue else "red"}
        for number, position, block_hash, is_blue in rows
    ]


@method("mds_getParentHashes")
async def mds_get_parent_hashes(node: Node, block_hash: Hash32) -> list[str] | None:
    """Parents of a DAG block; null where it is unknown."""
    found = await node.read(dag.dag_block, block_hash)
    return None if found is None else [data(parent) for parent in found.header.parents]


@method("mds_getDagWindow", cost=20)
async def mds_get_dag_window(node: Node, depth: Quantity = _TWO_HUNDRED) -> dict[str, Any]:
    """The newest blocks within a depth of blue score, for drawing; at most 1000."""
    if not 0 < depth <= MAX_WINDOW:
        raise bad(f"depth is from 1 to {MAX_WINDOW}")
    blocks = await node.read(mds.window, max(0, node.head.blue_score - depth), MAX_WINDOW)
    return {
        "sink": data(node.head.hash),
        "blocks": [
            {
                "hash": data(block.hash),
                "stream": stream_name(block.stream),
                "parents": [data(parent) for parent in block.parents],
                "selectedParent": maybe(block.selected_parent),
                "blueScore": block.blue_score,
                "timestampMs": block.timestamp_ms,
                "status": block.status,
                "chainNumber": block.chain_number,
                "mergedBy": block.merged_by,
                "colour": None if block.is_blue is None else "blue" if block.is_blue else "red",
            }
            for block in blocks
        ],
    }


@method("mds_getMiningDashboard", cost=10)
async def mds_get_mining_dashboard(node: Node) -> dict[str, Any]:
    """This node's miners beside the network of the last minute: blocks, colours, targets."""
    mining = await in_thread(mining_status)
    since = now_ms() - _MINUTE
    async with node.snapshot() as conn:
        recent = await dag.window(conn, since)
        row = await dag.node_row(conn)
    virtual = await _virtual(node)
    return {
        **mining,
        "blocks": dict(zip("ABC", row[5][1:], strict=True)),
        "lastMinute": {"blocks": dict(zip("ABC", recent[:3], strict=True)), "red": recent[3], "miners": recent[4]},
        "targets": {"A": hex(virtual.target_a), "B": hex(virtual.target_b)},
        "reward": {"A": hex(node.spec.stream_a.reward), "B": hex(node.spec.stream_b.reward), "C": "0x0"},
        "baseFee": hex(node.head.next_base_fee),
    }


@method("mds_getShardForAddress")
def mds_get_shard_for_address(node: Node, address: Address) -> dict[str, int]:
    """Which shard an account belongs to."""
    return {"shard": shard_of(address, node.spec.shard_count), "shardCount": node.spec.shard_count}


@method("mds_getShardBalance")
async def mds_get_shard_balance(node: Node, address: Address, block: BlockRef = LATEST) -> dict[str, Any]:
    """An account's balance with the shard that keeps it."""
    point = await node.resolve(block)
    shard = shard_of(address, node.spec.shard_count)
    account = await node.read(select.account, shard, address, None if point.is_current else point.number)
    return {"shard": shard, "address": data(address), "balance": hex(account.balance if account else 0)}


@method("mds_getShardBlock", cost=5)
async def mds_get_shard_block(node: Node, shard: Quantity, block: BlockRef = LATEST) -> dict[str, Any] | None:
    """One shard's part of a block's epoch: its state after it, and what its senders did."""
    _check_shard(node, shard)
    point = await node.resolve(block)
    found = await node.read(select.block, point.number)
    if found is None:
        return None
    return {
        "shard": shard,
        "number": found.epoch.number,
        "hash": data(found.hash),
        "root": data(found.epoch.lattice_digests[shard]),
        "transactions": found.epoch.lane_txs[shard],
        "timestampMs": found.header.timestamp_ms,
    }


@method("mds_getShardTransactions", cost=10)
async def mds_get_shard_transactions(node: Node, shard: Quantity, block: BlockRef = LATEST) -> list[dict[str, Any]]:
    """What a shard's senders did in a block's epoch, at most 1000."""
    _check_shard(node, shard)
    number = (await node.resolve(block)).number
    rows = await node.read(_placed_of, number, shard)
    return [_shard_view(node, placed) for placed in rows]


@method("mds_getCrossShardTransaction")
async def mds_get_cross_shard_transaction(node: Node, tx_hash: Hash32) -> dict[str, Any] | None:
    """Shards and phase of an accepted transaction; null where it is not accepted."""
    placed = await node.read(mds.placed_transaction, tx_hash)
    return None if placed is None else _shard_view(node, placed)


@method("mds_getCrossShardTransactions", cost=10)
async def mds_get_cross_shard_transactions(node: Node, block: BlockRef = LATEST) -> list[dict[str, Any]]:
    """Transactions of a block's epoch that a lane could not finish by itself, at most 1000."""
    number = (await node.resolve(block)).number
    rows = await node.read(_crossing, number)
    return [_shard_view(node, placed) for placed in rows]


@method("mds_getFairnessMetrics", cost=50)
async def mds_get_fairness_metrics(node: Node, epochs: Quantity = _ONE_HUNDRED) -> dict[str, Any]:
    """Order and concentration over the newest epochs, at most 100 (formulas: docs/rpc.md)."""
    first, last = _newest(node, epochs)
    async with node.snapshot() as conn:
        rows = await mds.placed(conn, first, last, MAX_JUDGED)
        skipped = await mds.skipped_count(conn, first, last)
    return {
        "from": first,
        "to": last,
        "transactions": len(rows),
        "skipped": skipped,
        **fairness.order_figures(rows),
        "senderConcentration": fairness.concentration([(row.sender, 1) for row in rows]),
        "coinbaseConcentration": fairness.concentration([(row.coinbase, row.gas_used) for row in rows]),
    }


@method("mds_getBlockFairness", cost=10)
async def mds_get_block_fairness(node: Node, block: BlockRef) -> dict[str, Any]:
    """The same of one block's epoch, with what miners took of their own."""
    number = (await node.resolve(block)).number
    rows = await node.read(mds.placed, number, number, MAX_JUDGED)
    return {
        "number": number,
        "transactions": len(rows),
        **fairness.order_figures(rows),
        "senderConcentration": fairness.concentration([(row.sender, 1) for row in rows]),
        "ownTransactions": sum(row.sender == row.coinbase for row in rows),
    }


@method("mds_getMevMetrics", cost=50)
async def mds_get_mev_metrics(node: Node, epochs: Quantity = _ONE_HUNDRED) -> dict[str, Any]:
    """Sandwich shapes and tips over the newest epochs, at most 100 (formulas: docs/rpc.md)."""
    first, last = _newest(node, epochs)
    rows = await node.read(mds.placed, first, last, MAX_JUDGED)
    shapes = fairness.sandwich_shapes(rows)
    return {
        "from": first,
        "to": last,
        "transactions": len(rows),
        "tips": hex(sum(row.tip * row.gas_used for row in rows)),
        "sandwichShapes": len(shapes),
        "examples": [
            {"number": shape[0].number, "transactions": [data(placed.tx) for placed in shape]} for shape in shapes[-10:]
        ],
    }


@method("mds_getPeers")
def mds_get_peers(node: Node) -> list[Any]:
    """Connected peers: none before there is a network."""
    return []


def _check_shard(node: Node, shard: int) -> None:
    if shard >= node.spec.shard_count:
        raise bad(f"a shard is below {node.spec.shard_count}")


def _newest(node: Node, epochs: int) -> tuple[int, int]:
    if not 0 < epochs <= MAX_EPOCHS:
        raise RequestError(RequestCode.INVALID_PARAMS, f"epochs is from 1 to {MAX_EPOCHS}")
    return max(0, node.head.latest - epochs + 1), node.head.latest


async def _placed_of(conn: mds.AsyncConnection, number: int, shard: int) -> list[PlacedTransaction]:
    return await mds.placed(conn, number, number, MAX_LISTED, lane=shard)


async def _crossing(conn: mds.AsyncConnection, number: int) -> list[PlacedTransaction]:
    return await mds.placed(conn, number, number, MAX_LISTED, crossing=True)


async def _virtual(node: Node) -> VirtualSnapshot:
    raw = await node.redis.get(VIRTUAL_KEY)
    if raw is None:
        raise NotYet(WaitCode.NOT_READY, "the writer has not published a virtual block")
    return load_virtual(raw)


def _shard_view(node: Node, placed: PlacedTransaction) -> dict[str, Any]:
    tx = decode_transaction(placed.raw, placed.sender)
    target = None if tx.to is None else shard_of(tx.to, node.spec.shard_count)
    return {
        "hash": data(placed.tx),
        "number": placed.number,
        "index": placed.index,
        "from": data(placed.sender),
        "to": maybe(tx.to),
        "value": hex(tx.value),
        "sourceShard": placed.lane,
        "targetShard": target,
        "crosses": target is not None and target != placed.lane,
        "phase": Phase(placed.phase).name.lower(),
        "status": placed.status,
    }
