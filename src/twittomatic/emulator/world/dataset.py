"""A world read from the dataset of an earlier crawl.

Layout: `<first two characters of the user id>/<user id>.<ext>`, gzip, one record per line:
.fws follower ids, .usr profiles of followers, .twt posts, newest first, with authors, media
and places embedded. Journals and all other files are ignored.
"""

from pathlib import Path

from .base import AttachmentKind, Post, User
from .recorded import RecordedWorld
from .records import Json, parse_post, parse_user, read_lines, read_objects, record_errors


class _DatasetContents:
    """The records read so far."""

    def __init__(self) -> None:
        self.users: dict[int, User] = {}
        self.followers: dict[int, list[int]] = {}
        self.posts: dict[int, Post] = {}
        self.attachments: dict[AttachmentKind, dict[str, Json]] = {"media": {}, "polls": {}, "places": {}}

    def add_post(self, place: str, json: Json) -> None:
        """Add a post with its author, its attachments and the posts that it refers to."""
        author = json.get("author")
        if isinstance(author, dict) and "username" in author:
            user = parse_user(place, author)
            self.users.setdefault(user.id, user)
        if "author_id" in json or author:
            post = parse_post(place, json)
            self.posts.setdefault(post.id, post)
        for media in json.get("attachments", {}).get("media", ()):
            if "media_key" in media:
                self.attachments["media"][media["media_key"]] = media
        geo = json.get("geo", {})
        if "full_name" in geo:
            shown = {k: v for k, v in geo.items() if k not in ("place_id", "coordinates")}
            self.attachments["places"][geo["place_id"]] = {**shown, "id": geo["place_id"]}
        references: list[Json] = json.get("referenced_tweets") or json.get("referenced_posts") or []
        for reference in references:
            if "text" in reference:
                self.add_post(place, {k: v for k, v in reference.items() if k != "type"})


def read_dataset(directory: Path) -> RecordedWorld:
    """Read a whole dataset directory.

    A user is known from a .usr line, as an author, or by id alone; then the username is made from the id.

    Raises:
        ValueError: No such directory, no dataset in it, or an invalid line; names the file and the line.
        OSError: A file cannot be read.
    """
    if not directory.is_dir():
        raise ValueError(f"{directory}: there is no such directory")
    known = _DatasetContents()
    files = [path for path in sorted(directory.glob("*/*.*")) if _holds_records(path)]
    if not files:
        raise ValueError(f"{directory}: no .fws, .twt or .usr files like 22/22013880.fws in it")
    for path in files:
        if path.suffix == ".fws":
            known.followers[int(path.stem)] = _read_ids(path)
        elif path.suffix == ".usr":
            for place, json in read_objects(path):
                with record_errors(place):
                    user = parse_user(place, json)
                    known.users[user.id] = user
        else:
            for place, json in read_objects(path):
                with record_errors(place):
                    known.add_post(place, {"author_id": path.stem, **json})
    return RecordedWorld(
        users=known.users.values(),
        followers=known.followers,
        posts=known.posts.values(),
        attachments=known.attachments,
    )


def _holds_records(path: Path) -> bool:
    stem = path.stem
    return (
        path.suffix in (".fws", ".twt", ".usr")
        and stem.isascii()
        and stem.isdigit()
        and path.parent.name == stem[:2]
    )


def _read_ids(path: Path) -> list[int]:
    ids = []
    for number, line in read_lines(path):
        word = line.strip()
        if not word.isdigit() or len(word) > 19:
            shown = line.decode(errors="replace").strip()[:60]
            raise ValueError(f"{path}, line {number}: expected a user id, found '{shown}'")
        ids.append(int(word))
    return ids
