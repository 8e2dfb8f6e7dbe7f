"""The commands, from click."""

from __future__ import annotations

import re

import click

from generators import docstrings
from twittomatic.cli.commands import COMMANDS, cli


def summary() -> str:
    rows = [
        f"| [`twittomatic {name}`](#twittomatic-{name}) | {text} |" for name, (_, text) in COMMANDS.items()
    ]
    return "\n".join(["| command | purpose |", "|---|---|", *rows])


def markdown() -> str:
    context = click.Context(cli, info_name="twittomatic")
    return "\n\n".join(
        section for name in COMMANDS for section in _sections(cli.get_command(context, name), name, context)
    )


def _sections(command: click.Command | None, name: str, parent: click.Context) -> list[str]:
    if command is None or not command.help:
        raise LookupError(f"twittomatic {name} has no help text")
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"### {context.command_path}", f"```text\n{usage}\n```", _help(command.help)]
    options = [
        parameter
        for parameter in command.params
        if isinstance(parameter, click.Option) and not _is_setting(parameter)
    ]
    if options:
        parts.append(
            "\n".join(["| option | meaning |", "|---|---|", *(_row(option, context) for option in options)])
        )
    children = command.commands if isinstance(command, click.Group) else {}
    nested = [section for child in children for section in _sections(children[child], child, context)]
    return ["\n\n".join(parts), *nested]


def _is_setting(option: click.Option) -> bool:
    return (option.name or "").startswith("setting_") or option.name == "config"


def _help(text: str) -> str:
    """Return the help as Markdown: flags as code, and without click's marks."""
    text = re.sub(r"\f.*", "", text.replace("\b\n", ""), flags=re.DOTALL)
    return re.sub(r"(?<![`\w-])--[a-z][a-z-]*", r"`\g<0>`", text)


def _row(option: click.Option, context: click.Context) -> str:
    if not option.help:
        raise LookupError(f"{context.command_path} {option.opts[-1]} has no help text")
    record = option.get_help_record(context)
    if record is None:
        record = (", ".join(option.opts), option.help)
    return f"| `{docstrings.cell(record[0])}` | {docstrings.cell(_help(record[1]))} |"
