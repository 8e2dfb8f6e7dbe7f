"""Jobs that are cancelled while a thread works on their files leave no descriptor and no part file behind."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from twittomatic.clock import VirtualClock
from twittomatic.model import Checkpoint, FileState, Job, Module
from twittomatic.modules.analyzer import _Analysis
from twittomatic.modules.context import Context
from twittomatic.modules.pager import ListSpec, Pager
from twittomatic.modules.threads import to_thread_shielded
from twittomatic.networks.base import Page
from twittomatic.storage import part as parts
from twittomatic.storage.formats import member, read_ids
from twittomatic.storage.part import PartFile
from twittomatic.storage.paths import Layout

BOTH = ("usr", "fws")


class Gate:
    """Holds up every sync of a file, until it is let through."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, descriptor: int) -> None:
        self.reached.set()
        assert self.opened.wait(60)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Gate]]:
    """Make a gate in front of `fsync`."""
    made: list[Gate] = []

    def make() -> Gate:
        made.append(Gate())
        monkeypatch.setattr(parts.os, "fsync", made[-1])
        return made[-1]

    yield make
    for one in made:
        one.opened.set()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "data", tmp_path / "data" / ".tmp")
    layout.prepare()
    return layout


def context_of(layout: Layout) -> Context:
    async def give_up(permit: object) -> None: ...

    tools = SimpleNamespace(
        crawl="c",
        layout=layout,
        clock=VirtualClock(),
        fetcher=SimpleNamespace(give_up=give_up),
        now=lambda: "2026-01-01T00:00:00Z",
    )
    return cast("Context", tools)


def job_with(layout: Layout, module: Module, *extensions: str) -> Job:
    """Return a job that an attempt before left with part files."""
    files = {}
    for ext in extensions:
        with PartFile.begin(layout.part("c", "before", ext)) as file:
            files[ext] = file.append(member([b'{"id":"1"}' if ext == "usr" else b"1"]), 1)
    checkpoint = Checkpoint(part="before", files=files, token="t", requests=1)
    return Job(entry="1-1", module=module, user_id="7", depth=0, consumer="w", checkpoint=checkpoint)


def listing() -> ListSpec:
    return ListSpec(
        ask=lambda token, size: pytest.fail("nothing is asked"),
        page_size=1000,
        split=lambda ids, records: {"fws": [one.encode() for one in ids], "usr": records},
        known=lambda part: list(read_ids(part.path, size=part.state.size)),
        keyed="fws",
    )


def descriptors(layout: Layout) -> list[str]:
    """Return the open files of the dataset."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(entry.readlink()))
        except OSError:  # the directory that is listed
            continue
    return [path for path in found if path.startswith(str(layout.output))]


async def cancelled(work: Any, gate: Gate, *, times: int = 1) -> None:
    """Cancel a job while it stands at the gate, so many times, then open the gate and wait for the job."""
    task = asyncio.ensure_future(work)
    while not gate.reached.is_set():
        await asyncio.sleep(0)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done(), "it left its thread alone"
    gate.opened.set()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("times", [1, 2])
async def test_a_take_over_that_is_cancelled_leaves_nothing_open(
    layout: Layout, gate: Callable[[], Gate], times: int
) -> None:
    job = job_with(layout, Module.FOLLOWER, *BOTH)
    files = set(layout.temporary.rglob("*"))
    for _ in range(5):
        await cancelled(Pager(context_of(layout), job, listing(), BOTH).run(), gate(), times=times)
    assert descriptors(layout) == []
    assert set(layout.temporary.rglob("*")) == files, "the predecessor's alone"


async def test_an_analysis_that_is_cancelled_leaves_nothing_open(
    layout: Layout, gate: Callable[[], Gate]
) -> None:
    job = job_with(layout, Module.ANALYZER, "usr")
    files = set(layout.temporary.rglob("*"))
    await cancelled(_Analysis(context_of(layout), job)._look_up(["1"]), gate())
    assert descriptors(layout) == []
    assert set(layout.temporary.rglob("*")) == files


async def test_a_page_that_is_written_when_its_job_is_cancelled_is_written_to_its_end(
    layout: Layout, gate: Callable[[], Gate]
) -> None:
    paging = Pager(context_of(layout), job_with(layout, Module.FOLLOWER, *BOTH), listing(), BOTH)
    paging._open()
    held = gate()
    fetched = cast("Any", SimpleNamespace(page=Page(ids=["2"], records=[b'{"id":"2"}'])))
    await cancelled(to_thread_shielded(paging._write, fetched), held)
    assert {ext: part.state.lines for ext, part in paging._parts.items()} == {"fws": 2, "usr": 2}
    for part in paging._parts.values():
        part.close()


def test_a_file_is_closed_after_what_is_being_written(layout: Layout, gate: Callable[[], Gate]) -> None:
    """Its descriptor's number may be another file's the moment it is closed."""
    part = PartFile.begin(layout.part("c", "one", "fws"))
    held = gate()
    done: list[FileState] = []
    writing = threading.Thread(target=lambda: done.append(part.append(member([b"1"]), 1)))
    writing.start()
    assert held.reached.wait(60)
    closing = threading.Thread(target=part.close)
    closing.start()
    os.fstat(part._descriptor)
    held.opened.set()
    for thread in (writing, closing):
        thread.join(60)
    assert [state.lines for state in done] == [1]
    with pytest.raises(ValueError, match="closed"):
        part.append(member([b"2"]), 1)


async def test_what_the_work_raises_is_raised_unless_the_job_is_cancelled(gate: Callable[[], Gate]) -> None:
    with pytest.raises(ZeroDivisionError):
        await to_thread_shielded(lambda: 1 // 0)
    held = Gate()

    def fails() -> None:
        held(0)
        raise ZeroDivisionError

    await cancelled(to_thread_shielded(fails), held)
