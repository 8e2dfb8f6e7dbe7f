"""Synthetic posts: X's complete post object, computed from the author and a serial, never stored."""

from typing import Any, Protocol

from ..world.base import Post
from .entities import TextBuilder, long_link, short_link
from .postids import PostClock, Timeline
from .prng import derive, mix
from .snowflakes import iso, snowflake_ms
from .vocabulary import HASHTAGS, LONG_TAIL, SENTENCES

CUT = 280
RETWEET_CUT = 140
EDIT_WINDOW_MS = 1_800_000


class AuthorDirectory(Protocol):
    """The facts about authors that making posts needs."""

    @property
    def population(self) -> int:
        """The number of users; their ordinals are 0 to population - 1."""
        ...

    def id_at(self, ordinal: int) -> int:
        """Return the user id of an ordinal."""
        ...

    def username_at(self, ordinal: int) -> str:
        """Return the username of an ordinal."""
        ...

    def timeline_at(self, ordinal: int) -> Timeline:
        """Return the timeline of an ordinal as of the world's fixed day."""
        ...


class PostMaker:
    """Makes posts: about 55 % originals, 20 % replies, 15 % retweets, 10 % quotes.

    Every post referred to exists, is older, and was written by another user of the same world.
    """

    def __init__(self, seed: int, authors: AuthorDirectory, clock: PostClock) -> None:
        self._seed = derive(seed, "posts")
        self._authors = authors
        self._clock = clock

    def make(self, timeline: Timeline, serial: int) -> Post:
        """Return the post with this serial (0 is the oldest) of a timeline."""
        post_id = self._clock.post_id(timeline, serial)
        author_id = self._authors.id_at(timeline.ordinal)
        bits = self._bits(timeline.ordinal, serial)
        kind = _kind(bits)
        target = None if kind == "original" else self._target(timeline.ordinal, post_id, bits)
        text = TextBuilder()
        fields: dict[str, Any] = {
            "id": str(post_id),
            "author_id": str(author_id),
            "edit_history_tweet_ids": [str(post_id)],
            "conversation_id": str(post_id),
        }
        if target is None or kind == "original":
            fields["lang"] = self._write(text, bits)
        elif kind == "retweeted":
            fields["lang"] = self._retweet(text, fields, target)
        else:
            fields["lang"] = self._respond(text, fields, target, kind, bits)
        self._finish(text, fields, post_id, bits)
        return Post(id=post_id, author_id=author_id, fields=fields)

    def _bits(self, ordinal: int, serial: int) -> int:
        return mix(self._seed + ordinal, serial)

    def _target(self, ordinal: int, post_id: int, bits: int) -> tuple[Timeline, int] | None:
        other = mix(bits, 1) % self._authors.population
        if other == ordinal:
            return None
        timeline = self._authors.timeline_at(other)
        older = self._clock.serials_before(timeline, post_id)
        latest = older - 1 - mix(bits, 2) % 50 % max(1, older)
        for serial in range(latest, max(-1, latest - 4), -1):
            if _kind(self._bits(other, serial)) != "retweeted":
                return timeline, serial
        return None

    def _write(self, text: TextBuilder, bits: int) -> str:
        lang, sentence = SENTENCES[bits % len(SENTENCES)]
        text.add(sentence)
        extras = mix(bits, 3)
        if extras & 7 == 0:
            other = (extras >> 8) % self._authors.population
            text.add_mention(self._authors.username_at(other), str(self._authors.id_at(other)))
        if extras & 0x30 == 0:
            text.add_hashtag(HASHTAGS[(extras >> 40) % len(HASHTAGS)])
        if extras & 0x3E00000 == 0:
            text.add(LONG_TAIL)
        if extras & 0x40 == 0:
            text.add_link(short_link(extras), long_link(extras))
        return lang

    def _retweet(self, text: TextBuilder, fields: dict[str, Any], target: tuple[Timeline, int]) -> str:
        original = self.make(*target)
        text.add("RT")
        text.add_mention(self._authors.username_at(target[0].ordinal), str(original.author_id))
        text.text += ": "
        full = text.text + original.fields["text"]
        text.text = full if len(full) <= RETWEET_CUT else full[: RETWEET_CUT - 1] + "…"
        fields["referenced_tweets"] = [{"type": "retweeted", "id": str(original.id)}]
        return str(original.fields["lang"])

    def _respond(
        self, text: TextBuilder, fields: dict[str, Any], target: tuple[Timeline, int], kind: str, bits: int
    ) -> str:
        timeline, serial = target
        name = self._authors.username_at(timeline.ordinal)
        other_id = str(self._authors.id_at(timeline.ordinal))
        post_id = str(self._clock.post_id(timeline, serial))
        fields["referenced_tweets"] = [{"type": kind, "id": post_id}]
        if kind == "replied_to":
            text.add_mention(name, other_id)
            fields["in_reply_to_user_id"] = other_id
            fields["conversation_id"] = self.make(timeline, serial).fields["conversation_id"]
            return self._write(text, bits)
        lang = self._write(text, bits)
        text.add_link(short_link(bits), f"https://twitter.com/{name}/status/{post_id}")
        return lang

    @staticmethod
    def _finish(text: TextBuilder, fields: dict[str, Any], post_id: int, bits: int) -> None:
        written_ms = snowflake_ms(post_id)
        fields["created_at"] = iso(written_ms // 1000 * 1000)
        fields["text"] = text.text
        fields["entities"] = text.entities
        if len(text.text) > CUT:
            cut = text.text[: CUT - 1] + "…"
            fields["text"] = cut
            fields["note_tweet"] = {"text": text.text}
            if text.entities:
                fields["note_tweet"]["entities"] = text.entities
            short = {k: [e for e in es if e["end"] < CUT] for k, es in text.entities.items()}
            fields["entities"] = {k: es for k, es in short.items() if es}
        if not fields["entities"]:
            del fields["entities"]
        likes = (bits >> 20 & 0xFF) ** 4 >> 22
        fields["public_metrics"] = {
            "retweet_count": likes >> 2,
            "reply_count": likes >> 4,
            "like_count": likes,
            "quote_count": likes >> 5,
            "bookmark_count": likes >> 6,
            "impression_count": likes * 40 + (bits >> 8 & 0xFF),
        }
        fields["possibly_sensitive"] = bits >> 58 == 0
        fields["reply_settings"] = "everyone" if bits >> 57 & 7 else "following"
        fields["edit_controls"] = {
            "edits_remaining": 5,
            "is_edit_eligible": "referenced_tweets" not in fields,
            "editable_until": iso(written_ms // 1000 * 1000 + EDIT_WINDOW_MS),
        }


def _kind(bits: int) -> str:
    share = (bits >> 32) % 100
    if share < 55:
        return "original"
    if share < 75:
        return "replied_to"
    return "retweeted" if share < 90 else "quoted"
