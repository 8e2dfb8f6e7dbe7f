"""The settings of a process, each declared once: its type, its default, and an `Option` with all else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import msgspec

from twittomatic import parsing
from twittomatic.settings.crawl import CrawlSettings
from twittomatic.settings.option import Option, Section, options_of
from twittomatic.settings.sources import Place, gather, no_such_setting

X_API: Final = "https://api.x.com"
TABLES: Final = ("prices", "limits")
"""Tables of the configuration file that override what a network documents; the network checks them."""

DERIVED: Final[Any] = None
"""The default of a setting that follows from another one; see `Settings.__post_init__`."""

_port = parsing.integer(0, 65535)
_host = parsing.text("a host name or an address", r"[A-Za-z0-9.:_-]{1,253}")


class Settings(CrawlSettings, frozen=True, kw_only=True):
    """The settings of a process, checked. `repr` shows no secret.

    `Settings(max_depth=1, budget_usd=25)` has these values and the defaults; `Settings.load(...)` also reads
    the environment and the configuration file. A value may be given as its type says, or as the text that the
    environment would hold: `max_posts=None` or `"none"`, `refresh_older_than=timedelta(days=30)` or `"30d"`.

    >>> import twittomatic as tw
    >>> tw.Settings(max_depth=1, budget_usd=25).budget_usd
    25.0

    Raises:
        SettingsError: a value is not allowed; the error names the setting, the value and what is allowed.
    """

    crawl: Annotated[
        str,
        Option(
            Section.PLACES,
            parsing.text("1 to 64 letters, digits, - and _", r"[A-Za-z0-9_-]{1,64}"),
            meaning="Name of the crawl: the prefix of its keys in Redis; the same command resumes it.",
            why="one crawl at a time is the common case",
        ),
    ] = "default"
    output_directory: Annotated[
        Path,
        Option(
            Section.PLACES,
            parsing.path,
            meaning="Directory of the dataset.",
            why="beside the configuration file",
        ),
    ] = Path("data")
    log_directory: Annotated[
        Path,
        Option(
            Section.PLACES,
            parsing.path,
            meaning="Directory in which every process writes its log, one JSON object a line.",
            why="apart from the dataset, which is shared with others",
        ),
    ] = Path("logs")
    temporary_directory: Annotated[
        Path,
        Option(
            Section.PLACES,
            parsing.optional_path,
            meaning="Directory in which files grow until they are complete; empty means .tmp inside "
            "OUTPUT_DIRECTORY.",
            why="a rename is atomic only within one volume, so another volume is refused at start",
        ),
    ] = DERIVED
    redis_url: Annotated[
        str,
        Option(
            Section.PLACES,
            parsing.redis_url,
            meaning="Redis or Valkey server of the crawl; empty means an embedded one in STATE_DIRECTORY.",
            why="a laptop needs no server; many machines share one",
            secret=True,
        ),
    ] = ""
    allow_unchecked_redis: Annotated[
        bool,
        Option(
            Section.PLACES,
            parsing.switch,
            meaning="Use a server that does not say whether it evicts keys (true or false).",
            why="a server that evicts what was spent makes a crawl exceed its budget",
        ),
    ] = False
    state_directory: Annotated[
        Path,
        Option(
            Section.PLACES,
            parsing.path,
            meaning="Directory in which the embedded server keeps the state of the crawl.",
            why="in the crawl's own directory, so that the same command in the same place resumes",
        ),
    ] = Path(".twittomatic")
    x_api_url: Annotated[
        str,
        Option(
            Section.NETWORK,
            parsing.url("http", "https"),
            meaning="Base URL of the X API, or of an emulator.",
            why="the address that X documents",
        ),
    ] = X_API
    proxy: Annotated[
        str,
        Option(
            Section.NETWORK,
            parsing.any_text,
            meaning="HTTP proxy to the network: http://[USER:PASSWORD@]HOST:PORT, @FILE that holds it, or "
            "none; empty means HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY of the environment.",
            why="where a proxy is the only way out, the environment usually names it; loopback uses none",
            secret=True,
        ),
    ] = ""
    x_bearer_tokens: Annotated[
        str,
        Option(
            Section.NETWORK,
            parsing.any_text,
            meaning="Bearer tokens, separated by commas, or @FILE with one a line.",
            why="X answers no request without one; a file that others can read is refused",
            secret=True,
        ),
    ] = ""
    x_user_tokens: Annotated[
        str,
        Option(
            Section.NETWORK,
            parsing.any_text,
            meaning="JSON files of OAuth 2.0 user tokens, separated by commas; each is renewed in its file.",
            why="a user's windows come on top of the app's, under X's rule of one app per use case",
        ),
    ] = ""
    concurrency: Annotated[
        int,
        Option(
            Section.WORK,
            parsing.integer(1, 1000),
            unit="jobs",
            meaning="Jobs in flight per module and worker process.",
            why="8 keep one core busy at the latency of a public API",
        ),
    ] = 8
    on_master_loss: Annotated[
        Literal["stop", "wait"],
        Option(
            Section.WORK,
            parsing.choice("stop", "wait"),
            meaning="What workers do without a master: stop, or wait for one.",
            why="a crawl without a master should not look alive",
        ),
    ] = "stop"
    request_timeout_s: Annotated[
        float,
        Option(
            Section.WORK,
            parsing.seconds(0.1, 3600),
            unit="seconds",
            meaning="Seconds that one request may take in all.",
            why="a page of 1,000 profiles is half a megabyte; a response lost to a timeout is still billed",
        ),
    ] = 60.0
    monitor_port: Annotated[
        int,
        Option(
            Section.SERVICES,
            _port,
            meaning="TCP port of the monitor; 0 takes any.",
            why="by tradition",
        ),
    ] = 9898
    monitor_host: Annotated[
        str,
        Option(
            Section.SERVICES,
            _host,
            meaning="Address that the monitor listens on; one that other machines reach needs MONITOR_TOKEN.",
            why="by default only users of this machine can watch the crawl",
        ),
    ] = "127.0.0.1"
    monitor_token: Annotated[
        str,
        Option(
            Section.SERVICES,
            parsing.any_text,
            meaning="Secret that lets a page pause, resume and retry, or @FILE that holds it; empty means "
            "read-only.",
            why="not everybody who may watch a crawl may stop it",
            secret=True,
        ),
    ] = ""
    lookup_port: Annotated[
        int,
        Option(
            Section.SERVICES,
            _port,
            meaning="TCP port of the lookup service.",
            why="by tradition",
        ),
    ] = 9797
    lookup_token: Annotated[
        str,
        Option(
            Section.SERVICES,
            parsing.any_text,
            meaning="Secret that lets programs add profiles to the lookup service, or @FILE that holds it; "
            "empty means that only programs of this machine may.",
            why="those who may query the service need not be trusted to write its answers",
            secret=True,
            has_flag=False,
        ),
    ] = ""
    lookup_directory: Annotated[
        Path,
        Option(
            Section.SERVICES,
            parsing.optional_path,
            meaning="Directory of the lookup store, on a local disk; empty means lookup in STATE_DIRECTORY.",
            why="beside the state of the crawl; crawls that should be looked up together share one",
        ),
    ] = DERIVED
    carbon_host: Annotated[
        str,
        Option(
            Section.SERVICES,
            _host,
            meaning="Host of the Graphite server that stats feeds.",
            why="by default nothing leaves the machine",
        ),
    ] = "127.0.0.1"
    carbon_port: Annotated[
        int,
        Option(
            Section.SERVICES,
            _port,
            meaning="TCP port of Carbon's plaintext protocol.",
            why="Carbon's own default",
        ),
    ] = 2003
    elasticsearch_url: Annotated[
        str,
        Option(
            Section.SERVICES,
            parsing.url("http", "https", password=True),
            meaning="Elasticsearch or OpenSearch server of the indexer; user:password@ may precede its host.",
            why="Elasticsearch's own default",
            secret=True,
        ),
    ] = "http://127.0.0.1:9200"
    elasticsearch_index: Annotated[
        str,
        Option(
            Section.SERVICES,
            parsing.text("1 to 100 lower-case letters, digits, - and _", r"[a-z0-9][a-z0-9_-]{0,99}"),
            meaning="Prefix of the indexer's indices, NAME-YYYY.MM-NUMBER; searches go to NAME.",
            why="one for each dataset, since a rebuild removes the posts of any other from it",
        ),
    ] = "twittomatic"
    network_settings: Mapping[str, str] = {}
    """Settings whose names begin with that of a network from another package, which checks them."""

    def __post_init__(self) -> None:
        for option in OPTIONS:
            value = option.value(getattr(self, option.key), option.key)
            msgspec.structs.force_setattr(self, option.key, value)
        for name, value in (
            ("temporary_directory", self.output_directory / ".tmp"),
            ("lookup_directory", self.state_directory / "lookup"),
        ):
            if getattr(self, name) is DERIVED:
                msgspec.structs.force_setattr(self, name, value)

    def text_of(self, key: str) -> str:
        """Return a setting that is a text, ours or one of the network's own; empty when it was not given."""
        return self.network_settings.get(key) or str(getattr(self, key, ""))

    def __repr__(self) -> str:
        shown = (f"{option.key}={self._shown(option)}" for option in OPTIONS)
        return f"Settings({', '.join(shown)})"

    def __rich_repr__(self) -> Any:
        for option in OPTIONS:
            yield option.key, self._shown(option)

    def _shown(self, option: Option) -> str:
        value = getattr(self, option.key)
        return "***" if option.secret and value else parsing.without_password(repr(value))

    @classmethod
    def load(
        cls,
        config: Path | str | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        **values: object,
    ) -> Self:
        """Return values, else what the environment and the configuration file say, else defaults.

        Args:
            config: The configuration file; without it, `twittomatic.toml` in the working directory, if any.
            environment: In place of `os.environ`.
            values: Settings by name, in place of a command's flags.

        Raises:
            SettingsError: an unknown name or a value that is not allowed, with its place and what is allowed.
        """
        known = [option.key for option in OPTIONS]
        for name in values:
            if name not in known:
                raise no_such_setting(name, name, known)
        return cls(**_checked(values, str, environment if environment is not None else os.environ, config))


OPTIONS: Final = options_of(Settings)
"""All settings, in the order in which they are listed."""

_FLAGS: Final = {option.key: option.flag for option in OPTIONS}


def load(
    flags: Mapping[str, str | None],
    environment: Mapping[str, str],
    config: Path | None = None,
) -> Settings:
    """Return the settings of a command.

    Args:
        flags: Texts given on the command line, by lower-case name; None where a flag was not given.
        environment: The process's environment.
        config: The file named by `--config`; without it, `twittomatic.toml` in the working directory, if any.

    Raises:
        SettingsError: an unknown key or a bad value, with the key, the value and what is allowed.
    """
    given = {key: text for key, text in flags.items() if text is not None}
    return Settings(**_checked(given, _FLAGS.__getitem__, environment, config))


def _checked(
    given: Mapping[str, object], place: Place, environment: Mapping[str, str], config: Path | str | None
) -> dict[str, Any]:
    return gather(OPTIONS, TABLES, given, place, environment, config)
