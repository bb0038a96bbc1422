"""Which network this node is on."""

from __future__ import annotations

import time

from django.conf import settings

from chain.core.genesis import Genesis, network_genesis, network_spec
from chain.core.spec import ChainSpec


def current_spec() -> ChainSpec:
    """The ChainSpec of the configured network."""
    return network_spec(settings.MDS_NETWORK)


def current_genesis() -> Genesis:
    """The genesis of the configured network."""
    return network_genesis(settings.MDS_NETWORK)


def now_ms() -> int:
    """The local clock, in ms since 1970."""
    return time.time_ns() // 1_000_000
