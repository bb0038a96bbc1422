"""The pages agree with the code: parameters, codes, header fields, settings; links and names lead somewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from chain.core.errors import RuleCode
from chain.core.types import BlockStatus, Header
from mondoshawan.env import registry
from tests.core.docs_chain_spec import PAGE, regenerated, shown

DOCS = PAGE.parent
ROOT = DOCS.parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
# what runs between `make run` and the line that says that the node runs
APPLIANCE = (
    "folder",
    "guard",
    "identity",
    "keys",
    "postgres",
    "programs",
    "redis_server",
    "supervisor",
    "up",
    "upgrade",
)
START = (
    ROOT / "mondoshawan" / "env.py",
    ROOT / "mondoshawan" / "settings" / "parts" / "security.py",
    ROOT / "chain" / "stores" / "genesis.py",
    *(ROOT / "mondoshawan" / "appliance" / f"{name}.py" for name in APPLIANCE),
)
# raised there, but met by running processes only
NOT_AT_START = {"key_missing", "key_malformed"}


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


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text()), target


@every_page
def test_sources_named_in_the_text_exist(page: Path) -> None:
    folders = "chain|explorer|admin_ui|mondoshawan|bench|docker|tests|docs|tools"
    for path in re.findall(rf"`((?:{folders})/[\w/.]+)`", page.read_text()):
        assert (ROOT / path).exists(), path


@every_page
def test_names_in_the_text_are_defined(page: Path) -> None:
    for name in re.findall(r"`((?:chain|explorer|admin_ui|mondoshawan)(?:\.\w+)+)`", page.read_text()):
        assert is_defined(name), name


@pytest.mark.parametrize(
    ("name", "defined"),
    [
        ("chain.core", True),
        ("chain.core.types.Header", True),
        ("chain.core.types.Header.stream", True),
        ("chain.core.ghostdag.dag.Dag.insert", True),
        ("chain.core.types.Heading", False),
        ("chain.core.types.Header.streams", False),
        ("chain.nowhere.Header", False),
    ],
)
def test_how_names_are_found(name: str, defined: bool) -> None:
    assert is_defined(name) is defined


@every_page
def test_settings_in_the_text_are_settings(page: Path) -> None:
    known = {entry.name for entry in registry()}
    assert set(re.findall(r"\bMDS_[A-Z0-9_]*[A-Z0-9]\b", page.read_text())) <= known


def test_every_refusal_to_start_is_explained() -> None:
    page = ROOT / "docs" / "operations" / "start-errors.md"
    rows = re.findall(r"^\|.*\| (\w+) \|.*\|$", page.read_text(), re.MULTILINE)
    raised = {code for file in START for code in config_codes(file)}
    assert raised - NOT_AT_START == set(rows) - {"code"}


def test_every_table_is_explained() -> None:
    models = [file.read_text() for file in (ROOT / "chain" / "models").glob("*.py")]
    tables = {table for text in models for table in re.findall(r'db_table = "(\w+)"', text)}
    assert tables == set(re.findall(r"`(chain_\w+)`", (ROOT / "docs" / "architecture" / "data.md").read_text()))


def config_codes(file: Path) -> Iterator[str]:
    """Codes of the ``ConfigError`` that a source file makes."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ConfigError":
            assert isinstance(node.args[0], ast.Constant), file
            yield node.args[0].value


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def is_defined(name: str) -> bool:
    """Whether a dotted name is a package, a module or what stands in one; nothing is imported."""
    place, (*parts,) = ROOT, name.split(".")
    while parts and (place / parts[0]).is_dir():
        place /= parts.pop(0)
    if not parts:
        return True
    module = place / f"{parts[0]}.py"
    file = module if module.exists() else place / "__init__.py"
    parts = parts[1:] if module.exists() else parts
    if not file.exists():
        return False
    body: list[ast.stmt] = parsed(file).body
    for part in parts:
        found = next((node for node in body if part in names_of(node)), None)
        if found is None:
            return False
        body = getattr(found, "body", [])
    return True


def names_of(node: ast.stmt) -> list[str]:
    """What a statement of a module or class defines."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]
