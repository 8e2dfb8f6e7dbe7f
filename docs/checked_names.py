"""Check that what documents name exists: files, tests, modules, commands, flags and settings.

A name that leads nowhere is a warning, so `make check` fails when code moves and a document does not follow.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import click
from sphinx.application import Sphinx
from sphinx.util import logging

from twittomatic.cli.commands import COMMANDS, cli
from twittomatic.settings import ENVIRONMENT_PREFIX, OPTIONS

_logger = logging.getLogger(__name__)
_DOCS = Path(__file__).resolve().parent
_REPOSITORY = _DOCS.parent

_FILE = re.compile(r"(?<![\w./-])((?:src|tests|benchmarks|docs|deploy)/[\w./*-]*[\w*/])(?:::(\w+))?")
_MODULE = re.compile(r"`(twittomatic(?:\.(?!toml\b)[a-z_]+)+)")
_COMMAND = re.compile(r"(?:^ *|`)twittomatic ([a-z]+)\b", re.MULTILINE)
_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_SETTING = re.compile(r"(?<![\w$/{-])([A-Z]+(?:_[A-Z]+)+)(?![\w-])")
_OURS = re.compile(r"`(-[^`]*)`|\btwittomatic [a-z]+ .*")
_FOREIGN = {
    *("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"),  # any program's environment
    *("BEARER_TOKEN", "MAX_CREATES_PER_MINUTE", "OLDEST_PYTHON", "PIP_CONSTRAINT"),  # of other programs
    *("BYTE_STREAM_SPLIT", "START_ID", "END_ID"),  # Parquet, Neo4j
    *("DEBIAN_PACKAGES", "PEER_PACKAGES", "USER_ID"),  # of the Makefile; a placeholder
    *("--allow-duplicates", "--extra-input-columns", "--input-data-type"),  # twarc2
    *("--first", "--trials", "--help", "--traceback", "--version"),  # chaos.py; every command
    *("--fail-on-warning", "--nitpicky", "--constraint", "--scale", "--detach"),  # sphinx, pip, docker
}


def _documents() -> Iterator[Path]:
    """Yield the documents of the present: decisions and the changelog also speak of former names."""
    yield from (_REPOSITORY / "README.md", _REPOSITORY / "CONTRIBUTING.md")
    yield from (
        path for path in sorted(_DOCS.rglob("*.md")) if path.parent.name not in ("decisions", "project")
    )


def _problems(text: str) -> Iterator[str]:
    for path, test in _FILE.findall(text):
        files = [*_REPOSITORY.glob(path)]
        if not files:
            yield f"no such file: {path}"
        elif test and not any(
            re.search(rf"^ *(?:async )?def {test}\b", file.read_text(), re.M) for file in files
        ):
            yield f"no such test: {path}::{test}"
    for name in _MODULE.findall(text):
        if not _is_module(name):
            yield f"no such module: {name}"
    yield from (
        f"no such command: twittomatic {name}" for name in _COMMAND.findall(text) if name not in COMMANDS
    )
    flags = {*_flags(cli), *(option.flag for option in OPTIONS), *_FOREIGN}
    for ours in _OURS.finditer(text):
        yield from (f"no such flag: {flag}" for flag in _FLAG.findall(ours[0]) if flag not in flags)
    settings = {*(option.name for option in OPTIONS), *_FOREIGN}
    yield from (
        f"no such setting: {name}"
        for name in _SETTING.findall(text)
        if name.removeprefix(ENVIRONMENT_PREFIX) not in settings
    )


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a module that has no parts; the last one may be a function of it
        return hasattr(importlib.import_module(name.rpartition(".")[0]), name.rpartition(".")[2])


def _flags(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if child := command.get_command(context, name):
                yield from _flags(child)


def _check(app: Sphinx) -> None:
    for path in _documents():
        for problem in sorted(set(_problems(path.read_text(encoding="utf-8")))):
            _logger.warning("%s: %s", path.relative_to(_REPOSITORY), problem)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
