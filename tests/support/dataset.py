"""Makes datasets as a crawl does, and repairs them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from twittomatic.model import Ending, FileState, Module, downloads
from twittomatic.storage.commit import commit, measured
from twittomatic.storage.formats import member
from twittomatic.storage.journal import Entry, Journal
from twittomatic.storage.part import PartFile
from twittomatic.storage.paths import Layout
from twittomatic.storage.repair import Repair, Step
from twittomatic.storage.verify import verify

IDS = [b"%d" % number for number in range(60, 0, -1)]
RECORDS = [b'{"id":"%s"}' % user_id for user_id in IDS]


class DatasetWriter:
    """Stores files as a crawl does, a second apart."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.journal = Journal(layout.journal("w"))
        self.second = 0

    def entry(self, path: Path, state: FileState, **changes: object) -> Entry:
        self.second += 1
        whole = Entry(
            file=self.layout.relative(path),
            module=downloads(path.suffix[1:]),
            user_id=path.stem,
            lines=state.lines,
            bytes=state.size,
            crc32=f"{state.crc:08x}",
            requests=2,
            cost_usd=0.5,
            received=9,
            began_at=f"2026-01-01T00:00:{self.second:02}Z",
            ended_at=f"2026-01-01T00:00:{self.second:02}.100Z",
            ending=Ending.COMPLETE,
            depth=3,
            worker="w",
        )
        return msgspec.structs.replace(whole, **changes)

    def store(self, user_id: str, ext: str, *pages: Sequence[bytes], line: bool = True) -> Path:
        final = self.layout.file(user_id, ext)
        with PartFile.begin(self.layout.part("c", "p", ext)) as part:
            for page in pages:
                part.append(member(page), len(page))
            state = part.state
        commit(part.path, final)
        if line:
            self.journal.append(self.entry(final, state))
        return final

    def update(self, user_id: str, page: Sequence[bytes], line: bool = True) -> Path:
        final = self.layout.file(user_id, "twt")
        with PartFile.begin(self.layout.part("c", "p", "twt")) as part:
            part.append(member(page), len(page))
            state = part.append_file(final, measured(final))
        commit(part.path, final)
        if line:
            self.journal.append(self.entry(final, state, module=Module.UPDATE))
        return final


def repair(layout: Layout, minute: int = 1, **more: object) -> dict[str, str]:
    now = f"2026-02-01T00:{minute:02}:00.000Z"
    return {step.file: step.sentence for step in steps(layout, now=now, **more)}


def steps(layout: Layout, now: str = "2026-02-01T00:01:00.000Z", **more: object) -> list[Step]:
    return list(Repair(layout, now=now, worker="r", **more).run())  # type: ignore[arg-type]


def problems(layout: Layout) -> list[str]:
    return [f"{problem.file}: {problem.sentence}" for problem in verify(layout)]


def aside(layout: Layout) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(layout.quarantine.iterdir())}
