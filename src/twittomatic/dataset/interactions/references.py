"""Find the users to whom a post refers, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from twittomatic.dataset.ids import LARGEST_ID

Kind: TypeAlias = Literal["retweet", "reply", "quote", "mention"]
"""How a post refers to a user."""

KINDS: Final[tuple[Kind, ...]] = ("retweet", "reply", "quote", "mention")

_ADDRESS = re.compile(r"https?://(?:www\.)?(?:twitter|x)\.com/(\w{1,20})/status/([0-9]+)", re.ASCII)
_RETWEET_MARK = len("RT @") - 1  # in "RT @name: ...", where the mention of the retweeted user begins


class Reference(NamedTuple):
    """A user to whom a post refers.

    Attributes:
        kind: How.
        user_id: Id of the user, None where the post has only a name.
        name: Screen name as the post has it, None where it has only an id.
    """

    kind: Kind
    user_id: int | None
    name: str | None


def references(post: dict[str, Any]) -> Iterator[Reference]:
    """Yield the users to whom a post refers, each once for each kind.

    A retweet refers to the author of the retweeted post alone, since this author wrote everything else in it.
    The user who is answered is not mentioned as well: X puts the name before the text of every reply.
    A user of whom neither id nor name is known is left out.

    Args:
        post: In the flattened shape of twarc; a part that is not of its type is taken for missing.
    """
    others = {str(other.get("type")): other for other in reversed(_objects(post.get("referenced_tweets")))}
    mentions = list(_mentions(post))
    if retweeted := others.get("retweeted"):
        yield from _known("retweet", *(_author(retweeted) or _retweeted(post)))
        return
    replied: _User = None, None
    if "replied_to" in others or post.get("in_reply_to_user_id") is not None:
        replied = _replied(post, others.get("replied_to", {}), mentions)
        yield from _known("reply", *replied)
    if quoted := others.get("quoted"):
        yield from _known("quote", *(_author(quoted) or (None, _quoted_name(post, quoted))))
    seen = {replied}
    for mention in mentions:
        if mention not in seen and (mention[0] is None or mention[0] != replied[0]):
            seen.add(mention)
            yield from _known("mention", *mention)


_User: TypeAlias = tuple[int | None, str | None]


def _known(kind: Kind, user_id: int | None, name: str | None) -> Iterator[Reference]:
    if user_id is not None or name is not None:
        yield Reference(kind, user_id, name)


def _author(post: dict[str, Any]) -> _User | None:
    """Return the author of a post that is embedded in another one, None if only its id is there."""
    author = _object(post.get("author"))
    user_id, name = _id(post.get("author_id")), _text(author.get("username"))
    return None if user_id is None and name is None else (user_id, name)


def _retweeted(post: dict[str, Any]) -> _User:
    """Return the user whom a retweet names before its text."""
    for mention in _objects(_object(post.get("entities")).get("mentions")):
        if mention.get("start") == _RETWEET_MARK:
            return _user(mention)
    return None, None


def _replied(post: dict[str, Any], other: dict[str, Any], mentions: list[_User]) -> _User:
    user_id, name = _id(post.get("in_reply_to_user_id")), None
    embedded = _author(other) or (None, None)
    if user_id is None:
        return embedded
    if embedded[0] == user_id:
        name = embedded[1]
    name = name or _text(_object(post.get("in_reply_to_user")).get("username"))
    return user_id, name or next((name for known, name in mentions if known == user_id), None)


def _quoted_name(post: dict[str, Any], quoted: dict[str, Any]) -> str | None:
    """Return the name in the address of a quoted post, which the quoting post ends with."""
    for part in (post, _object(post.get("note_tweet"))):
        for url in _objects(_object(part.get("entities")).get("urls")):
            match = _ADDRESS.match(_text(url.get("expanded_url")) or "")
            if match and match[2] == quoted.get("id"):
                return match[1]
    return None


def _mentions(post: dict[str, Any]) -> Iterator[_User]:
    """Yield the users whom a post mentions; of a long post, those of its whole text too."""
    for part in (post, _object(post.get("note_tweet"))):
        for mention in _objects(_object(part.get("entities")).get("mentions")):
            yield _user(mention)


def _user(user: dict[str, Any]) -> _User:
    return _id(user.get("id")), _text(user.get("username"))


def _id(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 19:
        number = int(value)
        return number if number <= LARGEST_ID else None
    return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
