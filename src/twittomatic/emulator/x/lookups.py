"""Endpoints that look up users and posts by id or name."""

from collections.abc import Sequence

from ..world.base import Post, User
from .expansions import Includes, post_problem, user_problem
from .parameters import Query
from .problems import Problem
from .rendering import Answer, Charge, Renderer, array, document

# X documents 404 for a single user that does not exist; clients have observed 200 with nothing but
# errors for years (users/lookup/integrate against observed traffic).
SINGLE_LOOKUP_STATUS = 200


def users_by_id(renderer: Renderer, query: Query) -> Answer:
    """Answer GET /2/users."""
    users = renderer.world.users(query.ids)
    return _many_users(renderer, query, "ids", [str(user_id) for user_id in query.ids], users)


def users_by_name(renderer: Renderer, query: Query) -> Answer:
    """Answer GET /2/users/by."""
    users = [renderer.world.user_by_name(name) for name in query.usernames]
    return _many_users(renderer, query, "usernames", query.usernames, users)


def user_by_id(renderer: Renderer, query: Query) -> Answer:
    """Answer GET /2/users/:id."""
    return _one_user(renderer, query, "id", str(query.user_id), renderer.world.user(query.user_id))


def user_by_name(renderer: Renderer, query: Query) -> Answer:
    """Answer GET /2/users/by/username/:username."""
    user = renderer.world.user_by_name(query.username)
    return _one_user(renderer, query, "username", query.username, user)


def posts_by_id(renderer: Renderer, query: Query) -> Answer:
    """Answer GET /2/tweets."""
    found: list[Post] = []
    errors: list[Problem] = []
    for post_id in query.ids:
        post = renderer.world.post(post_id)
        problem = post_problem(post, renderer, "ids", str(post_id))
        if problem is not None:
            errors.append(problem)
        elif post is not None:
            found.append(post)
    includes = Includes(renderer, query.selection)
    includes.expand_posts(found)
    data = array(renderer.post(query.selection, post) for post in found) if found else b""
    return Answer(
        body=document(data=data, includes=includes.render(), errors=errors + includes.errors),
        charges=(Charge(resource="post", ids=[post.id for post in found]), *includes.charges),
    )


def _many_users(
    renderer: Renderer, query: Query, parameter: str, values: Sequence[str], users: Sequence[User | None]
) -> Answer:
    found: dict[int, User] = {}
    errors: list[Problem] = []
    for value, user in zip(values, users, strict=True):
        problem = user_problem(user, parameter, value)
        if problem is not None:
            errors.append(problem)
        elif user is not None:
            found[user.id] = user
    includes = Includes(renderer, query.selection)
    includes.expand_users(found.values())
    data = array(renderer.user(query.selection, user) for user in found.values()) if found else b""
    return Answer(
        body=document(data=data, includes=includes.render(), errors=errors + includes.errors),
        charges=(Charge(resource="user", ids=tuple(found)), *includes.charges),
    )


def _one_user(renderer: Renderer, query: Query, parameter: str, value: str, user: User | None) -> Answer:
    problem = user_problem(user, parameter, value)
    if user is None or problem is not None:
        return Answer(body=document(errors=[problem] if problem else []))
    includes = Includes(renderer, query.selection)
    includes.expand_users([user])
    return Answer(
        body=document(
            data=renderer.user(query.selection, user), includes=includes.render(), errors=includes.errors
        ),
        charges=(Charge(resource="user", ids=(user.id,)), *includes.charges),
    )
