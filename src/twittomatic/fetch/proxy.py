"""Choose the HTTP proxy for a URL, from PROXY or the usual environment variables.

`~/.netrc` is never read, and no proxy is used for this machine itself. A proxy's user name and password leave
this module only in the header for the proxy.
"""

from __future__ import annotations

import base64
import ipaddress
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment

from twittomatic.errors import SettingsError
from twittomatic.fetch.secrets import read_secret

DIRECT = "none"
_MOST_BYTES = 4096
_NO_PORT = 80  # default of an http:// URL


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy.

    Attributes:
        name: `HOST:PORT`, which may be shown.
        url: URL without credentials.
        headers: Headers for the proxy alone, including its credentials; never in a repr.
    """

    name: str
    url: str
    headers: dict[str, str] = field(repr=False)

    @classmethod
    def of(cls, text: str, source: str) -> Self:
        """Parse the URL of a proxy; without a scheme it is http.

        Args:
            text: `http://[USER:PASSWORD@]HOST[:PORT]`.
            source: The setting or variable that holds it, for error messages.

        Raises:
            SettingsError: it is not the URL of an HTTP proxy; its text is not shown.
        """
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            host, port = parts.hostname, parts.port or _NO_PORT
            usable = bool(host) and not any(letter.isspace() or not letter.isprintable() for letter in text)
            usable = usable and "@" not in parts.path + parts.query + parts.fragment
        except ValueError:
            usable = False
        if not usable or parts.scheme != "http":
            scheme = f" {parts.scheme}:// is not supported;" if usable else ""
            raise SettingsError(
                f"{source}:{scheme} give http://HOST:PORT, or {DIRECT} in PROXY to go without a proxy; "
                "the user name and password of the proxy go before the host, percent-encoded."
            )
        name = f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
        headers = {}
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Proxy-Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return cls(name, f"http://{name}", headers)


class Proxies:
    """The proxies of a process.

    Args:
        setting: PROXY: a URL, `@FILE` with one, `none`, or empty for the environment.

    Raises:
        SettingsError: PROXY is not the URL of an HTTP proxy, or its file cannot be read.
    """

    def __init__(self, setting: str = DIRECT) -> None:
        self._is_direct = setting.lower() == DIRECT
        self._given: Proxy | None = None
        if setting.startswith("@"):
            _, content = read_secret("PROXY", Path(setting[1:]), _MOST_BYTES)
            setting = content.decode(errors="replace").strip()
        if setting and not self._is_direct:
            self._given = Proxy.of(setting, "PROXY")
        self._known: dict[str, Proxy | None] = {}

    def for_url(self, url: str) -> Proxy | None:
        """Return the proxy for a URL; None for a direct connection.

        Raises:
            SettingsError: the environment names something that is not an HTTP proxy.
        """
        if url not in self._known:
            self._known[url] = self._found(url)
        return self._known[url]

    def _found(self, url: str) -> Proxy | None:
        if self._is_direct:
            return None
        parts = urlsplit(url)
        host = (parts.hostname or "").lower().rstrip(".")
        environment = getproxies_environment()
        if not host or _is_here(host) or _is_excepted(host, _port(url), environment.get("no", "")):
            return None
        if self._given:
            return self._given
        for scheme in (parts.scheme, "all"):
            if environment.get(scheme):
                return Proxy.of(environment[scheme], f"{scheme.upper()}_PROXY in the environment")
        return None


def _is_here(host: str) -> bool:
    """Return whether a host is this machine, in any spelling that the system resolves."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address is not None and (address.is_loopback or address.is_unspecified)


def _is_excepted(host: str, port: int, exceptions: str) -> bool:
    """Return whether NO_PROXY covers a host: by a domain, an address, or a network in CIDR notation."""
    address = _address(host)
    for entry in exceptions.lower().replace(",", " ").split():
        with suppress(ValueError):
            if address is not None and address in ipaddress.ip_network(entry.strip("[]"), strict=False):
                return True
        name, colon, only = entry.rpartition(":") if entry.count(":") == 1 else (entry, "", "")
        name = name.removeprefix("*").removeprefix(".")
        is_named = entry == "*" or (name and (host == name or host.endswith(f".{name}")))
        if is_named and (not colon or only == str(port)):
            return True
    return False


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with suppress(ValueError):
        return ipaddress.ip_address(host.partition("%")[0])
    with suppress(OSError, UnicodeError):
        return ipaddress.IPv4Address(socket.inet_aton(host))  # 127.1, 0x7f000001
    return None
