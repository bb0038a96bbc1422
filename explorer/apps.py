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

    def prune_floor(self) -> int:
        """The oldest epoch that a projection has not read yet: history below may go."""
        from django.db.models import Min

        from explorer.models import IndexerCursor

        least = IndexerCursor.objects.aggregate(least=Min("number"))["least"]
        return 0 if least is None else least + 1

    def ready(self) -> None:
        """Listen to the writer."""
        from chain.signals import committed
        from explorer.wake import wake

        committed.connect(wake, dispatch_uid="explorer.wake")
