"""Synthetic profiles: X's complete user object, computed from a seed and an id, never stored."""

from typing import Any

from .entities import link_entity, tagged_words
from .prng import derive, mix
from .snowflakes import account_opened_ms, iso
from .vocabulary import BIOS, HANDLES, LOCATIONS, NAMES

_IMAGES = "https://pbs.twimg.com"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_BIO_ENTITIES = tuple(tagged_words(bio) for bio in BIOS)


class ProfileCounts:
    """The counts shown on a profile."""

    __slots__ = ("followers", "following", "posts")

    def __init__(self, followers: int, following: int, posts: int) -> None:
        self.followers = followers
        self.following = following
        self.posts = posts


class ProfileMaker:
    """Makes profiles and usernames; the same seed gives the same ones.

    An ordinal is the user's number in its world, 0 to 2**30 - 1. The username contains it, so a user
    can be found by name alone.
    """

    def __init__(self, seed: int) -> None:
        self._seed = derive(seed, "profiles")

    def username(self, ordinal: int) -> str:
        """Return the username of an ordinal, at most 15 letters, digits and underscores."""
        handle = HANDLES[mix(self._seed, ordinal) % len(HANDLES)]
        suffix = ""
        rest = ordinal
        while rest or not suffix:
            rest, digit = divmod(rest, 36)
            suffix = _DIGITS[digit] + suffix
        return f"{handle}_{suffix}"

    def ordinal(self, username: str) -> int | None:
        """Return the ordinal of a username, compared without regard to case, or None."""
        suffix = username.rpartition("_")[2]
        if not suffix or not suffix.isascii() or not suffix.isalnum():
            return None
        ordinal = int(suffix, 36)
        return ordinal if self.username(ordinal).lower() == username.lower() else None

    def make(
        self,
        user_id: int,
        ordinal: int,
        counts: ProfileCounts,
        *,
        protected: bool = False,
        newest_post: int | None = None,
    ) -> dict[str, Any]:
        """Return X's user object in the legacy dialect (X docs, openapi.json, User).

        Args:
            user_id: The id of the account.
            ordinal: Its number in its world.
            counts: The counts that X would show.
            protected: Whether its posts are private.
            newest_post: The id of its most recent post; every fifth account pins it.

        Returns:
            A new dict with every field that app-only authentication can see. Fields that X omits
            when they are empty are omitted here, too: description, location, url, withheld.
        """
        bits = mix(self._seed, ordinal)
        more = mix(bits, user_id)
        user: dict[str, Any] = {
            "id": str(user_id),
            "name": NAMES[bits % len(NAMES)],
            "username": self.username(ordinal),
            "created_at": iso(account_opened_ms(user_id) // 1000 * 1000),
            "protected": protected,
            "verified": bits >> 56 < 16,
            "verified_type": "blue" if bits >> 56 < 16 else "none",
            "subscription_type": "Premium" if bits >> 56 < 16 else "None",
            "is_identity_verified": bits >> 56 < 4,
            "parody": False,
            "profile_image_url": f"{_IMAGES}/profile_images/{more}/{bits & 0xFFFFFFFF:08x}_normal.jpg",
            "public_metrics": {
                "followers_count": counts.followers,
                "following_count": counts.following,
                "tweet_count": counts.posts,
                "listed_count": counts.followers >> 7,
                "like_count": counts.posts * (more & 15),
                "media_count": counts.posts >> 3,
            },
        }
        entities: dict[str, Any] = {}
        if more & 0x30:
            bio = (more >> 6) % len(BIOS)
            user["description"] = BIOS[bio]
            if _BIO_ENTITIES[bio]:
                entities["description"] = _BIO_ENTITIES[bio]
        if more & 0x3000 < 0x2000:
            user["location"] = LOCATIONS[(more >> 14) % len(LOCATIONS)]
        if more & 0x300000 == 0:
            link = link_entity(self._seed, more)
            user["url"] = link["url"]
            entities["url"] = {"urls": [link]}
        if more & 0xC00000:
            user["profile_banner_url"] = f"{_IMAGES}/profile_banners/{user_id}/{more >> 34}"
        if entities:
            user["entities"] = entities
        if more >> 56 == 0:
            user["withheld"] = {"country_codes": ["DE", "FR"], "scope": "user"}
        if newest_post is not None:
            user["most_recent_tweet_id"] = str(newest_post)
            if more >> 40 & 0xFFFF < 13107:
                user["pinned_tweet_id"] = str(newest_post)
        return user
