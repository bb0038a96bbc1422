"""The page on which operators publish ABIs."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.test import Client

from admin_ui.roles import Role
from chain.core.errors import RequestError
from chain.models import OperatorAction
from explorer import published
from explorer.models import PublishedAbi
from tests.admin_ui.fakes import FakeDoor
from tests.admin_ui.test_pages import text

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"
ADDRESS = "0x" + "ab" * 20


def test_a_refusal_is_told_and_kept(node: FakeDoor, client_of: Callable[[Role | None], Client]) -> None:
    operator = client_of(Role.OPERATOR)
    form = {"address": ADDRESS, "name": HOSTILE, "abi": "[]"}
    answer = operator.post("/operator/abis/publish/", form, follow=True)
    assert "Refused: no contract is known at this address" in text(answer)
    assert HOSTILE not in answer.content.decode()
    last = OperatorAction.objects.order_by("-id")[0]
    assert (last.action, last.target, last.outcome) == ("abi.publish", ADDRESS, "refused")
    assert "an address is 0x" in text(operator.post("/operator/abis/publish/", {**form, "address": "x"}, follow=True))


def test_only_an_admin_publishes_unchecked(node: FakeDoor, client_of: Callable[[Role | None], Client]) -> None:
    form = {"address": ADDRESS, "name": "Vault", "abi": "[]", "unchecked": "yes"}
    operator, admin = client_of(Role.OPERATOR), client_of(Role.ADMIN)
    answer = operator.post("/operator/abis/publish/", form, follow=True)
    assert "Refused: only an admin publishes an ABI unchecked" in text(answer)
    last = OperatorAction.objects.order_by("-id")[0]
    assert (last.action, last.outcome) == ("abi.publish", "refused")
    assert 'name="unchecked"' not in answer.content.decode()
    # past that, to the contract that is not there
    answer = admin.post("/operator/abis/publish/", form, follow=True)
    assert "Refused: no contract is known at this address" in text(answer)
    assert 'name="unchecked"' in answer.content.decode()


def test_one_is_listed_escaped_and_withdrawn_after_a_question(
    node: FakeDoor, client_of: Callable[[Role | None], Client]
) -> None:
    facts = {"abi": json.dumps([]), "code_hash": bytes(32), "functions": 3, "matched": 2, "published_by": "olga"}
    PublishedAbi.objects.create(address=bytes.fromhex(ADDRESS[2:]), name=HOSTILE, published_ms=1, **facts)
    seen = client_of(Role.VIEWER).get("/operator/abis/")
    assert HOSTILE not in seen.content.decode()
    assert "2 of 3" in text(seen)
    assert "Withdraw" not in text(seen), "a viewer changes nothing"
    operator = client_of(Role.OPERATOR)
    question = operator.post("/operator/abis/withdraw/", {"address": ADDRESS})
    assert f"Withdraw the ABI of {ADDRESS}?" in text(question)
    operator.post("/operator/abis/withdraw/", {"address": ADDRESS, "confirmed": "yes"})
    with pytest.raises(RequestError):
        published.withdraw(bytes.fromhex(ADDRESS[2:]))
