"""The form of commands that write a page of the documentation from the code."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class DocumentCommand(BaseCommand):
    """Prints the page, writes it, or says whether the written one is up to date.

    A subclass says where the page is and what stands on it.
    """

    page: ClassVar[str]
    requires_system_checks: list[str] = []

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.help = f"Print {self.page}; --write writes it, --check compares it."

    @abstractmethod
    def text(self) -> str:
        """The page as the code has it."""

    @classmethod
    def path(cls) -> Path:
        """Where the page is."""
        return Path(settings.BASE_DIR) / cls.page

    def add_arguments(self, parser: CommandParser) -> None:
        """``--write`` or ``--check``."""
        group = parser.add_mutually_exclusive_group()
        group.add_argument("--write", action="store_true")
        group.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the option says.

        Raises
        ------
        CommandError
            With ``--check``, where the written page is another one.
        """
        path, text = self.path(), self.text()
        if options["write"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif options["check"]:
            if not path.exists() or path.read_text() != text:
                name = type(self).__module__.rpartition(".")[2]
                raise CommandError(f"{self.page} is out of date: manage.py {name} --write")
        else:
            self.stdout.write(text, ending="")
