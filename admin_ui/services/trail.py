"""Reading the trail of operators' actions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chain.models import OperatorAction

EXPORT_PAGE = 500


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows; empty is all."""

    actor: str = ""
    action: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class TrailPage:
    """Rows, newest first, and whether there are more on either side."""

    rows: list[OperatorAction]
    has_newer: bool
    has_older: bool


def newest(limit: int) -> list[OperatorAction]:
    """The last actions."""
    return list(OperatorAction.objects.order_by("-id")[:limit])


def actions_page(wanted: Filter, size: int, before: int | None = None, after: int | None = None) -> TrailPage:
    """One page by keyset: the rows older than ``before``, or the ones just newer than ``after``."""
    asked = {name: getattr(wanted, name) for name in ("actor", "action", "outcome") if getattr(wanted, name)}
    found = OperatorAction.objects.filter(**asked)
    if after is not None:
        rows = list(found.filter(id__gt=after).order_by("id")[: size + 1])
        more = len(rows) > size
        return TrailPage(rows[:size][::-1], more, bool(rows))
    rows = list((found.filter(id__lt=before) if before is not None else found).order_by("-id")[: size + 1])
    return TrailPage(rows[:size], before is not None and bool(rows), len(rows) > size)


def all_actions(wanted: Filter, most: int) -> Iterator[OperatorAction]:
    """The newest of what is wanted, page after page."""
    before: int | None = None
    while most > 0:
        page = actions_page(wanted, min(most, EXPORT_PAGE), before=before)
        yield from page.rows
        if not page.has_older:
            return
        most -= len(page.rows)
        before = page.rows[-1].id


def known_actions() -> list[str]:
    """Names for the filter."""
    return list(OperatorAction.objects.order_by("action").values_list("action", flat=True).distinct())
