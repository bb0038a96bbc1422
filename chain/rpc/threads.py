"""Services that block, on a few threads of their own that keep their database connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from django.db import close_old_connections

T = TypeVar("T")
_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="rpc-service")


async def in_thread(service: Callable[..., T], *args: Any) -> T:
    """Run a synchronous service in the caller's name; its errors are the caller's."""
    run = partial(copy_context().run, _run, service, *args)
    return await asyncio.get_running_loop().run_in_executor(_THREADS, run)


def _run(service: Callable[..., T], *args: Any) -> T:
    close_old_connections()
    try:
        return service(*args)
    finally:
        close_old_connections()
