"""Text with entities: every #word, @name and link with its position, counted in code points."""

from typing import Any

from .prng import mix
from .vocabulary import HOSTS

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class TextBuilder:
    """Builds a text piece by piece and records the positions of its entities."""

    def __init__(self) -> None:
        self.text = ""
        self.entities: dict[str, list[dict[str, Any]]] = {}

    def add(self, words: str) -> None:
        """Append plain words, separated by one space."""
        self.text = f"{self.text} {words}" if self.text else words

    def add_mention(self, username: str, user_id: str) -> None:
        """Append @username."""
        self._mark("mentions", f"@{username}", {"username": username, "id": user_id})

    def add_hashtag(self, tag: str) -> None:
        """Append #tag."""
        self._mark("hashtags", f"#{tag}", {"tag": tag})

    def add_link(self, short: str, expanded: str) -> None:
        """Append a t.co link; its destination appears only in the entity."""
        display = expanded.removeprefix("https://")
        self._mark("urls", short, {"url": short, "expanded_url": expanded, "display_url": display[:27]})

    def _mark(self, kind: str, words: str, entity: dict[str, Any]) -> None:
        self.add(words)
        end = len(self.text)
        self.entities.setdefault(kind, []).append({"start": end - len(words), "end": end, **entity})


def short_link(bits: int) -> str:
    """Return a t.co link of 23 characters made of 60 bits."""
    letters = []
    for _ in range(10):
        letters.append(_BASE62[bits % 62])
        bits //= 62
    return "https://t.co/" + "".join(letters)


def long_link(bits: int) -> str:
    """Return the destination of a link."""
    return f"https://{HOSTS[bits % len(HOSTS)]}/{bits >> 40:x}"


def tagged_words(text: str) -> dict[str, list[dict[str, Any]]]:
    """Find the #words and @names in a text, separated by spaces or line ends."""
    found: dict[str, list[dict[str, Any]]] = {}
    start = 0
    for word in text.replace("\n", " ").split(" "):
        bare = word.rstrip(".,")
        place = {"start": start, "end": start + len(bare)}
        if len(bare) > 1 and bare[0] == "#":
            found.setdefault("hashtags", []).append({**place, "tag": bare[1:]})
        elif len(bare) > 1 and bare[0] == "@":
            found.setdefault("mentions", []).append({**place, "username": bare[1:]})
        start += len(word) + 1
    return found


def link_entity(seed: int, value: int) -> dict[str, Any]:
    """Return the entity of a link that is the whole text, as in the url field of a profile."""
    short, expanded = short_link(mix(seed, value)), long_link(mix(value, seed))
    display = expanded.removeprefix("https://")[:27]
    return {"start": 0, "end": len(short), "url": short, "expanded_url": expanded, "display_url": display}
