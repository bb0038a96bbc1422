"""Django app configuration of explorer."""

from __future__ import annotations

from django.apps import AppConfig


class ExplorerConfig(AppConfig):
    """Names the app, and what it adds to the node: JSON-RPC methods, and projections that a commit wakes."""

    name = "explorer"
    label = "explorer"
    default_auto_field = "django.db.models.BigAutoField"
    # imported by the JSON-RPC application, where they register their methods
    rpc_modules = ("explorer.rpc.erigon", "explorer.rpc.ots", "explorer.rpc.ots_search")

    def ready(self) -> None:
        """Listen to the writer."""
        from chain.signals import committed
        from explorer.wake import wake

        committed.connect(wake, dispatch_uid="explorer.wake")

    def prune_floor(self) -> int:
        """The oldest number whose history the index still has to read (``chain.services.prune``)."""
        from explorer.selectors.lag import next_to_index

        return next_to_index()
