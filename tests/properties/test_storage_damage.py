"""What must hold of a repair, whatever was done to the dataset, and wherever the repair before it died."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from twittomatic import faultpoint
from twittomatic.errors import StorageUnavailable
from twittomatic.model import Ending, FileState, Module, downloads
from twittomatic.storage.commit import commit
from twittomatic.storage.formats import member, read_lines
from twittomatic.storage.journal import Entry, Journal
from twittomatic.storage.losses import find_missing
from twittomatic.storage.part import PartFile
from twittomatic.storage.paths import EXTENSIONS, Layout
from twittomatic.storage.repair import Repair, Step
from twittomatic.storage.verify import verify


@dataclass(repr=False)
class Truth:
    """A dataset that was never damaged.

    Attributes:
        tree: Every file and its bytes.
        versions: The bytes of each dataset file, each time that it was committed.
    """

    tree: dict[str, bytes]
    versions: dict[str, list[bytes]] = field(default_factory=dict)


def tree(layout: Layout) -> dict[str, bytes]:
    return {
        path.relative_to(layout.output).as_posix(): path.read_bytes()
        for path in sorted(layout.output.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture(scope="module")
def truth() -> Iterator[Truth]:
    with tempfile.TemporaryDirectory() as name:
        layout = Layout(Path(name), Path(name, ".tmp"))
        layout.prepare()
        journals = [Journal(layout.journal(process)) for process in ("a", "b")]
        truth, moment = Truth({}), 0

        def store(user_id: str, contents: dict[str, list[list[bytes]]], old: bool = False) -> None:
            nonlocal moment
            moment += 1
            entries = []
            for ext, pages in contents.items():
                final = layout.file(user_id, ext)
                with PartFile.begin(layout.part("c", "p", ext)) as part:
                    state = FileState()
                    for page in pages:
                        state = part.append(member(page), len(page))
                    if old:
                        before = final.read_bytes()
                        lines = sum(1 for _ in read_lines(final))
                        state = part.append(before, lines)
                commit(part.path, final)
                file = layout.relative(final)
                truth.versions.setdefault(file, []).append(final.read_bytes())
                entries.append(
                    Entry(
                        file=file,
                        module=Module.UPDATE if old else downloads(ext),
                        user_id=user_id,
                        lines=state.lines,
                        bytes=state.size,
                        crc32=f"{state.crc:08x}",
                        cost_usd=0.5,
                        began_at=f"2026-01-01T00:00:{moment:02}Z",
                        ended_at=f"2026-01-01T00:00:{moment:02}.5Z",
                        ending=Ending.COMPLETE,
                        depth=len(user_id),
                        worker="w",
                    )
                )
            journals[moment % 2].append(*entries)

        ids = [b"%d" % number for number in range(900, 860, -1)]
        records = [b'{"id":"%s","name":"somebody"}' % user_id for user_id in ids]
        store("7", {"usr": [records[:20]], "fws": [ids[:20]]})
        store("301", {"usr": [records[5:9], records[9:30]], "fws": [ids[5:9], ids[9:30]]})
        store("22", {"twt": [records[30:35], records[35:]]})
        store("9", {"twt": [[]]})
        store("7", {"usr": [records[:20], records[20:]], "fws": [ids[:20], ids[20:]]})
        store("22", {"twt": [records[20:30]]}, old=True)
        store("22", {"twt": [records[:20]]}, old=True)
        for journal in journals:
            journal.close()
        assert list(verify(layout)) == []
        truth.tree = tree(layout)
        yield truth


files = st.sampled_from(["7/7.fws", "7/7.usr", "30/301.fws", "30/301.usr", "22/22.twt", "9/9.twt"])
journals = st.sampled_from(["journal/a.jsonl", "journal/b.jsonl"])
spots = st.floats(0, 1, exclude_max=True)
junk = st.binary(min_size=1, max_size=40) | st.just(member([b"5"]))
damages = st.lists(
    st.tuples(st.just("truncate"), files | journals, spots)
    | st.tuples(st.just("flip"), files | journals, spots)
    | st.tuples(st.just("remove"), files, spots)
    | st.tuples(st.just("drop line"), journals, spots)
    | st.tuples(st.just("older"), files, spots)
    | st.tuples(st.just("append"), files | journals, junk),
    min_size=1,
    max_size=5,
)


def damage(layout: Layout, truth: Truth, kind: str, file: str, how: float | bytes) -> None:
    path = layout.output / file
    if not path.exists():
        return
    data = path.read_bytes()
    if isinstance(how, bytes):
        path.write_bytes(data + how)
        return
    place = int(how * len(data))
    if kind == "truncate":
        path.write_bytes(data[:place])
    elif kind == "flip" and data:
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    elif kind == "remove":
        path.unlink()
    elif kind == "drop line":
        lines = data.splitlines(keepends=True)
        at = int(how * len(lines))
        del lines[at : at + 1]
        path.write_bytes(b"".join(lines))
    elif kind == "older":
        path.write_bytes(truth.versions[file][0])


def repaired(layout: Layout, second: int) -> list[Step]:
    return list(Repair(layout, now=f"2026-02-01T00:00:{second:02}.000Z", worker="r").run())


@settings(deadline=None, print_blob=True, max_examples=150)
@given(damages=damages, dies_at=st.none() | st.integers(1, 25))
def test_after_any_damage_a_repair_leaves_what_is_proved(
    truth: Truth, damages: list[tuple[str, str, float | bytes]], dies_at: int | None
) -> None:
    with tempfile.TemporaryDirectory() as name:
        layout = Layout(Path(name), Path(name, ".tmp"))
        for file, data in truth.tree.items():
            (layout.output / file).parent.mkdir(exist_ok=True)
            (layout.output / file).write_bytes(data)
        layout.prepare()
        for one in damages:
            damage(layout, truth, *one)
        before = tree(layout)
        if dies_at:
            die(layout, dies_at)
        try:
            steps = repaired(layout, 1)
        except StorageUnavailable as error:
            event("refused")
            assert "the journal has no line" in str(error)
            assert tree(layout) == before
            return

        after = tree(layout)
        problems = {problem.file for problem in verify(layout)}
        assert problems == {step.file for step in steps if step.left}
        # A journal line that still is an entry, and a wrong one, cannot be told from a right one.
        if not any(kind == "flip" and file.startswith("journal") for kind, file, _ in damages):
            assert problems == set()
        for ext in EXTENSIONS:
            for path in layout.files(ext):
                assert path.read_bytes() in truth.versions[layout.relative(path)]
        kept = set(after.values())
        for file, data in before.items():
            assert data in kept, f"{file} was lost"
        assert not [file for file in after if file.startswith(".tmp")]
        aside = [(file.rpartition(".")[0], data) for file, data in after.items() if file[:4] == "set-"]
        assert len(aside) == len(set(aside)), "something was set aside twice"
        touched = {file for _, file, _ in damages}
        if not touched & {"journal/a.jsonl", "journal/b.jsonl"}:
            for file, data in truth.tree.items():
                if file.endswith((".fws", ".twt")) and file not in touched:
                    assert after[file] == data
            gone = {file for file in truth.versions if file not in after}
            found = [f"{one.user_id[:2]}/{one.user_id}.{one.ext}" for one in find_missing(layout)]
            assert {file for file in found if file not in after} == gone
            assert {one.depth for one in find_missing(layout)} <= {1, 2, 3}

        assert all(step.left for step in repaired(layout, 2))
        assert tree(layout) == after


def die(layout: Layout, at: int) -> None:
    """Begin a repair that dies at one of its fault points."""
    left = at

    def hook(name: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            event(f"died at {name}")
            raise KeyboardInterrupt

    faultpoint.arm(hook)
    try:
        repaired(layout, 0)
    except (KeyboardInterrupt, StorageUnavailable):
        pass
    finally:
        faultpoint.arm(None)
