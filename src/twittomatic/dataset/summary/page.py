"""The values of a summary: size, coverage, structure, rankings, communities and cautions."""

from __future__ import annotations

import msgspec

from twittomatic.dataset.summary.coverage import Coverage
from twittomatic.dataset.summary.degrees import Distribution
from twittomatic.dataset.summary.posts import Posts
from twittomatic.dataset.summary.words import Word


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """Size of the follow graph.

    Attributes:
        users: Number of nodes: users who were crawled, and their followers.
        crawled: Number of users whose list of followers is in the dataset.
        edges: Number of edges.
        self_follows: Number of users who follow themselves.
    """

    users: int
    crawled: int
    edges: int
    self_follows: int


class Structure(msgspec.Struct, frozen=True, kw_only=True):
    """Connectedness and reciprocity. All values but the two about components are among crawled users.

    Attributes:
        users: Number of crawled users.
        edges: Number of edges among them.
        reciprocity: Share of these edges that are mutual, from 0 to 1; None without an edge.
        weak_components: Number of weakly connected components of the whole graph.
        largest_weak: Number of users in the largest component.
        isolated: Number of crawled users without an edge from or to another crawled user.
    """

    users: int
    edges: int
    reciprocity: float | None
    weak_components: int
    largest_weak: int
    isolated: int


class NamedUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user with the value of a measure.

    Attributes:
        id: User id.
        name: Screen name without @, empty if no profile in the dataset has it.
        value: Value of the measure.
    """

    id: int
    name: str
    value: float


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """The users with the largest values of a measure.

    Attributes:
        measure: `followers` (in-degree), `pagerank`, `following` (out-degree), or `claimed` (followers_count
            of the profile).
        users: The users, sorted by descending value, then by id.
    """

    measure: str
    users: tuple[NamedUser, ...]


class Community(msgspec.Struct, frozen=True, kw_only=True):
    """A community of crawled users.

    Attributes:
        number: 0 for the largest, as in the column `community` of exported nodes.
        users: Number of users.
        inside: Share of the edges into the community that come from within it, among crawled users (0 to 1);
            None without such an edge.
        top: Its users with the most followers in the graph.
        words: Words that are more frequent in the bios of its users than in others.
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
        seed: Seed that reproduces them; None if none does.
        modularity: Newman's modularity, from -0.5 to 1.
        count: Number of communities with at least two users.
        largest: The largest communities.
    """

    method: str
    seed: int | None
    modularity: float
    count: int
    largest: tuple[Community, ...]


class Caution(msgspec.Struct, frozen=True, kw_only=True):
    """A reason to distrust some numbers.

    Attributes:
        kind: Kind of the reason; see `cautions`.
        users: Number of users or lists that are affected.
        sentence: The reason as a sentence.
    """

    kind: str
    users: int
    sentence: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A summary of a dataset.

    Attributes:
        directory: The dataset's directory.
        size: Size of the follow graph.
        followers: Coverage of the lists of followers.
        timelines: Coverage of the timelines.
        never_crawled: Number of border users: users of the graph whose list was never requested.
        in_degrees: Distribution of the in-degrees of crawled users.
        out_degrees: Distribution of the out-degrees of all users.
        structure: Connectedness and reciprocity.
        communities: Communities of crawled users; None without an edge among them.
        top: Rankings by several measures.
        posts: Counts of the posts of all timelines.
        distrust: Reasons to distrust the numbers, the most important first.
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
