"""Answers that come later."""

from __future__ import annotations

import asyncio

import pytest
import structlog.testing

from chain.services.deferred import Deferred


def double(value: int | None, error: Exception | None) -> int:
    if error is not None:
        raise error
    assert value is not None
    return 2 * value


def test_a_value_goes_through_changes_to_the_one_who_waits() -> None:
    first: Deferred[int] = Deferred()
    heard: list[tuple[int | None, Exception | None]] = []
    first.map(double).map(double).then(lambda value, error: heard.append((value, error)))
    assert heard == []
    first.give(3)
    assert heard == [(12, None)]
    first.give(4)
    first.fail(ValueError())
    assert heard == [(12, None)]


def test_what_is_there_already_is_told_at_once() -> None:
    first: Deferred[int] = Deferred()
    first.give(3)
    heard: list[int | None] = []
    first.map(double).then(lambda value, _error: heard.append(value))
    assert heard == [6]


@pytest.mark.parametrize("late", [True, False])
def test_it_can_be_awaited_and_raises_its_error(late: bool) -> None:
    async def scenario() -> None:
        for value, error in ((5, None), (None, KeyError("no"))):
            first: Deferred[int] = Deferred()
            end = (lambda f=first, v=value: f.give(v)) if error is None else (lambda f=first, e=error: f.fail(e))
            if late:
                asyncio.get_running_loop().call_later(0.01, end)
            else:
                end()
            if error is None:
                assert await first == value
            else:
                with pytest.raises(KeyError):
                    await first.map(double)

    asyncio.run(scenario())


def test_a_listener_that_fails_harms_nobody_else() -> None:
    first: Deferred[int] = Deferred()
    first.then(lambda _value, _error: 1 / 0)  # type: ignore[arg-type, return-value]
    with structlog.testing.capture_logs() as lines:
        first.give(1)
    assert [line["event"] for line in lines] == ["deferred.listener_failed"]


def test_one_who_gave_up_waiting_harms_nobody() -> None:
    async def scenario() -> None:
        first: Deferred[int] = Deferred()

        async def wait() -> int:
            return await first

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wait(), 0.01)
        first.give(1)
        assert await first == 1

    asyncio.run(scenario())
