"""Pages that commands write from the code: each is current, and the commands tell when one is not."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class

from chain.management.commands._document import DocumentCommand

PAGES = {
    name: type(command)
    for name, app in get_commands().items()
    if app in ("chain", "mondoshawan") and isinstance(command := load_command_class(app, name), DocumentCommand)
}


def test_there_are_such_pages() -> None:
    assert set(PAGES) == {"configuration", "error_docs", "metrics_docs", "rpc_docs"}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_current_or_the_command_says_so(name: str, tmp_path: Path, settings: Any) -> None:
    """If this fails: manage.py <name> --write"""
    call_command(name, "--check")
    current = PAGES[name].path().read_text()
    settings.BASE_DIR = tmp_path
    with pytest.raises(CommandError, match=f"out of date: manage.py {name} --write"):
        call_command(name, "--check")
    call_command(name, "--write")
    assert PAGES[name].path() == tmp_path / PAGES[name].page
    assert PAGES[name].path().read_text() == current
    call_command(name, "--check")
    PAGES[name].path().write_text(current + "x")
    with pytest.raises(CommandError, match="out of date"):
        call_command(name, check=True)
    out = StringIO()
    call_command(name, stdout=out)
    assert out.getvalue() == current
