"""The transaction pool as pure functions: what is taken, what replaces what, in which order blocks take it.

All of it is policy: it binds this node only.  The pool itself lives outside the core and applies these rules
in one atomic step a call; here they are stated on frozen data, and tests hold the two to each other.
"""

from chain.core.pool.ordering import AGE_WEIGHT, FEE_WEIGHT, RULES, TIME_WEIGHT, Ordering, ranking
from chain.core.pool.policy import (
    ENTRY_BYTES,
    MAX_AMOUNT,
    MAX_NONCE,
    BlockLimits,
    CodeKind,
    PoolEntry,
    PoolPolicy,
    SenderState,
    check_policy,
    effective_tip,
    pool_entry,
    replaceable_fee,
)
from chain.core.pool.queues import (
    AccountNews,
    AddCode,
    Admission,
    Held,
    Queues,
    SenderQueue,
    admit,
    evict,
    executable,
    expire,
    follow,
    forget_idle,
    mark_in_flight,
    settle,
)
from chain.core.pool.selection import list_prefix_length, order_for_block, rlp_length

__all__ = [
    "AGE_WEIGHT",
    "ENTRY_BYTES",
    "FEE_WEIGHT",
    "MAX_AMOUNT",
    "MAX_NONCE",
    "RULES",
    "TIME_WEIGHT",
    "AccountNews",
    "AddCode",
    "Admission",
    "BlockLimits",
    "CodeKind",
    "Held",
    "Ordering",
    "PoolEntry",
    "PoolPolicy",
    "Queues",
    "SenderQueue",
    "SenderState",
    "admit",
    "check_policy",
    "effective_tip",
    "evict",
    "executable",
    "expire",
    "follow",
    "forget_idle",
    "list_prefix_length",
    "mark_in_flight",
    "order_for_block",
    "pool_entry",
    "ranking",
    "replaceable_fee",
    "rlp_length",
    "settle",
]
