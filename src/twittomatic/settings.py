"""Every option of Twittomatic: one list, each with its unit, its default and the reason for it.

A value comes from the first of these that has one: a flag, the environment (`TWITTOMATIC_<NAME>`),
`twittomatic.toml` in the working directory (or `--config FILE`), the default.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

from twittomatic.errors import SettingsError
from twittomatic.model import MICROS_PER_USD

CONFIG_FILE: Final = "twittomatic.toml"
ENVIRONMENT_PREFIX: Final = "TWITTOMATIC_"
X_API: Final = "https://api.x.com"
UNLIMITED_DEPTH: Final = 1_000_000  # deeper than any path in a graph of 1e9 users


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option: how it is called, read, and explained.

    Attributes:
        name: Upper case, as in the environment after its prefix.
        default: The text a user would have to give to get the default; None where there is none.
        parse: Turns the text into the value, or raises ValueError saying what is allowed.
        meaning: One sentence, with the unit.
        why: The reason for the default, or what it costs to change it.
        secret: True when the value never may be shown.
    """

    name: str
    default: str | None
    parse: Callable[[str], Any]
    meaning: str
    why: str
    secret: bool = False

    @property
    def key(self) -> str:
        """Its name in the configuration file and as an attribute of `Settings`."""
        return self.name.lower()

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return "--" + self.key.replace("_", "-")


def _text(allowed: str, pattern: str) -> Callable[[str], str]:
    matcher = re.compile(pattern)

    def parse(text: str) -> str:
        if not matcher.fullmatch(text):
            raise ValueError(allowed)
        return text

    return parse


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError("a path")
    return Path(text).expanduser()


def _optional_path(text: str) -> Path | None:
    return _path(text) if text else None


def _integer(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def _limit(text: str) -> int | None:
    if text in ("", "none"):
        return None
    try:
        return _integer(1, 10**12 - 1)(text)
    except ValueError:
        raise ValueError("a whole number of at least 1, or none") from None


def _depth(text: str) -> int:
    if text == "unlimited":
        return UNLIMITED_DEPTH
    try:
        return _integer(0, UNLIMITED_DEPTH)(text)
    except ValueError:
        raise ValueError(f"a whole number from 0 to {UNLIMITED_DEPTH}, or unlimited") from None


def _seconds(lowest: float, highest: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        allowed = f"seconds from {lowest:g} to {highest:g}"
        try:
            value = float(text)
        except ValueError:
            raise ValueError(allowed) from None
        if not lowest <= value <= highest:
            raise ValueError(allowed)
        return value

    return parse


def _budget(text: str) -> int | None:
    """Dollars as micro-dollars."""
    if text in ("", "none"):
        return None
    allowed = "dollars, more than 0 and at most 1e9, such as 25 or 12.50"
    try:
        value = float(text)
    except ValueError:
        raise ValueError(allowed) from None
    if not math.isfinite(value) or not 0 < value <= 1e9:
        raise ValueError(allowed)
    return math.floor(value * MICROS_PER_USD + 1e-6)


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(" or ".join(allowed))
        return text

    return parse


def _switch(text: str) -> bool:
    if text.lower() not in ("true", "false", "yes", "no", "1", "0"):
        raise ValueError("true or false")
    return text.lower() in ("true", "yes", "1")


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        try:
            parts = urlsplit(text)
            usable = parts.scheme in schemes and bool(parts.hostname)
        except ValueError:
            usable = False
        if not usable:
            raise ValueError(" or ".join(f"{scheme}://HOST" for scheme in schemes))
        return text.rstrip("/")

    return parse


def _redis_url(text: str) -> str:
    if not text:
        return text
    scheme = text.partition("://")[0]
    if scheme not in ("redis", "rediss", "unix", "redis+sentinel") or text == f"{scheme}://":
        raise ValueError("empty, or redis:// rediss:// unix:// redis+sentinel://h:p,h:p/service")
    if scheme == "redis+sentinel" and not re.fullmatch(
        r"redis\+sentinel://([^@/]*@)?[^/,:]+:\d+(,[^/,:]+:\d+)*/[^/]+(/\d+)?", text
    ):
        raise ValueError("redis+sentinel://host:port,host:port/service")
    return text


_port = _integer(0, 65535)
_host = _text("a host name or an address", r"[A-Za-z0-9.:_-]{1,253}")

OPTIONS: Final[tuple[Option, ...]] = (
    Option(
        name="CRAWL",
        default="default",
        parse=_text("1 to 64 letters, digits, - and _", r"[A-Za-z0-9_-]{1,64}"),
        meaning="Name of the crawl: its keys in Redis, and what the same command resumes.",
        why="one crawl at a time is the common case",
    ),
    Option(
        name="OUTPUT_DIRECTORY",
        default="data",
        parse=_path,
        meaning="Where the dataset is written.",
        why="beside the configuration file",
    ),
    Option(
        name="LOG_DIRECTORY",
        default="logs",
        parse=_path,
        meaning="Where every process writes its log, one JSON object a line.",
        why="apart from the dataset, which is shared with others",
    ),
    Option(
        name="TEMPORARY_DIRECTORY",
        default="",
        parse=_optional_path,
        meaning="Where files grow until they are whole; empty means .tmp inside OUTPUT_DIRECTORY.",
        why="a rename is atomic only within one volume, so another volume is refused at start",
    ),
    Option(
        name="REDIS_URL",
        default="",
        parse=_redis_url,
        meaning="Redis or Valkey server of the crawl; empty means an embedded one in STATE_DIRECTORY.",
        why="a laptop needs no server; many machines share one",
        secret=True,
    ),
    Option(
        name="STATE_DIRECTORY",
        default=".twittomatic",
        parse=_path,
        meaning="Where the embedded server keeps the state of the crawl.",
        why="in the crawl's own folder, so that the same command in the same place resumes",
    ),
    Option(
        name="X_API_URL",
        default=X_API,
        parse=_url("http", "https"),
        meaning="Base URL of the X API, or of an emulator.",
        why="the address that X documents",
    ),
    Option(
        name="X_BEARER_TOKENS",
        default="",
        parse=str.strip,
        meaning="Bearer tokens, separated by commas, or @FILE with one a line.",
        why="X accepts nobody without one; a file that others can read is refused",
        secret=True,
    ),
    Option(
        name="BUDGET_USD",
        default="",
        parse=_budget,
        meaning="Dollars that all crawls of a network on this Redis may spend together; a hard cap.",
        why="X sells every read, so a crawl against X itself is refused without one",
    ),
    Option(
        name="TRAVERSAL",
        default="bfs",
        parse=_choice("bfs", "dfs", "priority"),
        meaning="Order of the traversal: bfs, dfs or priority.",
        why="near the seeds first is what a sample of a community wants",
    ),
    Option(
        name="MAX_DEPTH",
        default="0",
        parse=_depth,
        meaning="Hops from a seed that are crawled, or unlimited; what lies deeper waits in the frontier.",
        why="0 crawls the seeds alone: each hop multiplies the bill",
    ),
    Option(
        name="SELECT",
        default="",
        parse=str.strip,
        meaning="CEL predicate on a profile: which followers become targets; empty means all.",
        why="for example followers_count >= 100 && !protected",
    ),
    Option(
        name="PRIORITY",
        default="followers_count",
        parse=_text("a CEL expression", r"\s*\S[\s\S]*"),
        meaning="CEL expression on a profile: the order of the frontier under priority, highest first.",
        why="large accounts connect a community",
    ),
    Option(
        name="MAX_FOLLOWERS",
        default="none",
        parse=_limit,
        meaning="Followers to download per user, or none for no limit.",
        why="the journal says where a list was cut",
    ),
    Option(
        name="MAX_POSTS",
        default="3200",
        parse=_limit,
        meaning="Posts to download per user, or none for no limit of ours.",
        why="X serves no more than the newest 3,200",
    ),
    Option(
        name="EXPAND_REFERENCED",
        default="false",
        parse=_switch,
        meaning="Also buy the posts that a timeline's posts retweet, quote or reply to (true or false).",
        why="each one is billed as a post of its own; a retweet's text is cut at 140 characters without it",
    ),
    Option(
        name="CONCURRENCY",
        default="8",
        parse=_integer(1, 1000),
        meaning="Jobs in flight per module and worker process.",
        why="8 keep one core busy at the latency of a public API",
    ),
    Option(
        name="LEASE_S",
        default="30",
        parse=_seconds(1, 3600),
        meaning="Seconds after which a job goes to another worker when its holder is silent.",
        why="long enough for a stalled disk, short enough not to be noticed",
    ),
    Option(
        name="ON_MASTER_LOSS",
        default="stop",
        parse=_choice("stop", "wait"),
        meaning="What workers do without a master: stop, or wait for one.",
        why="a crawl that nobody leads should not look alive",
    ),
    Option(
        name="MAX_ATTEMPTS",
        default="6",
        parse=_integer(1, 100),
        meaning="Failures after which a job is dead.",
        why="with delays from 15 seconds on, doubling, about 8 minutes of trying",
    ),
    Option(
        name="REQUEST_TIMEOUT_S",
        default="60",
        parse=_seconds(0.1, 3600),
        meaning="Seconds that one request may take in all.",
        why="a page of 1,000 profiles is half a megabyte; an answer lost to a timeout is still billed",
    ),
    Option(
        name="MONITOR_PORT",
        default="9898",
        parse=_port,
        meaning="TCP port of the monitor on 127.0.0.1.",
        why="by tradition",
    ),
    Option(
        name="LOOKUP_PORT",
        default="9797",
        parse=_port,
        meaning="TCP port of the lookup service on 127.0.0.1.",
        why="by tradition",
    ),
    Option(
        name="CARBON_HOST",
        default="127.0.0.1",
        parse=_host,
        meaning="Host of the Graphite server that stats feeds.",
        why="nothing leaves the machine unless told",
    ),
    Option(
        name="CARBON_PORT",
        default="2003",
        parse=_port,
        meaning="TCP port of Carbon's plaintext protocol.",
        why="Carbon's own default",
    ),
    Option(
        name="ELASTICSEARCH_URL",
        default="http://127.0.0.1:9200",
        parse=_url("http", "https"),
        meaning="Elasticsearch server that the indexer feeds.",
        why="Elasticsearch's own default",
    ),
)

_BY_KEY: Final = {option.key: option for option in OPTIONS}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The values of all options, checked. `repr` shows no secret."""

    crawl: str
    output_directory: Path
    log_directory: Path
    temporary_directory: Path
    redis_url: str
    state_directory: Path
    x_api_url: str
    x_bearer_tokens: str
    budget_usd: int | None  # micro-dollars
    traversal: str
    max_depth: int
    select: str
    priority: str
    max_followers: int | None
    max_posts: int | None
    expand_referenced: bool
    concurrency: int
    lease_s: float
    on_master_loss: str
    max_attempts: int
    request_timeout_s: float
    monitor_port: int
    lookup_port: int
    carbon_host: str
    carbon_port: int
    elasticsearch_url: str

    def __repr__(self) -> str:
        shown = (f"{option.key}={self._shown(option)}" for option in OPTIONS)
        return f"Settings({', '.join(shown)})"

    def _shown(self, option: Option) -> str:
        value = getattr(self, option.key)
        return "***" if option.secret and value else repr(value)


def load(
    flags: Mapping[str, str | None],
    environment: Mapping[str, str],
    config: Path | None = None,
) -> Settings:
    """Gather the settings of this process.

    Args:
        flags: Texts given on the command line, by lower-case key; None where a flag was not given.
        environment: The process' environment.
        config: The file named by `--config`; without it, `twittomatic.toml` in the working directory, if any.

    Raises:
        SettingsError: an unknown key or a bad value, with the key, the value and what is allowed.
    """
    values: dict[str, Any] = {}
    sources: list[tuple[dict[str, str], Callable[[str], str]]] = [
        ({key: text for key, text in flags.items() if text is not None}, lambda key: _BY_KEY[key].flag),
        (_from_environment(environment), lambda key: ENVIRONMENT_PREFIX + key.upper()),
        _from_file(config),
        ({option.key: option.default or "" for option in OPTIONS}, lambda key: key),
    ]
    for option in OPTIONS:
        for texts, place in sources:
            if option.key in texts:
                values[option.key] = _parse(option, texts[option.key], place(option.key))
                break
    if values["temporary_directory"] is None:
        values["temporary_directory"] = values["output_directory"] / ".tmp"
    return Settings(**values)


def _parse(option: Option, text: str, place: str) -> object:
    try:
        return option.parse(text)
    except ValueError as reason:
        shown = "the given value" if option.secret else repr(text if len(text) <= 80 else text[:80] + "…")
        raise SettingsError(f"{place}: {shown} is not allowed; give {reason}.") from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, text in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX):
            key = name.removeprefix(ENVIRONMENT_PREFIX).lower()
            if key not in _BY_KEY:
                raise SettingsError(f"{name}: no such setting; the settings are {_all_keys(str.upper)}.")
            found[key] = text
    return found


def _from_file(config: Path | None) -> tuple[dict[str, str], Callable[[str], str]]:
    path = config or Path(CONFIG_FILE)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if config is None:
            return {}, str
        raise SettingsError(f"{path}: there is no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}).") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}.") from None
    found = {}
    for key, value in document.items():
        if key not in _BY_KEY:
            raise SettingsError(f"{path}: {key}: no such setting; the settings are {_all_keys(str.lower)}.")
        found[key] = _as_text(path, key, value)
    return found, lambda key: f"{path}: {key}"


def _as_text(path: Path, key: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(cast("list[str]", value))
    raise SettingsError(f"{path}: {key}: give a text, a number, true or false.")


def _all_keys(case: Callable[[str], str]) -> str:
    return ", ".join(case(option.key) for option in OPTIONS)
