"""The node's own source as syntax trees, for tests that walk it."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("chain", "explorer", "admin_ui", "mondoshawan")


@dataclass(frozen=True, eq=False)
class Source:
    """One file: its path below the project, its tree, and the lines that carry a comment."""

    path: str
    tree: ast.Module
    comments: frozenset[int]

    def at(self, node: ast.AST) -> str:
        """The place of a node as people write it."""
        return f"{self.path}:{getattr(node, 'lineno', 0)}"

    def explained(self, first: int, last: int) -> bool:
        """Whether a comment stands on one of these lines or directly above the first."""
        return not self.comments.isdisjoint(range(first - 1, last + 1))


@cache
def sources() -> tuple[Source, ...]:
    """Every module of the node, without migrations and vendored files."""
    files = [ROOT / "manage.py", *(path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py")))]
    return tuple(parse(path.relative_to(ROOT).as_posix(), path.read_text()) for path in files if wanted(path))


def wanted(path: Path) -> bool:
    """Whether a file is ours and of today."""
    return not {"migrations", "static", "__pycache__", "node_modules"} & set(path.parts)


def parse(path: str, text: str) -> Source:
    """One source from its text."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = frozenset(token.start[0] for token in tokens if token.type == tokenize.COMMENT)
    return Source(path, ast.parse(text), comments)


def name_of(node: ast.AST | None) -> str:
    """The last part of a dotted name: ``errors.RuleViolation(…)`` and ``RuleViolation`` give the same."""
    if isinstance(node, ast.Call):
        return name_of(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def calls(source: Source, names: frozenset[str]) -> Iterator[ast.Call]:
    """Calls of anything by these names."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and name_of(node) in names:
            yield node
