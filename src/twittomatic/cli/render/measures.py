"""Render measures of a follow graph as text or JSON: the top users, and the caveats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from twittomatic.cli.render.blocks import Block, Cells, Facts, Remarks, Section
from twittomatic.dataset.graph import Graph, read_node_profiles
from twittomatic.dataset.measures import MEASURES
from twittomatic.dataset.measures.analysis import Analysis, Comparison
from twittomatic.dataset.measures.spark_analysis import SparkAnalysis
from twittomatic.errors import StorageError
from twittomatic.storage.paths import Layout

_Names = Mapping[int, str]
_CUT_LISTS = "The overlap of lists that were cut is lower here than on the network."


def sections(name: str, found: Analysis, top: int) -> list[Section]:
    """Return a measure as a section: its values, the top users or groups, the caveats.

    Args:
        name: Name of the measure.
        found: Result of the measure.
        top: Number of users or groups.
    """
    graph, facts = found.graph, found.measured.facts
    blocks: list[Block] = []
    if facts:
        blocks.append(Facts(rows=[(what, _fact(value)) for what, value in facts.items()]))
    if top and graph.node_count:
        blocks.append(_groups(found, top) if found.measured.sizes is not None else _users(found, top))
    if caveats := _caveats(found):
        blocks.append(Remarks(sentences=caveats))
    among = " among crawled users" if found.among == "crawled" else ""
    note = f"{graph.node_count:,} users, {graph.edge_count:,} follows{among}"
    return [Section(heading=MEASURES[name].title, blocks=blocks, note=note)]


def document(name: str, found: Analysis, top: int) -> dict[str, Any]:
    """Return a measure for `--json`; ids are texts."""
    graph, measured = found.graph, found.measured
    nodes, groups = found.top(top), found.group_tops(top)
    names = _names(found.layout, graph, chain(nodes.tolist(), *(group.tolist() for group in groups)))
    result = {
        "measure": name,
        "among": found.among,
        "users": graph.node_count,
        "edges": graph.edge_count,
        "border_users": found.border,
        **{what.replace(" ", "_"): value for what, value in measured.facts.items()},
        "caveats": _caveats(found),
        "top": [_user(graph, node, names, measured.columns) for node in nodes.tolist()],
    }
    if measured.sizes is not None:
        column = next(iter(measured.columns))
        result["groups"] = [
            {column: number, "users": size, "top": [_user(graph, node, names) for node in group.tolist()]}
            for number, (size, group) in enumerate(zip(measured.sizes.tolist(), groups, strict=False))
        ]
    return result


def spark_sections(name: str, found: SparkAnalysis) -> list[Section]:
    """Return the result of a measure on Spark as a section."""
    blocks: list[Block] = []
    if found.facts:
        blocks.append(Facts(rows=[(what, _fact(value)) for what, value in found.facts.items()]))
    if found.sizes is not None:
        rows = [[f"{size:,}", f"{size / found.users:.1%}"] for size in found.sizes]
        blocks.append(Cells(columns=("users", "share"), rows=rows, right=frozenset({0, 1})))
    elif found.top:
        header = ["user", *(column for column in found.top[0] if column != "name")]
        rows = [
            [
                _shown(row["name"], row["id"]),
                *(str(value) if key == "id" else _cell(value) for key, value in row.items() if key != "name"),
            ]
            for row in found.top
        ]
        blocks.append(Cells(columns=header, rows=rows, right=frozenset(range(1, len(header)))))
    if sentences := _border_caveats(found):
        blocks.append(Remarks(sentences=sentences))
    among = " among crawled users" if found.among == "crawled" else ""
    note = f"{found.users:,} users, {found.edges:,} follows{among}, by Spark"
    return [Section(heading=MEASURES[name].title, blocks=blocks, note=note)]


def spark_document(name: str, found: SparkAnalysis) -> dict[str, Any]:
    """Return the result of a measure on Spark for `--json`; ids are texts."""
    result = {
        "measure": name,
        "among": found.among,
        "users": found.users,
        "edges": found.edges,
        "border_users": found.border,
        **{what.replace(" ", "_"): value for what, value in found.facts.items()},
        "caveats": _border_caveats(found),
        "top": [{**row, "id": str(row["id"])} for row in found.top],
    }
    if found.sizes is not None:
        result["groups"] = [{"users": size} for size in found.sizes]
    return result


def comparison_sections(found: Comparison, top: int) -> list[Section]:
    """Return the pairs of users who share most followers as a section."""
    pairs = found.pairs(top)
    names = _pair_names(found, pairs)
    rows = [
        [
            _shown(names.get(pair["user"]), pair["user"]),
            _shown(names.get(pair["other"]), pair["other"]),
            f"{pair['shared']:,}",
            f"{pair['jaccard']:.3f}",
        ]
        for pair in pairs
    ]
    blocks: list[Block] = [Remarks(sentences=[_CUT_LISTS])]
    if rows:
        columns = ("user", "other", "shared followers", "Jaccard")
        blocks.insert(0, Cells(columns=columns, rows=rows, right=frozenset({2, 3})))
    note = f"the {len(found.overlap.nodes):,} users with the most followers here"
    return [Section(heading="Overlap", blocks=blocks, note=note)]


def comparison_document(found: Comparison, top: int) -> dict[str, Any]:
    """Return the pairs of users who share most followers for `--json`; ids are texts."""
    pairs = found.pairs(top)
    names = _pair_names(found, pairs)
    ends = ("user", "other")
    return {
        "measure": "overlap",
        "users": len(found.overlap.nodes),
        "caveats": [_CUT_LISTS],
        "pairs": [
            {
                **{end: {"id": str(pair[end]), "name": names.get(pair[end])} for end in ends},
                "shared": pair["shared"],
                "jaccard": pair["jaccard"],
            }
            for pair in pairs
        ],
    }


def _caveats(found: Analysis) -> list[str]:
    caveats = _border_caveats(found)
    if found.incomplete:
        caveats.append(
            f"{found.incomplete:,} lists of followers are incomplete; the newest followers are first."
        )
    return [*caveats, *found.measured.caveats]


def _border_caveats(found: Analysis | SparkAnalysis) -> list[str]:
    if not found.border:
        return []
    where = "are left out" if found.among == "crawled" else "are included"
    return [f"{found.border:,} users who were not crawled {where}."]


def _users(found: Analysis, top: int) -> Cells:
    graph, columns = found.graph, found.measured.columns
    nodes = found.top(top).tolist()
    names = _names(found.layout, graph, nodes)
    in_degrees = graph.in_degrees()
    more = [] if "in_degree" in columns else ["followers here"]
    header = ["", "user", "id", *columns, *more, "crawled"]
    rows = [
        [
            str(place),
            _shown(names.get(node), graph.ids[node]),
            str(graph.ids[node]),
            *(_number(values[node].item()) for values in columns.values()),
            *([f"{in_degrees[node]:,}"] * len(more)),
            "yes" if graph.crawled[node] else "no",
        ]
        for place, node in enumerate(nodes, start=1)
    ]
    last = len(header) - 1
    return Cells(
        columns=header,
        rows=rows,
        right=frozenset({0, *range(2, last)}),
        dispensable=(frozenset({last}), frozenset({2}), frozenset({last - 1} if more else ())),
    )


def _groups(found: Analysis, top: int) -> Cells:
    graph, measured = found.graph, found.measured
    groups = found.group_tops(top)
    names = _names(found.layout, graph, chain.from_iterable(group.tolist() for group in groups))
    sizes = () if measured.sizes is None else measured.sizes.tolist()
    rows = [
        [
            str(number),
            f"{size:,}",
            f"{size / graph.node_count:.1%}",
            " ".join(_shown(names.get(node), graph.ids[node]) for node in group.tolist()),
        ]
        for number, (size, group) in enumerate(zip(sizes, groups, strict=False))
    ]
    return Cells(
        columns=(next(iter(measured.columns)), "users", "share", "most followed"),
        rows=rows,
        right=frozenset({0, 1, 2}),
        dispensable=(frozenset({2}),),
        wraps=3,
    )


def _names(layout: Layout, graph: Graph, nodes: Iterable[int]) -> _Names:
    """Return the screen names of the nodes whose profiles are in the dataset."""
    wanted = np.fromiter(set(nodes), np.int32)
    profiles = read_node_profiles(layout, graph, wanted, _ignore) if len(wanted) else ()
    return {profile.node: profile.username for profile in profiles if profile.username}


def _ignore(error: StorageError) -> None:
    """Ignore a file that cannot be read: its users are shown by id."""


def _pair_names(found: Comparison, pairs: Sequence[Mapping[str, Any]]) -> _Names:
    graph = found.graph
    users = [pair[end] for pair in pairs for end in ("user", "other")]
    names = _names(found.layout, graph, np.searchsorted(graph.ids, users).tolist())
    return {int(graph.ids[node]): name for node, name in names.items()}


def _user(graph: Graph, node: int, names: _Names, columns: Mapping[str, Any] | None = None) -> dict[str, Any]:
    values = {name: found[node].item() for name, found in (columns or {}).items()}
    return {
        "id": str(graph.ids[node]),
        "name": names.get(node),
        "crawled": bool(graph.crawled[node]),
        **{name: None if value != value else value for name, value in values.items()},
    }


def _shown(name: str | None, user_id: int) -> str:
    return f"@{name}" if name else str(user_id)


def _cell(value: bool | float | str | None) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else _number(value)


def _fact(value: float | str | None) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else _number(value)


def _number(value: float | str | None) -> str:
    if value is None or value != value:
        return "–"
    if isinstance(value, float):
        return f"{value:.6f}" if abs(value) < 1 else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else value
