"""`emulator`: serve X's API v2 on this machine."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from twittomatic.app.stop import on_stop
from twittomatic.cli.exitcodes import INTERRUPTED
from twittomatic.cli.runner import run_async
from twittomatic.emulator import (
    ChangingWorld,
    Emulator,
    World,
    bundled_graph,
    open_world,
    parse_faults,
    serve,
)
from twittomatic.errors import SettingsError, TwittomaticError
from twittomatic.fetch.credentials import Credentials

_PORT = 8089
_EXAMINED = 5_000


@click.command(short_help="Serve X's API v2 on this machine, from a graph or a made-up world.")
@click.option("--graph", metavar="FILE", help="Use a graph file as the world: lines “A B” (B follows A).")
@click.option("--users", metavar="N", type=click.IntRange(1, 10**9), help="Use N made-up users as the world.")
@click.option("--dataset", metavar="DIR", help="Use an OUTPUT_DIRECTORY as the world.")
@click.option("--pages", metavar="FILE", help="Use recorded v2 pages as the world: one JSON object a line.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_PORT,
    show_default=True,
    help="TCP port; 0 takes a free one.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed for profiles, posts and faults.")
@click.option(
    "--time-scale",
    type=click.FloatRange(0, 1_000_000, min_open=True),
    default=1.0,
    show_default=True,
    help="Make windows this many times shorter than X's 15 minutes.",
)
@click.option(
    "--faults",
    metavar="SPEC",
    help="Inject faults: 5xx=0.02 (a rate), 402#50x3 (three times from the 50th request), ...",
)
@click.option("--tokens", metavar="LIST", help="Accept only these bearer tokens: comma separated, or @FILE.")
def emulator(
    graph: str | None,
    users: int | None,
    dataset: str | None,
    pages: str | None,
    host: str,
    port: int,
    seed: int,
    time_scale: float,
    faults: str | None,
    tokens: str | None,
) -> None:
    """Serve X's API v2 on this machine, with its limits, prices and errors.

    It prints a user to start from. The world is one of --graph, --users, --dataset and --pages; by default,
    the bundled follower graph.
    GET /_emulator/report returns the requests so far, and what they would have cost.
    """
    given = {"graph": graph, "users": users, "dataset": dataset, "pages": pages}
    if sum(value is not None for value in given.values()) > 1:
        raise click.UsageError("Give one of --graph, --users, --dataset and --pages.")
    accepted = _accepted(tokens) if tokens else None
    try:
        world = _world(graph, users, dataset, pages, seed)
        trouble = None
        if faults:
            world = ChangingWorld(world)
            trouble = parse_faults(faults, seed=seed, world=world)
        served = Emulator(world, tokens=accepted, time_scale=time_scale, faults=trouble)
    except ValueError as error:
        raise SettingsError(f"{error}.") from None
    sys.exit(run_async(_serve(served, host, port)))


def _accepted(tokens: str) -> list[str]:
    try:
        return [credential.token for credential in Credentials.load(tokens)]
    except SettingsError as error:  # it names the setting of the same form
        raise SettingsError(str(error).replace("X_BEARER_TOKENS", "--tokens", 1)) from None


def _world(graph: str | None, users: int | None, dataset: str | None, pages: str | None, seed: int) -> World:
    if users is not None:
        return open_world(users=users, seed=seed)
    if dataset is not None:
        return open_world(dataset=Path(dataset), seed=seed)
    if pages is not None:
        return open_world(pages=Path(pages), seed=seed)
    return open_world(graph=Path(graph) if graph else bundled_graph(), seed=seed)


async def _serve(served: Emulator, host: str, port: int) -> int:
    """Serve until a signal comes; a second one does not wait for open connections."""
    leave = asyncio.Event()
    with on_stop(leave.set):
        try:
            running = await serve(served, host=host, port=port)
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that no host can have
            why = getattr(error, "strerror", None) or str(error)
            raise TwittomaticError(
                f"Port {port} of {host} cannot be used ({why}); name another one with --port or --host."
            ) from None
        try:
            click.echo(f" * Emulator of the X API on http://{_in_url(host)}:{running.port}/")
            click.echo(f" * A user to begin with: {_suggested_user(served.world)}")
            await leave.wait()
        finally:
            await running.close()
    return INTERRUPTED


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _suggested_user(world: World) -> str:
    """Return a description of the visible user with the most followers, among the first ones."""
    best = sorted(world.sample_ids(_EXAMINED), key=world.follower_count, reverse=True)
    for user in map(world.user, best):
        if user and user.status == "active":
            return f"{user.id}, @{user.username}, with {world.follower_count(user.id):,} followers"
    return "there is none that can be read"
