"""The wake-up of shard workers: lanes of a large epoch wait for whoever comes (``chain.services.lanes``)."""

from __future__ import annotations

from celery import shared_task
from redis.exceptions import ConnectionError as RedisConnectionError

from chain.kick import TaskName


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
