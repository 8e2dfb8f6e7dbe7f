"""OAuth 2.0 user tokens, each in a file that is renewed in place by the first process that needs to.

The network replaces a refresh token when it is used. So a new pair is on disk before its access token is sent
anywhere, and disk space for it is reserved before the old pair is spent. Among processes and machines that
share the file, one renews and the others read the result.
"""

from __future__ import annotations

import asyncio
import codecs
import errno
import hashlib
import os
import re
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal

import msgspec

from twittomatic import parsing
from twittomatic.errors import SettingsError, StorageUnavailable, UpstreamUnavailable
from twittomatic.faultpoint import reach
from twittomatic.filelock import FileLock
from twittomatic.networks.base import Form, Network, Response

_EARLY_S = 60.0  # before expiry, so that no token expires during a request
_PATIENCE_S = 120.0  # for a renewal by another process
_ROOM = 128 * 1024  # bytes reserved for the new pair, more than the largest accepted file rewritten
_MOST = 64 * 1024
BYTE_ORDER_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""Bytes that some editors write at the beginning of a text file."""

Send = Callable[[Form], Awaitable[Response]]


class _Tokens(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    client_id: str
    access_token: str
    refresh_token: str
    client_secret: str = ""
    expires_at: float | None = None

    def __repr__(self) -> str:
        return "_Tokens(***)"


class UserToken:
    """A user's tokens and the file that holds them.

    Args:
        path: JSON with `client_id`, `access_token`, `refresh_token`, and optionally `client_secret` and
            `expires_at` (Unix seconds).

    Raises:
        SettingsError: the file cannot be read, other users can read it, or something in it is missing.
    """

    kind: Literal["user"] = "user"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tokens = _read(path)
        identity = f"{self._tokens.client_id}:{path.stem}"
        self.name = "user-" + hashlib.sha256(identity.encode()).hexdigest()[:8]
        self._renewal: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"UserToken({self.name})"

    @property
    def token(self) -> str:
        """The current access token."""
        return self._tokens.access_token

    @property
    def secrets(self) -> list[str]:
        """Texts that must never be shown."""
        tokens = self._tokens
        return [text for text in (tokens.access_token, tokens.refresh_token, tokens.client_secret) if text]

    def is_due(self, now: float) -> bool:
        """Return whether it expires within a minute."""
        expires_at = self._tokens.expires_at
        return expires_at is not None and now >= expires_at - _EARLY_S

    async def renew(self, used: str, network: Network, send: Send, now: Callable[[], float]) -> None:
        """Renew the tokens unless that has been done meanwhile; concurrent callers share one renewal.

        The renewal continues when its caller is cancelled, since the answer holds the only valid refresh
        token. So wait for `settled` before closing the transport.

        Args:
            used: The access token that is no longer valid.
            network: Builds the form and reads the answer.
            send: Sends a form to the network.
            now: Returns the time in Unix seconds.

        Raises:
            CredentialRejected: the network refuses; the user has to authorize the app again.
            UpstreamUnavailable: the network cannot be reached.
            StorageUnavailable: the file cannot be written; the old pair is not spent.
        """
        if self.token != used:
            return
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._replace(used, network, send, now))
        await asyncio.shield(self._renewal)

    async def settled(self) -> None:
        """Wait for a renewal in progress, if any."""
        if self._renewal:
            await asyncio.wait([self._renewal])
            if not self._renewal.cancelled():
                self._renewal.exception()  # its callers got the error, or were cancelled

    async def _replace(self, used: str, network: Network, send: Send, now: Callable[[], float]) -> None:
        with FileLock(self._path.with_name(f"{self._path.name}.lock")) as lock:
            if not await lock.acquire(within_s=_PATIENCE_S):
                raise UpstreamUnavailable(f"Another process has been renewing {self.name} for too long.")
            await asyncio.to_thread(self._read_again)
            if self.token != used:
                return
            room = await asyncio.to_thread(self._make_room)
            try:
                old = self._tokens
                form = network.renewal(old.client_id, old.client_secret, old.refresh_token)
                grant = network.decode_renewal(await send(form))
            except BaseException:
                os.close(room)
                raise
            expires_at = None if grant.expires_in_s is None else now() + grant.expires_in_s
            new = msgspec.structs.replace(
                old,
                access_token=grant.access_token,
                refresh_token=grant.refresh_token or old.refresh_token,
                expires_at=expires_at,
            )
            await asyncio.to_thread(self._store, room, new)
            reach("token.stored")
            self._tokens = new

    def _read_again(self) -> None:
        try:
            self._tokens = _read(self._path)
        except SettingsError as error:
            raise StorageUnavailable(str(error)) from None

    @property
    def _next(self) -> Path:
        return self._path.with_name(f"{self._path.name}.new")

    def _make_room(self) -> int:
        """Reserve disk space for the next pair, so that a full disk cannot lose the token."""
        try:
            descriptor = os.open(self._next, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                if os.write(descriptor, b" " * _ROOM) < _ROOM:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            except OSError:
                os.close(descriptor)
                raise
        except OSError as error:
            raise StorageUnavailable(
                f"{self._next}: the token cannot be renewed, since it could not be stored ({error.strerror})."
            ) from None
        return descriptor

    def _store(self, room: int, tokens: _Tokens) -> None:
        """Write the new pair into its reserved file and close that, without an await in between."""
        text = msgspec.json.format(msgspec.json.encode(tokens)) + b"\n"
        try:
            try:
                os.pwrite(room, text, 0)
                os.ftruncate(room, len(text))
                os.fsync(room)
            finally:
                os.close(room)
            self._next.replace(self._path)
            directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise StorageUnavailable(f"{self._path}: cannot be written ({error.strerror}).") from None


def load(text: str) -> list[UserToken]:
    """Read X_USER_TOKENS.

    Args:
        text: Paths of token files, separated by commas.

    Raises:
        SettingsError: a path is not a token file that only its owner can read, or is given twice.
    """
    try:
        paths = [parsing.path(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError as reason:
        raise SettingsError(f"X_USER_TOKENS: a file cannot be named so; give {reason}.") from None
    tokens = [UserToken(path) for path in paths]
    names = [token.name for token in tokens]
    if len({*names}) < len(names):
        raise SettingsError("X_USER_TOKENS: two files have the same name and app; name each once.")
    return tokens


def _read(path: Path) -> _Tokens:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(_MOST + 1)
    except (OSError, RuntimeError, ValueError) as error:  # ValueError: a NUL in the path
        why = getattr(error, "strerror", None) or "not a path"
        raise SettingsError(f"X_USER_TOKENS: {path} cannot be read ({why}).") from None
    if mode & 0o077:
        raise SettingsError(f"X_USER_TOKENS: others can use {path}; protect it with `chmod 600 {path}`.")
    if len(content) > _MOST:
        raise SettingsError(f"X_USER_TOKENS: {path} is larger than {_MOST // 1024} KiB; it is no token file.")
    if content.startswith(BYTE_ORDER_MARKS):
        raise SettingsError(
            f"X_USER_TOKENS: line 1 of {path} starts with a byte order mark; save it as UTF-8 without one."
        )
    try:
        tokens = msgspec.json.decode(content, type=_Tokens)
        if not (tokens.client_id and tokens.refresh_token and tokens.access_token):
            raise ValueError
    except (msgspec.MsgspecError, ValueError):
        raise SettingsError(
            f"X_USER_TOKENS: {path} is not JSON with client_id, access_token and refresh_token; beside them "
            "client_secret and expires_at (Unix seconds) may stand, and nothing else."
        ) from None
    for name in ("client_id", "client_secret", "access_token", "refresh_token"):
        if re.search(r"[^!-~]", getattr(tokens, name)):
            line = content.partition(b'"%s"' % name.encode())[0].count(b"\n") + 1
            raise SettingsError(
                f"X_USER_TOKENS: {name} in line {line} of {path} holds a character that none has."
            )
    return tokens
