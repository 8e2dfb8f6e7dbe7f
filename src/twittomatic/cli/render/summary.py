"""Render the summary of a dataset as sections for a terminal or for Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from twittomatic.cli.render.blocks import Block, Cells, Facts, Plot, Plots, Remarks, Section
from twittomatic.cli.render.plot import bars, histogram
from twittomatic.dataset.summary import Posts, Summary
from twittomatic.dataset.summary.coverage import Coverage
from twittomatic.dataset.summary.degrees import Distribution
from twittomatic.dataset.summary.distrust import percent
from twittomatic.dataset.summary.page import Communities, Community, NamedUser, Ranking
from twittomatic.dataset.summary.tally import Uses

_ENDINGS = {
    "complete": "complete",
    "cut": "cut at a limit of yours",
    "ceiling": "at the network's ceiling",
    "short": "short",
    "stalled": "stalled",
    "lost": "lost",
    "unavailable": "unavailable",
}
_MEASURES = {
    "followers": "followers here",
    "pagerank": "PageRank",
    "claimed": "claimed followers",
    "following": "following here",
}
_METHODS = {"leiden": "Leiden", "propagation": "label propagation"}
_BAR_CHART = 64  # columns
_USES = 8  # hashtags and the like
_PLAIN_WORDS = 3
_BRIEF = 4  # communities
_ALL_USERS = 20
_FIRST = 2  # reasons to distrust, the most important ones
_DETAILS = frozenset({"never crawled", "components", "read"})  # of the size; not in a brief summary


def sections(summary: Summary, top: int = _ALL_USERS, *, brief: bool = False) -> list[Section]:
    """Return the sections of a summary.

    Args:
        summary: What was found.
        top: Users of each ranking.
        brief: Show fewer communities and the most important reasons for distrust, and of size and posts only
            what a newcomer asks for.
    """
    size = [row for row in _size(summary) if not (brief and row[0] in _DETAILS)]
    found = [
        Section(heading="Size and coverage", blocks=[Facts(rows=size)]),
        Section(heading="Degrees", blocks=list(_degrees(summary)), note=_mutual(summary)),
    ]
    if summary.communities:
        found.append(_communities(summary.communities, _BRIEF if brief else None))
    if any(ranking.users for ranking in summary.top):
        found.append(Section(heading="Top users", blocks=[_rankings(summary.top, top)]))
    if summary.posts.count:
        found += post_sections(summary.posts, brief=brief)
    if summary.distrust:
        remarks = Remarks(
            sentences=[caution.sentence for caution in summary.distrust[: _FIRST if brief else None]]
        )
        found.append(Section(heading="What to distrust", blocks=[remarks]))
    return found


def post_sections(posts: Posts, *, brief: bool = False) -> list[Section]:
    """Return the section about posts; if `brief`, only their number in total and per day."""
    facts = [
        (
            "posts",
            f"{posts.count:,} in {_many(posts.timelines, 'timeline')}: {posts.replies:,} replies, "
            f"{posts.reposts:,} reposts, {posts.quotes:,} quotes",
        ),
        ("hashtags", _uses(posts.hashtags, "#")),
        ("mentions", _uses(posts.mentions, "@")),
        ("domains", _uses(posts.domains)),
        ("links", _uses(posts.links, most=3)),
        ("languages", _uses(posts.languages)),
    ]
    days = [Plots(plots=[_days(posts, brief)])] if posts.per_day else []
    if brief:
        return [Section(heading="Posts", blocks=days, note=facts[0][1])]
    rows = [(label, value) for label, value in facts if value]
    return [Section(heading="Posts", blocks=[Facts(rows=rows), *days])]


def _size(summary: Summary) -> Iterator[tuple[str, str]]:
    size = summary.size
    yield "users", f"{size.users:,}, of whom {size.crawled:,} were crawled"
    follows = f"{size.edges:,}"
    if size.self_follows:
        follows += f", {size.self_follows:,} of them self-follows"
    yield "follows", follows
    for label, coverage in (("follower lists", summary.followers), ("timelines", summary.timelines)):
        if coverage.lists:
            yield label, _coverage(coverage)
    if summary.never_crawled:
        yield "never crawled", f"{summary.never_crawled:,} users, who were found as followers"
    structure = summary.structure
    if size.users:
        share = structure.largest_weak / size.users
        yield "components", f"{structure.weak_components:,}; the largest has {percent(share)} of the users"
    coverage = summary.followers if summary.followers.lists else summary.timelines
    if coverage.began_at and coverage.ended_at:
        yield "read", f"{coverage.began_at:%Y-%m-%d %H:%M} to {coverage.ended_at:%Y-%m-%d %H:%M} UTC"


def _coverage(coverage: Coverage) -> str:
    endings = ", ".join(f"{count:,} {_ENDINGS.get(name, name)}" for name, count in coverage.endings.items())
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in coverage.reasons.items())
    share = (
        f"; {percent(coverage.share)} of the claimed {coverage.list}" if coverage.share is not None else ""
    )
    return f"{endings}{f' ({reasons})' if reasons else ''}{share}"


def _mutual(summary: Summary) -> str:
    share = summary.structure.reciprocity
    return "" if share is None else f"{percent(share)} of the follows among crawled users are mutual"


def _degrees(summary: Summary) -> Iterator[Block]:
    plots = [
        _distribution(f"followers here, {summary.in_degrees.users:,} crawled users", summary.in_degrees),
        _distribution(f"following here, {summary.out_degrees.users:,} users", summary.out_degrees),
    ]
    yield Plots(plots=plots)


def _distribution(title: str, degrees: Distribution) -> Plot:
    return Plot(
        title=title,
        lines=histogram([found.users for found in degrees.bins]),
        remarks=[
            f"{degrees.zeros:,} have none · median {degrees.median:,.0f} · most {degrees.largest:,}",
            f"the top 1 % have {percent(degrees.top_share)} of the follows",
        ],
    )


def _communities(found: Communities, most: int | None) -> Section:
    note = f"{found.count:,} by {_METHODS[found.method]}, modularity {found.modularity:.2f}"
    if found.seed is not None:
        note += f", seed {found.seed}"
    rows = [
        [
            str(community.number),
            f"{community.users:,}",
            "" if community.inside is None else percent(community.inside),
            " ".join(_name(user) for user in community.top[:3]),
            _words(community),
        ]
        for community in found.largest[:most]
    ]
    any_plain = any(row[-1].startswith("(") for row in rows)
    table = Cells(
        columns=("", "users", "inside", "most followed", "words of bios"),
        rows=rows,
        right=frozenset({0, 1, 2}),
        wraps=4,
        dispensable=(frozenset({2}),),
        note="in parentheses: words that are about as frequent elsewhere" if any_plain else "",
    )
    return Section(heading="Communities", blocks=[table], note=note)


def _words(community: Community) -> str:
    """Return the typical words, or in parentheses words whose frequency may be due to chance."""
    outstanding = [word.text for word in community.words if word.stands_out]
    if outstanding:
        return " ".join(outstanding)
    plain = [word.text for word in community.words[:_PLAIN_WORDS]]
    return f"({' '.join(plain)})" if plain else ""


def _rankings(rankings: Sequence[Ranking], top: int) -> Cells:
    """Return the rankings side by side."""
    columns, right, dispensable = [""], {0}, []
    lists = []
    for ranking in rankings:
        if ranking.users:
            place = len(columns)
            columns += [_MEASURES[ranking.measure], ""]
            right.add(place + 1)
            dispensable.append(frozenset({place, place + 1}))
            lists.append([(_name(user), _value(ranking, user)) for user in ranking.users[:top]])
    rows = [
        [str(number), *(cell for pair in row for cell in pair or ("", ""))]
        for number, row in enumerate(zip_longest(*lists), start=1)
    ]
    return Cells(columns=columns, rows=rows, right=frozenset(right), dispensable=dispensable[:0:-1])


def _name(user: NamedUser) -> str:
    return f"@{user.name}" if user.name else str(user.id)


def _value(ranking: Ranking, user: NamedUser) -> str:
    return f"{user.value:.4f}" if ranking.measure == "pagerank" else f"{user.value:,.0f}"


def _uses(uses: Uses, sign: str = "", most: int = _USES) -> str:
    return " · ".join(f"{sign}{use.text} {use.times:,}" for use in uses.most[:most])


def _days(posts: Posts, brief: bool) -> Plot:
    """Draw the mean number of posts a day, in equal periods."""
    first, last = min(posts.per_day), max(posts.per_day)
    days = (last - first).days + 1
    step = -(-days // _BAR_CHART)
    sums = [0] * -(-days // step)
    for day, count in posts.per_day.items():
        sums[(day - first).days // step] += count
    means = [total / min(step, days - number * step) for number, total in enumerate(sums)]
    remarks = [f"{first} to {last}; a bar is {_many(step, 'day')}, the highest {max(means):,.0f} posts a day"]
    if not brief and posts.comparable and (posts.comparable.first, posts.comparable.last) != (first, last):
        remarks.append(f"timelines are whole from {posts.comparable.first} to {posts.comparable.last} only")
    return Plot(title="" if brief else "posts a day", lines=[bars(means)], remarks=remarks)


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
