"""The compact index of the journal says what sorting all its lines says."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from twittomatic.model import Ending, Module
from twittomatic.storage import index as indexing
from twittomatic.storage.index import JournalIndex
from twittomatic.storage.journal import Entry, latest, read_journal
from twittomatic.storage.paths import Layout

_MOMENTS = st.sampled_from([f"2026-01-01T00:00:{second}Z" for second in ("01", "01.5", "02", "02.001", "03")])


@st.composite
def _entries(draw: st.DrawFn) -> Entry:
    user_id = draw(st.sampled_from(["7", "07", "22", "0022", "9" * 19, "8" * 19, str(2**63)]))
    ext = draw(st.sampled_from(["fws", "usr", "twt"]))
    return Entry(
        file=draw(st.sampled_from([None, *[f"{user_id[:2]}/{user_id}.{ext}"] * 4])),
        module=draw(st.sampled_from(Module)),
        user_id=user_id,
        lines=draw(st.integers(0, 3)),
        bytes=draw(st.integers(0, 3)),
        crc32=f"{draw(st.integers(0, 3)):08x}",
        began_at=draw(_MOMENTS),
        ended_at=draw(_MOMENTS),
        ending=draw(st.sampled_from(Ending)),
        repaired_at=draw(st.sampled_from([None, None, None, "2026-01-01T00:00:02.5Z"])),
        worker="w",
    )


@settings(deadline=None)
@given(
    written=st.lists(st.tuples(st.sampled_from(["a", "b"]), _entries()), max_size=40), parts=st.integers(1, 4)
)
def test_the_index_has_the_newest_line_of_every_file(written: list[tuple[str, Entry]], parts: int) -> None:
    with tempfile.TemporaryDirectory() as name, mock.patch.object(indexing, "_RECENT_MOST", 3):
        layout = Layout(Path(name), Path(name) / ".tmp")
        layout.prepare()
        index = JournalIndex(layout)
        for part in range(parts):
            for process, entry in written[part::parts]:
                with layout.journal(process).open("ab") as file:
                    file.write(msgspec.json.encode(entry) + b"\n")
            index.refresh()
        newest = latest(read_journal(layout))
        ages = {
            file: (entry.repaired_at or entry.ended_at, entry.began_at, entry.bytes)
            for file, entry in newest.items()
        }
        found = {file: index.newest(file) for file in newest}
        assert dict(index.files()) == found
        # Of lines that are equally old any may count when they are not read in one piece.
        ties = [
            (entry.file, entry.repaired_at or entry.ended_at, entry.began_at, entry.bytes)
            for _, entry in written
        ]
        for file, entry in newest.items():
            line = found[file]
            assert line is not None and line.bytes == entry.bytes
            if ties.count((file, *ages[file])) == 1:
                assert (line.lines, line.crc32, line.ending) == (entry.lines, entry.crc32, entry.ending)
