"""The access token of a local server: read from a setting and from requests."""

from __future__ import annotations

import hmac
import re
from pathlib import Path

from aiohttp import hdrs, web

from twittomatic.errors import SettingsError
from twittomatic.fetch.secrets import read_secret

_TOKEN = re.compile(r"[!-~]{8,200}")


def read_token(setting: str, text: str) -> str:
    """Return the token in a setting, or an empty string if the setting is empty.

    Args:
        setting: The setting's name, for error messages.
        text: The token, or `@FILE` for a file that holds it.

    Raises:
        SettingsError: The file cannot be read, other users can read it, or the token is malformed. The
            message does not contain the token.
    """
    token = _from_file(setting, Path(text[1:])) if text.startswith("@") else text
    if token and not _TOKEN.fullmatch(token):
        raise SettingsError(f"{setting}: give 8 to 200 letters, digits and signs, without a space.")
    return token


def bearer(request: web.Request) -> str:
    """Return the bearer token in a request's Authorization header, or an empty string."""
    kind, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def is_same(given: str, secret: str) -> bool:
    """Compare two tokens in constant time; an empty secret equals nothing."""
    return bool(secret) and hmac.compare_digest(given.encode(errors="replace"), secret.encode())


def _from_file(setting: str, path: Path) -> str:
    path, content = read_secret(setting, path, 1024)
    token = content.decode(errors="replace").strip()
    if not token:
        raise SettingsError(f"{setting}: {path} is empty.")
    return token
