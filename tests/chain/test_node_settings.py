"""Settings that an operator changes reach every process; what the environment fixes stays."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings

from chain.core.errors import ConfigError, RequestError
from chain.models import NodeSetting, OperatorAction
from chain.services import audit, node_settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_trail")]


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as connection:
        yield connection


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    names = {item.setting: getattr(django_settings, item.setting) for item in django_settings.MDS_RUNTIME_SETTINGS}
    levels = {name: logging.getLogger(name).level for name in node_settings.LOGGERS}
    yield
    for name, value in names.items():
        setattr(django_settings, name, value)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def shown(key: str) -> node_settings.SettingView:
    return next(view for view in node_settings.settings_table() if view.key == key)


def test_a_change_is_stored_followed_and_confirmed(client: redis.Redis) -> None:
    first, second = node_settings.Follower(client, "web"), node_settings.Follower(client, "rpc")
    first.look()
    with audit.acting(audit.Actor("ann", "web")):
        version = node_settings.change_setting("node.rpc_rate", " 77 ")
        node_settings.change_setting("node.log_level", "ERROR")
        version = node_settings.change_setting("node.disk_free_mb", "3")
    view = shown("node.rpc_rate")
    assert (view.value, view.default, view.source, view.updated_by) == (77, 2000, "database", "ann")
    assert second.look()
    assert not second.look()
    assert (django_settings.MDS_RPC_RATE, django_settings.MDS_DISK_FREE_BYTES) == (77, 3_000_000)
    assert logging.getLogger("chain").level == logging.ERROR
    seen = {member.split(":")[0]: at for member, at in node_settings.confirmed_by(client).items()}
    assert seen["rpc"] == version
    assert seen["web"] < version
    first.look()
    assert set(node_settings.confirmed_by(client).values()) == {version}
    # empty text goes back to the default
    node_settings.change_setting("node.rpc_rate", "")
    second.look()
    assert (django_settings.MDS_RPC_RATE, shown("node.rpc_rate").source) == (2000, "default")
    first_kept, *_, last_kept = OperatorAction.objects.order_by("id").values_list("target", "before", "after")
    assert first_kept == ("node.rpc_rate", 2000, 77)
    assert last_kept == ("node.rpc_rate", 77, 2000)


@pytest.mark.parametrize(
    ("key", "text"),
    [("node.rpc_rate", "many"), ("node.rpc_rate", "-1"), ("node.log_level", "LOUD"), ("node.pool_max_bytes", "1")],
)
def test_what_the_environment_would_refuse_is_refused(client: redis.Redis, key: str, text: str) -> None:
    with pytest.raises(RequestError) as refused:
        node_settings.change_setting(key, text)
    assert refused.value.code == "invalid_params"
    assert not NodeSetting.objects.exists()
    with pytest.raises(RequestError) as refused:
        node_settings.change_setting("node.operator_password", "x")
    assert refused.value.code == "not_found"


def test_the_environment_wins(client: redis.Redis, settings: Any) -> None:
    registry = django_settings.MDS_RUNTIME_SETTINGS
    settings.MDS_RUNTIME_SETTINGS = tuple(
        replace(item, fixed=True, value=9) if item.key == "node.rpc_rate" else item for item in registry
    )
    NodeSetting.objects.create(key="node.rpc_rate", value=50, updated_by="x", updated_ms=1)
    with pytest.raises(ConfigError) as refused:
        node_settings.change_setting("node.rpc_rate", "5")
    assert refused.value.code == "setting_fixed"
    node_settings.Follower(client, "web").look()
    assert django_settings.MDS_RPC_RATE == 9
    view = shown("node.rpc_rate")
    assert (view.is_fixed, view.value) == (True, 9)


def test_a_lost_copy_comes_back_and_nonsense_counts_as_nothing(client: redis.Redis) -> None:
    NodeSetting.objects.create(key="node.rpc_burst", value=321, updated_by="x", updated_ms=1)
    NodeSetting.objects.create(key="node.rpc_max_batch", value="nonsense", updated_by="x", updated_ms=1)
    follower = node_settings.Follower(client, "web")
    follower.look()
    client.flushall()
    follower.look()
    django_settings.MDS_RPC_BURST = 1
    node_settings.Follower(client, "rpc").look()
    assert (django_settings.MDS_RPC_BURST, django_settings.MDS_RPC_MAX_BATCH) == (321, 1000)
