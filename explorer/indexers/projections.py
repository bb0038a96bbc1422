"""Every projection, in the order in which a step applies them."""

from __future__ import annotations

from explorer.indexers.addresses import ADDRESSES
from explorer.indexers.contracts import CONTRACTS

PROJECTIONS = (ADDRESSES, CONTRACTS)
NAMES = tuple([projection.name for projection in PROJECTIONS])
