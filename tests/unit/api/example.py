"""Every public name in use. `make check` type-checks this file, and a test runs `main` on a small dataset."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt

import twittomatic as tw


def main(directory: Path) -> list[str]:
    """Read a dataset in which 3 follows 22."""
    ds = tw.open(directory)
    assert_type(ds, tw.Dataset)
    assert_type(ds.users(), npt.NDArray[np.int64])
    assert_type(ds.followers(22), npt.NDArray[np.int64])
    assert_type(ds.posts("22"), tw.Records)
    assert_type(ds.profiles(), tw.Records)
    for record in ds.profiles():
        assert_type(record, dict[str, Any])
    assert_type(ds.nodes(), tw.Table)
    lines = [f"{len(ds.users())} users"]
    assert_type(ds.edges(), tw.Edges)
    for batch in ds.edges():
        assert_type(batch, tw.EdgeBatch)
        assert_type(batch.follower, npt.NDArray[np.int64])
        assert_type(batch.followed, npt.NDArray[np.int64])
        lines.append(f"{len(batch)} edges: {batch.follower.tolist()} -> {batch.followed.tolist()}")
    graph = ds.graph()
    assert_type(graph, tw.Graph)
    assert_type(graph.ids, npt.NDArray[np.int64])
    lines.append(f"{graph.node_count} nodes, {graph.edge_count} edges")
    assert_type(graph.lists, tw.GraphLists | None)
    for profile in ds.node_profiles(graph):
        assert_type(profile, tw.NodeProfile)
        assert_type(profile.username, str | None)
        lines.append(f"{profile.user_id} is {profile.username}")
    assert_type(ds.summary(), tw.Summary)
    for row in ds.completeness():
        assert_type(row, tw.Completeness)
        assert_type(row.user_id, int)
        assert_type(row.ended_at, datetime)
        lines.append(f"{row.list} of {row.user_id}: {row.ending}")
    try:
        ds.followers("@nobody")
    except tw.UserNotFound as error:
        assert_type(str(error), str)
        lines.append("nobody is unknown")
    return lines


class Printing(tw.Observer):
    """Prints what a crawl reports."""

    def info(self, sentence: str) -> None:
        print(sentence)


async def crawl(settings: tw.Settings) -> tw.Result:
    """Quote a crawl, then run it."""
    async with tw.Crawl(settings, modules="TFA", observer=Printing()) as running:
        quote = await running.quote(["@name"], buy_profiles=True)
        assert_type(quote, tw.Quote)
        print(quote.cost_usd)
        async for status in running.run(["@name"]):
            assert_type(status, tw.CrawlStatus)
            print(status.phase)
        assert running.result
        return running.result


def crawl_here() -> bool:
    """Crawl in a script or a notebook."""
    result = tw.crawl(["@name"], modules="TFA", max_depth=1, budget_usd=25)
    assert_type(result, tw.Result)
    assert_type(result.undone, tw.Undone)
    return result.outcome is tw.Outcome.FINISHED


def picture(ds: tw.Dataset) -> tw.Picture:
    """Draw the follow graph with names."""
    return ds.graph().picture(ds.node_profiles, top=5000)


PAUSES: tuple[type[tw.CrawlMustPause], ...] = (
    tw.BudgetExhausted,
    tw.CreditsDepleted,
    tw.NoCredentialLeft,
)
FAILURES: tuple[type[tw.TwittomaticError], ...] = (
    tw.SettingsError,
    tw.NetworkError,
    tw.PluginFault,
    tw.StateBusy,
    tw.StateError,
    tw.StateLost,
    tw.StateUnavailable,
    tw.StorageError,
    tw.StorageUnavailable,
    tw.CorruptFile,
)
SETTINGS: tuple[tw.Settings, ...] = (
    tw.Settings(max_depth=1, budget_usd=25, output_directory=Path("data")),
    tw.Settings.load(environment={}, max_depth="unlimited", budget_usd=25, output_directory="data"),
)
STATUS: tw.CrawlStatus = tw.CrawlStatus(crawl="default")
VERSION: str = tw.__version__
