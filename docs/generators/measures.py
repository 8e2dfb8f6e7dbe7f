"""The numbers that are recorded of a crawl, by their names in Graphite and Prometheus."""

from __future__ import annotations

from generators import docstrings
from twittomatic.sinks.stats.measures import MEASURES, Measure


def markdown() -> str:
    rows = [
        f"| {_paths(measure)} | `{_prometheus(measure)}` | {docstrings.cell(measure.help)} |"
        for measure in MEASURES
    ]
    return "\n".join(["| Graphite | Prometheus | meaning |", "|---|---|---|", *rows])


def _paths(measure: Measure) -> str:
    if not measure.help:
        raise LookupError(f"the measure {measure.name} lacks its meaning")
    path = ".".join([measure.name, *(f"<{label}>" for label in measure.labels)])
    return " ".join(f"`{path}.{ending}`" for ending in measure.endings) or f"`{path}`"


def _prometheus(measure: Measure) -> str:
    return measure.prometheus + ("_total" if measure.kind == "counter" else "")
