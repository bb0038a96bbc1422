"""Every projection, in the order in which a step applies them."""

from __future__ import annotations

from explorer.indexers.addresses import ADDRESSES
from explorer.indexers.contracts import CONTRACTS
from explorer.indexers.miners import MINERS
from explorer.indexers.series import SERIES
from explorer.indexers.shards import SHARDS
from explorer.indexers.tokens import TOKENS

PROJECTIONS = (ADDRESSES, CONTRACTS, TOKENS, MINERS, SERIES, SHARDS)
NAMES = tuple([projection.name for projection in PROJECTIONS])
