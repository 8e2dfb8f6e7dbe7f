"""Prometheus exposition of a crawl's metrics, formatted by Prometheus' own client library."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from twittomatic.sinks.stats.measures import MEASURES
from twittomatic.state.status import CrawlStatus

__all__ = ["CONTENT_TYPE", "exposition"]


class _StatusCollector(Collector):
    def __init__(self, status: CrawlStatus) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        for measure in MEASURES:
            family = CounterMetricFamily if measure.kind == "counter" else GaugeMetricFamily
            metric = family(measure.prometheus, measure.help, labels=("crawl", *measure.labels))
            for labels, value in measure.read(self._status).items():
                metric.add_metric((self._status.crawl, *labels), value)
            yield metric


def exposition(status: CrawlStatus) -> bytes:
    """Return a crawl's metrics in Prometheus' text format, to be served as `CONTENT_TYPE`.

    Args:
        status: The crawl's status; a crawl that has not begun has no metrics.
    """
    registry = CollectorRegistry(auto_describe=False)
    if status.is_begun:
        registry.register(_StatusCollector(status))
    return generate_latest(registry)
