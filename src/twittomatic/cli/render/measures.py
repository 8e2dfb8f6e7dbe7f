"""Measures of a follow graph in the terminal and as JSON: the users at the top, and the caveats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.text import Text

from twittomatic.cli.render.table import NumberTable, console
from twittomatic.dataset.graph import Graph
from twittomatic.dataset.graph.profiles import read_node_profiles
from twittomatic.dataset.measures import MEASURES, Overlap
from twittomatic.dataset.measures.analysis import Analysis
from twittomatic.dataset.tables.table import Table
from twittomatic.storage.paths import Layout
from twittomatic.storage.verify import printable

_Names = Mapping[int, str]


def document(name: str, found: Analysis, top: int) -> dict[str, Any]:
    """Return a measure for `--json`."""
    graph, measured = found.graph, found.measured
    nodes = found.top(top)
    groups = found.group_tops(top)
    names = _names(found.layout, graph, chain(nodes.tolist(), *(group.tolist() for group in groups)))
    users = [_user(graph, node, names, measured.columns) for node in nodes.tolist()]
    result = {
        "measure": name,
        "among": found.among,
        "users": graph.node_count,
        "edges": graph.edge_count,
        "border_users": found.border,
        **{_key(what): value for what, value in measured.facts.items()},
        "caveats": _caveats(found),
        "top": users,
    }
    if measured.sizes is not None:
        column = next(iter(measured.columns))
        result["groups"] = [
            {column: number, "users": size, "top": [_user(graph, node, names) for node in group.tolist()]}
            for number, (size, group) in enumerate(zip(measured.sizes.tolist(), groups, strict=False))
        ]
    return result


def show(name: str, found: Analysis, top: int) -> None:
    """Print a measure: a headline, what was found, the users or groups at the top, and the caveats."""
    graph, measured = found.graph, found.measured
    click.echo(f"{MEASURES[name].title} of {_among(found)}")
    for what, value in measured.facts.items():
        click.echo(f"  {what[0].upper()}{what[1:]}: {_number(value)}")
    if top and graph.node_count:
        click.echo()
        console().print(_groups(found, top) if measured.sizes is not None else _users(found, top))
    if caveats := _caveats(found):
        console().print(Text("\n" + "\n".join(caveats)))


def overlap_document(directory: Path, graph: Graph, found: Overlap, table: Table, top: int) -> dict[str, Any]:
    """Return overlaps for `--json`."""
    pairs = list(islice(table, top))
    names = _pair_names(directory, graph, pairs)
    return {
        "measure": "overlap",
        "users": len(found.nodes),
        "pairs": [
            {
                "user": {"id": str(pair["user"]), "name": names.get(pair["user"])},
                "other": {"id": str(pair["other"]), "name": names.get(pair["other"])},
                "shared": pair["shared"],
                "jaccard": pair["jaccard"],
            }
            for pair in pairs
        ],
    }


def show_overlap(directory: Path, graph: Graph, found: Overlap, table: Table, top: int) -> None:
    """Print the pairs of users who share most followers."""
    click.echo(f"Shared followers of the {len(found.nodes):,} users with the most followers")
    pairs = list(islice(table, top))
    if not pairs:
        return
    names = _pair_names(directory, graph, pairs)
    rows = [
        [
            Text(_shown(names.get(pair["user"]), pair["user"])),
            Text(_shown(names.get(pair["other"]), pair["other"])),
            Text(f"{pair['shared']:,}"),
            Text(f"{pair['jaccard']:.3f}"),
        ]
        for pair in pairs
    ]
    click.echo()
    console().print(NumberTable(("user", "other", "shared", "jaccard"), rows, ()))
    click.echo("\nLists that were cut have fewer shared followers than there are.")


def _among(found: Analysis) -> str:
    graph = found.graph
    size = f"{graph.node_count:,} users and {graph.edge_count:,} edges"
    return f"the {size} among crawled users" if found.among == "crawled" else size


def _caveats(found: Analysis) -> list[str]:
    caveats = list(found.measured.caveats)
    if found.border:
        where = "are left out" if found.among == "crawled" else "are among them"
        caveats.insert(0, f"{found.border:,} users who were not crawled {where}.")
    return caveats


def _users(found: Analysis, top: int) -> NumberTable:
    graph, columns = found.graph, found.measured.columns
    nodes = found.top(top).tolist()
    names = _names(found.layout, graph, nodes)
    in_degrees = graph.in_degrees()
    more = [] if "in_degree" in columns else ["in_degree"]
    header = ("user", "id", *columns, *more, *([] if graph.crawled.all() else ["crawled"]))
    rows = []
    for node in nodes:
        cells = [_shown(names.get(node), graph.ids[node]), str(graph.ids[node])]
        cells += [_number(values[node].item()) for values in columns.values()]
        cells += [f"{in_degrees[node]:,}"] * len(more)
        cells += [] if graph.crawled.all() else ["yes" if graph.crawled[node] else "no"]
        rows.append([Text(cell) for cell in cells])
    return NumberTable(header, rows, ("crawled", "in_degree", "id"))


def _groups(found: Analysis, top: int) -> NumberTable:
    graph, measured = found.graph, found.measured
    assert measured.sizes is not None
    groups = found.group_tops(top)
    names = _names(found.layout, graph, chain.from_iterable(group.tolist() for group in groups))
    rows = []
    for number, (size, group) in enumerate(zip(measured.sizes.tolist(), groups, strict=False)):
        users = ", ".join(_shown(names.get(node), graph.ids[node]) for node in group.tolist())
        cells = [str(number), f"{size:,}", f"{size / graph.node_count:.1%}", users]
        rows.append([Text(cell) for cell in cells])
    return NumberTable((next(iter(measured.columns)), "users", "share", "most followed"), rows, ("share",))


def _names(layout: Layout, graph: Graph, nodes: Iterable[int]) -> _Names:
    """Return the screen names of nodes, where the dataset has their profiles."""
    wanted = np.fromiter(set(nodes), np.int32)
    profiles = read_node_profiles(layout, graph, wanted) if len(wanted) else ()
    return {profile.node: profile.username for profile in profiles if profile.username}


def _pair_names(directory: Path, graph: Graph, pairs: Sequence[Mapping[str, Any]]) -> _Names:
    users = [pair[which] for pair in pairs for which in ("user", "other")]
    nodes = np.searchsorted(graph.ids, users).tolist()
    names = _names(Layout(directory, directory / ".tmp"), graph, nodes)
    return {int(graph.ids[node]): name for node, name in names.items()}


def _user(graph: Graph, node: int, names: _Names, columns: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        "id": str(graph.ids[node]),
        "name": names.get(node),
        "crawled": bool(graph.crawled[node]),
        **{name: _json_value(values[node].item()) for name, values in (columns or {}).items()},
    }


def _json_value(value: float) -> float | None:
    return None if value != value else value


def _shown(name: str | None, user_id: int) -> str:
    return f"@{printable(name)}" if name else str(user_id)


def _key(words: str) -> str:
    return words.replace(" ", "_")


def _number(value: float | str | None) -> str:
    if value is None or value != value:
        return "–"
    if isinstance(value, float):
        return f"{value:.6f}" if abs(value) < 1 else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else value
