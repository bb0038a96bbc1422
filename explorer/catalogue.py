"""Codes of the explorer's index (the catalogue of ``chain.core.catalogue``)."""

from __future__ import annotations

from chain.core.catalogue.entry import Entry, entries
from chain.core.errors import ConfigError, StoreError

ENTRIES: tuple[Entry, ...] = (
    *entries(
        ConfigError,
        ("unknown_projection", "`reindex` was asked for a projection that there is not", "the hint lists them"),
    ),
    *entries(
        StoreError,
        (
            "index_busy",
            "`reindex` waited a minute for another process that indexes",
            "try again; where it stays so, look at log/index.log",
        ),
        (
            "index_needs_history",
            "`reindex` on a node that has pruned: the projections would forget what is older",
            "leave it; or `reindex --force`, or build the index on an archive",
        ),
    ),
)
