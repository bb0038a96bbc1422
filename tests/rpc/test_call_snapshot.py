"""A simulated call reads one commit, whatever is committed while it runs."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections

from tests.factories import wallets
from tests.rpc.conftest import Scene

pytestmark = pytest.mark.django_db


def test_a_reorganisation_in_the_middle_of_a_request(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
) -> None:
    from chain.services import call_worker

    factory, fork, number = scene.factory, scene.hashes[-1], len(scene.hashes)
    left, right = wallets.address(88), wallets.address(89)
    undone = factory.extend(fork, [factory.send(fork, 5, left, 5)])
    scene.apply(factory.update([factory.blocks[undone]], sink=undone, added=[undone]))
    begun, changed = threading.Event(), threading.Event()
    seen: list[Any] = []

    def view(site: Any) -> tuple[Any, ...]:
        state = site.state(number)
        return site.block_hashes(number + 1)(number), state.get_account(left), state.get_account(right)

    def run(site: Any, request: dict[str, Any]) -> dict[str, Any]:
        first = view(site)
        begun.set()
        assert changed.wait(120)
        seen.append((first, view(site)))
        return {}

    def work() -> None:
        with django_db_blocker.unblock():
            desk = call_worker.Desk()
            try:
                for _ in range(2):
                    # the alarm of ``answer`` belongs to a process's main thread
                    desk._run({"op": "call", "number": number})
            finally:
                connections["default"].close()

    monkeypatch.setattr(call_worker, "run", run)
    worker = threading.Thread(target=work)
    worker.start()
    assert begun.wait(120)
    one = factory.extend(fork, [factory.send(fork, 5, right, 7)], step_ms=1500)
    two = factory.extend(one)
    blocks = [factory.blocks[one], factory.blocks[two]]
    scene.apply(factory.update(blocks, sink=two, removed=[undone], added=[one, two]))
    changed.set()
    worker.join(120)
    during, after = seen
    assert during[0] == during[1]
    assert (during[0][0], during[0][1].balance, during[0][2]) == (undone, 5, None)
    assert after[0] == after[1]
    assert (after[0][0], after[0][1], after[0][2].balance) == (one, None, 7)
