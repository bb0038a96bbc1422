"""``manage.py prepare``: what ``up`` does to the database before the processes start.

Prints progress on standard error and one JSON object on standard output for ``up``.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand

from admin_ui.services import first_run
from chain.models import OperatorAction
from chain.services import audit
from chain.services.redis_identity import claim_redis
from mondoshawan import chosen_servers
from mondoshawan import env as environment
from mondoshawan.appliance import hooks, keys, postgres
from mondoshawan.appliance.folder import DataFolder

_WENT_BACK = "servers.go_back"


class Command(BaseCommand):
    """Safe to repeat: each step does only what is missing."""

    help = "Create the database, migrate it, initialise the chain, create the operator."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the steps in order."""
        env = environment.current()
        folder = DataFolder.of(env)
        # `up` has done so already; a container that only prepares has not
        folder.create()
        keys.ensure_keys(folder.keys)
        if not env.database_url:
            postgres.ensure_database(folder, keys.read_text(folder.keys, keys.DATABASE_PASSWORD) or "")
        call_command("migrate", interactive=False, verbosity=0, stdout=self.stderr)
        if "init_chain" in get_commands():
            call_command("init_chain", stdout=self.stderr)
        genesis = hooks.genesis_hash()
        if genesis is not None:
            folder.record_genesis(genesis)
        carried = chosen_servers.take_first_run(folder.root)
        password = first_run.ensure_operator(env.operator_password, carried)
        chosen_servers.end_first_run(folder.root)
        notes = hooks.notes()
        if claim_redis():
            notes.append("WARNING: Redis kept facts of another database; pending transactions are lost")
        notes += self._servers(folder)
        report = {"operator_password": password, "notes": notes}
        self.stdout.write(json.dumps(report))

    def _servers(self, folder: DataFolder) -> list[str]:
        """What is said at each start while nobody has seen that chosen servers were refused; once in the trail."""
        refused = chosen_servers.refused(folder.root)
        if refused is None:
            return []
        label = chosen_servers.LABELS.get(refused.server, refused.server)
        if not OperatorAction.objects.filter(action=_WENT_BACK, at_ms__gte=refused.at_ms).exists():
            with audit.operation(_WENT_BACK, label) as trail:
                trail.outcome, trail.detail = audit.REFUSED, f"{refused.code}: {refused.reason}"
        return [f"WARNING: the node works with its servers of before; the {label} that was chosen: {refused.reason}"]
