"""Codes of what waits, of damaged deliveries, and of transactions that the pool does not take."""

from __future__ import annotations

from chain.core.catalogue.entry import Entry, entries
from chain.core.errors import BadDelivery, DeliveryCode, NotYet, PoolCode, PoolRejection, WaitCode

WAITING: tuple[Entry, ...] = (
    *entries(
        NotYet,
        (
            WaitCode.UNKNOWN_PARENTS,
            "the block builds on blocks that this node has not seen",
            "hand in the missing blocks (`missing` names them); the block is tried again by itself",
        ),
        (
            WaitCode.TOO_EARLY,
            "the block's time lies further in the future than clocks may differ",
            "none: it is tried again at `until`; where it keeps happening, set the clocks by NTP",
        ),
        (
            WaitCode.MISSING_BODY,
            "the header is known, the body is not",
            "hand in the body; the block is tried again by itself",
        ),
        (
            WaitCode.FINALITY_CONFLICT,
            "the block contradicts what this node holds to be final",
            "an operator decides which chain is right: compare with other nodes (docs/protocol/security.md)",
        ),
        (
            WaitCode.MISSING_BASE,
            "a lane's base epoch is not in the database that the shard worker reads",
            "none: the writer runs the lane itself; where it keeps happening, give all processes one database",
        ),
        (
            WaitCode.NO_TRANSACTIONS,
            "a C block needs a transaction, and none waits",
            "ask for the template again once transactions are pending",
        ),
        (
            WaitCode.NOT_ELIGIBLE,
            "this key cannot win a slot of stream C yet: too few of its work blocks stand in the window",
            "mine streams A or B with the same VRF key first",
        ),
        (
            WaitCode.NOT_READY,
            "the node has no virtual block to build on yet",
            "ask again in a moment; `/ready` tells what is missing",
        ),
    ),
    *entries(
        BadDelivery,
        (
            DeliveryCode.TX_ROOT_MISMATCH,
            "the body is not the one that the header names: it was cut off or exchanged on its way",
            "send the block again from a good copy; the header keeps its good name",
        ),
        (
            DeliveryCode.HASH_MISMATCH,
            "the bytes have another hash than the one that they were asked for by",
            "send the block again from a good copy",
        ),
    ),
    *entries(
        PoolRejection,
        (PoolCode.INVALID, "the pool cannot hold this transaction", "sign another one"),
        (
            PoolCode.NONCE_TOO_LOW,
            "the sender has used this nonce",
            "use the next one (`expected`); wallets: reset the account's activity",
        ),
        (
            PoolCode.NONCE_TOO_HIGH,
            "too many nonces are missing before this one",
            "send the missing ones first",
        ),
        (
            PoolCode.INSUFFICIENT_FUNDS,
            "the balance does not cover value and gas limit times fee cap",
            "fund the account, or lower value, gas limit or fee cap",
        ),
        (
            PoolCode.UNDERPRICED,
            "the fee is below what this pool takes",
            "offer the fee of eth_maxPriorityFeePerGas; operators set `MDS_POOL_MIN_TIP`",
        ),
        (
            PoolCode.REPLACEMENT_UNDERPRICED,
            "another transaction of this nonce waits, and this one pays less than a tenth more",
            "raise both fees by at least 10 %",
        ),
        (
            PoolCode.SENDER_HAS_CODE,
            "the sender is a contract",
            "send from an account without code (EIP-3607)",
        ),
        (
            PoolCode.SENDER_LIMIT,
            "the sender has as many transactions waiting as one account may",
            "wait until some are accepted; operators set `MDS_POOL_SENDER_PENDING` and `MDS_POOL_SENDER_QUEUED`",
        ),
        (
            PoolCode.POOL_FULL,
            "the pool is full of transactions that pay more",
            "offer a higher fee, or wait; operators set `MDS_POOL_MAX_COUNT` and `MDS_POOL_MAX_BYTES`",
        ),
        (
            PoolCode.EXCEEDS_STREAM_GAS,
            "the gas limit is above what a block of any stream takes",
            "lower the gas limit, or split the work",
        ),
    ),
)
