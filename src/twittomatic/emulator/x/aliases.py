"""Pagination tokens that stand for others, so that a page can come again under another name."""

from random import Random

from ..faults.base import RequestInfo

_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_LENGTH = 26  # as long as X's own here, and as meaningless


class Aliases:
    """Remembers what each alias stands for, and in which list it does."""

    def __init__(self) -> None:
        self._meant: dict[str, tuple[str, int | None, str | None]] = {}

    def make(self, info: RequestInfo, token: str | None, dice: Random) -> str:
        """Return a new token for the place of another one; None is the beginning of the list."""
        alias = "".join(dice.choices(_ALPHABET, k=_LENGTH))
        self._meant[alias] = info.endpoint, info.user_id, self.meant(info, token)
        return alias

    def meant(self, info: RequestInfo, token: str | None) -> str | None:
        """Return X's own token for an alias of this list; any other token is returned as it is."""
        if token is None or token not in self._meant:
            return token
        endpoint, user_id, meant = self._meant[token]
        return meant if (endpoint, user_id) == (info.endpoint, info.user_id) else token
