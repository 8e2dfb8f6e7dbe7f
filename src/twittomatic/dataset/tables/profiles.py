"""Profiles as a table: one flat row for each user."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from twittomatic.dataset.tables.columns import Batch, Column, Type
from twittomatic.dataset.tables.entities import user_entities
from twittomatic.dataset.tables.flat import batch_of, flatten
from twittomatic.dataset.tables.recordfiles import decoded_files
from twittomatic.dataset.tables.table import Table
from twittomatic.errors import StorageError
from twittomatic.storage.errors import translate_errors
from twittomatic.storage.idset import IdSet

PROFILE_COLUMNS: Final = (
    Column("id", Type.INT64, "user id"),
    Column("created_at", Type.TIME, "when the account was made"),
    Column("username", Type.TEXT, "screen name"),
    Column("name", Type.TEXT, "display name"),
    Column("description", Type.TEXT, "bio"),
    Column("entities.description.annotations", Type.JSON, "what the network recognized in the bio"),
    Column("entities.description.cashtags", Type.JSON, "cashtags in the bio, with their $"),
    Column("entities.description.hashtags", Type.JSON, "hashtags in the bio, with their #"),
    Column("entities.description.mentions", Type.JSON, "screen names in the bio, with their @"),
    Column("entities.description.urls", Type.JSON, "addresses in the bio, in full"),
    Column("entities.url.urls", Type.JSON, "the address of the profile, in full"),
    Column("location", Type.TEXT, "where the user claims to be"),
    Column("pinned_tweet_id", Type.INT64, "post at the top of the profile"),
    Column("profile_image_url", Type.TEXT, "address of the picture"),
    Column("profile_banner_url", Type.TEXT, "address of the banner"),
    Column("protected", Type.BOOLEAN, "whether posts and lists are private"),
    Column("public_metrics.followers_count", Type.INT64, "followers on the network"),
    Column("public_metrics.following_count", Type.INT64, "users followed on the network"),
    Column("public_metrics.listed_count", Type.INT64, "lists that the user is on"),
    Column("public_metrics.tweet_count", Type.INT64, "posts, reposts and replies"),
    Column("public_metrics.like_count", Type.INT64, "posts that the user likes"),
    Column("public_metrics.media_count", Type.INT64, "posts with pictures or films"),
    Column("url", Type.TEXT, "address of the profile, in full if the network sent it so"),
    Column("verified", Type.BOOLEAN, "whether there is any badge"),
    Column("verified_type", Type.TEXT, "badge: `blue`, `business`, `government` or `none`"),
    Column("verified_followers_count", Type.INT64, "followers with a badge"),
    Column("is_identity_verified", Type.BOOLEAN, "whether the network has seen an identity document"),
    Column("parody", Type.BOOLEAN, "whether the account says that it is a parody"),
    Column("subscription_type", Type.TEXT, "subscription to the network"),
    Column("most_recent_tweet_id", Type.INT64, "newest post"),
    Column("affiliation.badge_url", Type.TEXT, "badge of the organization that the account belongs to"),
    Column("affiliation.description", Type.TEXT, "name of this organization"),
    Column("affiliation.url", Type.TEXT, "its address"),
    Column("affiliation.user_id", Type.JSON, "its user ids"),
    Column("withheld.scope", Type.TEXT, "what is withheld"),
    Column("withheld.copyright", Type.BOOLEAN, "whether for reasons of copyright"),
    Column("withheld.country_codes", Type.JSON, "where it is withheld"),
    Column("__twarc.retrieved_at", Type.TIME, "always empty: see `downloaded_at`"),
    Column("__twarc.url", Type.TEXT, "always empty"),
    Column("__twarc.version", Type.TEXT, "always empty"),
    Column("downloaded_at", Type.TIME, "when the page with this profile arrived"),
)
_BATCH = 5_000  # rows
_MTIME = slice(4, 8)  # of a gzip header

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def profile_table(
    paths: Callable[[], Iterable[Path]], on_defect: Callable[[StorageError], None] | None = None
) -> Table:
    """Return profiles as a table: the newest of each user.

    Memory: a batch, and 8 bytes for each user.

    Args:
        paths: Lists the files of profiles.
        on_defect: Called with the error about a file that cannot be read, which is left out; None raises it.
    """

    def read() -> Iterator[Batch]:
        seen = IdSet()
        rows: list[dict[str, Any]] = []
        for page in decoded_files(newest_first(paths()), _decode, on_defect):
            numbered = [(int(r["id"]), at, r) for at, r in page if _is_id(r.get("id"))]
            new = seen.add(np.array([number for number, _, _ in numbered], np.uint64))
            rows += [profile_row(r, at) for is_new, (_, at, r) in zip(new, numbered, strict=True) if is_new]
            if len(rows) >= _BATCH:
                yield batch_of(PROFILE_COLUMNS, rows)
                rows = []
        if rows:
            yield batch_of(PROFILE_COLUMNS, rows)

    return Table("profiles", PROFILE_COLUMNS, read)


def profile_row(profile: dict[str, Any], came_at: int) -> dict[str, Any]:
    """Return the flat row of a profile."""
    row = flatten(user_entities(profile))
    row["downloaded_at"] = datetime.fromtimestamp(came_at, UTC).isoformat() if came_at else None
    return row


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal() and int(value) < 2**63


def newest_first(paths: Iterable[Path]) -> Iterable[Path]:
    """Return files of profiles, the one that was downloaded last first.

    The time in the header of a file's first page counts, which a copy keeps; without one, the file's own.
    """
    return sorted(paths, key=_downloaded_at, reverse=True)


def _downloaded_at(path: Path) -> float:
    with translate_errors(path), path.open("rb") as file:
        came_at = int.from_bytes(file.read(_MTIME.stop)[_MTIME], "little")
        return came_at or path.stat().st_mtime
