"""mds_: the node and its DAG.

Amounts of wei and work are hex quantities; counts, scores, numbers and times in ms are JSON integers.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from chain.core.errors import RequestCode, RequestError
from chain.core.genesis import network_genesis
from chain.core.spec import stream_name
from chain.core.types import Phase
from chain.rpc.errors import plain
from chain.rpc.formats import data, maybe
from chain.rpc.methods.net import client_version
from chain.rpc.node import Node
from chain.rpc.params import LATEST, BlockRef, Hash32
from chain.rpc.registry import method
from chain.rpc.threads import in_thread
from chain.selectors import dag
from chain.selectors import rpc as select
from chain.services.control import mining_status
from chain.services.network import now_ms

STARTED = time.monotonic()
WINDOW_MS = 60_000


@method("mds_getNodeStatus")
async def mds_get_node_status(node: Node) -> dict[str, Any]:
    """Who this node is and where its chain stands."""
    head = node.head
    row = await node.read(dag.node_row)
    sums = await node.pool.sums()
    return {
        "clientVersion": client_version(),
        "network": node.spec.network,
        "chainId": node.spec.chain_id,
        "genesis": data(network_genesis(node.spec.network).hash),
        "uptimeS": int(time.monotonic() - STARTED),
        "sequence": head.sequence,
        "sink": data(head.hash),
        "number": head.number,
        "latest": head.latest,
        "safe": head.safe,
        "finalized": head.finalized,
        "blueScore": head.blue_score,
        "workScore": head.work_score,
        "timestampMs": head.timestamp_ms,
        "baseFee": hex(head.base_fee),
        "nextBaseFee": hex(head.next_base_fee),
        "transactions": row[6],
        "pool": {"pending": sums.pending, "queued": sums.queued, "bytes": sums.bytes, "rejected": sums.rejected},
        "peers": 0,
        "syncing": False,
        "lastCommitMs": row[9],
    }


@method("mds_getDagStats")
async def mds_get_dag_stats(node: Node) -> dict[str, Any]:
    """The DAG in figures: all of it, and the last minute."""
    head = node.head
    since = now_ms() - WINDOW_MS
    async with node.snapshot() as conn:
        row = await dag.node_row(conn)
        recent = await dag.window(conn, since)
        load = await dag.load(conn, max(0, head.number - WINDOW_MS // 50), since)
    accepted = sum(part[0] for part in load)
    return {
        "blocks": dict(zip("ABC", row[5][1:], strict=True)),
        "tips": row[4],
        "blueScore": head.blue_score,
        "workScore": head.work_score,
        "number": row[2],
        "reorgs": row[7],
        "deepestReorg": row[8],
        "finalityConflicts": row[10],
        "ghostdagK": node.spec.ghostdag_k,
        "lastMinute": {
            "blocks": dict(zip("ABC", recent[:3], strict=True)),
            "red": recent[3],
            "miners": recent[4],
            "transactions": accepted,
            "transactionsPerSecond": accepted * 1000 / WINDOW_MS,
            "gasUsed": sum(part[3] for part in load),
        },
    }


@method("mds_getMiningStatus")
async def mds_get_mining_status(node: Node) -> dict[str, Any]:
    """What this node's miners do, by stream."""
    return await in_thread(mining_status)


@method("mds_getShardStats")
async def mds_get_shard_stats(node: Node) -> dict[str, Any]:
    """Load of each shard in the last minute; accounts as the database's statistics count them."""
    head = node.head
    since = now_ms() - WINDOW_MS
    async with node.snapshot() as conn:
        load = await dag.load(conn, max(0, head.number - WINDOW_MS // 50), since)
        accounts = await dag.accounts_by_shard(conn)
        block = await select.block(conn, head.latest)
    count = node.spec.shard_count
    digests = block.epoch.lattice_digests if block is not None else ()
    phases = [sum(part[2][phase - 1] for part in load) for phase in Phase]
    return {
        "shardCount": count,
        "number": head.latest,
        "shards": [
            {
                "shard": shard,
                "transactions": sum(part[1][shard] for part in load),
                "accounts": accounts.get(shard, 0),
                "root": data(digests[shard]) if shard < len(digests) else None,
            }
            for shard in range(count)
        ],
        "phases": {"local": phases[0], "transfer": phases[1], "cross": phases[2]},
        "windowMs": WINDOW_MS,
    }


@method("mds_getBlock")
async def mds_get_block(node: Node, block_hash: Hash32) -> dict[str, Any] | None:
    """A block of the DAG, on the selected chain or not; null where it is unknown."""
    async with node.snapshot() as conn:
        found = await dag.dag_block(conn, block_hash)
        if found is None:
            return None
        transactions = await dag.body_hashes(conn, block_hash)
    header = found.header
    colour = None if found.is_blue is None else "blue" if found.is_blue else "red"
    return {
        "hash": data(found.hash),
        "version": header.version,
        "stream": stream_name(header.stream),
        "parents": [data(parent) for parent in header.parents],
        "children": [data(child) for child in found.children],
        "selectedParent": maybe(found.selected_parent),
        "mergesetBlues": [data(blue) for blue in found.blues[1:]],
        "mergesetReds": [data(red) for red in found.reds],
        "status": found.status,
        "colour": colour,
        "chainNumber": found.chain_number,
        "mergedBy": found.merged_by,
        "position": found.position,
        "number": header.number,
        "timestampMs": header.timestamp_ms,
        "target": hex(header.target),
        "streamCounts": dict(zip("ABC", header.stream_counts, strict=True)),
        "blueScore": header.blue_score,
        "workScore": found.work_score,
        "blueWork": hex(header.blue_work),
        "weight": hex(found.weight),
        "line": data(found.line),
        "lot": data(found.lot),
        "coinbase": data(header.coinbase),
        "vrfKey": data(header.vrf_key),
        "transactionsRoot": data(header.tx_root),
        "parentStateRoot": data(header.state_root),
        "parentReceiptsRoot": data(header.receipts_root),
        "parentGasUsed": header.gas_used,
        "baseFee": hex(header.base_fee),
        "extra": data(header.extra),
        "seal": [data(part) for part in header.seal],
        "source": found.source,
        "receivedMs": found.received_ms,
        "size": found.size,
        "transactions": [data(tx) for tx in transactions],
    }


@method("mds_getTips")
async def mds_get_tips(node: Node) -> list[dict[str, Any]]:
    """The DAG's tips, heaviest first."""
    return [
        {
            "hash": data(block_hash),
            "stream": stream_name(stream),
            "blueScore": blue_score,
            "workScore": work_score,
            "number": number,
            "status": status,
            "timestampMs": timestamp_ms,
        }
        for block_hash, stream, blue_score, work_score, number, status, timestamp_ms in await node.read(dag.tips)
    ]


@method("mds_getSupply")
async def mds_get_supply(node: Node, block: BlockRef = LATEST) -> dict[str, Any]:
    """Wei that exist, that were ever made, and that may be, after a block's epoch."""
    number = (await node.resolve(block)).number
    found = await node.read(select.block, number)
    if found is None:
        raise RequestError(RequestCode.NOT_FOUND, "header not found", number=number)
    epoch = found.epoch
    return {
        "number": number,
        "supply": hex(epoch.supply),
        "minted": hex(epoch.summary.minted),
        "burned": hex(epoch.summary.minted - epoch.supply),
        "cap": hex(node.spec.cap),
        "genesis": hex(node.spec.minted_at_genesis),
        "token": node.spec.token,
    }


@method("mds_getChainSpec")
def mds_get_chain_spec(node: Node) -> dict[str, Any]:
    """Every parameter of the network, as its genesis commits to them."""
    spec = node.spec
    raw = asdict(spec)
    streams = {name: raw.pop(f"stream_{name.lower()}") for name in "ABC"}
    raw.pop("alloc")
    alloc = {data(account.address): hex(account.balance) for account in spec.alloc}
    genesis = network_genesis(spec.network).hash
    return {**_json(raw), "streams": _json(streams), "alloc": alloc, "genesis": data(genesis)}


def _json(value: Any) -> Any:
    """Integers beyond JSON's safe ones as hex, names as JSON has them."""
    if isinstance(value, dict):
        return {_camel(key): _json(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(part) for part in value]
    if isinstance(value, int) and not isinstance(value, bool) and value >= 2**53:
        return hex(value)
    return plain(value)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
