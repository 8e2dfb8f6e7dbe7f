"""The numbers of a crawl as Prometheus scrapes them; its own client writes the format."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from twittomatic.sinks.stats.measures import MEASURES
from twittomatic.sinks.stats.snapshot import Snapshot

__all__ = ["CONTENT_TYPE", "exposition"]


class _Readings(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        for measure in MEASURES:
            family = CounterMetricFamily if measure.kind == "counter" else GaugeMetricFamily
            metric = family(measure.prometheus, measure.help, labels=("crawl", *measure.labels))
            for labels, value in measure.read(self._snapshot).items():
                metric.add_metric((self._snapshot.crawl, *labels), value)
            yield metric


def exposition(snapshot: Snapshot | None) -> bytes:
    """Write a snapshot in Prometheus' text format, to be served as `CONTENT_TYPE`.

    Args:
        snapshot: Of a crawl; None where nobody has begun it, and then there is nothing to say.
    """
    registry = CollectorRegistry(auto_describe=False)
    if snapshot:
        registry.register(_Readings(snapshot))
    return generate_latest(registry)
