"""Validation of a large block that arrived (``chain.services.validation``)."""

from __future__ import annotations

from celery import shared_task
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from chain.core.errors import NotYet
from chain.kick import TaskName


@shared_task(
    name=TaskName.VALIDATE.value,
    autoretry_for=(NotYet, OperationalError, RedisConnectionError),
    max_retries=5,
    retry_backoff=1,
    retry_backoff_max=10,
    soft_time_limit=60,
    time_limit=90,
)
def validate(block_hash: str) -> bool:
    """Validate the waiting candidate of this hash (hex); False where there is nothing to do."""
    from chain.services.validation import validate_candidate

    return validate_candidate(bytes.fromhex(block_hash))
