"""mds_: work for miners outside the node (docs: decisions, external miners)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.core import rlp
from chain.core.codec import encode_header
from chain.core.errors import NotYet, WaitCode
from chain.core.pool import BlockLimits
from chain.core.spec import ChainSpec
from chain.core.template import Template, build_template
from chain.core.types import Stream
from chain.rpc.caller import current_caller
from chain.rpc.formats import data
from chain.rpc.limits import PREFIX, address_bucket
from chain.rpc.node import Node
from chain.rpc.params import PARSERS, Data, address, bad, hash32, hex_bytes
from chain.rpc.registry import method
from chain.rpc.threads import in_thread
from chain.selectors.mds import api_key
from chain.services.api_keys import digest
from chain.services.control import mining_settings
from chain.services.network import now_ms
from chain.services.pool import Pool, pool_policy
from chain.services.redis_client import redis_client
from chain.services.snapshot import read_fast_virtual, read_virtual
from chain.services.submit_block import submit_block

# hex of the largest stream body, and its header
MAX_BLOCK_BODY = 9 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TemplateOptions:
    """Who is paid, whose lottery weight grows (C: who draws), and the miner's own bytes."""

    coinbase: bytes
    vrf_key: bytes
    extra: bytes


def _stream(value: Any) -> Stream:
    if value in ("A", "B", "C"):
        return Stream[value]
    raise bad('a stream is "A", "B" or "C"')


def _options(value: Any) -> TemplateOptions:
    if not isinstance(value, dict):
        raise bad("an object with coinbase is expected")
    unknown = sorted(set(value) - {"coinbase", "vrfKey", "extra"})
    if unknown:
        raise bad(f"unknown key {unknown[0][:40]!r}")
    key, extra = value.get("vrfKey"), value.get("extra")
    return TemplateOptions(
        address(value.get("coinbase")),
        bytes(32) if key is None else hash32(key),
        b"" if extra is None else hex_bytes(extra),
    )


PARSERS[Stream] = _stream
PARSERS[TemplateOptions] = _options


@method("mds_getBlockTemplate")
async def mds_get_block_template(node: Node, stream: Stream, options: TemplateOptions) -> dict[str, Any]:
    """An unsealed block of a stream on the newest virtual block.

    ``header`` is the RLP list that ``preHash`` is the hash of; the sealed header is the same list with
    the seal as one more item, and a block is RLP [header, [envelope…]].
    """
    return template_object(await in_thread(_build, node.spec, stream, options))


@method("mds_submitBlock", body_limit=MAX_BLOCK_BODY)
async def mds_submit_block(node: Node, block: Data) -> dict[str, str]:
    """Hand in a block: RLP [header, body]."""
    result = await in_thread(submit_block, block, "rpc", None, await _origin(node))
    return {"hash": data(result.hash), "status": result.status}


async def _origin(node: Node) -> str:
    """For whom parked blocks are counted: a known key's owner, else the address."""
    caller = current_caller()
    if caller.key is not None:
        found = await node.read(api_key, digest(caller.key), now_ms())
        if found is not None:
            return f"key:{found[0]}"
    return address_bucket(caller).removeprefix(PREFIX)


def template_object(template: Template) -> dict[str, Any]:
    """A template in JSON; the numbers that a miner compares are hex."""
    stream = Stream(template.header.stream)
    answer: dict[str, Any] = {
        "templateId": f"{template.sequence}-{stream.name}-{template.pre_hash[:8].hex()}",
        "stream": stream.name,
        "preHash": data(template.pre_hash),
        "header": data(unsealed_header(template)),
        "timestampMs": template.header.timestamp_ms,
        "target": f"0x{template.target:064x}",
        "transactions": [data(raw) for raw in template.transactions],
        "validUntilMs": template.valid_until_ms,
    }
    if template.draw is not None:
        answer["seed"] = data(template.draw.seed)
        answer["slot"] = template.draw.slot
        answer["threshold"] = hex(template.draw.threshold)
    return answer


def unsealed_header(template: Template) -> bytes:
    """The RLP list of the header without the seal."""
    fields = rlp.decode_list(encode_header(template.header))
    return rlp.encode(fields[:-1])


def _build(spec: ChainSpec, stream: Stream, options: TemplateOptions) -> Template:
    redis = redis_client()
    now = now_ms()
    snapshot = read_fast_virtual(redis, now, spec.slot_ms) if stream == Stream.C else read_virtual(redis)
    if snapshot is None:
        raise NotYet(WaitCode.NOT_READY, "the writer has not published a virtual block")
    limits = spec.stream(stream)
    pool = Pool(redis, pool_policy(spec))
    block = BlockLimits(limits.max_txs, limits.call_gas_limit, limits.max_bytes)
    chosen = pool.select(block, snapshot.base_fee, mining_settings(redis).ordering, snapshot.sink)
    return build_template(spec, snapshot, stream, options.coinbase, options.vrf_key, now, chosen, extra=options.extra)
