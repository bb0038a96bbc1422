"""The pool's policy from the settings and the network's parameters."""

from __future__ import annotations

from dataclasses import fields, replace

from django.conf import settings

from chain.core.pool import PoolPolicy
from chain.core.spec import ChainSpec


def pool_policy(spec: ChainSpec) -> PoolPolicy:
    """``settings.MDS_POOL_<FIELD>`` where set, else the default; two limits come from the network."""
    policy = PoolPolicy(
        min_max_fee=spec.min_base_fee,
        max_call_gas=max(stream.call_gas_limit for stream in (spec.stream_a, spec.stream_b, spec.stream_c)),
    )
    names = [field.name for field in fields(PoolPolicy) if field.name not in ("min_max_fee", "max_call_gas")]
    wanted = {name: getattr(settings, f"MDS_POOL_{name.upper()}", None) for name in names}
    return replace(policy, **{name: value for name, value in wanted.items() if value is not None})
