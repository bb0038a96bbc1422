"""The compose file: valid by the specification's schema, and everything that it refers to is there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from mondoshawan import env as environment
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.programs import SERVERS, chosen, table
from mondoshawan.env import PROJECT_ROOT

DOCKER = PROJECT_ROOT / "docker"
SCHEMA = Path(__file__).with_name("compose_spec.json")
VALUES = {"POSTGRES_PASSWORD": "pg1", "REDIS_PASSWORD": "rd1", "GRAFANA_PASSWORD": "gf1"}
PROCESSES = {"web", "rpc", "virtual", "validate", "shards", "mine", "index", "beat"}


def interpolated(text: str, values: dict[str, str]) -> str:
    """Compose's ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?message}``; ``$$`` is a dollar sign."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        name, kind, rest = found[1], found[2], found[3] or ""
        if values.get(name):
            return values[name]
        assert kind != ":?", f"{name}: {rest}"
        return rest

    return re.sub(r"\$\$|\$\{(\w+)(?:(:-|:\?)([^}]*))?\}", value, text)


def compose(values: dict[str, str] | None = None) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(interpolated((DOCKER / "compose.yml").read_text(), values or VALUES))
    return loaded


def test_it_is_valid_by_the_schema() -> None:
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(compose())


def test_the_schema_would_find_a_mistake() -> None:
    wrong = compose()
    wrong["services"]["web"]["healthchek"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(wrong)


@pytest.mark.parametrize("missing", VALUES)
def test_a_missing_password_is_refused(missing: str) -> None:
    with pytest.raises(AssertionError, match=missing):
        compose({name: value for name, value in VALUES.items() if name != missing})


def test_the_example_names_every_variable_that_the_file_reads() -> None:
    read = set(re.findall(r"(?<!\$)\$\{(\w+)", (DOCKER / "compose.yml").read_text()))
    lines = (DOCKER / "env.example").read_text().splitlines()
    assert {line.partition("=")[0] for line in lines if line and not line.startswith("#")} == read


def test_every_service_that_the_node_needs_is_there() -> None:
    services = compose()["services"]
    assert set(services) == {"postgres", "redis", "prepare", "prometheus", "grafana"} | PROCESSES
    env = environment.current()
    known = {item.called for item in table(env, DataFolder.of(env), None) if item.name not in SERVERS}
    assert known == PROCESSES
    for name in PROCESSES | {"prepare"}:
        assert services[name]["command"] == [name]


def test_every_setting_is_one_and_parses() -> None:
    services = compose()["services"]
    for name in PROCESSES | {"prepare"}:
        env = environment.read({key: str(value) for key, value in services[name]["environment"].items()})
        assert env.database_url == "postgres://mondoshawan:pg1@postgres:5432/mondoshawan"
        assert env.redis_url == "redis://:rd1@redis:6379/0"
        assert {item.called for item in chosen(table(env, DataFolder.of(env), None), env)} >= PROCESSES


def test_hosts_networks_and_ports_fit_each_other() -> None:
    content = compose()
    web = content["services"]["web"]["environment"]
    subnet = content["networks"]["default"]["ipam"]["config"][0]["subnet"]
    assert subnet in web["MDS_METRICS_ALLOW"].split(",")
    targets = re.findall(r'targets: \["(\w+):(\d+)"\]', (DOCKER / "prometheus" / "prometheus.yml").read_text())
    assert ("web", "8000") in targets
    assert "web" in web["MDS_ALLOWED_HOSTS"].split(",")
    for service in content["services"].values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), "published to everybody by default"


def test_every_volume_and_every_file_that_is_mounted_exists() -> None:
    content = compose()
    used = set()
    for name, service in content["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DOCKER / source).is_dir(), f"{name}: {source}"
                assert any((DOCKER / source).iterdir()), f"{name}: {source} is empty"
            else:
                used.add(source)
    assert used == set(content["volumes"])


def test_every_dependency_is_a_service_that_can_meet_its_condition() -> None:
    services = compose()["services"]
    for name, service in services.items():
        for other, how in dict(_conditions(service)).items():
            assert other in services, name
            if how == "service_healthy":
                has_own = "healthcheck" in services[other]
                assert has_own or services[other]["image"].startswith("mondoshawan"), f"{name} waits for {other}"
            if how == "service_completed_successfully":
                assert services[other]["restart"] == "no"


def _conditions(service: dict[str, Any]) -> list[tuple[str, str]]:
    wanted = service.get("depends_on", {})
    if isinstance(wanted, list):
        return [(name, "service_started") for name in wanted]
    return [(name, how["condition"]) for name, how in wanted.items()]


def test_the_node_is_locked_up_and_shards_can_be_scaled() -> None:
    services = compose()["services"]
    for name in PROCESSES:
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert "/tmp" in services[name]["tmpfs"]
    # a name or a published port would allow one container only
    assert not {"container_name", "ports"} & set(services["shards"])
    assert services["shards"]["environment"]["MDS_SHARD_WORKERS"] == "1"


def test_no_password_stands_on_a_command_line() -> None:
    for service in compose()["services"].values():
        words = " ".join(service.get("command", []))
        assert not [secret for secret in VALUES.values() if secret in words]
