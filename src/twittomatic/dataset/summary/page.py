"""The summary of a dataset, as a value: one page that says what was found, and what to distrust."""

from __future__ import annotations

import msgspec

from twittomatic.dataset.summary.coverage import Coverage
from twittomatic.dataset.summary.degrees import Distribution
from twittomatic.dataset.summary.posts import Posts
from twittomatic.dataset.summary.words import Word


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How large the follow graph is.

    Attributes:
        users: Users who were crawled, or follow one who was.
        crawled: Users whose list of followers is in the dataset.
        edges: Follows.
        self_follows: Users who follow themselves.
    """

    users: int
    crawled: int
    edges: int
    self_follows: int


class Structure(msgspec.Struct, frozen=True, kw_only=True):
    """How the graph hangs together. All but `weak_components` and `largest_weak` is among crawled users.

    Attributes:
        users: Crawled users.
        edges: Follows among them.
        reciprocity: Share of these edges whose users follow each other; None without an edge.
        weak_components: Weakly connected components of the whole graph.
        largest_weak: Users of the largest of them.
        isolated: Crawled users who have no tie with another crawled user.
    """

    users: int
    edges: int
    reciprocity: float | None
    weak_components: int
    largest_weak: int
    isolated: int


class NamedUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user with a value.

    Attributes:
        id: User id.
        name: Screen name without @, empty if no profile in the dataset has it.
        value: What the user is ranked by.
    """

    id: int
    name: str
    value: float


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """The users with the largest values of a measure.

    Attributes:
        measure: `followers` (in the graph), `pagerank`, `following` (users of the graph whom the user
            follows), or `claimed` (followers that the profile claims).
        users: By falling value, then by id.
    """

    measure: str
    users: tuple[NamedUser, ...]


class Community(msgspec.Struct, frozen=True, kw_only=True):
    """A community of crawled users.

    Attributes:
        number: 0 for the largest, as in the column `community` of exported nodes.
        users: Number of its users.
        inside: Share of its users' followers, among crawled users, who belong to it; None if they have none.
        top: Its users with the most followers in the graph.
        words: The words that its users' bios prefer.
    """

    number: int
    users: int
    inside: float | None
    top: tuple[NamedUser, ...]
    words: tuple[Word, ...]


class Communities(msgspec.Struct, frozen=True, kw_only=True):
    """The communities of the graph among crawled users.

    Attributes:
        method: `leiden` or `propagation`.
        seed: Seed that gives them again.
        modularity: Newman's modularity.
        count: Number of communities of two users or more.
        largest: The largest of them.
    """

    method: str
    seed: int | None
    modularity: float
    count: int
    largest: tuple[Community, ...]


class Caution(msgspec.Struct, frozen=True, kw_only=True):
    """A reason to distrust some numbers.

    Attributes:
        kind: What the reason is; see `cautions`.
        users: Users or lists that it concerns.
        sentence: What it means, for a reader.
    """

    kind: str
    users: int
    sentence: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A summary of a dataset.

    Attributes:
        directory: The dataset's directory.
        size: How large the follow graph is.
        followers: How far the lists of followers cover the network.
        timelines: How far the timelines cover it.
        never_crawled: Users of the graph whose list was never requested.
        in_degrees: How many followers crawled users have in the graph.
        out_degrees: How many crawled users each user follows.
        structure: How the graph hangs together.
        communities: Groups of users who follow each other more than others; None without an edge among
            crawled users.
        top: The users with the largest values of several measures.
        posts: What the timelines are about.
        distrust: What to distrust, the most important first.
        broken: Sentences that name broken files, whose contents are left out.
    """

    directory: str
    size: Size
    followers: Coverage
    timelines: Coverage
    never_crawled: int
    in_degrees: Distribution
    out_degrees: Distribution
    structure: Structure
    communities: Communities | None
    top: tuple[Ranking, ...]
    posts: Posts
    distrust: tuple[Caution, ...]
    broken: tuple[str, ...]
