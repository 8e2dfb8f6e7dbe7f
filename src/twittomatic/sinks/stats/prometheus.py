"""The numbers of a crawl as Prometheus scrapes them; its own client writes the format."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from twittomatic.sinks.stats.measures import MEASURES
from twittomatic.state.status import CrawlStatus

__all__ = ["CONTENT_TYPE", "exposition"]


class _Readings(Collector):
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
    """Write a crawl's status in Prometheus' text format, to be served as `CONTENT_TYPE`.

    Args:
        status: Of a crawl; nothing is written of one that nobody has begun.
    """
    registry = CollectorRegistry(auto_describe=False)
    if status.is_begun:
        registry.register(_Readings(status))
    return generate_latest(registry)
