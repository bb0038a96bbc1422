"""The vocabulary of dashboards: queries in PromQL, panels, rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"
M = "mondoshawan_"
# the label filter of every metric
INSTANCE = 'instance=~"$instance"'


@dataclass(frozen=True)
class Query:
    """One query and the legend of its lines."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel.

    Parameters
    ----------
    kind : str
        stat, timeseries or bargauge.
    unit : str
        Grafana's name of it.
    steps : tuple of (from, colour)
        Thresholds above green.
    """

    title: str
    kind: str
    unit: str
    queries: Sequence[Query]
    help: str = ""
    steps: tuple[tuple[float, str], ...] = ()
    base: str = GREEN
    width: int = 8
    height: int = 8
    stack: bool = False
    decimals: int | None = None
    maximum: float | None = None
    mappings: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Row:
    """A heading over panels."""

    title: str
    panels: Sequence[Panel]


def metric(name: str, *filters: str) -> str:
    """A metric of the chosen instances."""
    return f"{M}{name}{{{', '.join([INSTANCE, *filters])}}}"


def rate(name: str, *filters: str) -> str:
    """Its rate a second."""
    return f"rate({metric(name, *filters)}[$__rate_interval])"


def aggregate(how: str, expr: str, by: Sequence[str]) -> str:
    """An aggregation over the other labels."""
    return f"{how} by ({', '.join(by)}) ({expr})" if by else f"{how} ({expr})"


def sum_(expr: str, *by: str) -> str:
    """The sum."""
    return aggregate("sum", expr, by)


def max_(expr: str, *by: str) -> str:
    """The greatest."""
    return aggregate("max", expr, by)


def min_(expr: str, *by: str) -> str:
    """The least."""
    return aggregate("min", expr, by)


def grown(name: str, window: str, *by: str) -> str:
    """By how much a counter grew within a time."""
    return sum_(f"increase({metric(name)}[{window}])", *by)


def share(part: str, whole: str) -> str:
    """A quotient of sums."""
    return sum_(part) + " / " + sum_(whole)


def top(expr: str) -> str:
    """The dozen greatest."""
    return f"topk(12, {expr})"


def django(name: str) -> str:
    """The rate of a metric of django-prometheus."""
    return f"rate(django_{name}{{{INSTANCE}}}[$__rate_interval])"


def quantile(q: float, name: str, *by: str, filters: Sequence[str] = ()) -> str:
    """A quantile of a histogram."""
    return f"histogram_quantile({q}, sum by ({', '.join(['le', *by])}) ({rate(name + '_bucket', *filters)}))"


def mean(name: str, *by: str) -> str:
    """The mean of a histogram's observations."""
    group = f" by ({', '.join(by)})" if by else ""
    return f"sum{group} ({rate(name + '_sum')}) / sum{group} ({rate(name + '_count')})"


def stat(title: str, unit: str, expr: str, steps: tuple[tuple[float, str], ...] = (), **more: Any) -> Panel:
    """One number."""
    return Panel(title, "stat", unit, [Query(expr)], steps=steps, width=more.pop("width", 4), height=4, **more)


def graph(title: str, unit: str, *queries: tuple[str, str], **more: Any) -> Panel:
    """Lines over time."""
    return Panel(title, "timeseries", unit, [Query(*query) for query in queries], **more)


def bars(title: str, unit: str, *queries: tuple[str, str], **more: Any) -> Panel:
    """One bar for each line's last value."""
    return Panel(title, "bargauge", unit, [Query(*query) for query in queries], **more)


def percentiles(name: str, *by: str, filters: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Median and tail of a histogram of seconds."""
    legend = " ".join(f"{{{{{label}}}}}" for label in by)
    return [
        (quantile(q, name, *by, filters=filters), f"{legend} {word}".strip())
        for q, word in ((0.5, "median"), (0.99, "99 %"))
    ]


# errors of the node itself; nothing where there was none, so that the quotient has a value
# a template that is not ready yet answers -32002 too, and that is nobody's fault
_FAILED = sum_(rate("rpc_requests_total", 'code=~"-32603|-32002"', 'method!="mds_getBlockTemplate"'))
FAILURES = f"({_FAILED} or vector(0)) / {sum_(rate('rpc_requests_total'))}"
PAGES_99 = (
    "histogram_quantile(0.99, " + sum_(django("http_requests_latency_including_middlewares_seconds_bucket"), "le") + ")"
)
STATEMENTS_99 = "histogram_quantile(0.99, " + sum_(django("db_query_duration_seconds_bucket"), "le") + ")"
UP = (("0", "down", RED), ("1", "up", GREEN))
PASS = (("0", "fails", RED), ("1", "passes", GREEN))
LAG = ((5, YELLOW), (20, RED))
