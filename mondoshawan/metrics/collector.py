"""One collector of all node-wide facts, for the registry of a scrape."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from chain.metrics import NAMESPACE
from mondoshawan.metrics.facts import BY_NAME, FACTS, Fact
from mondoshawan.metrics.sources import SOURCES, Sample, Source

logger = logging.getLogger(__name__)

# less than the ten seconds that Prometheus waits for a scrape by default
PATIENCE_S = 4.0


class NodeCollector(Collector):
    """Reads every source once; what a source that fails would have told is left out, and said so.

    Parameters
    ----------
    sources : mapping, optional
        By name; the registered ones where left out.
    """

    def __init__(self, sources: Mapping[str, Source] = SOURCES) -> None:
        self._sources = sources

    def collect(self) -> Iterable[Metric]:
        """The families that have values."""
        samples: list[Sample] = []
        # all at once, so that what hangs is waited for once
        for name, wait in [(name, _begin(source)) for name, source in self._sources.items()]:
            try:
                samples += wait()
            except Exception as error:  # noqa: BLE001 - whatever it is, the other sources are shown
                logger.warning("metrics of %s could not be read: %s", name, type(error).__name__)
                samples.append(("scrape_source_up", (name,), 0))
                continue
            samples.append(("scrape_source_up", (name,), 1))
        return families(samples)


def _begin(source: Source) -> Callable[[], list[Sample]]:
    def read() -> list[Sample]:
        return list(source.read())

    return read if source.lane is None else source.lane.begin(source.name, read, PATIENCE_S)


def families(samples: Iterable[Sample]) -> list[Metric]:
    """Samples as families in the order of ``FACTS``; a sample that is no fact is a mistake.

    Raises
    ------
    KeyError
        An unknown name.
    """
    made: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
    for name, labels, value in samples:
        if name not in made:
            made[name] = _family(BY_NAME[name])
        made[name].add_metric(labels, float(value))
    return [made[fact.name] for fact in FACTS if fact.name in made]


def _family(fact: Fact) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if fact.kind == "counter" else GaugeMetricFamily
    return kind(f"{NAMESPACE}_{fact.name}", fact.help, labels=fact.labels)
