"""The reader of MDS_* variables and the document that it generates."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.core.errors import ConfigError
from mondoshawan import env as environment
from mondoshawan.env import Bind


def test_defaults() -> None:
    env = environment.read({})
    assert env.network == "devnet"
    assert env.data_dir == environment.PROJECT_ROOT / "var"
    assert env.web_bind == Bind("127.0.0.1", 8000)
    assert env.rpc_bind == Bind("127.0.0.1", 8545)
    assert env.processes == ()
    assert env.database_url == ""
    assert env.redis_url == ""


def test_values_are_typed() -> None:
    env = environment.read(
        {
            "MDS_NETWORK": "testnet",
            "MDS_DATA_DIR": "/srv/node",
            "MDS_WEB_BIND": "[::1]:9000",
            "MDS_PROCESSES": "web, rpc",
            "MDS_LOG_MAX_MB": "7",
            "MDS_SETTINGS_DEBUG": "off",
            "PATH": "/bin",
        }
    )
    assert env.network == "testnet"
    assert env.data_dir == Path("/srv/node")
    assert env.web_bind == Bind("::1", 9000)
    assert env.web_bind.url == "http://[::1]:9000"
    assert env.processes == ("web", "rpc")
    assert env.log_max_mb == 7
    assert env.settings_debug is False


def test_empty_counts_as_not_set() -> None:
    assert environment.read({"MDS_NETWORK": " "}).network == "devnet"
    assert not environment.is_set("network", {"MDS_NETWORK": " "})
    assert environment.is_set("network", {"MDS_NETWORK": "testnet"})


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("MDS_NETWORK", "mainnet", "devnet, testnet"),
        ("MDS_WEB_BIND", "8000", "host:port"),
        ("MDS_WEB_BIND", "localhost:0", "host:port"),
        ("MDS_WEB_BIND", "localhost:65536", "host:port"),
        ("MDS_WEB_BIND", "localhost:٨", "host:port"),
        ("MDS_METRICS_ALLOW", "127.0.0.0/8,10.0.0.1/8", "10.0.0.1/8"),
        ("MDS_DB_POOL", "-1", "0 to 64"),
        ("MDS_DB_POOL", "65", "0 to 64"),
        ("MDS_LOG_LEVEL", "LOUD", "DEBUG"),
        ("MDS_SETTINGS_DEBUG", "maybe", "1 or 0"),
        ("MDS_DATABASE_URL", "mysql://h/d", "postgres"),
        ("MDS_REDIS_URL", "http://h", "redis"),
    ],
)
def test_wrong_values_are_refused_with_a_hint(name: str, value: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        environment.read({name: value})
    assert caught.value.code == "config_value"
    assert name in caught.value.message
    assert hint in caught.value.data["hint"]


def test_a_secret_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        environment.read({"MDS_DATABASE_URL": "mysql://user:hunter2@h/d"})
    assert "hunter2" not in str(caught.value)


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        environment.read({"MDS_NETWRK": "devnet"})
    assert caught.value.code == "config_unknown"
    assert caught.value.data["hint"] == "did you mean MDS_NETWORK?"


@given(st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=30))
def test_any_bind_parses_to_itself_or_is_refused(raw: str) -> None:
    try:
        bind = environment.read({"MDS_WEB_BIND": raw}).web_bind
    except ConfigError:
        return
    assert environment.read({"MDS_WEB_BIND": str(bind)}).web_bind == bind


def test_every_variable_is_described() -> None:
    for entry in environment.registry():
        assert entry.doc.endswith("."), entry.name
        assert entry.kind, entry.name
