"""The open registry of methods: an app adds its own at start, documentation is drawn from it."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from chain.core.errors import ConfigError, RequestError
from chain.rpc.params import PARSERS, bad

Handler = Callable[..., Any]
_REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, type, parser and default."""

    name: str
    kind: Any
    parse: Callable[[Any], Any]
    default: Any

    @property
    def is_required(self) -> bool:
        """Whether a caller must give it."""
        return self.default is _REQUIRED


@dataclass(frozen=True, slots=True)
class Method:
    """A registered method.

    ``is_async``: its handler returns an awaitable.  ``cost`` is what rate limits count.  ``scope`` is what an API
    key must have for it; None: it is public.
    """

    name: str
    handler: Handler
    parameters: tuple[Parameter, ...]
    is_async: bool
    body_limit: int | None
    cost: int = 1
    scope: str | None = None

    def arguments(self, params: Any) -> list[Any]:
        """Parse positional or named parameters.

        Raises
        ------
        RequestError
            invalid_params, naming the argument.
        """
        if not params:
            given: list[Any] = []
        elif isinstance(params, list):
            given = params
        else:
            given = self._by_name(params)
        expected = self.parameters
        if len(given) > len(expected):
            raise bad(f"too many arguments, want at most {len(expected)}")
        values = []
        for place, parameter in enumerate(expected):
            value = given[place] if place < len(given) else None
            if value is None:
                if parameter.is_required:
                    raise bad(f"missing value for required argument {place} ({parameter.name})")
                values.append(parameter.default)
                continue
            try:
                values.append(parameter.parse(value))
            except RequestError as error:
                raise bad(f"invalid argument {place} ({parameter.name}): {error.message}") from None
        return values

    def _by_name(self, params: dict[str, Any]) -> list[Any]:
        names = [parameter.name for parameter in self.parameters]
        for name in params:
            if name not in names:
                raise bad(f"unknown argument {name[:40]!r}")
        return [params.get(name) for name in names]


METHODS: dict[str, Method] = {}


def method(
    name: str, *, body_limit: int | None = None, cost: int = 1, scope: str | None = None
) -> Callable[[Handler], Handler]:
    """Register a handler: ``handler(node, *parameters)``, plain or async.

    Parameters
    ----------
    name : str
        Of the method, with its namespace: ``eth_chainId``.
    body_limit : int, optional
        Bytes of a request body that this method may need beyond the general limit.
    cost : int
        Points of the rate limit that one call takes.
    scope : str, optional
        Makes it an operator's method: what the caller's API key must allow.

    Notes
    -----
    Each parameter's annotation names its parser (``chain.rpc.params.PARSERS``); one that may be left
    out has a default.
    """

    def register(handler: Handler) -> Handler:
        if name in METHODS:
            raise ConfigError("method_registered_twice", f"{name} is registered twice")
        hints = typing.get_type_hints(handler)
        described = list(inspect.signature(handler).parameters.values())[1:]
        parameters = tuple(
            Parameter(_camel(item.name), hints[item.name], _parser(hints[item.name]), item.default)
            for item in described
        )
        is_async = inspect.iscoroutinefunction(handler)
        METHODS[name] = Method(name, handler, parameters, is_async, body_limit, cost, scope)
        return handler

    return register


def call(method: Method, node: Any, params: Any) -> Any | Awaitable[Any]:
    """Run a method; the result, or an awaitable of it."""
    if method.scope is not None:
        return _guarded(method, node, params, method.scope)
    return method.handler(node, *method.arguments(params))


async def _guarded(method: Method, node: Any, params: Any, scope: str) -> Any:
    """Run an operator's method, for those who may; its parameters are not looked at before."""
    from chain.rpc.access import authorise

    await authorise(node, scope)
    result = method.handler(node, *method.arguments(params))
    return await result if inspect.isawaitable(result) else result


def _parser(hint: Any) -> Callable[[Any], Any]:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        (hint,) = [part for part in typing.get_args(hint) if part is not types.NoneType]
    if typing.get_origin(hint) is list:
        return _list_of(_parser(typing.get_args(hint)[0]))
    return PARSERS[hint]


def _list_of(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def parse_list(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise bad("an array is expected")
        return [parse(item) for item in value]

    return parse_list


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
