"""Count posts per day, hashtags, mentions, links and languages of the timelines of a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from twittomatic.dataset.completeness import Completeness
from twittomatic.dataset.summary.tally import Tally, Uses
from twittomatic.errors import CorruptFile, StorageError
from twittomatic.model import NO_JSON
from twittomatic.storage.formats import read_lines
from twittomatic.storage.paths import Layout

MOST = 20
"""Maximum number of hashtags, mentions, links, domains and languages in a summary."""
_LONGEST_LINK = 500  # characters; a longer link counts for its domain only


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A range of days (UTC), inclusive."""

    first: date
    last: date


class Posts(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of the posts of all timelines. Days are UTC.

    Hashtags, mentions and links are those of the users' own posts: a repost repeats another user's. Letter
    case is ignored in hashtags, mentions and domains.

    Attributes:
        count: Number of posts.
        timelines: Number of timelines with at least one post.
        replies: Number of posts that reply to another.
        reposts: Number of posts that repeat another without a comment; X calls them retweets.
        quotes: Number of posts that quote another.
        per_day: Number of posts of each day that has any, in chronological order.
        comparable: Period that every timeline covers, so that its days can be compared; None if there is
            none.
        hashtags: Most frequent hashtags, without #.
        mentions: Most frequently mentioned screen names, without @.
        links: Most frequent links, except those to a post's own photos and videos.
        domains: Most frequent hosts of these links, without `www.`.
        languages: Most frequent languages, as BCP 47 tags; the network guesses them.
        broken: Sentences that name the broken files; their posts are left out.
    """

    count: int
    timelines: int
    replies: int
    reposts: int
    quotes: int
    per_day: dict[date, int]
    comparable: Period | None
    hashtags: Uses
    mentions: Uses
    links: Uses
    domains: Uses
    languages: Uses
    broken: tuple[str, ...]


class _Tag(msgspec.Struct):
    tag: str = ""


class _Mention(msgspec.Struct):
    username: str = ""


class _Link(msgspec.Struct):
    expanded_url: str = ""
    unwound_url: str | None = None
    media_key: str | None = None


class _Entities(msgspec.Struct):
    hashtags: list[_Tag] = []
    mentions: list[_Mention] = []
    urls: list[_Link] = []


class _Note(msgspec.Struct):
    entities: _Entities | None = None


class _Reference(msgspec.Struct):
    type: str = ""


class _Post(msgspec.Struct):
    created_at: str = ""
    lang: str | None = None
    entities: _Entities | None = None
    note_tweet: _Note | None = None
    referenced_tweets: list[_Reference] = []


_decode_post = msgspec.json.Decoder(_Post).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


def summarize_posts(
    layout: Layout, timelines: Mapping[int, Completeness], advance: Callable[[], None] = lambda: None
) -> Posts:
    """Count the posts of all timelines, reading each once, in bounded memory.

    Args:
        layout: The dataset's directories.
        timelines: Completeness of each timeline, by user id.
        advance: Called after each file.

    Raises:
        StorageUnavailable: a file cannot be read.
    """
    counts = _Counts()
    for path in layout.files("twt"):
        try:
            counts.add(_Timeline(path), timelines.get(int(path.stem)))
        except StorageError as error:
            counts.broken.append(str(error))
        advance()
    return counts.result()


class _Timeline:
    """The counts of one user's posts."""

    def __init__(self, path: Path) -> None:
        self.days = Counter[date]()
        self.kinds = Counter[str]()
        self.hashtags = Counter[str]()
        self.mentions = Counter[str]()
        self.links = Counter[str]()
        self.domains = Counter[str]()
        self.languages = Counter[str]()
        self.count = 0
        for number, line in enumerate(read_lines(path), start=1):
            self._add(_post(path, number, line))

    def _add(self, post: _Post) -> None:
        self.count += 1
        if (day := _day(post.created_at)) is not None:
            self.days[day] += 1
        if post.lang:
            self.languages[post.lang] += 1
        kinds = {reference.type for reference in post.referenced_tweets}
        self.kinds.update(kinds)
        if "retweeted" in kinds:
            return
        note = post.note_tweet and post.note_tweet.entities  # a long post: `entities` covers its beginning
        entities = note or post.entities or _Entities()
        self.hashtags.update(tag.tag.casefold() for tag in entities.hashtags if tag.tag)
        self.mentions.update(mention.username.casefold() for mention in entities.mentions if mention.username)
        for link in entities.urls:
            if url := "" if link.media_key else link.unwound_url or link.expanded_url:
                if len(url) <= _LONGEST_LINK:
                    self.links[url] += 1
                if domain := _domain(url):
                    self.domains[domain] += 1


class _Counts:
    """The counts of all posts so far."""

    def __init__(self) -> None:
        self.days = Counter[date]()
        self.kinds = Counter[str]()
        self.tallies = {name: Tally() for name in ("hashtags", "mentions", "links", "domains", "languages")}
        self.count = self.timelines = 0
        self.whole_from: date | None = None
        self.whole_until: date | None = None
        self.broken: list[str] = []

    def add(self, timeline: _Timeline, ending: Completeness | None) -> None:
        self.count += timeline.count
        self.timelines += timeline.count > 0
        self.days.update(timeline.days)
        self.kinds.update(timeline.kinds)
        for name, tally in self.tallies.items():
            tally.add(getattr(timeline, name))
        if ending is None or not timeline.days:
            return
        read = max(ending.ended_at, ending.checked_at or ending.ended_at).astimezone(UTC).date()
        self.whole_until = min(read, self.whole_until or read)
        if not ending.is_complete:
            first = min(timeline.days)
            self.whole_from = max(first, self.whole_from or first)

    def result(self) -> Posts:
        days = sorted(self.days)
        return Posts(
            count=self.count,
            timelines=self.timelines,
            replies=self.kinds["replied_to"],
            reposts=self.kinds["retweeted"],
            quotes=self.kinds["quoted"],
            per_day={day: self.days[day] for day in days},
            comparable=self._comparable(days),
            broken=tuple(self.broken),
            **{name: tally.most(MOST) for name, tally in self.tallies.items()},
        )

    def _comparable(self, days: list[date]) -> Period | None:
        if not days:
            return None
        # The day on which a timeline was cut, and that on which it was read, are not whole.
        first = days[0] if self.whole_from is None else _next(self.whole_from, 1)
        last = days[-1] if self.whole_until is None else min(days[-1], _next(self.whole_until, -1))
        return Period(first=first, last=last) if first <= last else None


def _next(day: date, step: int) -> date:
    return date.fromordinal(min(max(day.toordinal() + step, 1), date.max.toordinal()))


def _post(path: Path, number: int, line: bytes) -> _Post:
    """Decode a post; if its fields have unexpected types, return an empty one, which is still counted."""
    try:
        return _decode_post(line)
    except NO_JSON:
        pass
    try:
        _decode_object(line)
    except NO_JSON:
        raise CorruptFile(f"{path}: line {number} is not a JSON object.") from None
    return _Post()


def _day(moment: str) -> date | None:
    try:
        return datetime.fromisoformat(moment).astimezone(UTC).date()
    except (ValueError, OverflowError):
        return None


def _domain(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
