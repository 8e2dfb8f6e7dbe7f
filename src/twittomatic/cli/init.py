"""`init`: write a configuration file that explains itself."""

from __future__ import annotations

import os
import re
import textwrap

import click

from twittomatic.cli.outputfile import written
from twittomatic.errors import SettingsError
from twittomatic.model import usd
from twittomatic.networks import registry
from twittomatic.settings import CONFIG_FILE, ENVIRONMENT_PREFIX, OPTIONS, Option

_WIDTH = 100
_SECRECY = {
    "X_BEARER_TOKENS": "A secret: better than the tokens themselves is @FILE here, after `chmod 600 FILE`.",
    "LOOKUP_TOKEN": "A secret: better than the token itself is @FILE here, after `chmod 600 FILE`.",
    "MONITOR_TOKEN": "A secret: better than the token itself is @FILE here, after `chmod 600 FILE`.",
    "PROXY": "A secret when it holds a password: then better @FILE here, after `chmod 600 FILE`.",
    "REDIS_URL": f"A secret when it holds a password: then `chmod 600 {CONFIG_FILE}`.",
    "ELASTICSEARCH_URL": f"A secret when it holds a password: then `chmod 600 {CONFIG_FILE}`.",
}


@click.command(short_help="Write a commented twittomatic.toml.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
def init(force: bool) -> None:
    """Write a commented twittomatic.toml into the working directory.

    It holds every setting with its meaning, unit, default and reason, each commented out.
    """
    if os.path.lexists(CONFIG_FILE) and not force:
        raise SettingsError(f"{CONFIG_FILE} already exists; --force replaces it.")
    with written(CONFIG_FILE) as file:
        file.write(document().encode())
    click.echo(f"Wrote {CONFIG_FILE}. Remove the # before a line to set it; `twittomatic doctor` checks it.")


def document() -> str:
    """Return the text of the configuration file."""
    head = _comment(
        "Settings of Twittomatic. A flag (--max-depth 2) overrides the environment "
        f"({ENVIRONMENT_PREFIX}MAX_DEPTH=2), which overrides this file. Every line below shows the default."
    )
    return "\n\n".join([head, *map(_paragraph, OPTIONS), _prices(), _limits()]) + "\n"


def _prices() -> str:
    network = registry.network_class(registry.DEFAULT)
    listed = network.price_list({})
    comment = _comment(
        f"Dollars for one of each, as {network.title} listed them on {listed.as_of} ({listed.source}). "
        "To use others, write them here with the day on which they held."
    )
    return "\n".join(
        [
            comment,
            "# [prices]",
            f'# as_of = "{listed.as_of}"',
            f"# post = {usd(listed.post):g}",
            f"# user = {usd(listed.user):g}",
            f"# follower = {usd(listed.follower):g}",
        ]
    )


def _limits() -> str:
    network = registry.network_class(registry.DEFAULT)
    limits = network.limit_list({})
    comment = _comment(
        f"Requests of one app in 15 minutes, as {network.title} listed them on {limits.as_of} "
        f"({limits.source}), and below those of one user. They are the first guess: what its answers say "
        "goes before."
    )
    lines = [f"# {endpoint} = {limit.requests}" for endpoint, limit in limits.by_kind["app"].items()]
    lines += [f"# user_{endpoint} = {limit.requests}" for endpoint, limit in limits.by_kind["user"].items()]
    return "\n".join([comment, "# [limits]", *lines])


def _paragraph(option: Option) -> str:
    why = f"{option.why[0].upper()}{option.why[1:]}."
    secrecy = [_SECRECY[option.name]] if option.secret else []
    comments = map(_comment, [option.meaning, why, *secrecy])
    return "\n".join([*comments, f"# {option.key} = {_value(option.default or '')}"])


def _comment(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _value(text: str) -> str:
    if re.fullmatch(r"[0-9]+|true|false", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
