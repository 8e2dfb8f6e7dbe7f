"""The followers and following lists of a user.

Suspended and deleted accounts are removed after a page is cut, so a page may be shorter than requested,
or empty with a next_token (X docs, v1.1 followers/ids; timelines/integrate, "Edge cases"). A token holds
the distance from the end of the list, which does not change when new followers appear at the front.
"""

from typing import Any

from ..world.base import SliceReader
from .expansions import Includes, user_problem
from .pagination import TokenMaker
from .parameters import Query
from .problems import Problem, not_authorized
from .rendering import Answer, Charge, Renderer, array, document


def followers(renderer: Renderer, tokens: TokenMaker, query: Query) -> Answer:
    """Answer GET /2/users/:id/followers."""
    world = renderer.world
    return _list("followers", world.follower_count(query.user_id), world.followers, renderer, tokens, query)


def following(renderer: Renderer, tokens: TokenMaker, query: Query) -> Answer:
    """Answer GET /2/users/:id/following."""
    world = renderer.world
    return _list("following", world.following_count(query.user_id), world.following, renderer, tokens, query)


def unreadable(renderer: Renderer, user_id: int) -> Problem | None:
    """Return the reason why a user's lists and posts cannot be read, or None if they can."""
    user = renderer.world.user(user_id)
    if user is not None and user.status == "protected":
        return not_authorized("user", "id", str(user_id))
    return user_problem(user, "id", str(user_id))


def _list(
    name: str, count: int, read: SliceReader, renderer: Renderer, tokens: TokenMaker, query: Query
) -> Answer:
    scope = f"{name}|{query.scope}"
    left = tokens.read(scope, query.pagination_token) if query.pagination_token is not None else count
    problem = unreadable(renderer, query.user_id)
    if problem is not None:
        return Answer(body=document(errors=[problem]))
    start = max(0, count - left)
    stop = min(start + query.max_results, count)
    ids = read(query.user_id, start, stop)
    written = renderer.users(query.selection, ids)
    shown = [user_id for user_id, user in zip(ids, written, strict=True) if user]
    includes = Includes(renderer, query.selection)
    if query.selection.expansions:
        includes.expand_users(user for user in renderer.world.users(shown) if user)
    meta: dict[str, Any] = {"result_count": len(shown)}
    if stop < count:
        meta["next_token"] = tokens.make(scope, count - stop)
    if start > 0:
        meta["previous_token"] = tokens.make(scope, count - max(0, start - query.max_results))
    return Answer(
        body=document(
            data=array(filter(None, written)) if shown else b"",
            includes=includes.render(),
            errors=includes.errors,
            meta=meta,
        ),
        charges=(Charge(resource="follower", ids=shown), *includes.charges),
        page=f"{scope}|{count - start}",
    )
