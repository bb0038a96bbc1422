"""The text of docs/operations/metrics.md, from what the code declares."""

from __future__ import annotations

from collections.abc import Iterable

from chain import metrics
from mondoshawan.metrics.facts import FACTS

# what labels can be; where it is not here, the code's own enumerations say it
LABELS = {
    "stream": "A, B, C",
    "phase": "local, transfer, cross",
    "outcome": "of transactions: succeeded, reverted, skipped, undone; of tasks: success, failure, retry",
    "source": "of blocks: mined, rpc, import, other; of facts: the reader's name",
    "stage": "isolation, body, context, resolve, commit, publish",
    "code": "of blocks and transactions: an error code of [errors](../errors.md); of calls: ok or the JSON-RPC code",
    "method": "a method of [JSON-RPC](../rpc.md); `other` for all unknown names, `invalid` for what is no request",
    "task": "a task's name",
    "queue": "a queue of Celery",
    "shard": "0 to 9",
    "state": "of the pool: pending, queued; of connections: PostgreSQL's words",
    "process": "a process of the supervisor",
    "check": "a check of `/ready`",
    "table": "a table of the database",
    "version": "of the node",
    "network": "devnet, testnet",
}
_HEAD = f"""# Metrics

`/metrics` of the web process speaks for the whole node: what every process counted since the node was started, and what
is so at the moment of the scrape. It is open to clients of `MDS_METRICS_ALLOW`. A scrape costs some 50 ms of processor
time; every 15 s is usual.

Names begin with `{metrics.NAMESPACE}_`. Seconds, bytes and counts are plain; amounts are in MSHW unless the name says
wei. Beside these stand the metrics of django-prometheus (`django_http_…` of pages, `django_db_…` of their statements).
Alerts and dashboards that use them: [runbook](runbook.md), `docker/prometheus`, `docker/grafana`.

`python manage.py metrics_docs --write` generates this page.
"""
_COUNTED = """
## Counted by processes

Each process writes its own files in `metrics/` of the data folder; a process that ends leaves its counts there until
the node is started again, which begins at zero. JSON-RPC hands its sums on twice a second. Histograms have the usual
`_bucket`, `_sum` and `_count`.
"""
_READ = """
## Read at each scrape

From PostgreSQL, Redis and the machine. While one of them is away its facts are missing, `scrape_source_up` says which,
and the others are shown. Counts that begin with the chain, such as `dag_blocks_total`, go on over restarts.
"""
_LABELS = """
## Labels

What callers send never becomes a label: an unknown value counts as `other`.
"""


def document() -> str:
    """The whole page."""
    counted = [(one._name, one._type, one._labelnames, one._documentation) for one in metrics.INSTRUMENTS]
    rows = [(_shown(name, kind), kind, labels, help_text) for name, kind, labels, help_text in counted]
    facts = [(fact.name, fact.kind, fact.labels, fact.help) for fact in FACTS]
    labels = sorted({label for row in (*rows, *facts) for label in row[2]})
    return "\n".join(
        [
            _HEAD.rstrip(),
            _COUNTED.rstrip(),
            "",
            *_table(rows),
            _READ.rstrip(),
            "",
            *_table(facts),
            _LABELS.rstrip(),
            "",
            "| label | values |",
            "| --- | --- |",
            *[f"| `{label}` | {LABELS[label]} |" for label in labels],
            "",
        ]
    )


def _shown(name: str, kind: str) -> str:
    return name.removeprefix(f"{metrics.NAMESPACE}_") + ("_total" if kind == "counter" else "")


def _table(rows: Iterable[tuple[str, str, Iterable[str], str]]) -> list[str]:
    lines = ["| name | type | labels | meaning |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{name}` | {kind} | {', '.join(labels) or '–'} | {help_text} |" for name, kind, labels, help_text in rows
    ]
    return lines
