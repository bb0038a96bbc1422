"""``manage.py verify``: short for ``verify_chain``."""

from __future__ import annotations

from mondoshawan.management.commands import verify_chain


class Command(verify_chain.Command):
    """The same command under the name that operators look for."""
