"""The dashboards in deploy/: what they draw is what is recorded."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from twittomatic.sinks.stats.measures import MEASURES, Measure

DEPLOY = Path(__file__).parents[3] / "deploy"
_PATH = re.compile(r"twittomatic\.[^,()'\" ]+")


def of_graphite() -> list[Any]:
    return json.loads((DEPLOY / "graphite" / "dashboard.json").read_text())["graphs"]  # type: ignore[no-any-return]


def of_grafana() -> list[Any]:
    return json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())["panels"]  # type: ignore[no-any-return]


def targets() -> list[str]:
    found = [target for _, params, _ in of_graphite() for target in params["target"]]
    return found + [target["target"] for panel in of_grafana() for target in panel["targets"]]


def shape(measure: Measure, ending: str) -> list[str]:
    """Return a measure's path with a star for the crawl and for each label."""
    return [
        "twittomatic",
        "*",
        measure.name,
        *["*" for _ in measure.labels],
        *([ending] if ending else []),
    ]


@pytest.mark.parametrize("target", sorted(set(targets())))
def test_every_path_is_one_that_is_recorded(target: str) -> None:
    declared = [shape(measure, ending) for measure in MEASURES for ending in measure.endings or ("",)]
    paths = _PATH.findall(target)
    assert paths
    for path in paths:
        nodes = path.split(".")
        assert nodes[1] in ("default", "$crawl")
        assert ["twittomatic", "*", *nodes[2:]] in declared, path


def test_both_draw_the_same() -> None:
    drawn = [
        [(params["title"], target.replace(".default.", ".$crawl.")) for target in params["target"]]
        for _, params, _ in of_graphite()
    ]
    assert drawn == [
        [(panel["title"], target["target"]) for target in panel["targets"]] for panel in of_grafana()
    ]


def test_graphite_finds_each_graph_by_its_targets() -> None:
    for name, params, _ in of_graphite():
        assert parse_qs(name)["target"] == params["target"]
