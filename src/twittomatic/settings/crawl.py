"""The settings that all processes of a crawl share, each declared once: type, default, and an `Option`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

import msgspec

from twittomatic import parsing
from twittomatic.settings.option import Option, Section


class CrawlSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that all processes of a crawl share: the master's, kept with the state of the crawl."""

    network: Annotated[
        str,
        Option(
            Section.NETWORK,
            parsing.text("the name of a network in lower case", r"[a-z][a-z0-9-]{0,31}"),
            meaning="Network to crawl: x, or one that an installed package adds.",
            why="X is the one that comes with Twittomatic",
        ),
    ] = "x"
    budget_usd: Annotated[
        float | None,
        Option(
            Section.CRAWL,
            parsing.budget,
            unit="dollars",
            meaning="Dollars that all crawls of a network on this Redis may spend together; a hard cap.",
            why="X sells every read, so a crawl against X itself is refused without one",
        ),
    ] = None
    traversal: Annotated[
        Literal["bfs", "dfs", "priority"],
        Option(
            Section.CRAWL,
            parsing.choice("bfs", "dfs", "priority"),
            meaning="Order of the traversal: bfs, dfs or priority.",
            why="a sample of a community wants the users near the seeds first",
        ),
    ] = "bfs"
    max_depth: Annotated[
        int,
        Option(
            Section.CRAWL,
            parsing.depth,
            unit="hops",
            meaning="Hops from a seed that are crawled, or unlimited; deeper users wait in the frontier.",
            why="0 crawls the seeds alone: each hop multiplies the bill",
        ),
    ] = 0
    select: Annotated[
        str,
        Option(
            Section.CRAWL,
            parsing.any_text,
            meaning="CEL predicate on a profile: which followers become targets; empty means all.",
            why="for example followers_count >= 100 && !protected",
        ),
    ] = ""
    priority: Annotated[
        str,
        Option(
            Section.CRAWL,
            parsing.text("a CEL expression", r"\s*\S[\s\S]*"),
            meaning="CEL expression on a profile, or: value per dollar. With TRAVERSAL priority, users with "
            "the highest value are crawled first.",
            why="large accounts connect a community",
        ),
    ] = "followers_count"
    max_followers: Annotated[
        int | None,
        Option(
            Section.CRAWL,
            parsing.limit,
            unit="followers",
            meaning="Followers to download per user, or none for no limit.",
            why="the journal says where a list was cut",
        ),
    ] = None
    max_posts: Annotated[
        int | None,
        Option(
            Section.CRAWL,
            parsing.limit,
            unit="posts",
            meaning="Posts to download per user, or none for no limit but the network's.",
            why="X serves no more than the newest 3,200",
        ),
    ] = 3_200
    refresh_older_than: Annotated[
        timedelta | None,
        Option(
            Section.CRAWL,
            parsing.age,
            unit="time span",
            meaning="Age from which a complete list is downloaded again, such as 12h or 30d; or never.",
            why="everything in the dataset was paid for; 0s buys all of it again",
        ),
    ] = None
    expand_referenced: Annotated[
        bool,
        Option(
            Section.CRAWL,
            parsing.switch,
            meaning="Also buy the posts that a timeline's posts retweet, quote or reply to (true or false).",
            why="each one is billed as a post; without it, a retweet's text is cut at 140 characters",
        ),
    ] = False
    shortfall: Annotated[
        float,
        Option(
            Section.CRAWL,
            parsing.share,
            unit="share",
            meaning="Share of the followers or posts claimed by a profile that may be missing from a list "
            "before it counts as short (0 to 1; 20 may always be missing).",
            why="counts include suspended and deleted users, which lists omit, but those are never half",
        ),
    ] = 0.5
    lease_s: Annotated[
        float,
        Option(
            Section.WORK,
            parsing.seconds(1, 3600),
            unit="seconds",
            meaning="Seconds without a heartbeat after which another worker takes over a job.",
            why="long enough for a stalled disk, short enough not to be noticed",
        ),
    ] = 30.0
    max_attempts: Annotated[
        int,
        Option(
            Section.WORK,
            parsing.integer(1, 100),
            unit="failures",
            meaning="Failures after which a job is dead.",
            why="with delays that start at 15 seconds and double, about 8 minutes of retries",
        ),
    ] = 6
    prices: Mapping[str, object] = {}
    limits: Mapping[str, object] = {}

    @property
    def budget(self) -> int | None:
        """The budget in micro-dollars, None when there is none."""
        return parsing.micros(self.budget_usd) if self.budget_usd is not None else None

    @property
    def refresh_older_than_s(self) -> float | None:
        """The age from which lists are downloaded again, in seconds; None for never."""
        return self.refresh_older_than.total_seconds() if self.refresh_older_than is not None else None
