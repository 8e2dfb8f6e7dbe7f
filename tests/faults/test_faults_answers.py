"""Crawl through damaged answers: no record that was served intact is lost, duplicated or overpaid."""

import asyncio
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import answers
import pytest
import sequences
from aiohttp import web
from answers import Case, Plan, Service
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mutations import MUTATIONS

from twittomatic.app import runtime
from twittomatic.app.connect import connected
from twittomatic.app.crawl import Crawl
from twittomatic.errors import StateLost
from twittomatic.settings import load
from twittomatic.state.embedded.server import Role, embedded
from twittomatic.storage.lock import exclusive

_names = itertools.count()
_LISTS = ("followers", "tweets")
_LENGTHS = st.one_of(st.sampled_from([0, 1, 9, 10, 11, 25, 60]), st.integers(0, 70))
PLANS = st.builds(
    Plan,
    followers=_LENGTHS,
    posts=_LENGTHS,
    pinned=st.booleans(),
    spoiled=st.dictionaries(
        st.tuples(st.sampled_from(_LISTS), st.integers(0, 9)),
        st.tuples(st.sampled_from(sorted(MUTATIONS)), st.integers(0, 10**6)),
        max_size=6,
    ),
    swapped=st.dictionaries(st.sampled_from(_LISTS), st.integers(0, 5)),
    empty=st.dictionaries(st.sampled_from(_LISTS), st.tuples(st.integers(1, 6), st.integers(1, 30))),
    claims=st.booleans(),
)


@pytest.fixture(scope="module")
def runner() -> Iterator[tuple[asyncio.Runner, str, Path]]:
    """An event loop, a state server and a directory for all examples."""
    with tempfile.TemporaryDirectory(prefix="tw") as place, asyncio.Runner() as loop:
        server = embedded(Path(place) / "state", Role.OWN)
        url = loop.run(server.__aenter__())
        try:
            yield loop, url, Path(place)
        finally:
            loop.run(server.__aexit__(None, None, None))


def _check(plan: Plan, runner: tuple[asyncio.Runner, str, Path]) -> None:
    loop, url, place = runner
    with tempfile.TemporaryDirectory(dir=place) as directory, answers.hasty():
        case = Case(plan, url, Path(directory), f"answers{next(_names)}")
        problems = loop.run(case.run())
        assert not problems, "\n  ".join([*problems, case.story()])


@given(PLANS)
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # to shrink takes minutes; `make chaos` does
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_some_spoiled_answers(runner: tuple[asyncio.Runner, str, Path], plan: Plan) -> None:
    _check(plan, runner)


@pytest.mark.long
@pytest.mark.timeout(3600)
@given(PLANS)
@settings(max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_many_spoiled_answers(runner: tuple[asyncio.Runner, str, Path], plan: Plan) -> None:
    _check(plan, runner)


@pytest.mark.parametrize("mutation", sorted(MUTATIONS))
@pytest.mark.parametrize("number", [0, 2])
def test_each_mutation_alone(runner: tuple[asyncio.Runner, str, Path], mutation: str, number: int) -> None:
    spoiled = {(kind, number): (mutation, seed) for seed, kind in enumerate(_LISTS)}
    _check(Plan(followers=45, posts=45, spoiled=spoiled), runner)


def test_some_crawls_one_after_the_other(runner: tuple[asyncio.Runner, str, Path]) -> None:
    loop, url, place = runner
    assert not loop.run(sequences.run(range(1, 11), url, place)), "see the standard output"


class _Emptied(Service):
    """Empties the state server before it answers the second request for a page."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if len(self.answers) == 1:
            await self.connection.call("FLUSHALL")
        return await super().answer(request)

    connection: Any


def test_a_crawl_that_ends_with_an_error_leaves_the_dataset(
    runner: tuple[asyncio.Runner, str, Path], tmp_path: Path
) -> None:
    loop, redis_url, _ = runner

    async def crawl() -> None:
        service = _Emptied(Plan(followers=45, posts=0))
        async with answers.serving(service) as url:
            values = {
                "output_directory": str(tmp_path / "data"),
                "log_directory": str(tmp_path / "logs"),
                "redis_url": redis_url,
                "x_bearer_tokens": "token",
                "x_api_url": url,
                "budget_usd": "1000",
            }
            settings = load(values, {}, answers.nothing(tmp_path))
            async with connected(settings, Role.OWN, "test") as service.connection:
                with pytest.raises(StateLost):
                    async with Crawl(settings, "F") as crawl:
                        await crawl.complete([answers.STAR])
            with exclusive(runtime.layout(settings).output):
                pass

    with answers.hasty():
        loop.run(crawl())
