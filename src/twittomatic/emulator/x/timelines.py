"""The timeline of a user, newest first, up to X's ceiling.

A token holds the id of the oldest post served rather than an offset, so new posts do not shift pages.
Replies and retweets are excluded after a page is cut, so a page may be short or empty although it has a
next_token (X docs, timelines/integrate, "Volume limits" and "Edge cases").
"""

from typing import Any

from ..world.base import Post, World
from .expansions import Includes
from .follows import unreadable
from .pagination import TokenMaker
from .parameters import Query
from .rendering import Answer, Charge, Renderer, array, document

CEILING = 3200
CEILING_WITHOUT_REPLIES = 800
_NEWEST = (1 << 64) - 1


def timeline(renderer: Renderer, tokens: TokenMaker, query: Query) -> Answer:
    """Answer GET /2/users/:id/tweets.

    Past the ceiling there is one more page, without data and without a next_token.
    """
    scope = f"timeline|{query.scope}"
    before = _NEWEST
    if query.pagination_token is not None:
        before = tokens.read(scope, query.pagination_token)
    problem = unreadable(renderer, query.user_id)
    if problem is not None:
        return Answer(body=document(errors=[problem]))
    world, user_id = renderer.world, query.user_id
    ceiling = CEILING_WITHOUT_REPLIES if "replies" in query.exclude else CEILING
    count = world.post_count(user_id)
    first = _place(world, user_id, min(before, query.until_id), count)
    end = _place(world, user_id, query.since_id + 1, count)
    stop = min(first + query.max_results, end, max(first, ceiling))
    cut = world.posts(user_id, first, stop)
    shown = [post for post in cut if not _excluded(post, query)]
    includes = Includes(renderer, query.selection)
    includes.expand_posts(shown)
    meta: dict[str, Any] = {"result_count": len(shown)}
    if shown:
        meta |= {"newest_id": str(shown[0].id), "oldest_id": str(shown[-1].id)}
    if cut and stop < end:
        meta["next_token"] = tokens.make(scope, cut[-1].id)
    if query.pagination_token is not None and before != _NEWEST:
        meta["previous_token"] = tokens.make(scope, _bound(world, user_id, first - query.max_results))
    return Answer(
        body=document(
            data=array(renderer.post(query.selection, post) for post in shown) if shown else b"",
            includes=includes.render(),
            errors=includes.errors,
            meta=meta,
        ),
        charges=(Charge(resource="post", ids=[post.id for post in shown]), *includes.charges),
        page=f"{scope}|{before}",
    )


def _place(world: World, user_id: int, bound: int, count: int) -> int:
    """Return the position of the newest post with an id below a bound."""
    low, high = 0, count
    if bound > _NEWEST - 1:
        return 0
    while low < high:
        middle = (low + high) // 2
        if world.posts(user_id, middle, middle + 1)[0].id < bound:
            high = middle
        else:
            low = middle + 1
    return low


def _bound(world: World, user_id: int, place: int) -> int:
    """Return the bound below which the post at a position is the newest."""
    return world.posts(user_id, place - 1, place)[0].id if place > 0 else _NEWEST


def _excluded(post: Post, query: Query) -> bool:
    return ("replies" in query.exclude and post.refers("replied_to")) or (
        "retweets" in query.exclude and post.refers("retweeted")
    )
