"""Base class of worlds with synthetic users: profiles and timelines by ordinal, new posts on demand."""

from abc import abstractmethod
from collections.abc import Sequence

from ..world.base import Post, Status, User, World
from .postids import MAX_POPULATION, PostClock, Timeline
from .posts import PostMaker
from .profiles import ProfileCounts, ProfileMaker


class MadeUpWorld(World):
    """A world whose users are numbered by ordinals and whose profiles and posts are computed.

    Args:
        seed: Any integer; the same seed gives the same world.
        population: The number of users, at most 2**30.
    """

    def __init__(self, seed: int, population: int) -> None:
        if population > MAX_POPULATION:
            raise ValueError(f"a world holds at most {MAX_POPULATION} users, not {population}")
        self._population = population
        self._profiles = ProfileMaker(seed)
        self._clock = PostClock(seed)
        self._posts = PostMaker(seed, self, self._clock)
        self._published: dict[int, int] = {}
        self._revision = 0

    @abstractmethod
    def id_at(self, ordinal: int) -> int:
        """Return the user id of an ordinal."""

    @abstractmethod
    def ordinal_of(self, user_id: int) -> int | None:
        """Return the ordinal of a user id, or None if there is no such user."""

    @abstractmethod
    def status_at(self, ordinal: int) -> Status:
        """Return the status of the account of an ordinal."""

    def base_count(self, ordinal: int) -> int:
        """Return how many posts the account had written on the fixed day."""
        return self._clock.count(ordinal)

    def publish(self, user_id: int, count: int = 1) -> None:
        """Publish `count` new posts of a user, newer than all earlier ones.

        Raises:
            ValueError: There is no such user.
        """
        ordinal = self.ordinal_of(user_id)
        if ordinal is None:
            raise ValueError(f"there is no user {user_id} in this world")
        self._published[ordinal] = self._published.get(ordinal, 0) + count
        self._revision += 1

    @property
    def revision(self) -> int:
        """Grows with every `publish`."""
        return self._revision

    @property
    def population(self) -> int:
        """The number of users."""
        return self._population

    def sample_ids(self, most: int) -> Sequence[int]:
        """Return the ids of the first ordinals."""
        return [self.id_at(ordinal) for ordinal in range(min(most, self._population))]

    def username_at(self, ordinal: int) -> str:
        """Return the username of an ordinal."""
        return self._profiles.username(ordinal)

    def user(self, user_id: int) -> User | None:
        """Return the account with a newly computed profile."""
        ordinal = self.ordinal_of(user_id)
        if ordinal is None:
            return None
        return self.profile(user_id, ordinal, self.follower_count(user_id), self.following_count(user_id))

    def profile(self, user_id: int, ordinal: int, followers: int, following: int) -> User:
        """Return the account of an ordinal whose counts are already known."""
        status = self.status_at(ordinal)
        timeline = self._clock.timeline(ordinal, user_id, self.base_count(ordinal))
        posts = timeline.count + self._published.get(ordinal, 0)
        fields = self._profiles.make(
            user_id,
            ordinal,
            ProfileCounts(followers, following, posts),
            protected=status == "protected",
            newest_post=self._clock.post_id(timeline, posts - 1) if posts else None,
        )
        return User(id=user_id, username=fields["username"], status=status, fields=fields)

    def user_by_name(self, username: str) -> User | None:
        """Return the account whose ordinal the name contains."""
        ordinal = self._profiles.ordinal(username)
        if ordinal is None or ordinal >= self._population:
            return None
        return self.user(self.id_at(ordinal))

    def post_count(self, user_id: int) -> int:
        """Return the number of posts, published ones included."""
        ordinal = self.ordinal_of(user_id)
        if ordinal is None:
            return 0
        return self.timeline_at(ordinal).count + self._published.get(ordinal, 0)

    def posts(self, user_id: int, start: int, stop: int) -> Sequence[Post]:
        """Return posts[start:stop], newest first."""
        ordinal = self.ordinal_of(user_id)
        if ordinal is None:
            return []
        timeline = self.timeline_at(ordinal)
        count = timeline.count + self._published.get(ordinal, 0)
        return [self._posts.make(timeline, count - 1 - place) for place in range(start, min(stop, count))]

    def post(self, post_id: int) -> Post | None:
        """Return the post, decoded from the id itself."""
        ordinal = self._clock.author_ordinal(post_id)
        if ordinal >= self._population:
            return None
        timeline = self.timeline_at(ordinal)
        serial = self._clock.serial(timeline, post_id)
        if serial is None or serial >= timeline.count + self._published.get(ordinal, 0):
            return None
        return self._posts.make(timeline, serial)

    def timeline_at(self, ordinal: int) -> Timeline:
        """Return the timeline of an ordinal as of the fixed day."""
        return self._clock.timeline(ordinal, self.id_at(ordinal), self.base_count(ordinal))
