"""The pool of pending transactions: in Redis, changed by atomic scripts only, kept over restarts."""

from chain.services.pool.client import Pool
from chain.services.pool.client_async import AsyncPool
from chain.services.pool.settings import pool_policy

__all__ = ["AsyncPool", "Pool", "pool_policy"]
