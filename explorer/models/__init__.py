"""Read models: disposable, made from the chain by the projections in ``explorer.indexers``.

Each projection has fact tables, one row per thing that an epoch did, which carry its number; and sums over them.
Undoing an epoch takes its facts' part out of the sums and deletes the facts.
"""

from __future__ import annotations

from explorer.models.abi import PublishedAbi
from explorer.models.address import Activity, AddressTotal, Contract
from explorer.models.cursor import IndexerCursor
from explorer.models.internal import InternalCall, LeftCalls, UntracedEpoch
from explorer.models.series import MinedBlock, MinerTotal, Point, Series
from explorer.models.shard import ShardEpoch, ShardTotal
from explorer.models.token import Token, TokenHolding, TokenItem, TokenTotal, TokenTransfer

__all__ = [
    "Activity",
    "AddressTotal",
    "Contract",
    "IndexerCursor",
    "InternalCall",
    "LeftCalls",
    "MinedBlock",
    "MinerTotal",
    "Point",
    "PublishedAbi",
    "Series",
    "ShardEpoch",
    "ShardTotal",
    "Token",
    "TokenHolding",
    "TokenItem",
    "TokenTotal",
    "TokenTransfer",
    "UntracedEpoch",
]
