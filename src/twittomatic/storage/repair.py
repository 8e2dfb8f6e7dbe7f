"""Repair of a dataset: brings it back to what its journal proves, inventing and deleting nothing.

The life of a repair: the journal is reduced to its valid lines. Every file is examined as by `verify`. For
a defective file, the newest journal line is found whose bytes it contains: bytes outside them are cut off,
and a file that no line proves is set aside. A proved file that repeats an id, or a timeline that is not
newest first, is put in order without losing an id. The result for each file is a journal line too: the file
is as an older line says, in order, or `lost`. Each step is durable before the next, so after a crash the next
repair continues where this one stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import msgspec

from twittomatic.errors import CorruptFile, StorageUnavailable
from twittomatic.faultpoint import reach
from twittomatic.model import Ending, downloads
from twittomatic.storage import purchases
from twittomatic.storage.defects import DefectKind, find_defects, is_file, record_defects
from twittomatic.storage.formats import read_lines
from twittomatic.storage.index import FileSet, JournalIndex
from twittomatic.storage.journal import Entry, Journal, read_journal
from twittomatic.storage.paths import EXTENSIONS, Layout
from twittomatic.storage.proof import Proof, lines_about, newest_proof
from twittomatic.storage.quarantine import set_aside
from twittomatic.storage.records import record_id_in
from twittomatic.storage.rewrite import clear_drafts, cut, draft_in_order, place, rewrite_journal
from twittomatic.storage.verify import file_defect

_PROCESS = "repair"  # names its journal file
_BATCH = 256  # journal lines written with one sync


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What was done about a file, or what remains to be done.

    Attributes:
        file: Path relative to OUTPUT_DIRECTORY, printable.
        sentence: Printable, on one line.
        left: Whether the file still differs from the journal.
    """

    file: str
    sentence: str
    left: bool = False


class Repair:
    """One repair of one dataset, whose lock the caller holds exclusively.

    Args:
        layout: The dataset.
        unfinished: Files, as named in the journal, that a job has placed without a journal line yet. Its
            checkpoint proves them, and the job will finish them.
        depth: Depth of targets for which the journal has none.
        now: The time, RFC 3339, to the millisecond.
        worker: Name of this process in the journal.
        announce: Called with the entries of changed files before they are written to the journal, so that a
            repair that dies in between announces them again.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        unfinished: Collection[str] = (),
        depth: int = 0,
        now: str,
        worker: str,
        announce: Callable[[Sequence[Entry]], None] = lambda entries: None,
    ) -> None:
        self._layout = layout
        self._unfinished = unfinished
        self._depth = depth
        self._now = now
        self._worker = worker
        self._announce = announce
        self._lines: dict[str, list[Entry]] = {}
        self._restated: list[Entry] = []

    def run(self) -> Iterator[Step]:
        """Repair, and yield each step when it is durable; its journal line may follow later.

        Raises:
            StorageUnavailable: the journal is missing or unreadable, and nothing was changed; or a file
                cannot be written.
        """
        layout = self._layout
        damaged = self._damaged_journals()
        clear_drafts(layout)
        for path in damaged:
            yield self._repaired(path)
        users = self._in_trouble()
        self._lines = lines_about(layout, users)
        for user_id in sorted(users, key=lambda user_id: (len(user_id), user_id)):
            for ext in EXTENSIONS:
                yield from self._mend(layout.file(user_id, ext))
                self._write(_BATCH)
        for path in list(layout.strays()):
            yield self._step(path, f"was not a dataset file{self._moved(path)}")
        for crawl in layout.buyers():
            for sentence in purchases.mend(layout, crawl, now=self._now, worker=self._worker):
                yield self._step(layout.bought(crawl), sentence)
        self._write(1)
        clear_drafts(layout)

    def _damaged_journals(self) -> list[Path]:
        """Return the journal files that have invalid lines, in order."""
        damaged: dict[Path, None] = {}

        def note(path: Path, number: int, sentence: str) -> None:
            if not number:
                raise StorageUnavailable(f"{sentence} Without the whole journal nothing is repaired.")
            damaged[path] = None

        lines = sum(1 for _ in read_journal(self._layout, note))
        if not lines and any(True for ext in EXTENSIONS for _ in self._layout.files(ext)):
            raise StorageUnavailable(
                f"{self._layout.journals}: the journal has no line, and nothing else proves the files; "
                "put it back, nothing was changed."
            )
        return list(damaged)

    def _repaired(self, path: Path) -> Step:
        dropped, original = rewrite_journal(self._layout, path)
        lines = f"{dropped} lines that were no entries are out of it" if dropped else "its last line is ended"
        return self._step(path, f"{lines}; all of it is in {self._layout.relative(original)}.")

    def _in_trouble(self) -> set[str]:
        """Examine every file; return the users with a defective one."""
        layout, users, met, index = self._layout, set(), FileSet(), JournalIndex(self._layout)
        index.refresh()
        for ext in EXTENSIONS:
            for path in layout.files(ext):
                file = layout.relative(path)
                met.add(file)
                if any(True for _ in find_defects(layout, path, index.newest(file))):
                    users.add(path.stem)
        for file, line in index.files(besides=met):
            if line.ending is not Ending.LOST:
                users.add(layout.output.joinpath(file).stem)
        return users

    def _mend(self, path: Path) -> Iterator[Step]:
        """Bring one file back to what is proved; a user's list comes before its profiles."""
        file = self._layout.relative(path)
        lines = self._lines.get(file, [])
        newest = lines[0] if lines else None
        if file in self._unfinished and any(True for _ in find_defects(self._layout, path, newest)):
            yield self._step(
                path, "its job has not finished; the same crawl command continues it.", left=True
            )
            return
        if not is_file(path):
            if newest and newest.ending is not Ending.LOST:
                yield self._step(path, "missing; the journal says so now.")
                self._lose(path, newest)
            return
        try:
            proof = newest_proof(path, lines)
        except StorageUnavailable as error:
            yield self._step(path, str(error).removeprefix(f"{path}: "), left=True)
            return
        if proof is None:
            why = "its bytes are those of no line in the journal" if lines else "has no line in the journal"
            self._lose(path, newest)
            if newest is None:
                self._write(1)  # or, after a crash, nothing would show that it ever existed
            yield self._step(path, f"{why}{self._moved(path)}")
            return
        if not proof.is_whole:
            yield self._step(path, self._cut(path, proof))
        yield from self._examined(path, proof.entry, newest)

    def _examined(self, path: Path, entry: Entry, newest: Entry | None) -> Iterator[Step]:
        """Examine the records of a file whose bytes are proved, and record which line proves them."""
        broken, odd = "", list[str]()
        kinds: set[DefectKind] = set()
        placing = self._layout.relative(path.with_suffix(".fws")) in self._unfinished
        try:
            for kind, sentence in record_defects(self._layout, path, entry):
                if kind is DefectKind.STRANGERS and not placing:
                    broken = sentence
                else:
                    odd.append(sentence)
                    kinds.add(kind)
        except CorruptFile as error:
            broken = str(error).removeprefix(f"{path}: ")
        except StorageUnavailable as error:
            odd.append(str(error).removeprefix(f"{path}: "))
            kinds.add(DefectKind.BROKEN)
        if broken:
            yield self._step(path, f"{broken.rstrip('.')}{self._moved(path)}")
            self._lose(path, newest)
            return
        if DefectKind.DISORDER in kinds and kinds <= {DefectKind.DISORDER, DefectKind.COUNT}:
            original = self._layout.relative(self._reorder(path, entry))
            yield self._step(
                path,
                f"{' '.join(odd).rstrip('.')}; put in order, each id once; what it was is in {original}.",
            )
            return
        for sentence in odd:
            yield self._step(path, f"{sentence.rstrip('.')}; left, as its journal line proves it.", left=True)
        if newest and (entry.bytes, entry.crc32, entry.ending) != (newest.bytes, newest.crc32, newest.ending):
            yield self._step(
                path, f"is as the journal line of {entry.ended_at} says; nothing newer is proved."
            )
            self._restate(entry)

    def _reorder(self, path: Path, entry: Entry) -> Path:
        """Put a file in order. Its journal line is written first: a crash must not leave it unproved."""
        draft, state = draft_in_order(self._layout, path)
        first, last = entry.first_id, entry.last_id
        if path.suffix == ".twt":
            ids = [int(record_id_in(draft, line)) for line in read_lines(draft)]
            first, last = str(ids[0]), str(ids[-1])
        self._restate(
            msgspec.structs.replace(
                entry,
                lines=state.lines,
                bytes=state.size,
                crc32=f"{state.crc:08x}",
                first_id=first,
                last_id=last,
            )
        )
        entry = self._restated[-1]
        self._write(1)
        original = place(self._layout, path, draft)
        self._announce([entry])  # a sink that was notified earlier may have read the old file
        return original

    def _cut(self, path: Path, proof: Proof) -> str:
        where = "before" if proof.offset else "behind"
        original = self._layout.relative(cut(self._layout, path, proof))
        spare = proof.size - proof.entry.bytes
        return f"{spare} bytes {where} those of its journal line are cut off; all of it is in {original}."

    def _moved(self, path: Path) -> str:
        return f"; set aside as {self._layout.relative(set_aside(self._layout, path))}."

    def _lose(self, path: Path, newest: Entry | None) -> None:
        """Record that a file is lost, with the depth for crawling its target again."""
        if newest is None:
            siblings = (
                self._lines.get(self._layout.relative(path.with_suffix(f".{ext}"))) for ext in EXTENSIONS
            )
            depth = next((lines[0].depth for lines in siblings if lines), self._depth)
            newest = Entry(
                file=self._layout.relative(path),
                module=downloads(path.suffix[1:]),
                user_id=path.stem,
                began_at=self._now,
                ended_at=self._now,
                ending=Ending.LOST,
                depth=depth,
                worker=self._worker,
            )
        self._restate(msgspec.structs.replace(newest, lines=0, bytes=0, crc32="00000000", ending=Ending.LOST))

    def _restate(self, entry: Entry) -> None:
        """Record an older entry as valid again; its cost is not counted twice."""
        self._restated.append(
            msgspec.structs.replace(
                entry, requests=0, cost_usd=0.0, received=0, worker=self._worker, repaired_at=self._now
            )
        )

    def _write(self, least: int) -> None:
        if len(self._restated) < least:
            return
        self._announce(self._restated)
        reach("repair.files_done")
        journal = Journal(self._layout.journal(_PROCESS), repairing=True)
        try:
            journal.append(*self._restated)
        finally:
            journal.close()
        self._restated = []

    def _step(self, path: Path, sentence: str, *, left: bool = False) -> Step:
        defect = file_defect(self._layout, path, sentence)
        return Step(file=defect.file, sentence=defect.sentence, left=left)
