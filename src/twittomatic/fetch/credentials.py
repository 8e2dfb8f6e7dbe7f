"""Credentials of this process; each has a name that may be shown, its token is secret."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from twittomatic.errors import SettingsError
from twittomatic.fetch import usertokens
from twittomatic.fetch.secrets import read_secret
from twittomatic.fetch.usertokens import UserToken

_TOKEN = re.compile(r"[!-~]+")  # what a header can carry
_MOST = 1 << 20  # bytes of a file


@dataclass(frozen=True, slots=True)
class Credential:
    """A bearer token, or the absence of one.

    Attributes:
        kind: Which limits apply: `app`, or `anonymous` if the network needs no credential.
        name: Derived from the token's hash, so the same on every machine; may be shown.
        token: The secret, never in a repr; empty for `anonymous`.
    """

    name: str
    token: str = field(repr=False)
    kind: Literal["app", "anonymous"] = "app"

    @property
    def secrets(self) -> list[str]:
        """Texts that must never be shown."""
        return [self.token] if self.token else []

    @classmethod
    def of(cls, token: str) -> Self:
        """Return the credential of a bearer token."""
        return cls("app-" + hashlib.sha256(token.encode()).hexdigest()[:8], token)


class Credentials:
    """The credentials of a process, in the given order, without duplicates."""

    def __init__(self, tokens: Sequence[str], users: Sequence[UserToken] = ()) -> None:
        apps = [Credential.of(token) for token in dict.fromkeys(tokens)]
        self._credentials: list[Credential | UserToken] = [*apps, *users]

    @classmethod
    def anonymous(cls) -> Self:
        """Return the only credential of a network that needs none: it has windows but no token."""
        found = cls(())
        found._credentials.append(Credential("nobody", "", "anonymous"))
        return found

    @classmethod
    def load(cls, text: str, files: str = "", *, setting: str = "X_BEARER_TOKENS") -> Self:
        """Read the settings that hold bearer tokens and user tokens.

        Args:
            text: Tokens separated by commas, or `@FILE` with one per line (blank lines and `#` comments are
                ignored).
            files: Paths of user tokens; see `twittomatic.fetch.usertokens`.
            setting: Name of the setting that holds `text`, for error messages.

        Raises:
            SettingsError: the file cannot be read, other users can read it, or it holds something that is not
                a token; no token is shown.
        """
        users = usertokens.load(files)
        if text.startswith("@"):
            return cls(_from_file(Path(text[1:]), setting), users)
        tokens = [token.strip() for token in text.split(",") if token.strip()]
        for number, token in enumerate(tokens, start=1):
            if not _TOKEN.fullmatch(token):
                raise SettingsError(
                    f"{setting}: token {number} contains a character that is not allowed in a token."
                )
        return cls(tokens, users)

    async def settled(self) -> None:
        """Wait for renewals in progress, so that closing the transport loses no token."""
        for credential in self:
            if isinstance(credential, UserToken):
                await credential.settled()

    def __iter__(self) -> Iterator[Credential | UserToken]:
        return iter(self._credentials)

    def __len__(self) -> int:
        return len(self._credentials)

    def __repr__(self) -> str:
        return f"Credentials({', '.join(credential.name for credential in self)})"


def _from_file(path: Path, setting: str) -> list[str]:
    path, content = read_secret(setting, path, _MOST + 1)
    if len(content) > _MOST:
        last = content.count(b"\n") + 1
        raise SettingsError(
            f"{setting}: {path} is larger than 1 MiB, which ends in its line {last}; "
            "no list of tokens is that long."
        )
    if content.startswith(usertokens.BYTE_ORDER_MARKS):
        raise SettingsError(
            f"{setting}: line 1 of {path} starts with a byte order mark; save it as UTF-8 without one."
        )
    lines = [line.decode(errors="replace").strip() for line in content.splitlines()]
    tokens = []
    for number, line in enumerate(lines, start=1):
        if line and not line.startswith("#"):
            if not _TOKEN.fullmatch(line):
                raise SettingsError(f"{setting}: line {number} of {path} is not a token.")
            tokens.append(line)
    return tokens
