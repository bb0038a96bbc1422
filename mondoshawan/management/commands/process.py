"""``manage.py process <name>``: become one process of the node, as a container or a unit of its own runs it."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from chain.core.errors import ConfigError
from mondoshawan import env as environment
from mondoshawan.appliance import identity, keys
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.programs import SERVERS, table


class Command(BaseCommand):
    """Replaces itself by the program of the table that ``up`` starts too; migrations are ``prepare``'s."""

    help = "Run one process of the node in the foreground, with servers named by MDS_DATABASE_URL and MDS_REDIS_URL."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which one."""
        parser.add_argument("name", help="web, rpc, virtual, validate, shards, mine, index or beat")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare the folder, then exec."""
        env = environment.current()
        folder = DataFolder.of(env)
        programs = {item.name: item for item in table(env, folder, identity.resolve(env.run_as))}
        known = [name for name, item in programs.items() if name not in SERVERS and item.present]
        name = options["name"]
        if name not in known:
            raise ConfigError(
                "config_value", f"there is no process {name}", hint=f"the processes are {', '.join(known)}"
            )
        if not env.database_url or not env.redis_url:
            raise ConfigError(
                "servers_missing",
                f"{name} alone needs servers that somebody else runs",
                hint="set MDS_DATABASE_URL and MDS_REDIS_URL, or run `up`, which brings its own",
            )
        folder.create()
        keys.ensure_keys(folder.keys)
        launch = programs[name].prepare()
        os.chdir(launch.cwd)
        if launch.nice:
            os.nice(launch.nice)
        os.execve(launch.argv[0], launch.argv, {**os.environ, **launch.env})  # noqa: S606 - becoming it is the point
