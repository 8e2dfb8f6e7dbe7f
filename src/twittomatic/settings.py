"""Every option of Twittomatic: one list, each with its unit, its default and the reason for it.

A value comes from the first of these that has one: a flag, the environment (`TWITTOMATIC_<NAME>`),
`twittomatic.toml` in the working directory (or `--config FILE`), the default.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, cast

from twittomatic import parsing
from twittomatic.errors import SettingsError

CONFIG_FILE: Final = "twittomatic.toml"
ENVIRONMENT_PREFIX: Final = "TWITTOMATIC_"
X_API: Final = "https://api.x.com"
TABLES: Final = ("prices", "limits")
"""Tables of the configuration file that override what a network documents; the network reads them."""


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
        has_flag: False when it may not be given on the command line, which other users of a machine can read.
    """

    name: str
    default: str | None
    parse: Callable[[str], Any]
    meaning: str
    why: str
    secret: bool = False
    has_flag: bool = True

    @property
    def key(self) -> str:
        """Its name in the configuration file and as an attribute of `Settings`."""
        return self.name.lower()

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return "--" + self.key.replace("_", "-")


_port = parsing.integer(0, 65535)
_host = parsing.text("a host name or an address", r"[A-Za-z0-9.:_-]{1,253}")

OPTIONS: Final[tuple[Option, ...]] = (
    Option(
        name="CRAWL",
        default="default",
        parse=parsing.text("1 to 64 letters, digits, - and _", r"[A-Za-z0-9_-]{1,64}"),
        meaning="Name of the crawl: its keys in Redis, and what the same command resumes.",
        why="one crawl at a time is the common case",
    ),
    Option(
        name="OUTPUT_DIRECTORY",
        default="data",
        parse=parsing.path,
        meaning="Where the dataset is written.",
        why="beside the configuration file",
    ),
    Option(
        name="LOG_DIRECTORY",
        default="logs",
        parse=parsing.path,
        meaning="Where every process writes its log, one JSON object a line.",
        why="apart from the dataset, which is shared with others",
    ),
    Option(
        name="TEMPORARY_DIRECTORY",
        default="",
        parse=parsing.optional_path,
        meaning="Where files grow until they are whole; empty means .tmp inside OUTPUT_DIRECTORY.",
        why="a rename is atomic only within one volume, so another volume is refused at start",
    ),
    Option(
        name="REDIS_URL",
        default="",
        parse=parsing.redis_url,
        meaning="Redis or Valkey server of the crawl; empty means an embedded one in STATE_DIRECTORY.",
        why="a laptop needs no server; many machines share one",
        secret=True,
    ),
    Option(
        name="ALLOW_UNCHECKED_REDIS",
        default="false",
        parse=parsing.switch,
        meaning="Use a server that does not say whether it evicts keys (true or false).",
        why="a server that evicts what was spent makes a crawl exceed its budget",
    ),
    Option(
        name="STATE_DIRECTORY",
        default=".twittomatic",
        parse=parsing.path,
        meaning="Where the embedded server keeps the state of the crawl.",
        why="in the crawl's own folder, so that the same command in the same place resumes",
    ),
    Option(
        name="NETWORK",
        default="x",
        parse=parsing.text("the name of a network in lower case", r"[a-z][a-z0-9-]{0,31}"),
        meaning="Network to crawl: x, or one that an installed package adds.",
        why="X is the one that comes with Twittomatic",
    ),
    Option(
        name="X_API_URL",
        default=X_API,
        parse=parsing.url("http", "https"),
        meaning="Base URL of the X API, or of an emulator.",
        why="the address that X documents",
    ),
    Option(
        name="PROXY",
        default="",
        parse=str.strip,
        meaning="HTTP proxy to the network: http://[USER:PASSWORD@]HOST:PORT, @FILE with that, or none; "
        "empty means what HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY in the environment say.",
        why="where it is the only way out, the environment usually says so; loopback never goes through one",
        secret=True,
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
        name="X_USER_TOKENS",
        default="",
        parse=str.strip,
        meaning="JSON files of OAuth 2.0 user tokens, separated by commas; each is renewed in its file.",
        why="a user's windows come on top of the app's, under X's rule of one app per use case",
    ),
    Option(
        name="BUDGET_USD",
        default="",
        parse=parsing.budget,
        meaning="Dollars that all crawls of a network on this Redis may spend together; a hard cap.",
        why="X sells every read, so a crawl against X itself is refused without one",
    ),
    Option(
        name="TRAVERSAL",
        default="bfs",
        parse=parsing.choice("bfs", "dfs", "priority"),
        meaning="Order of the traversal: bfs, dfs or priority.",
        why="near the seeds first is what a sample of a community wants",
    ),
    Option(
        name="MAX_DEPTH",
        default="0",
        parse=parsing.depth,
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
        parse=parsing.text("a CEL expression", r"\s*\S[\s\S]*"),
        meaning="CEL expression on a profile, or: value per dollar. Under priority the highest go first.",
        why="large accounts connect a community",
    ),
    Option(
        name="MAX_FOLLOWERS",
        default="none",
        parse=parsing.limit,
        meaning="Followers to download per user, or none for no limit.",
        why="the journal says where a list was cut",
    ),
    Option(
        name="MAX_POSTS",
        default="3200",
        parse=parsing.limit,
        meaning="Posts to download per user, or none for no limit of ours.",
        why="X serves no more than the newest 3,200",
    ),
    Option(
        name="REFRESH_OLDER_THAN",
        default="never",
        parse=parsing.age,
        meaning="Age from which a list that is whole is downloaded again, such as 12h or 30d; or never.",
        why="what stands in the dataset is paid for; 0s buys everything again",
    ),
    Option(
        name="EXPAND_REFERENCED",
        default="false",
        parse=parsing.switch,
        meaning="Also buy the posts that a timeline's posts retweet, quote or reply to (true or false).",
        why="each one is billed as a post of its own; a retweet's text is cut at 140 characters without it",
    ),
    Option(
        name="SHORTFALL",
        default="0.5",
        parse=parsing.share,
        meaning="Share of the followers or posts that a profile claims that may be missing from a list "
        "before it counts as short (0 to 1; 20 may always be missing).",
        why="counts include suspended and deleted users, whom lists leave out, but those are never half",
    ),
    Option(
        name="CONCURRENCY",
        default="8",
        parse=parsing.integer(1, 1000),
        meaning="Jobs in flight per module and worker process.",
        why="8 keep one core busy at the latency of a public API",
    ),
    Option(
        name="LEASE_S",
        default="30",
        parse=parsing.seconds(1, 3600),
        meaning="Seconds after which a job goes to another worker when its holder is silent.",
        why="long enough for a stalled disk, short enough not to be noticed",
    ),
    Option(
        name="ON_MASTER_LOSS",
        default="stop",
        parse=parsing.choice("stop", "wait"),
        meaning="What workers do without a master: stop, or wait for one.",
        why="a crawl that nobody leads should not look alive",
    ),
    Option(
        name="MAX_ATTEMPTS",
        default="6",
        parse=parsing.integer(1, 100),
        meaning="Failures after which a job is dead.",
        why="with delays from 15 seconds on, doubling, about 8 minutes of trying",
    ),
    Option(
        name="REQUEST_TIMEOUT_S",
        default="60",
        parse=parsing.seconds(0.1, 3600),
        meaning="Seconds that one request may take in all.",
        why="a page of 1,000 profiles is half a megabyte; an answer lost to a timeout is still billed",
    ),
    Option(
        name="MONITOR_PORT",
        default="9898",
        parse=_port,
        meaning="TCP port of the monitor; 0 takes any.",
        why="by tradition",
    ),
    Option(
        name="MONITOR_HOST",
        default="127.0.0.1",
        parse=_host,
        meaning="Address that the monitor serves on; one that other machines reach needs MONITOR_TOKEN.",
        why="nobody but this machine's users sees the crawl unless told",
    ),
    Option(
        name="MONITOR_TOKEN",
        default="",
        parse=str.strip,
        meaning="Secret that lets a page pause, resume and retry, or @FILE with it; empty means read-only.",
        why="who may look need not be who may stop",
        secret=True,
    ),
    Option(
        name="LOOKUP_PORT",
        default="9797",
        parse=_port,
        meaning="TCP port of the lookup service.",
        why="by tradition",
    ),
    Option(
        name="LOOKUP_TOKEN",
        default="",
        parse=str.strip,
        meaning="Secret that lets programs add profiles to the lookup service, or @FILE with it; empty means "
        "that programs of this machine may, and no others.",
        why="whoever may ask need not be trusted with what is answered",
        secret=True,
        has_flag=False,
    ),
    Option(
        name="LOOKUP_DIRECTORY",
        default="",
        parse=parsing.optional_path,
        meaning="Where lookup keeps its store, on a local disk; empty means lookup inside STATE_DIRECTORY.",
        why="beside the state of the crawl; crawls that should be looked up together share one",
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
        parse=parsing.url("http", "https"),
        meaning="Elasticsearch or OpenSearch server that the indexer feeds, user:password@ before its host.",
        why="Elasticsearch's own default",
        secret=True,
    ),
    Option(
        name="ELASTICSEARCH_INDEX",
        default="twittomatic",
        parse=parsing.text("1 to 100 lower-case letters, digits, - and _", r"[a-z0-9][a-z0-9_-]{0,99}"),
        meaning="What the indexer's indices are called, NAME-YYYY.MM-NUMBER; searches go to NAME.",
        why="one for each dataset, since a rebuild leaves no posts of another one in it",
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
    allow_unchecked_redis: bool
    state_directory: Path
    network: str
    x_api_url: str
    proxy: str
    x_bearer_tokens: str
    x_user_tokens: str
    budget_usd: int | None  # micro-dollars
    traversal: str
    max_depth: int
    select: str
    priority: str
    max_followers: int | None
    max_posts: int | None
    refresh_older_than: float | None  # seconds
    expand_referenced: bool
    shortfall: float
    concurrency: int
    lease_s: float
    on_master_loss: str
    max_attempts: int
    request_timeout_s: float
    monitor_port: int
    monitor_host: str
    monitor_token: str
    lookup_port: int
    lookup_token: str
    lookup_directory: Path
    carbon_host: str
    carbon_port: int
    elasticsearch_url: str
    elasticsearch_index: str
    prices: Mapping[str, object]
    limits: Mapping[str, object]

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
    from_file, tables, place = _from_file(config)
    values: dict[str, Any] = dict(tables)
    sources: list[tuple[dict[str, str], Callable[[str], str]]] = [
        ({key: text for key, text in flags.items() if text is not None}, lambda key: _BY_KEY[key].flag),
        (_from_environment(environment), lambda key: ENVIRONMENT_PREFIX + key.upper()),
        (from_file, place),
        ({option.key: option.default or "" for option in OPTIONS}, lambda key: key),
    ]
    for option in OPTIONS:
        for texts, where in sources:
            if option.key in texts:
                values[option.key] = _parse(option, texts[option.key], where(option.key))
                break
    if values["temporary_directory"] is None:
        values["temporary_directory"] = values["output_directory"] / ".tmp"
    if values["lookup_directory"] is None:
        values["lookup_directory"] = values["state_directory"] / "lookup"
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


def _from_file(
    config: Path | None,
) -> tuple[dict[str, str], dict[str, dict[str, object]], Callable[[str], str]]:
    """Return the texts of a file, its tables, and how to name a place in it."""
    path = config or Path(CONFIG_FILE)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if path.is_symlink():
            raise SettingsError(f"{path}: this is a link to a file that does not exist.") from None
        if config is None:
            return {}, {name: {} for name in TABLES}, str
        raise SettingsError(f"{path}: there is no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}).") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}.") from None
    except (ValueError, RecursionError):  # of Python's own limits
        raise SettingsError(f"{path}: it holds a number too long, or lists too deep, to be read.") from None
    tables = {name: _table(path, name, document.pop(name, {})) for name in TABLES}
    found = {}
    for key, value in document.items():
        if key not in _BY_KEY:
            raise SettingsError(f"{path}: {key}: no such setting; the settings are {_all_keys(str.lower)}.")
        found[key] = _as_text(path, key, value)
    return found, tables, lambda key: f"{path}: {key}"


def _table(path: Path, name: str, value: object) -> dict[str, object]:
    """Return a table of numbers and days; what they mean is for the network to check."""
    if not isinstance(value, dict):
        raise SettingsError(f"{path}: {name}: give a table, such as [{name}] with a line for each.")
    table = {key: cell.isoformat() if isinstance(cell, date) else cell for key, cell in value.items()}
    for key, cell in table.items():
        if not isinstance(cell, str | int | float) or _is_endless(cell):
            raise SettingsError(f"{path}: [{name}] {key}: give a number.")
    return table


def _as_text(path: Path, key: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float) and not _is_endless(value):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(cast("list[str]", value))
    raise SettingsError(f"{path}: {key}: give a text, a number, true or false.")


def _is_endless(value: object) -> bool:
    """Tell whether a value is a whole number beyond any setting: Python does not write the longest ones."""
    return isinstance(value, int) and abs(value) >= 2**64


def _all_keys(case: Callable[[str], str]) -> str:
    return ", ".join(case(option.key) for option in OPTIONS)
