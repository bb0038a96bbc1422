"""``manage.py up``: start the node and stay until it is stopped."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from django.core.management.base import BaseCommand

from mondoshawan import env as environment
from mondoshawan.appliance.up import AGAIN, Appliance


class Command(BaseCommand):
    """Starts every process under a supervisor; SIGINT or SIGTERM stops them in order."""

    help = "Start the node: embedded servers, migrations, genesis and every process. Ctrl-C stops it."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run one life; exit code 0 after an orderly stop."""

        def say(line: str) -> None:
            # a terminal that went away must not keep the node from stopping in order
            with contextlib.suppress(OSError):
                self.stdout.write(line)
                self.stdout.flush()

        code = Appliance(environment.current(), say).run()
        if code == AGAIN:
            say("starting again")
            # the same process by its id, so whoever watches over it sees no end
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - becoming it is the point
        if code:
            sys.exit(code)
