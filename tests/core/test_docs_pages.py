"""The pages of docs/protocol agree with the code: parameters, rule codes, header fields, links."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from chain.core.errors import RuleCode
from chain.core.types import BlockStatus, Header
from tests.core.docs_chain_spec import PAGE, regenerated, shown

DOCS = PAGE.parent
PAGES = sorted(DOCS.glob("*.md"))


def test_the_parameters_are_those_of_the_genesis_files() -> None:
    """If this fails: python -m tests.core.docs_chain_spec"""
    assert PAGE.read_text() == regenerated(PAGE.read_text())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (131_072, "131 072"),
        (2**246, "2^246"),
        (10**28, "10^28"),
        (10**22, "10 000 × 10^18"),
        (50 * 10**18, "50 × 10^18"),
        ("x", '"x"'),
    ],
)
def test_how_values_are_written(value: object, text: str) -> None:
    assert shown(value) == text


def cells_of(page: str, columns: int) -> list[list[str]]:
    lines = [line for line in (DOCS / page).read_text().splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in rows if len(row) == columns]


def test_every_rule_code_is_explained_once() -> None:
    codes = [row[0].strip("`") for row in cells_of("rules.md", 2) if row[0].startswith("`")]
    assert sorted(codes) == sorted(code.value for code in RuleCode)


def test_the_header_table_is_the_header() -> None:
    rows = [row for row in cells_of("blocks.md", 5) if row[0].isdigit()]
    assert [(row[0], row[1].strip("`")) for row in rows] == [
        (str(number), field.name) for number, field in enumerate(fields(Header), 1)
    ]


def test_the_statuses_are_explained() -> None:
    named = [row[0] for row in cells_of("blocks.md", 2)]
    assert {status.value for status in BlockStatus} <= set(named)


def anchors(text: str) -> set[str]:
    """Anchors of a page's headings as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text()), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sources_named_in_the_text_exist(page) -> None:
    root = DOCS.parents[1]
    for path in re.findall(r"`((?:chain|tests|docs)/[\w/.]+)`", page.read_text()):
        assert (root / path).exists(), path
