"""The wake-up of shard workers: lanes of a large epoch wait for whoever comes (``chain.services.lanes``)."""

from __future__ import annotations

from typing import Any

from celery import current_app, shared_task
from celery.signals import worker_process_init
from redis.exceptions import ConnectionError as RedisConnectionError

from chain.kick import Queue, TaskName


@shared_task(
    name=TaskName.SHARD.value,
    autoretry_for=(RedisConnectionError,),
    max_retries=2,
    default_retry_delay=0.5,
    soft_time_limit=60,
    time_limit=90,
)
def lanes(request: str) -> int:
    """Run what is left of a request (hex); how many lanes that were."""
    from chain.services.lanes import work_off

    return work_off(request)


@worker_process_init.connect
def _load_the_evm(**_: Any) -> None:
    """Import it before the first request comes: it takes a second."""
    if Queue.SHARDS.value in current_app.amqp.queues.consume_from:
        import chain.core.execution.evm.executor  # noqa: F401
