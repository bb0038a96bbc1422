"""The data folder of one network: paths, the FORMAT file, the place of the sockets."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain.core.errors import ConfigError
from mondoshawan.env import Environment

LAYOUT_VERSION = 1
# sockaddr_un holds 108 bytes with its end mark; 100 leaves room for the suffixes of servers
SOCKET_PATH_LIMIT = 100
_LONGEST_SOCKET = "pg/.s.PGSQL.5432.lock"
_SUBFOLDERS = ("postgres", "redis", "keys", "log", "run", "metrics", "backup")


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Paths below one network's folder; making one touches nothing.

    Parameters
    ----------
    root : Path
        ``<MDS_DATA_DIR>/<network>``, absolute.
    network : str
        Name of the network.
    """

    root: Path
    network: str

    @classmethod
    def of(cls, env: Environment) -> DataFolder:
        """The folder that the environment names."""
        return cls(env.data_dir / env.network, env.network)

    @property
    def postgres(self) -> Path:
        """Cluster of the embedded PostgreSQL."""
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        """Append-only file of the embedded Redis."""
        return self.root / "redis"

    @property
    def keys(self) -> Path:
        """Secrets, 0700."""
        return self.root / "keys"

    @property
    def log(self) -> Path:
        """One log file for each process."""
        return self.root / "log"

    @property
    def run(self) -> Path:
        """What lives only as long as the node runs."""
        return self.root / "run"

    @property
    def metrics(self) -> Path:
        """Value files of multi-process Prometheus metrics."""
        return self.root / "metrics"

    @property
    def backup(self) -> Path:
        """Copies that were made before something changed the data."""
        return self.root / "backup"

    @property
    def format_file(self) -> Path:
        """The FORMAT file."""
        return self.root / "FORMAT"

    @property
    def restart_file(self) -> Path:
        """Made by who wants ``up`` to stop everything and begin anew."""
        return self.run / "restart"

    @property
    def lock_file(self) -> Path:
        """Held by the one ``up`` of this folder."""
        return self.run / "up.lock"

    @property
    def sockets(self) -> Path:
        """Folder of all Unix sockets: ``run``, or a short private one where that path is too long for a socket."""
        if len(os.fsencode(self.run / _LONGEST_SOCKET)) < SOCKET_PATH_LIMIT:
            return self.run
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path("/tmp") / f"mds-{os.geteuid()}-{digest}"  # noqa: S108 - owner and mode are checked in create()

    @property
    def postgres_sockets(self) -> Path:
        """``unix_socket_directories`` of the embedded PostgreSQL."""
        return self.sockets / "pg"

    @property
    def redis_socket(self) -> Path:
        """Socket of the embedded Redis."""
        return self.sockets / "redis" / "redis.sock"

    @property
    def supervisor_socket(self) -> Path:
        """XML-RPC socket of the supervisor."""
        return self.sockets / "supervisor.sock"

    def create(self) -> None:
        """Make what is missing and judge what is there.

        Raises
        ------
        ConfigError
            ``data_folder`` when it cannot be made, ``data_folder_newer``, ``data_folder_network`` or
            ``data_folder_format`` when its FORMAT is not ours.
        """
        try:
            _make(self.root, 0o755)
            self._judge_format()
            for name in _SUBFOLDERS:
                _make(self.root / name, 0o700 if name in ("keys", "backup", "postgres", "redis") else 0o755)
            self.keys.chmod(0o700)
            if self.sockets != self.run:
                _make(self.sockets, 0o711)
                _own_or_refuse(self.sockets)
            for folder in (self.postgres_sockets, self.redis_socket.parent):
                _make(folder, 0o700)
            if not self.format_file.exists():
                self.write_format(genesis=None)
        except OSError as error:
            raise ConfigError(
                "data_folder",
                f"the data folder {self.root} cannot be prepared: {error.strerror}",
                hint="set MDS_DATA_DIR to a folder that this user may write",
            ) from error

    def judge(self) -> None:
        """Refuse a folder that is not ours, without touching it; errors as ``create``."""
        self._judge_format()

    def read_format(self) -> dict[str, Any]:
        """The FORMAT file: ``layout`` (int), ``network`` (str), ``genesis`` (0x hex or None)."""
        try:
            content = json.loads(self.format_file.read_text())
            layout, network = content["layout"], content["network"]
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                "data_folder_format",
                f"{self.format_file} is not readable",
                hint="restore the file from a backup, or start with another MDS_DATA_DIR",
            ) from error
        return {"layout": layout, "network": network, "genesis": content.get("genesis")}

    def write_format(self, genesis: str | None, layout: int = LAYOUT_VERSION) -> None:
        """Write FORMAT as a whole or not at all.

        Parameters
        ----------
        genesis : str, optional
            Genesis hash as 0x hex, once known.
        layout : int
            This version's, but between two steps of an upgrade.
        """
        text = json.dumps({"layout": layout, "network": self.network, "genesis": genesis}, indent=1) + "\n"
        draft = self.format_file.with_name("FORMAT.new")
        with draft.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.format_file)

    def record_genesis(self, genesis: str) -> None:
        """Tie the folder to one genesis hash.

        Raises
        ------
        ConfigError
            ``data_folder_genesis`` when the folder already belongs to another one.
        """
        known = self.read_format()["genesis"]
        if known is None:
            self.write_format(genesis)
        elif known != genesis:
            raise ConfigError(
                "data_folder_genesis",
                f"{self.root} holds a chain that starts at {known}, not at {genesis}",
                hint="set MDS_DATA_DIR to an empty folder",
            )

    def _judge_format(self) -> None:
        if not self.format_file.exists():
            if (self.postgres / "PG_VERSION").exists():
                raise ConfigError(
                    "data_folder_format",
                    f"{self.root} holds a database but no FORMAT file",
                    hint="restore FORMAT from a backup, or start with another MDS_DATA_DIR",
                )
            return
        found = self.read_format()
        if not isinstance(found["layout"], int) or found["layout"] > LAYOUT_VERSION:
            raise ConfigError(
                "data_folder_newer",
                f"{self.root} was written by a newer version of the node (layout {found['layout']}, this one knows "
                f"{LAYOUT_VERSION})",
                hint="update the node, or start with another MDS_DATA_DIR",
            )
        if found["network"] != self.network:
            raise ConfigError(
                "data_folder_network",
                f"{self.root} belongs to the network {found['network']}, not to {self.network}",
                hint="set MDS_NETWORK or MDS_DATA_DIR",
            )


def _make(folder: Path, mode: int) -> None:
    """Create with exactly this mode, whatever the umask; leave what is already there alone."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        path.chmod(mode if path == folder else 0o755)


def _own_or_refuse(folder: Path) -> None:
    """Refuse a folder in a shared place that someone else made first."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise ConfigError(
            "data_folder",
            f"{folder} is not ours alone",
            hint="remove it, or set MDS_DATA_DIR to a shorter path, so that sockets fit into it",
        )
