"""The lines of one user are found without reading the whole journal again."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from twittomatic.model import Ending, Module
from twittomatic.storage import userindex
from twittomatic.storage.journal import Entry
from twittomatic.storage.paths import Layout
from twittomatic.storage.userindex import UserIndex


def line(user_id: str, number: int = 0) -> bytes:
    entry = Entry(
        file=f"{user_id[:2]}/{user_id}.fws",
        module=Module.FOLLOWER,
        user_id=user_id,
        lines=number,
        began_at="2026-01-31T12:00:00Z",
        ended_at="2026-01-31T12:00:02Z",
        ending=Ending.COMPLETE,
        worker="w",
    )
    return msgspec.json.encode(entry) + b"\n"


def append(layout: Layout, *lines: bytes, process: str = "w") -> None:
    with layout.journal(process).open("ab") as file:
        file.write(b"".join(lines))


def numbers(lines: UserIndex, user_id: str, most: int = 50) -> list[int]:
    return [entry.lines for entry in lines.about(user_id, most)]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every line that was decoded, in part or as a whole."""
    decoded: list[bytes] = []
    for name in ("_decode", "decode_line"):
        monkeypatch.setattr(userindex, name, _spy(getattr(userindex, name), decoded))
    return decoded


def _spy(real: object, decoded: list[bytes]) -> object:
    def spy(text: bytes) -> object:
        decoded.append(text)
        return real(text)  # type: ignore[operator]

    return spy


def test_each_user_costs_their_own_lines_and_what_was_appended(layout: Layout, reads: list[bytes]) -> None:
    append(layout, *[line(str(number % 100 + 1), number) for number in range(5000)])
    append(layout, line("7", 9001), process="x")
    lines = UserIndex(layout)
    assert numbers(lines, "7") == [*range(6, 5000, 100), 9001]
    del reads[:]
    assert numbers(lines, "8") == list(range(7, 5000, 100))
    assert len(reads) == 50
    append(layout, line("8", 9002), line("9"))
    del reads[:]
    assert numbers(lines, "8", most=10) == [*range(4107, 5000, 100), 9002]
    assert len(reads) == 12
    assert numbers(lines, "12345") == []


def test_a_user_with_many_lines_costs_no_more_than_was_asked_for(layout: Layout, reads: list[bytes]) -> None:
    append(layout, *[line("7", number) for number in range(2000)])
    lines = UserIndex(layout)
    numbers(lines, "7", most=5)
    del reads[:]
    assert numbers(lines, "7", most=5) == [1995, 1996, 1997, 1998, 1999]
    assert len(reads) == 5


def test_lines_that_are_none_and_files_that_change_do_no_harm(layout: Layout) -> None:
    lines = UserIndex(layout)
    assert numbers(lines, "7") == []
    append(layout, b"\xef\xbb\xbf\n", b"\n", b'{"user_id":"7"}\n', b"x" * 200_000 + b"\n", line("7", 1))
    append(layout, line("7", 2)[:-1])
    assert numbers(lines, "7") == [1, 2]
    append(layout, b"\n", line("77", 3), line("7", 4)[:50])
    assert numbers(lines, "7") == [1, 2]
    new = layout.journals / "new"
    new.write_bytes(line("8", 5) * 400 + line("7", 6))
    new.rename(layout.journal("w"))
    assert numbers(lines, "7") == [6]
    layout.journal("w").unlink()
    os.mkfifo(layout.journal("w"))
    assert numbers(lines, "7") == []
    layout.journal("w").unlink()
    (layout.journals / "loop.jsonl").symlink_to(Path("/proc/self/mem"))
    append(layout, line("9" * 19, 7))
    assert numbers(lines, "9" * 19) == [7]
