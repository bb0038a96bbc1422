"""The table of processes: what each runs, in which order they start, how they stop."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec

from chain.core.errors import ConfigError
from mondoshawan import env as environment
from mondoshawan.appliance import postgres, redis_server
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.identity import RunAs
from mondoshawan.appliance.launch import Launch
from mondoshawan.env import Bind, Environment
from mondoshawan.settings.parts.celery import WORKERS

SERVERS = ("postgres", "redis")


@dataclass(frozen=True, slots=True)
class Program:
    """One supervised process.

    Parameters
    ----------
    name : str
        Name of the process and of its log file.
    prepare : Callable[[], Launch]
        Gives the launch; called after the cluster exists.
    priority : int
        Start order, ascending; stops go the other way.
    stop_signal : str
        Asks for an orderly end.
    stop_seconds : int
        Patience before SIGKILL.
    start_seconds : int
        How long it must live to count as started.
    bind : Bind, optional
        Where it listens.
    needs : str
        Module without which this build does not have the process.
    group : str
        The name in ``MDS_PROCESSES`` of processes that come and go together; empty: its own.
    """

    name: str
    prepare: Callable[[], Launch]
    priority: int = 0
    stop_signal: str = "TERM"
    stop_seconds: int = 7
    start_seconds: int = 2
    bind: Bind | None = None
    needs: str = ""
    group: str = ""

    @property
    def called(self) -> str:
        """What ``MDS_PROCESSES`` calls it."""
        return self.group or self.name

    @property
    def present(self) -> bool:
        """Whether this build has it."""
        if not self.needs:
            return True
        try:
            return find_spec(self.needs) is not None
        except ModuleNotFoundError:
            return False


def table(env: Environment, folder: DataFolder, user: RunAs | None) -> tuple[Program, ...]:
    """Every process of the node in the order in which they start."""
    cores = os.cpu_count() or 1
    validators = env.validate_workers or min(2, cores)
    lanes = env.shard_workers or max(1, cores - 1)

    def python(*arguments: str, nice: int = 0, **extra: str) -> Callable[[], Launch]:
        return lambda: Launch(
            argv=(sys.executable, *arguments),
            cwd=environment.PROJECT_ROOT,
            env={**_common_environment(env, folder), **extra},
            nice=nice,
            # they keep nothing that a kill could harm; an orderly end would wait for servers that end too
            death_signal=signal.SIGKILL,
        )

    def worker(name: str, processes: int, nice: int = 0) -> Callable[[], Launch]:
        return python(
            *("-m", "celery", "--quiet", "-A", "mondoshawan", "worker", "-n", f"{name}@mondoshawan"),
            *("-Q", ",".join(WORKERS[name]), "-P", "prefork", "-c", str(processes), "-O", "fair", "-l", "WARNING"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            nice=nice,
            # `up` has run them, and they import every page of the web: 20 MB in each worker
            CELERY_SKIP_CHECKS="1",
        )

    programs = [
        Program(
            "postgres",
            lambda: postgres.launch(folder, user, env.pg_shared_buffers_mb),
            stop_signal="INT",
            stop_seconds=60,
            start_seconds=1,
        ),
        Program("redis", lambda: redis_server.launch(folder, user), stop_seconds=30, start_seconds=1),
        Program(
            "web",
            python(
                *("-m", "mondoshawan.web_server", "-b", env.web_bind.host, "-p", str(env.web_bind.port), "-v", "0"),
                *("--no-server-name", "--http-timeout", "60", "--application-close-timeout", "3"),
                "mondoshawan.asgi:application",
                MDS_DB_POOL=str(env.db_pool or 4),
            ),
            bind=env.web_bind,
        ),
        *(
            Program(
                "rpc" if place == 1 else f"rpc{place}",
                python("-m", "mondoshawan.rpc_server", MDS_DB_POOL=str(env.db_pool or 8)),
                bind=env.rpc_bind if place == 1 else None,
                needs="chain.rpc.app",
                group="rpc",
            )
            for place in range(1, env.rpc_workers + 1)
        ),
        Program("virtual", worker("virtual", 1)),
        Program("validate", worker("validate", validators)),
        Program("shards", worker("shards", lanes)),
        Program("mine", worker("mine", env.mine_workers, nice=19)),
        # under full load it waits for the writer, and catches up after
        Program("index", worker("index", 1, nice=5)),
        Program("beat", python("-m", "celery", "--quiet", "-A", "mondoshawan", "beat", "-l", "WARNING", "--pidfile=")),
    ]
    return tuple(replace(program, priority=10 * (place + 1)) for place, program in enumerate(programs))


def chosen(programs: tuple[Program, ...], env: Environment) -> tuple[Program, ...]:
    """The programs that this node starts.

    Embedded servers are left out where a URL names an external one, and added where they are needed.
    What the build does not have is left out, unless ``MDS_PROCESSES`` asks for it by name.

    Raises
    ------
    ConfigError
        ``config_value`` for a name that is no process.
    """
    external = {name for name, url in (("postgres", env.database_url), ("redis", env.redis_url)) if url}
    known = list(dict.fromkeys(program.called for program in programs if program.name not in SERVERS))
    wanted = {name for name in env.processes if not name.startswith("-")}
    unwanted = {name[1:] for name in env.processes if name.startswith("-")}
    for name in sorted(wanted | unwanted):
        if name not in known:
            raise ConfigError(
                "config_value", f"MDS_PROCESSES names {name!r}", hint=f"the processes are {', '.join(known)}"
            )
    if wanted and unwanted:
        raise ConfigError(
            "config_value", "MDS_PROCESSES mixes names with and without a minus", hint="use one kind only"
        )
    for program in programs:
        if program.called in wanted and not program.present:
            raise ConfigError(
                "config_value", f"this build has no {program.called} process", hint="leave it out of MDS_PROCESSES"
            )

    def starts(program: Program) -> bool:
        if program.name in SERVERS:
            return program.name not in external
        return program.present and (program.called in wanted if wanted else program.called not in unwanted)

    return tuple(program for program in programs if starts(program))


def _common_environment(env: Environment, folder: DataFolder) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "mondoshawan.settings.prod"),
        "MDS_NETWORK": env.network,
        "MDS_DATA_DIR": str(env.data_dir),
        "PROMETHEUS_MULTIPROC_DIR": str(folder.metrics),
        "PYTHONUNBUFFERED": "1",
        # each process is one of many: no thread pools of numerical libraries, few malloc arenas
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }
