"""Every code that the source can raise has its line in the catalogue, and the page is made of it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from chain.core import errors
from chain.core.errors import BlockchainError
from mondoshawan import error_page
from tests.architecture.source import Source, calls, name_of, sources

TREE = {kind.__name__: kind for kind in (BlockchainError, *error_page.classes())}
ENUMS = {name: value for name, value in vars(errors).items() if name.endswith("Code")}
# a code that is worked out where it is used: the codes that it can be
WORKED_OUT = {
    "chain/core/rules/header_in_context.py": set(),  # of RuleCode, from a table beside it
    "chain/core/execution/simulate.py": {
        *("simulate_nonce_too_low", "simulate_nonce_too_high", "simulate_funds", "simulate_intrinsic_gas"),
    },
    "chain/rpc/app.py": set(),  # RequestCode
    "chain/rpc/methods/eth_call.py": set(),  # an error of the call's own process
    "chain/rpc/methods/mds_operator.py": set(),  # a ConfigError, told to the operator
    "chain/services/pool/wire.py": set(),  # PoolCode
    "chain/services/verify/findings.py": set(),  # first argument of each finding, see below
    "mondoshawan/appliance/backup.py": {"backup_failed", "restore_failed"},
}
FINDINGS = frozenset({"add", "equal", "equal_fields"})


def documented() -> set[tuple[type[BlockchainError], str]]:
    return {(entry.kind, entry.code) for entry in error_page.all_entries()}


def used(source: Source) -> Iterator[tuple[type[BlockchainError], str, str]]:
    """Class, code and place of every error that a file makes."""
    for call in calls(source, frozenset(TREE)):
        first = call.args[0] if call.args else None
        kind = TREE[name_of(call)]
        if isinstance(first, ast.Constant):
            yield kind, str(first.value), source.at(call)
        elif isinstance(first, ast.Attribute) and name_of(first.value) in ENUMS:
            yield kind, str(ENUMS[name_of(first.value)][first.attr]), source.at(call)
        elif isinstance(first, ast.IfExp):
            for branch in (first.body, first.orelse):
                assert isinstance(branch, ast.Constant), source.at(call)
                yield kind, str(branch.value), source.at(call)
        else:
            assert source.path in WORKED_OUT, f"{source.at(call)}: a code that nobody can read off the source"
            for code in WORKED_OUT[source.path]:
                yield kind, code, source.at(call)


def found_differences() -> set[str]:
    """Codes of the findings of a verification."""
    return {
        call.args[0].value
        for source in sources()
        if source.path.startswith("chain/services/verify/")
        for call in calls(source, FINDINGS)
        if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }


def test_every_code_of_the_source_is_in_the_catalogue() -> None:
    """If this fails: add code, cause and remedy to the package's catalogue, then manage.py error_docs --write"""
    known = documented()
    missing = [place_and_code(*one) for source in sources() if source.path != "chain/core/errors.py"
               for one in used(source) if one[:2] not in known]  # fmt: skip
    assert missing == []
    assert {(errors.StoreError, code) for code in found_differences()} <= known


def test_every_member_of_the_enumerations_is_in_the_catalogue() -> None:
    known = {code for _, code in documented()}
    assert [code.value for kind in ENUMS.values() for code in kind if code.value not in known] == []


def test_the_catalogue_holds_nothing_that_nobody_raises() -> None:
    raised = {one[:2] for source in sources() for one in used(source)}
    members = {code.value for kind in ENUMS.values() for code in kind}
    literals = {literal for source in sources() if "catalogue" not in source.path for literal in texts(source)}
    idle = [
        f"{kind.__name__} {code}"
        for kind, code in documented()
        if (kind, code) not in raised and code not in members and code not in literals
    ]
    assert idle == []


def test_each_code_stands_once_with_cause_and_remedy() -> None:
    entries = error_page.all_entries()
    assert [line for line, count in Counter((entry.kind, entry.code) for entry in entries).items() if count > 1] == []
    for entry in entries:
        assert re.fullmatch(r"[a-z][a-z0-9_]+", entry.code)
        assert len(entry.cause) > 15, entry.code
        assert len(entry.remedy) > 5, entry.code
        assert "|" not in entry.cause + entry.remedy, entry.code


def test_each_class_says_its_own_cause_and_remedy() -> None:
    for kind in error_page.classes():
        assert {"cause", "remedy"} <= set(vars(kind)), kind.__name__


def texts(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def place_and_code(kind: type[BlockchainError], code: str, place: str) -> str:
    return f"{place}: {kind.__name__} {code}"
