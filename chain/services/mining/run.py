"""One slice of a stream, from its message to the message of the next."""

from __future__ import annotations

import structlog
from redis import Redis

from chain.core.types import Stream
from chain.kick import QUEUE_OF, kick
from chain.services.control import STREAMS, TASK_OF, MiningSettings, mining_settings, publish_settings
from chain.services.mining.fast import c_slice
from chain.services.mining.ground import NodeGround, SliceReport, vrf_secret
from chain.services.mining.lease import is_leased, release_lease, take_lease
from chain.services.mining.memory import remember_slice
from chain.services.mining.work import work_slice
from chain.services.network import current_spec, now_ms
from chain.services.pool import Pool, pool_policy
from chain.services.redis_client import redis_client
from chain.services.submit_block import submit_block

log = structlog.get_logger(__name__)


def mine_slice(stream: Stream, token: str | None = None) -> SliceReport | None:
    """Run one slice if this message holds the stream's lease, then kick the next one.

    Parameters
    ----------
    stream : Stream
        A, B or C.
    token : str, optional
        What the slice before left the lease under; None starts a chain where none is alive.

    Returns
    -------
    SliceReport or None
        None where another chain is alive or the stream is stopped.
    """
    redis = redis_client()
    held = take_lease(redis, stream.name, token)
    if held is None:
        return None
    try:
        settings = mining_settings(redis)
        coinbase = settings.coinbase
        if coinbase is None or not settings.is_on(stream):
            release_lease(redis, stream.name, held)
            return None
        ground = node_ground(stream, settings, coinbase, redis)
        report = c_slice(ground) if stream == Stream.C else work_slice(stream, ground)
        remember_slice(redis, stream.name, report.hashes, report.seconds, now_ms(), report.gave_way)
    except BaseException:
        # the sweep starts a new chain a little later
        release_lease(redis, stream.name, held)
        raise
    for block in report.found:
        log.info("block found", stream=stream.name, block=block.hex())
    following = take_lease(redis, stream.name, held)
    if following is not None:
        kick(TASK_OF[stream], following)
    return report


def node_ground(stream: Stream, settings: MiningSettings, coinbase: bytes, redis: Redis) -> NodeGround:
    """What a slice of this node's stream stands on."""
    spec = current_spec()
    return NodeGround(
        stream=stream,
        spec=spec,
        secret=vrf_secret(),
        coinbase=coinbase,
        share=settings.share(stream),
        redis=redis,
        pool=Pool(redis, pool_policy(spec)),
        submit_raw=submit_block,
        ordering=settings.ordering,
    )


def revive_mining() -> tuple[str, ...]:
    """Start the chains of slices that should be alive and are not; names of the streams.

    The settings are resolved anew on the way, so what the miners read is never long behind.
    """
    redis = redis_client()
    settings = publish_settings(redis)
    started = []
    for stream in STREAMS:
        if settings.coinbase is None or not settings.is_on(stream) or is_leased(redis, stream.name):
            continue
        # a message that no worker has taken yet will do
        if redis.llen(QUEUE_OF[TASK_OF[stream]]) == 0:
            kick(TASK_OF[stream])
            started.append(stream.name)
    return tuple(started)
