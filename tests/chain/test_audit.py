"""Every attempt to change the node leaves one row, whichever door it came through."""

from __future__ import annotations

import getpass
from io import StringIO

import pytest
from django.core.management import call_command

from chain.core.errors import ConfigError, RequestError
from chain.core.types import Stream
from chain.models import OperatorAction
from chain.services import api_keys, audit, control

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_trail")]


def rows() -> list[OperatorAction]:
    return list(OperatorAction.objects.order_by("id"))


def test_a_change_tells_before_after_and_who(redis_url: str) -> None:
    control.set_share(Stream.B, 0.5, by="ann")
    with audit.acting(audit.Actor("ben", "web", "203.0.113.9")):
        control.set_share(Stream.B, 0.25)
        control.stop_mining(Stream.C)
    first, second, third = rows()
    assert (first.actor, first.door, first.address, first.before, first.after) == ("ann", "system", None, 0.15, 0.5)
    assert (second.actor, second.door, second.address, second.before, second.after) == (
        "ben", "web", "203.0.113.9", 0.5, 0.25,
    )  # fmt: skip
    assert (third.action, third.target, third.before, third.after) == ("mining.stop", "C", True, False)
    assert {row.outcome for row in rows()} == {"done"}
    assert audit.current_actor() == audit.Actor("system", "system")


def test_refusals_are_kept_with_their_code(redis_url: str, settings: object) -> None:
    with pytest.raises(RequestError):
        control.set_share(Stream.A, 7.0, by="ann")
    settings.MDS_MINING_FIXED = {"mining.ordering": "fifo"}
    with pytest.raises(ConfigError):
        control.set_ordering_policy("random", by="ann")
    share, ordering = rows()
    assert (share.outcome, share.after) == ("refused", None)
    assert share.detail.startswith("invalid_params: ")
    assert (ordering.outcome, ordering.before, ordering.after) == ("refused", "fifo", None)
    assert ordering.detail.startswith("setting_fixed: ")


def test_unexpected_errors_are_kept_without_their_text() -> None:
    with pytest.raises(OSError), audit.operation("test.break", "x"):
        raise OSError("a secret path")
    (row,) = rows()
    assert (row.outcome, row.detail, row.target) == ("failed", "OSError", "x")


def test_commands_act_in_the_name_of_who_runs_them() -> None:
    out = StringIO()
    call_command("api_key", "create", "k1", "--scope", "log", "--rate", "50", "--burst", "100", stdout=out)
    call_command("api_key", "revoke", "k1", stdout=StringIO())
    made, ended = rows()
    assert (made.actor, made.door, made.action, made.target) == (getpass.getuser(), "cli", "api_key.create", "k1")
    assert made.after == {"scopes": ["log"], "days": None, "rate": 50, "burst": 100}
    assert (ended.action, ended.outcome) == ("api_key.revoke", "done")
    assert out.getvalue().strip() not in str([row.__dict__ for row in rows()])
    (key,) = api_keys.list_keys()
    assert (key.rate, key.burst) == (50, 100)


@pytest.mark.parametrize("limits", [{"rate": 0}, {"burst": 2**40}, {"days": 0}])
def test_limits_of_keys_are_checked(limits: dict[str, int]) -> None:
    with pytest.raises(RequestError):
        api_keys.create_key("k2", ("log",), **limits)
