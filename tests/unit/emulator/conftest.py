"""What the emulator's unit tests share: a clock that stands still, and a world made by hand."""

from collections.abc import Callable

import pytest

from twittomatic.emulator.world.base import Post, Status, User
from twittomatic.emulator.world.recorded import RecordedWorld


class Clock:
    """Unix seconds that only move when told to."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_user(user_id: int, status: Status = "active", **fields: object) -> User:
    name = f"user{user_id}"
    shown = {"id": str(user_id), "name": name.title(), "username": name, **fields}
    return User(id=user_id, username=name, status=status, fields=shown)


def make_post(post_id: int, author_id: int, **fields: object) -> Post:
    shown = {"id": str(post_id), "author_id": str(author_id), "text": f"post {post_id}", **fields}
    return Post(id=post_id, author_id=author_id, fields=shown)


@pytest.fixture
def village() -> RecordedWorld:
    """User 1 is followed by 10 to 19; 12 to 14 are gone and 15 is protected."""
    fates: dict[int, Status] = {12: "suspended", 13: "deleted", 14: "suspended", 15: "protected"}
    reply = {"referenced_tweets": [{"type": "replied_to", "id": "1000"}]}
    retweet = {"referenced_tweets": [{"type": "retweeted", "id": "999999"}]}
    posts = [
        make_post(1000 + n, 1, **(reply if n % 4 == 1 else retweet if n % 4 == 2 else {})) for n in range(20)
    ]
    return RecordedWorld(
        users=[make_user(1), *(make_user(i, fates.get(i, "active")) for i in range(10, 20))],
        followers={1: list(range(10, 20)), 15: [1], 12: [1]},
        posts=[*posts, make_post(500, 15), make_post(501, 12)],
    )


@pytest.fixture
def user_maker() -> Callable[..., User]:
    return make_user


@pytest.fixture
def post_maker() -> Callable[..., Post]:
    return make_post
