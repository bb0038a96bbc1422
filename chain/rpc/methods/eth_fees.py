"""eth_: what a transaction should offer.

The suggested tip is the median of what the newest epochs' transactions paid; without any, a floor.
"""

from __future__ import annotations

from statistics import median_low
from typing import Any

from chain.core.errors import RequestCode, RequestError
from chain.rpc.formats import gas_limit
from chain.rpc.node import Node
from chain.rpc.params import PARSERS, BlockRef, Quantity, bad
from chain.rpc.registry import method
from chain.selectors import rpc as select

TIP_FLOOR = 10**9
TIP_CEILING = 500 * 10**9
TIP_DEPTH = 100
TIP_SAMPLE = 500
MAX_HISTORY = 1024
MAX_PERCENTILES = 100


class Percentiles(list[float]):
    """Ascending numbers from 0 to 100."""


def _percentiles(value: Any) -> Percentiles:
    if not isinstance(value, list) or len(value) > MAX_PERCENTILES:
        raise bad(f"at most {MAX_PERCENTILES} percentiles are expected")
    found = Percentiles()
    for part in value:
        if not isinstance(part, (int, float)) or isinstance(part, bool) or not 0 <= part <= 100:
            raise bad("a reward percentile is a number from 0 to 100")
        if found and part < found[-1]:
            raise bad("reward percentiles are ascending")
        found.append(float(part))
    return found


PARSERS[Percentiles] = _percentiles


@method("eth_gasPrice")
async def eth_gas_price(node: Node) -> str:
    """The next base fee and the suggested tip, in wei per gas."""
    return hex(node.head.next_base_fee + await _suggested_tip(node))


@method("eth_baseFee")
def eth_base_fee(node: Node) -> str:
    """The base fee of the next block, in wei per gas."""
    return hex(node.head.next_base_fee)


@method("eth_blobBaseFee")
def eth_blob_base_fee(node: Node) -> str:
    """What BLOBBASEFEE reads: 1, for there are no blobs."""
    return "0x1"


@method("eth_maxPriorityFeePerGas")
async def eth_max_priority_fee_per_gas(node: Node) -> str:
    """The suggested tip in wei per gas."""
    return hex(await _suggested_tip(node))


@method("eth_feeHistory", cost=10)
async def eth_fee_history(
    node: Node, block_count: Quantity, newest_block: BlockRef, reward_percentiles: Percentiles | None = None
) -> dict[str, Any]:
    """Base fees, fullness and paid tips of a range of blocks (execution-apis)."""
    if block_count < 1:
        return {"oldestBlock": "0x0", "gasUsedRatio": None}
    last = (await node.resolve(newest_block)).number
    first = max(0, last - min(block_count, MAX_HISTORY) + 1)
    async with node.snapshot() as conn:
        rows = await select.fee_rows(conn, first, last)
        paid = await select.tips_paid(conn, first, last) if reward_percentiles else []
    if not rows or rows[-1].number != last:
        raise RequestError(RequestCode.NOT_FOUND, "header not found", number=last)
    limit = gas_limit(node.spec)
    answer: dict[str, Any] = {
        "oldestBlock": hex(first),
        "baseFeePerGas": [hex(row.base_fee) for row in rows] + [hex(rows[-1].next_base_fee)],
        "gasUsedRatio": [row.gas_used / limit for row in rows],
        # blobs are refused by this chain
        "baseFeePerBlobGas": ["0x1"] * (len(rows) + 1),
        "blobGasUsedRatio": [0] * len(rows),
    }
    if reward_percentiles:
        by_number: dict[int, list[tuple[int, int]]] = {}
        for number, tip, gas in paid:
            by_number.setdefault(number, []).append((tip, gas))
        answer["reward"] = [rewards_at(by_number.get(row.number, []), reward_percentiles) for row in rows]
    return answer


def rewards_at(paid: list[tuple[int, int]], percentiles: list[float]) -> list[str]:
    """Tips at percentiles of the gas used: of (tip, gas) ascending by tip, the first that reaches the share."""
    if not paid:
        return ["0x0"] * len(percentiles)
    paid = sorted(paid)
    total, reached, at = sum(gas for _, gas in paid), paid[0][1], 0
    found = []
    for percentile in percentiles:
        threshold = int(total * percentile / 100)
        while reached < threshold and at < len(paid) - 1:
            at += 1
            reached += paid[at][1]
        found.append(hex(paid[at][0]))
    return found


async def _suggested_tip(node: Node) -> int:
    kept: int | None = node.cache.get("tip")
    if kept is not None:
        return kept
    head = node.head
    tips = await node.read(select.recent_tips, head.latest, TIP_DEPTH, TIP_SAMPLE)
    tip = min(TIP_CEILING, median_low(tips)) if tips else TIP_FLOOR
    return node.remember("tip", tip, head)
