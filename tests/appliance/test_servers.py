"""Servers that an operator chose: the files that keep them, what wins, and how they are tried."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings
from redis import Redis

from chain.core.errors import ConfigError, RequestError
from chain.models import ChainIdentity
from chain.services import redis_identity
from mondoshawan import chosen_servers
from mondoshawan import env as environment
from mondoshawan.appliance import guard, hooks, trial
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.door import NodeDoor

DATABASE, REDIS = "postgresql://u:hunter22@db.example/chain", "redis://r.example/0"


def current_of(monkeypatch: pytest.MonkeyPatch, base: Path, **variables: str) -> environment.Environment:
    for name in [name for name in os.environ if name.startswith("MDS_")]:
        monkeypatch.delenv(name)
    for name, value in {"MDS_DATA_DIR": str(base), **variables}.items():
        monkeypatch.setenv(name, value)
    return environment.current.__wrapped__()


class TestFiles:
    def test_a_choice_waits_for_the_next_start(self, tmp_path: Path) -> None:
        assert chosen_servers.read(tmp_path) is None
        assert chosen_servers.adopt(tmp_path) is False
        chosen_servers.choose(tmp_path, {"database_url": DATABASE, "redis_url": ""}, {"name": "ann"})
        assert chosen_servers.read(tmp_path) is None
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
        assert chosen_servers.adopt(tmp_path) is True
        assert chosen_servers.read(tmp_path) == {"database_url": DATABASE, "redis_url": ""}
        assert chosen_servers.adopt(tmp_path) is False
        assert chosen_servers.take_first_run(tmp_path) == {"name": "ann"}
        chosen_servers.end_first_run(tmp_path)
        assert chosen_servers.take_first_run(tmp_path) is None

    def test_a_choice_is_taken_back(self, tmp_path: Path) -> None:
        chosen_servers.choose(tmp_path, {"database_url": DATABASE, "redis_url": ""}, {})
        chosen_servers.forget(tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_a_choice_is_on_trial_until_the_node_runs(self, tmp_path: Path) -> None:
        both = {"database_url": DATABASE, "redis_url": REDIS}
        chosen_servers.choose(tmp_path, both, {"name": "ann"})
        chosen_servers.adopt(tmp_path)
        assert chosen_servers.on_trial(tmp_path) == ("database_url", "redis_url")
        chosen_servers.settle(tmp_path)
        assert chosen_servers.on_trial(tmp_path) == ()
        # only what is another one than before
        chosen_servers.choose(tmp_path, {**both, "redis_url": ""}, {})
        chosen_servers.adopt(tmp_path)
        assert chosen_servers.on_trial(tmp_path) == ("redis_url",)
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}

    def test_what_does_not_do_is_gone_back_from(self, tmp_path: Path) -> None:
        chosen_servers.choose(tmp_path, {"database_url": "", "redis_url": REDIS}, {})
        chosen_servers.adopt(tmp_path)
        chosen_servers.settle(tmp_path)
        chosen_servers.choose(tmp_path, {"database_url": DATABASE, "redis_url": ""}, {"name": "ann"})
        chosen_servers.adopt(tmp_path)
        chosen_servers.go_back(tmp_path, "database_url", ConfigError("postgres_unready", "it is away"))
        assert chosen_servers.read(tmp_path) == {"database_url": "", "redis_url": REDIS}
        assert chosen_servers.on_trial(tmp_path) == ()
        assert chosen_servers.take_first_run(tmp_path) is None
        told = chosen_servers.refused(tmp_path)
        assert told is not None
        assert (told.server, told.code, told.reason) == ("database_url", "postgres_unready", "it is away")
        # starting again and again does not make it unsaid; choosing again does
        chosen_servers.settle(tmp_path)
        assert chosen_servers.refused(tmp_path) == told
        assert "hunter22" not in (tmp_path / chosen_servers.REFUSED).read_text()
        chosen_servers.choose(tmp_path, {"database_url": DATABASE, "redis_url": ""}, {})
        assert chosen_servers.refused(tmp_path) is None

    @pytest.mark.parametrize("content", ["", "[]", '{"server": 1}'])
    def test_a_damaged_word_of_a_refusal_says_nothing(self, tmp_path: Path, content: str) -> None:
        (tmp_path / chosen_servers.REFUSED).write_text(content)
        assert chosen_servers.refused(tmp_path) is None

    @pytest.mark.parametrize("content", ["", "[]", '{"redis_url": 7}', "nonsense"])
    def test_what_nobody_can_read_stops_the_start(self, tmp_path: Path, content: str) -> None:
        (tmp_path / chosen_servers.CURRENT).write_text(content)
        with pytest.raises(ConfigError) as caught:
            chosen_servers.read(tmp_path)
        assert caught.value.code == "data_folder_format"


def test_the_environment_wins_over_the_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "devnet"
    root.mkdir()
    (root / chosen_servers.CURRENT).write_text(json.dumps({"database_url": DATABASE, "redis_url": REDIS}))
    env = current_of(monkeypatch, tmp_path)
    assert (env.database_url, env.redis_url) == (DATABASE, REDIS)
    env = current_of(monkeypatch, tmp_path, MDS_REDIS_URL="redis://other")
    assert (env.database_url, env.redis_url) == (DATABASE, "redis://other")
    # a choice that waits is nobody's yet: a process that restarts by itself works with what the others have
    (root / chosen_servers.CURRENT).rename(root / chosen_servers.NEXT)
    assert current_of(monkeypatch, tmp_path).database_url == ""


@pytest.fixture
def empty_database(servers: None) -> Iterator[str]:
    """URL of a database of this session's PostgreSQL that holds nothing."""
    place = settings.DATABASES["default"]
    parts = [quote(str(place[name]), safe="") for name in ("USER", "PASSWORD", "HOST", "PORT")]
    base = "postgres://{}:{}@{}:{}/".format(*parts)
    with psycopg.connect(base + "postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE another")
    yield base + "another"
    with psycopg.connect(base + "postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE another WITH (FORCE)")


class TestTrial:
    def test_an_empty_database_will_do(self, empty_database: str) -> None:
        assert "holds no chain" in trial.try_database(empty_database, hooks.genesis_hash())

    def test_one_with_a_chain_must_have_ours(self, empty_database: str) -> None:
        genesis = hooks.genesis_hash()
        assert genesis is not None
        with psycopg.connect(empty_database, autocommit=True) as connection:
            connection.execute("CREATE TABLE chain_identity (network text, genesis_hash bytea)")
            connection.execute("INSERT INTO chain_identity VALUES ('devnet', %s)", (bytes.fromhex(genesis[2:]),))
            assert "holds a chain of devnet" in trial.try_database(empty_database, genesis)
            connection.execute("UPDATE chain_identity SET network = 'elsewhere', genesis_hash = '\\x01'")
        with pytest.raises(RequestError, match="another chain, of elsewhere"):
            trial.try_database(empty_database, genesis)

    def test_a_user_without_rights_is_refused(self, empty_database: str) -> None:
        with psycopg.connect(empty_database, autocommit=True) as connection:
            connection.execute("CREATE ROLE reader LOGIN PASSWORD 'reader'")
            connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        try:
            place = settings.DATABASES["default"]
            reader = empty_database.replace(
                f"//{place['USER']}:{quote(str(place['PASSWORD']), safe='')}@", "//reader:reader@"
            )
            with pytest.raises(RequestError, match="may make no tables"):
                trial.try_database(reader, None)
        finally:
            with psycopg.connect(empty_database, autocommit=True) as connection:
                connection.execute("DROP ROLE reader")

    @pytest.mark.parametrize(
        "url",
        ["postgres://u:hunter22@127.0.0.1:1/x", "postgres://u:hunter22@[::1/x", f"postgres://u:hunter22@{'h' * 64}/x"],
    )
    def test_one_that_is_not_there_is_named_without_its_password(self, url: str) -> None:
        with pytest.raises(RequestError) as caught:
            trial.try_database(url, None)
        assert "hunter22" not in str(caught.value)

    def test_redis(self, redis_url: str) -> None:
        assert "answers" in trial.try_redis(redis_url, None)
        for url in ("redis://:hunter22@127.0.0.1:1/0", "redis://h:port/", "redis://:hunter22@h?foo=bar",
                    f"redis://:hunter22@{'h' * 64}/0"):  # fmt: skip
            with pytest.raises(RequestError) as caught:
                trial.try_redis(url, None)
            assert "hunter22" not in str(caught.value)

    @pytest.mark.django_db
    def test_a_redis_with_facts_of_another_database_is_told(self, redis_url: str) -> None:
        facts = {"network": "devnet", "genesis_hash": bytes(32), "shard_count": 10, "layout": 1, "created_ms": 77}
        ChainIdentity.objects.update_or_create(id=1, defaults=facts)
        ours = "devnet 77"
        with Redis.from_url(redis_url) as redis:
            before = redis.get(redis_identity.KEY)
            try:
                redis.delete(redis_identity.KEY)
                assert trial.try_redis(redis_url, ours).endswith("answers")
                redis.set(redis_identity.KEY, ours)
                assert redis_identity.tie() == ours
                assert trial.try_redis(redis_url, ours).endswith("answers")
                redis.set(redis_identity.KEY, "devnet 1")
                for known in (ours, None):
                    said = trial.try_redis(redis_url, known)
                    assert "facts of another database" in said
                    assert "drops them" in said
            finally:
                redis.delete(redis_identity.KEY)
                if before is not None:
                    redis.set(redis_identity.KEY, before)

    @pytest.mark.parametrize(
        ("name", "text"), [("database_url", "mysql://u:hunter22@h/d"), ("redis_url", "http://:hunter22@h")]
    )
    def test_other_urls_are_refused_unrepeated(self, name: str, text: str) -> None:
        with pytest.raises(RequestError) as caught:
            trial.parse(name, text)
        assert "hunter22" not in str(caught.value)


class TestDoor:
    """The real door on a folder of its own, held as ``up`` holds it."""

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
        env = current_of(monkeypatch, tmp_path, MDS_REDIS_URL="redis://fixed.example")
        monkeypatch.setattr(environment, "current", lambda: env)
        folder = DataFolder.of(env)
        folder.create()
        return folder

    def test_it_tries_keeps_and_forgets(self, folder: DataFolder, empty_database: str) -> None:
        door = NodeDoor()
        assert door.server_choices() is None
        with pytest.raises(RequestError):
            door.restart_node()
        lock = guard.FolderLock(folder)
        try:
            choices = door.server_choices()
            assert choices is not None
            assert [(choice.external, choice.is_fixed, choice.waiting) for choice in choices] == [
                (False, False, None), (True, True, None),
            ]  # fmt: skip
            with pytest.raises(RequestError, match="nothing would change"):
                door.choose_servers({"database_url": ""}, {})
            with pytest.raises(ConfigError, match="fixes it"):
                door.choose_servers({"redis_url": "redis://other"}, {})
            with pytest.raises(RequestError, match="does not answer"):
                door.choose_servers({"database_url": "postgres://127.0.0.1:1/x"}, {})
            assert chosen_servers.read(folder.root, chosen_servers.NEXT) is None
            (said,) = door.choose_servers({"database_url": empty_database}, {"name": "ann"})
            assert "holds no chain" in said
            assert chosen_servers.read(folder.root, chosen_servers.NEXT) == {
                "database_url": empty_database, "redis_url": "",
            }  # fmt: skip
            shown = door.server_choices()
            assert shown is not None
            assert shown[0].waiting
            assert str(settings.DATABASES["default"]["PASSWORD"]) not in str(shown)
            door.forget_servers()
            with pytest.raises(RequestError):
                door.forget_servers()
            door.restart_node()
            assert folder.restart_file.exists()
        finally:
            lock.release()
