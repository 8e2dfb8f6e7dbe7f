"""Shared secret of a server of ours: read from the settings, and found in requests."""

from __future__ import annotations

import hmac
import re
from pathlib import Path

from aiohttp import hdrs, web

from twittomatic.errors import SettingsError
from twittomatic.fetch.secrets import read_secret

_TOKEN = re.compile(r"[!-~]{8,200}")


def read_token(setting: str, text: str) -> str:
    """Return the token that a setting gives, empty where it gives none.

    Args:
        setting: Its name, for the sentence.
        text: The token, or `@FILE` with it.

    Raises:
        SettingsError: the file cannot be read, or others can read it, or it is no token; it is not shown.
    """
    token = _from_file(setting, Path(text[1:])) if text.startswith("@") else text
    if token and not _TOKEN.fullmatch(token):
        raise SettingsError(f"{setting}: give 8 to 200 letters, digits and signs, without a space.")
    return token


def bearer(request: web.Request) -> str:
    """Return the token that a request brings in its Authorization header, empty where it brings none."""
    kind, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def is_same(given: str, secret: str) -> bool:
    """Compare two tokens in a time that reveals nothing; an empty secret is never the same."""
    return bool(secret) and hmac.compare_digest(given.encode(errors="replace"), secret.encode())


def _from_file(setting: str, path: Path) -> str:
    path, content = read_secret(setting, path, 1024)
    token = content.decode(errors="replace").strip()
    if not token:
        raise SettingsError(f"{setting}: {path} is empty.")
    return token
