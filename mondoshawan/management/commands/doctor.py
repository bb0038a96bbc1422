"""``manage.py doctor``: what is set up wrongly, why it matters, and what to do."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from mondoshawan import env as environment
from mondoshawan.doctor.examine import examine
from mondoshawan.doctor.findings import Level


class Command(BaseCommand):
    """Exit code 1 when there is an error, 0 when there are warnings only or nothing; it changes nothing."""

    help = "Look for the usual mistakes in settings, data folder, machine, servers and the running node."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """For people or for programs."""
        parser.add_argument("--json", action="store_true", help="print the findings as a JSON array")

    def handle(self, *args: Any, **options: Any) -> None:
        """Examine and tell."""
        found = list(examine(environment.current()))
        if options["json"]:
            self.stdout.write(json.dumps([asdict(item) for item in found], indent=1))
        else:
            for item in found:
                self.stdout.write(f"{item.level} {item.code}: {item.what}")
                self.stdout.write(f"    why:    {item.why}")
                self.stdout.write(f"    remedy: {item.remedy}")
            errors = sum(item.level is Level.ERROR for item in found)
            self.stdout.write(f"{errors} errors, {len(found) - errors} warnings" if found else "nothing is wrong")
        if any(item.level is Level.ERROR for item in found):
            sys.exit(1)
