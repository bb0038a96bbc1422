"""Users of each role, a node that is set up, and an appliance that is not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from admin_ui import doors
from admin_ui.roles import Role, ensure_groups
from admin_ui.services import first_run
from chain.models import ApiKey, NodeSetting, OperatorAction
from chain.services.network import current_genesis, current_spec
from chain.stores.connection import raw_connection
from chain.stores.genesis import initialise
from tests.admin_ui.fakes import FakeDoor

PASSWORD = "a fine long password"


@pytest.fixture
def node(db: None, redis_url: str, settings: Any) -> FakeDoor:
    """A chain with its genesis, set up, in a fake appliance."""
    settings.MDS_NODE_DOOR = "tests.admin_ui.fakes.FakeDoor"
    connection = raw_connection()
    connection.execute("SELECT 1")
    # what other tests really committed
    for model in (OperatorAction, NodeSetting, ApiKey):
        model.objects.all().delete()
    initialise(connection, current_spec(), current_genesis())
    ensure_groups()
    first_run.finish_setup("test")
    made = doors.door()
    assert isinstance(made, FakeDoor)
    made.reset()
    return made


@pytest.fixture
def user(node: FakeDoor) -> Callable[[Role], Any]:
    """Make a user of a role."""

    def make(role: Role, name: str = "") -> Any:
        made = get_user_model().objects.create_user(name or role.group, password=PASSWORD)
        if role > Role.NOBODY:
            made.groups.add(Group.objects.get(name=role.group))
        return made

    return make


@pytest.fixture
def client_of(user: Callable[[Role], Any]) -> Callable[[Role | None], Client]:
    """A browser in which a user of the role is logged in; None: nobody is."""
    made: dict[Role | None, Client] = {}

    def give(role: Role | None) -> Client:
        if role not in made:
            made[role] = Client()
            if role is not None:
                made[role].force_login(user(role), "django.contrib.auth.backends.ModelBackend")
        return made[role]

    return give
