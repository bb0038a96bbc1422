"""The pool's policy from the settings and the network's parameters."""

from __future__ import annotations

from django.conf import settings

from chain.core.pool import PoolPolicy
from chain.core.spec import ChainSpec


def pool_policy(spec: ChainSpec) -> PoolPolicy:
    """``settings.MDS_POOL_*`` and what the network's parameters bound."""
    return PoolPolicy(
        max_count=settings.MDS_POOL_MAX_COUNT,
        max_bytes=settings.MDS_POOL_MAX_BYTES,
        sender_pending=settings.MDS_POOL_SENDER_PENDING,
        sender_queued=settings.MDS_POOL_SENDER_QUEUED,
        min_tip=settings.MDS_POOL_MIN_TIP,
        lifetime_ms=settings.MDS_POOL_LIFETIME_MS,
        min_max_fee=spec.min_base_fee,
        max_call_gas=max(stream.call_gas_limit for stream in (spec.stream_a, spec.stream_b, spec.stream_c)),
    )
