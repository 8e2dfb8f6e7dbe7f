"""`verify` beside a crawl at work: nothing is accused that a commit in progress explains."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from twittomatic.cli.commands import cli
from twittomatic.errors import StorageUnavailable
from twittomatic.model import Ending, Module
from twittomatic.storage.commit import commit
from twittomatic.storage.formats import member
from twittomatic.storage.journal import Entry, Journal
from twittomatic.storage.lock import Activity, activity_in, exclusive
from twittomatic.storage.part import PartFile
from twittomatic.storage.paths import Layout
from twittomatic.storage.verify import FileDefect, verify


@dataclass(frozen=True)
class Watched(Layout):
    """A layout that calls back at each file that is listed, and when all are."""

    at_file: Callable[[Path], None] = lambda path: None
    at_end: Callable[[], None] = lambda: None

    def files(self, ext: str) -> Iterator[Path]:
        for path in super().files(ext):
            self.at_file(path)
            yield path

    def strays(self) -> Iterator[Path]:
        yield from super().strays()
        self.at_end()


class Crawl:
    """Places files as a worker does: first the file, then its line."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.journal = Journal(layout.journal("w"))
        self.second = 0

    def place(self, user_id: str, ext: str, *lines: bytes) -> Entry:
        """Commit a file and return the line that is to be written about it."""
        part, final = self.layout.part("c", f"{user_id}-{self.second}", ext), self.layout.file(user_id, ext)
        with PartFile.begin(part) as file:
            file.append(member(lines, at=1_700_000_000 + self.second), len(lines))
            state = file.state
        commit(part, final)
        self.second += 1
        moment = f"2026-01-01T{self.second // 3600:02}:{self.second // 60 % 60:02}:{self.second % 60:02}Z"
        return Entry(
            file=self.layout.relative(final),
            module=Module.FOLLOWER,
            user_id=user_id,
            lines=state.lines,
            bytes=state.size,
            crc32=f"{state.crc:08x}",
            began_at=moment,
            ended_at=moment,
            ending=Ending.COMPLETE,
            worker="w",
        )

    def store(self, user_id: str, ext: str, *lines: bytes) -> None:
        self.journal.append(self.place(user_id, ext, *lines))


@contextmanager
def crawling(layout: Layout) -> Iterator[Crawl]:
    crawl = Crawl(layout)
    try:
        yield crawl
    finally:
        crawl.journal.close()


def check(layout: Layout, **hooks: Callable[..., None]) -> tuple[list[str], list[str]]:
    """Verify; return what is accused, and what is held."""
    watched = Watched(layout.output, layout.temporary, **hooks)
    problems = list(verify(watched))

    def texts(held: bool) -> list[str]:
        return [f"{one.file}: {one.sentence}" for one in problems if one.in_progress is held]

    return texts(held=False), texts(held=True)


def once(action: Callable[[], object]) -> Callable[..., None]:
    """Return a hook that acts the first time it is called."""
    done: list[object] = []

    def hook(*_: object) -> None:
        if not done:
            done.append(1)
            action()

    return hook


def profile(user_id: int) -> bytes:
    return b'{"id":"%d"}' % user_id


def test_what_is_committed_while_it_verifies_is_no_problem(layout: Layout) -> None:
    with crawling(layout) as crawl:
        crawl.store("22", "fws", b"1", b"2")
        crawl.store("22", "usr", profile(1))

        def go_on() -> None:
            crawl.store("22", "fws", b"3", b"1")
            crawl.store("22", "usr", profile(3))
            crawl.store("33", "fws", b"7")
            crawl.store("33", "twt", profile(7))

        assert check(layout, at_file=once(go_on)) == ([], [])


def test_a_line_that_comes_before_the_end_clears_its_file(layout: Layout) -> None:
    with crawling(layout) as crawl:
        crawl.store("22", "usr", profile(1))
        list_line = crawl.place("22", "fws", b"1")
        again = crawl.place("22", "usr", profile(1), profile(2))
        lines = [list_line, again, crawl.place("22", "fws", b"1", b"2"), crawl.place("44", "twt")]
        assert check(layout, at_end=once(lambda: crawl.journal.append(*lines))) == ([], [])


def test_what_a_crawl_at_work_has_not_proved_yet_is_held(layout: Layout) -> None:
    with crawling(layout) as crawl:
        crawl.store("22", "fws", b"1", b"2")
        crawl.place("22", "fws", b"1", b"2", b"3")
        crawl.place("33", "usr", profile(1))
        with layout.journal("w").open("ab") as file:
            file.write(b'{"file":"44')
        accused, held = check(layout)
        assert accused == []
        files = dict.fromkeys(text.partition(":")[0] for text in held)
        assert list(files) == ["22/22.fws", "33/33.usr", "journal/w.jsonl"]
    accused_after, held_after = check(layout)
    assert (sorted(accused_after), held_after) == (sorted(held), [])


def test_no_crawl_at_work_explains_what_is_broken_or_missing(layout: Layout) -> None:
    with crawling(layout) as crawl:
        crawl.store("22", "fws", b"1")
        crawl.store("33", "fws", b"1", b"1")
        crawl.place("44", "twt", b"no post")
        crawl.store("55", "fws", b"1")
        crawl.store("55", "twt", profile(1))
        layout.file("22", "fws").unlink()
        broken = layout.file("55", "fws")
        broken.write_bytes(broken.read_bytes()[:-1])
        with layout.journal("x").open("ab") as file:
            file.write(b"foreign\n")
        accused, held = check(layout, at_file=once(layout.file("55", "twt").unlink))
    text = "\n".join(accused)
    assert "journal/x.jsonl: line 1: the line is not a journal entry" in text
    assert "22/22.fws: missing" in text
    assert "33/33.fws: 1 lines repeat an id." in text
    assert "44/44.twt: line 1 is not a JSON object" in text
    assert "55/55.fws: the gzip data is cut off." in text
    assert "55/55.twt: missing" in text
    assert held == []


def test_a_file_without_a_line_is_a_problem_when_no_crawl_runs(layout: Layout) -> None:
    with crawling(layout) as crawl:
        crawl.place("22", "fws", b"1")
    assert check(layout) == (["22/22.fws: has no line in the journal."], [])


def test_a_crawl_that_ends_meanwhile_has_written_what_it_will_write(layout: Layout) -> None:
    crawl = Crawl(layout)
    line = crawl.place("22", "fws", b"1")
    crawl.place("33", "fws", b"1")

    def end() -> None:
        crawl.journal.append(line)
        crawl.journal.close()

    assert check(layout, at_end=once(end)) == (["33/33.fws: has no line in the journal."], [])


def test_a_busy_crawl_is_never_accused(layout: Layout) -> None:
    """Some hundred commits, new lists and replaced ones, while the dataset is verified again and again."""
    accused: list[FileDefect] = []
    with crawling(layout) as crawl:

        def work() -> None:
            for turn in range(60):
                user_id = str(10 + turn % 20)
                records = [profile(number) for number in range(turn + 1, 0, -1)]
                entries = [
                    crawl.place(user_id, "usr", *records),
                    crawl.place(user_id, "fws", *[b"%d" % number for number in range(1, turn + 2)]),
                    crawl.place(user_id, "twt", *records),
                ]
                crawl.journal.append(*entries)

        worker = threading.Thread(target=work)
        worker.start()
        while worker.is_alive():
            accused += [problem for problem in verify(layout) if not problem.in_progress]
        worker.join()
        assert accused == []
        assert check(layout) == ([], [])


def test_the_lock_shows_which_processes_run(layout: Layout) -> None:
    assert activity_in(layout.output) is Activity.NOBODY
    assert not (layout.output / ".lock").exists(), "looking changes nothing"
    with crawling(layout), crawling(Layout(layout.output, layout.temporary)):
        assert activity_in(layout.output) is Activity.CRAWL
    assert activity_in(layout.output) is Activity.NOBODY
    with exclusive(layout.output):
        assert activity_in(layout.output) is Activity.REPAIR
        with pytest.raises(StorageUnavailable, match="--repair` is running"):
            list(verify(layout))
    assert list(verify(layout)) == []


def test_checking_for_other_processes_turns_none_away(layout: Layout) -> None:
    """`work_on` has the lock for an instant, and a worker or a repair that starts then waits for it."""
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            activity_in(layout.output)

    with exclusive(layout.output):
        pass
    looker = threading.Thread(target=look)
    looker.start()
    try:
        for _ in range(200):
            with exclusive(layout.output):
                pass
            with crawling(layout):
                pass
    finally:
        stop.set()
        looker.join()


def test_checking_processes_do_not_mistake_each_other_for_a_server(layout: Layout) -> None:
    with crawling(layout):
        pass
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: activity_in(layout.output), range(2000)))
    assert set(found) == {Activity.NOBODY}


def test_the_command_names_what_is_held_and_is_content(layout: Layout) -> None:
    with crawling(layout) as crawl:
        crawl.store("22", "fws", b"1", b"2")
        crawl.place("33", "fws", b"1")
        done = CliRunner().invoke(cli, ["verify", "--output-directory", str(layout.output)])
    assert done.exit_code == 0, done.output
    assert "33/33.fws: has no line in the journal. A crawl is at work on it." in done.stderr
    assert done.stdout == "All else is as the journal says. Files: 1. Records: 2.\n"
    again = CliRunner().invoke(cli, ["verify", "--output-directory", str(layout.output)])
    assert (again.exit_code, again.stdout) == (1, "33/33.fws: has no line in the journal.\n")
    layout.file("33", "fws").unlink()
    done = CliRunner().invoke(cli, ["verify", "--output-directory", str(layout.output)])
    assert done.stdout == "All is as the journal says. Files: 1. Records: 2.\n"


def test_a_repair_beside_a_crawl_is_refused(layout: Layout, tmp_path: Path) -> None:
    with crawling(layout) as crawl:
        crawl.place("33", "fws", b"1")
        before = sorted(path for path in layout.output.rglob("*") if path.is_file())
        done = CliRunner().invoke(
            cli,
            ["verify", "--repair", "--output-directory", str(layout.output)],
            env={"TWITTOMATIC_STATE_DIRECTORY": str(tmp_path / "state")},
        )
        assert sorted(path for path in layout.output.rglob("*") if path.is_file()) == before
    assert done.exception or done.exit_code
    assert "is running on this dataset" in f"{done.output}{done.exception}"
