"""What the frame promises of every command, and of every error."""

import asyncio
import gc
import json
import logging
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from twittomatic import background, errors
from twittomatic.app.logs import log_to
from twittomatic.cli import commands
from twittomatic.cli.observer import warn
from twittomatic.cli.runner import run_async

ORDER = [
    "init",
    "plan",
    "crawl",
    "master",
    "worker",
    "status",
    "pause",
    "resume",
    "jobs",
    "frontier",
    "verify",
    "restore",
    "export",
    "analyze",
    "picture",
    "monitor",
    "lookup",
    "indexer",
    "sink",
    "stats",
    "emulator",
    "demo",
    "doctor",
]


def command(name: str) -> click.Command:
    found = commands.cli.get_command(click.Context(commands.cli), name)
    assert found
    return found


def leaves(kind: type[Exception] = errors.TwittomaticError) -> Iterator[type[Exception]]:
    yield kind
    for lower in kind.__subclasses__():
        yield from leaves(lower)


def test_commands_stand_in_the_order_of_the_contract() -> None:
    names = list(commands.COMMANDS)
    assert names == [name for name in ORDER if name in names]


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_a_summary_is_the_commands_own(name: str) -> None:
    assert command(name).short_help == commands.COMMANDS[name][1]
    assert command(name).name == name


def test_every_module_is_there() -> None:
    for target, _ in commands.COMMANDS.values():
        module, _, attribute = target.partition(":")
        assert hasattr(import_module(f"twittomatic.cli.{module}"), attribute)


@pytest.mark.parametrize("kind", list(leaves()))
def test_every_error_of_ours_has_its_exit_code(kind: type[Exception]) -> None:
    error = kind("x", reason="deleted") if kind is errors.TargetUnavailable else kind("x")
    assert isinstance(error, errors.TwittomaticError)
    if issubclass(kind, errors.SettingsError):
        expected = 2
    elif issubclass(kind, errors.CrawlMustPause):
        expected = 3
    else:
        expected = 1
    assert commands.exit_code(error) == expected


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (errors.SettingsError("Bad."), 2, "Error: Bad.\n"),
        (errors.SettingsError("Two are bad:", ["a\nb", "c"]), 2, "Error: Two are bad:\n  a\\nb\n  c\n"),
        (errors.BudgetExhausted("Spent."), 3, "Error: Spent.\n"),
        (errors.StorageUnavailable("Full."), 1, "Error: Full.\n"),
        (errors.StorageUnavailable("a\x1b[31m\n\udc80b é."), 1, "Error: a\\x1b[31m\\n\\udc80b é.\n"),
        (errors.Interrupted("Paused."), 130, ""),
    ],
)
def test_an_error_is_one_sentence_and_a_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    code: int,
    said: str,
) -> None:
    assert ended(monkeypatch, error) == code
    assert capsys.readouterr().err == said


def test_wrong_usage_is_reported_after_the_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, click.UsageError("Which?")) == 2
    assert capsys.readouterr().err.endswith("\n\nError: Which?\n")


def test_an_interruption_is_not_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, KeyboardInterrupt()) == 130
    assert not capsys.readouterr().err.strip()


def test_an_unexpected_error_is_named_and_shown_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger("twittomatic"), "handlers", [])  # other tests may have a log
    assert ended(monkeypatch, ZeroDivisionError("two\nlines")) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: unexpected ZeroDivisionError: two\\nlines.")
    assert ".jsonl" not in line
    assert "--traceback" in line
    with pytest.raises(ZeroDivisionError):
        ended(monkeypatch, ZeroDivisionError(), "--traceback")


def test_an_unexpected_error_is_logged_once_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log: Path
) -> None:
    assert ended(monkeypatch, ZeroDivisionError("no")) == 1
    [line] = log.read_text().splitlines()
    assert "ZeroDivisionError: no" in json.loads(line)["trace"]
    assert f"{log} has its traceback" in capsys.readouterr().err


@pytest.mark.parametrize("moment", ["awaited", "ended", "forgotten"])
def test_an_error_of_a_background_task_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, log: Path, moment: str
) -> None:
    async def fails() -> None:
        raise ZeroDivisionError("no")

    async def command() -> None:
        task = asyncio.create_task(fails())
        await asyncio.sleep(0)
        if moment == "forgotten":
            del task
            gc.collect()
            return
        try:
            if moment == "awaited":
                await task
        finally:
            await background.ended(task)

    @click.command()
    def failing() -> None:
        run_async(command())

    monkeypatch.setattr(commands, "cli", failing)
    monkeypatch.setattr(sys, "argv", ["twittomatic"])
    with pytest.raises(SystemExit) as left:
        commands.run()
    assert left.value.code == (1 if moment == "awaited" else 0)
    [line] = log.read_text().splitlines()
    assert "ZeroDivisionError: no" in json.loads(line)["trace"]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """The log file of this process."""
    logger = logging.getLogger("twittomatic")
    log_to(tmp_path, "here", warn)
    yield tmp_path / "here.jsonl"
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True


def ended(monkeypatch: pytest.MonkeyPatch, error: BaseException, *flags: str) -> object:
    """Run the command line with a command that ends in `error`, and return the exit code."""

    @click.command()
    @click.option("--traceback", is_flag=True)
    def failing(traceback: bool) -> None:
        raise error

    monkeypatch.setattr(commands, "cli", failing)
    monkeypatch.setattr(sys, "argv", ["twittomatic", *flags])
    with pytest.raises(SystemExit) as left:
        commands.run()
    return left.value.code
