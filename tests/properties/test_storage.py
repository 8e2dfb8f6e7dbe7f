"""What must hold of the storage for all pages, ids, checkpoints and damage."""

from __future__ import annotations

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twittomatic.errors import CorruptFile
from twittomatic.model import Ending, FileState, Module
from twittomatic.storage import idset
from twittomatic.storage.commit import commit, prepend
from twittomatic.storage.formats import member, read_ids, read_lines, to_ids
from twittomatic.storage.idset import IdSet
from twittomatic.storage.journal import Entry, Journal, read_journal
from twittomatic.storage.part import PartFile
from twittomatic.storage.paths import Layout
from twittomatic.storage.verify import verify

thorough = settings(
    deadline=None, print_blob=True
)  # a disk has no deadline; a failure prints how to repeat it

lines = st.lists(st.binary(max_size=40).map(lambda text: text.replace(b"\n", b"")), max_size=12)
pages = st.lists(lines, max_size=5)
id_texts = st.integers(0, 10**19 - 1).map(str)


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@thorough
@given(pages=pages)
def test_what_is_written_is_read(directory: Path, pages: list[list[bytes]]) -> None:
    path = directory / "lines"
    path.write_bytes(b"".join(map(member, [[], *pages])))
    everything = [line for page in pages for line in page]

    assert list(read_lines(path)) == everything
    assert gzip.decompress(path.read_bytes()) == b"".join(line + b"\n" for line in everything)


@thorough
@given(pages=st.lists(st.lists(id_texts, max_size=30), max_size=5))
def test_ids_are_read_as_they_were_written(directory: Path, pages: list[list[str]]) -> None:
    path = directory / "ids"
    path.write_bytes(b"".join(member([text.encode() for text in page]) for page in [[], *pages]))
    expected = [int(text) for page in pages for text in page]

    assert [number for ids in read_ids(path) for number in ids.tolist()] == expected
    assert to_ids(text for page in pages for text in page).tolist() == expected


@thorough
@given(text=st.text(max_size=22) | st.from_regex(r"[0-9 +\-_.]{0,21}", fullmatch=True))
def test_only_digits_are_an_id(text: str) -> None:
    valid = text.isascii() and text.isdigit() and len(text) <= 19
    try:
        assert to_ids([text]).tolist() == [int(text)]
        assert valid
    except ValueError:
        assert not valid


@thorough
@given(pages=st.lists(lines, min_size=1, max_size=4), data=st.data())
def test_no_truncation_of_a_member_goes_unnoticed(
    directory: Path, pages: list[list[bytes]], data: st.DataObject
) -> None:
    path = directory / "torn"
    members = [member(page) for page in pages]
    whole = b"".join(members)
    boundaries = {len(b"".join(members[:count])) for count in range(1, len(members) + 1)}
    size = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:size])

    if size in boundaries:
        list(read_lines(path))
    else:
        with pytest.raises(CorruptFile):
            list(read_lines(path))


@thorough
@given(junk=st.binary(max_size=300), prefix=st.booleans())
def test_junk_is_read_or_corrupt_and_nothing_else(directory: Path, junk: bytes, prefix: bool) -> None:
    path = directory / "junk"
    path.write_bytes(member([b"1"]) + junk if prefix else junk)
    for read in (read_lines, read_ids):
        try:
            for _ in read(path):
                pass
        except CorruptFile:
            pass


@thorough
@given(
    batches=st.lists(st.lists(st.integers(0, 60) | st.integers(0, 2**64 - 1), max_size=40), max_size=40),
    recent=st.integers(1, 30),
    shelf=st.integers(2, 40),
)
def test_an_id_set_is_a_set(batches: list[list[int]], recent: int, shelf: int) -> None:
    """With runs and shelves of a few ids, so that every merge and every split happens."""
    before = idset._RECENT_MOST, idset._SHELF_MOST
    idset._RECENT_MOST, idset._SHELF_MOST = recent, shelf
    try:
        ours, truth = IdSet(), set[int]()
        for batch in batches:
            ids = np.array(batch, np.uint64)
            assert ours.contains(ids).tolist() == [number in truth for number in batch]
            expected = []
            for number in batch:
                expected.append(number not in truth)
                truth.add(number)
            assert ours.add(ids).tolist() == expected
            assert len(ours) == len(truth)
            shelves = [run.tolist() for run in ours._shelves]
            filed = [number for shelf in shelves for number in shelf]
            assert filed == sorted(filed)
            assert all(shelves)
    finally:
        idset._RECENT_MOST, idset._SHELF_MOST = before


@thorough
@given(new=st.lists(st.binary(max_size=200), max_size=5), old=st.binary(max_size=3000), known=st.booleans())
def test_the_checksum_of_an_update_needs_no_reading(
    directory: Path, new: list[bytes], old: bytes, known: bool
) -> None:
    final = directory / "old"
    final.write_bytes(gzip.compress(old + b"\n", mtime=0))
    size = final.stat().st_size
    state = FileState(size=size, lines=(old + b"\n").count(b"\n"), crc=zlib.crc32(final.read_bytes()))
    with PartFile.begin(directory / "new") as part:
        for data in new:
            part.append(data, 1)
        whole = prepend(part, final, state if known else None)
    data = b"".join(new) + final.read_bytes()

    assert (directory / "new").read_bytes() == data
    assert whole == FileState(size=len(data), lines=len(new) + state.lines, crc=zlib.crc32(data))


@thorough
@given(
    pages=st.lists(st.binary(min_size=1, max_size=100), min_size=1, max_size=6),
    checkpoint=st.integers(0, 6),
    same=st.booleans(),
    data=st.data(),
)
def test_a_successor_has_the_checkpoint_or_says_corrupt(
    directory: Path, pages: list[bytes], checkpoint: int, same: bool, data: st.DataObject
) -> None:
    """Whatever byte the predecessor's file ends at when its attempt dies."""
    path, other = directory / "one", directory / "other"
    with PartFile.begin(path) as part:
        states = [part.state, *(part.append(page, 1) for page in pages)]
    state = states[min(checkpoint, len(pages))]
    whole = path.read_bytes()
    died_at = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:died_at])
    successor = path if same else other
    if died_at < state.size:
        with pytest.raises(CorruptFile):
            PartFile.take_over(successor, path, state)
        return
    with PartFile.take_over(successor, path, state) as part:
        assert part.state == state
        assert successor.read_bytes() == whole[: state.size]
        after = part.append(b"next", 1)
    assert successor.read_bytes() == whole[: state.size] + b"next"
    assert after == FileState(
        size=state.size + 4, lines=state.lines + 1, crc=zlib.crc32(whole[: state.size] + b"next")
    )


@thorough
@given(lines=st.lists(st.binary(max_size=200), max_size=8), torn=st.binary(max_size=30))
def test_a_journal_of_any_bytes_is_read_and_written_on(
    directory: Path, lines: list[bytes], torn: bytes
) -> None:
    layout = Layout(directory, directory / ".tmp")
    layout.prepare()
    layout.journal("j").write_bytes(b"".join(line + b"\n" for line in lines) + torn)
    entry = _entry("22/22.fws", FileState())
    journal = Journal(layout.journal("j"))
    journal.append(entry)
    journal.close()

    problems: list[int] = []
    assert list(read_journal(layout, lambda _, number, __: problems.append(number))) == [entry]
    expected = b"".join(line + b"\n" for line in lines) + torn
    assert len(problems) == expected.count(b"\n") + (0 if expected[-1:] in (b"", b"\n") else 1)


def _entry(file: str, state: FileState) -> Entry:
    return Entry(
        file=file,
        module=Module.FOLLOWER,
        user_id="22",
        lines=state.lines,
        bytes=state.size,
        crc32=f"{state.crc:08x}",
        began_at="2026-01-31T12:00:00Z",
        ended_at="2026-01-31T12:00:02Z",
        ending=Ending.COMPLETE,
        worker="j",
    )


@pytest.fixture(scope="module")
def dataset() -> Iterator[Layout]:
    with tempfile.TemporaryDirectory() as name:
        layout = Layout(Path(name), Path(name, ".tmp"))
        layout.prepare()
        journal = Journal(layout.journal("j"))
        records = [b'{"id":"%d","name":"someone"}' % number for number in range(60, 0, -1)]
        ids = [b"%d" % number for number in range(60, 0, -1)]
        for ext, contents in (("fws", ids), ("usr", records), ("twt", records)):
            with PartFile.begin(layout.part("c", "s", ext)) as part:
                part.append(member(contents[:30]), 30)
                state = part.append(member(contents[30:]), 30)
            commit(part.path, layout.file("22", ext))
            journal.append(_entry(f"22/22.{ext}", state))
        journal.close()
        assert list(verify(layout)) == []
        yield layout


@settings(thorough, max_examples=300)
@given(ext=st.sampled_from(["fws", "usr", "twt"]), data=st.data())
def test_no_damage_goes_unnoticed(dataset: Layout, ext: str, data: st.DataObject) -> None:
    path = dataset.file("22", ext)
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    damage = data.draw(st.sampled_from(["flip", "truncate", "insert", "append"]))
    byte = data.draw(st.integers(0, 255))
    damaged = {
        "flip": whole[:place] + bytes([whole[place] ^ max(byte, 1)]) + whole[place + 1 :],
        "truncate": whole[:place],
        "insert": whole[:place] + bytes([byte]) + whole[place:],
        "append": whole + bytes([byte]),
    }[damage]
    path.write_bytes(damaged)
    try:
        assert f"22/22.{ext}" in {problem.file for problem in verify(dataset)}
    finally:
        path.write_bytes(whole)
