"""How the source raises and catches: one tree, nothing bare, nothing swallowed in silence."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from chain.core import errors
from tests.architecture.source import Source, name_of, parse, sources

TREE = frozenset(
    name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)
)
# what only steers the control flow of one module; who catches it stands beside it
SIGNALS = {
    "BadPoint": "chain/core/execution/evm/",
    "ForeignTouch": "chain/core/execution/evm/",
    "EnoughFound": "chain/services/verify/",
    "TimeIsUp": "chain/services/call_worker.py",
    "StopRequested": "mondoshawan/appliance/up.py",
}
# what a framework or a library wants to be told in its own words
FOREIGN = {
    # py-evm judges its own exceptions
    "chain/core/execution/evm/": {
        *("VMError", "OutOfGas", "InsufficientStack", "FullStack", "InvalidJumpDestination", "StackDepthLimit"),
        *("WriteProtection", "OutOfBoundsRead", "InvalidInstruction", "Halt", "Revert", "InsufficientFunds"),
    },
    # env.read makes each one a coded ConfigError with the variable's name
    "mondoshawan/parsers.py": {"ValueError"},
    # decided in the same function
    "chain/rpc/params.py": {"ValueError"},
    # msgpack's and orjson's hooks for what they cannot pack
    "chain/stores/virtual.py": {"ValueError"},
    "chain/services/snapshot.py": {"TypeError"},
    # caught where the value's name is known, and answered as invalid_params
    "explorer/abi.py": {"ValueError"},
    # Django's own answers of a page or a form
    "explorer/": {"Http404", "PermissionDenied", "ValidationError", "SuspiciousOperation"},
    "admin_ui/": {"Http404", "PermissionDenied", "ValidationError", "SuspiciousOperation"},
}
COMMANDS = "/management/commands/"
WIDE = {"Exception", "BaseException"}
LOGS = {"exception", "error", "warning", "info", "debug", "critical"}


def raised(source: Source) -> Iterator[str]:
    """What is raised by name and neither of the tree nor allowed at its place."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Raise) or node.exc is None:
            continue
        name = name_of(node.exc)
        if isinstance(node.exc, ast.Constant) or not name:
            yield f"{source.at(node)} raises {ast.unparse(node.exc)}"
            continue
        if isinstance(node.exc, (ast.Name, ast.Attribute)) and not name.lstrip("_")[0].isupper():
            # an error that was caught or made before, raised again
            continue
        if isinstance(node.exc, ast.Call) and not name.lstrip("_")[0].isupper():
            # a function that makes an error; what it makes is looked at where it is made
            continue
        allowed = any(source.path.startswith(place) and name in names for place, names in FOREIGN.items())
        signal = name in SIGNALS and source.path.startswith(SIGNALS[name])
        if name not in TREE and not allowed and not signal and not (COMMANDS in source.path and name == "CommandError"):
            yield f"{source.at(node)} raises {name}"


def own_classes(source: Source) -> Iterator[str]:
    """Exception classes outside of the tree that nobody has allowed."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and source.path != "chain/core/errors.py":
            bases = {name_of(base) for base in node.bases}
            builtin = {base for base in bases if base in WIDE or base.endswith(("Error", "Exception"))}
            if builtin and not bases & TREE and node.name not in SIGNALS:
                yield f"{source.at(node)} class {node.name}({', '.join(sorted(bases))})"


def caught(source: Source) -> Iterator[str]:
    """Handlers that catch everything by accident, or let an error go without a word."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            if node.type is None:
                yield f"{source.at(node)} bare except"
                continue
            last = node.body[-1].end_lineno or node.lineno
            explained = source.explained(node.lineno, last)
            if is_silent(node) and not explained:
                yield f"{source.at(node)} swallows {ast.unparse(node.type)} without a reason"
            if WIDE & names_in(node.type) and not handled(node) and not explained:
                yield f"{source.at(node)} neither raises nor logs what it catches"
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if name_of(item.context_expr) == "suppress" and not source.explained(node.lineno, node.lineno + 1):
                    yield f"{source.at(node)} suppresses without a reason"


def names_in(node: ast.expr) -> set[str]:
    return {name_of(part) for part in (node.elts if isinstance(node, ast.Tuple) else [node])}


def is_silent(handler: ast.ExceptHandler) -> bool:
    """Whether the handler does nothing at all."""
    return all(
        isinstance(part, (ast.Pass, ast.Continue, ast.Break))
        or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
        for part in handler.body
    )


def handled(handler: ast.ExceptHandler) -> bool:
    """Whether what was caught is raised again, logged, or handed on by its name."""
    for part in ast.walk(ast.Module(handler.body, [])):
        if isinstance(part, ast.Raise):
            return True
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in LOGS:
            return True
        if handler.name and isinstance(part, ast.Name) and part.id == handler.name:
            return True
    return False


def texts(source: Source) -> Iterator[str]:
    """Errors that are texts only: an ``error`` member that is a sentence instead of a coded object."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values):
            is_error = isinstance(key, ast.Constant) and key.value == "error"
            is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
            if is_error and (is_text or isinstance(value, ast.JoinedStr) or name_of(value) in ("str", "repr")):
                yield f"{source.at(node)} answers an error that is a text"


def test_what_is_raised_is_of_the_tree() -> None:
    assert [found for source in sources() for found in raised(source)] == []


def test_no_other_exception_classes() -> None:
    assert [found for source in sources() for found in own_classes(source)] == []


def test_nothing_is_swallowed() -> None:
    assert [found for source in sources() for found in caught(source)] == []


def test_no_error_is_a_text() -> None:
    assert [found for source in sources() for found in texts(source)] == []


def test_every_exception_of_a_place_is_still_used() -> None:
    """An allowance that nobody needs is taken back."""
    used = {(source.path, name_of(node.exc)) for source in sources() for node in ast.walk(source.tree)
            if isinstance(node, ast.Raise) and node.exc is not None}  # fmt: skip
    for place in (
        "mondoshawan/parsers.py",
        "chain/rpc/params.py",
        "chain/stores/virtual.py",
        "chain/services/snapshot.py",
    ):
        assert {name for path, name in used if path == place} >= FOREIGN[place], place
    for signal, place in SIGNALS.items():
        assert any(path.startswith(place) and name == signal for path, name in used), signal


@pytest.mark.parametrize(
    ("text", "rule", "found"),
    [
        ("raise Exception('x')", raised, True),
        ("raise ValueError", raised, True),
        ("raise AssertionError('x')", raised, True),
        ("raise 'x'", raised, True),
        ("raise builtins.RuntimeError()", raised, True),
        ("raise StoreError('x')", raised, False),
        ("try:\n  f()\nexcept OSError as error:\n  raise error", raised, False),
        ("class Mine(RuntimeError): ...", own_classes, True),
        ("class Mine(StoreError): ...", own_classes, False),
        ("try:\n  f()\nexcept:\n  g()", caught, True),
        ("try:\n  f()\nexcept OSError:\n  pass", caught, True),
        ("try:\n  f()\nexcept OSError:\n  # it is gone anyway\n  pass", caught, False),
        ("try:\n  f()\nexcept Exception:\n  x = 1", caught, True),
        ("try:\n  f()\nexcept (OSError, Exception):\n  return_(1)", caught, True),
        ("try:\n  f()\nexcept Exception:\n  log.exception('x')", caught, False),
        ("try:\n  f()\nexcept BaseException:\n  close()\n  raise", caught, False),
        ("with suppress(OSError):\n  f()", caught, True),
        ("# gone anyway\nwith contextlib.suppress(OSError):\n  f()", caught, False),
        ("x = {'error': f'{y} failed'}", texts, True),
        ("x = {'error': str(error)}", texts, True),
        ("x = {'error': error_object(error)}", texts, False),
    ],
)
def test_how_the_rules_judge(text: str, rule: object, found: bool) -> None:
    assert bool(list(rule(parse("chain/x.py", text + "\n")))) is found  # type: ignore[operator]
