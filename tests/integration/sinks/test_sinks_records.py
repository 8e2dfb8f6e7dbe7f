"""The records that an event refers to, even if the file has changed since."""

import os
from collections.abc import Sequence

import msgspec
import pytest
from consuming import Crawl

from twittomatic.errors import StorageUnavailable
from twittomatic.sinks.records import new_pages
from twittomatic.state.events import FileCommitted
from twittomatic.storage.formats import member

OLD = [b'{"id":"3"}', b'{"id":"2"}', b'{"id":"1"}']
NEW = [b'{"id":"5"}', b'{"id":"4"}']


def read(crawl: Crawl, event: FileCommitted) -> tuple[list[bytes], list[str]]:
    notes: list[str] = []
    return [line for _, lines in new_pages(crawl.layout, event, notes.append) for line in lines], notes


def updated(crawl: Crawl, *pages: Sequence[bytes]) -> FileCommitted:
    """Put posts in front of the old ones, as an update does."""
    old = len(member(OLD))
    return crawl.write(
        "1.twt",
        *pages,
        OLD,
        module="update",
        records=sum(map(len, pages)),
        end=old,
        first_id="5",
        last_id="4",
    )


def test_a_file_that_is_as_it_was_gives_its_new_records_alone(crawl: Crawl) -> None:
    event = updated(crawl, NEW[:1], NEW[1:])
    assert read(crawl, event) == (NEW, [])
    empty = crawl.write("2.fws", [])
    assert read(crawl, empty) == ([], [])


def test_an_update_in_front_does_not_move_what_was_there(crawl: Crawl) -> None:
    first = crawl.write("1.twt", OLD, first_id="3", last_id="1")
    second = updated(crawl, NEW)

    assert read(crawl, first) == (OLD, [])
    assert read(crawl, second) == (NEW, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"begin": 10_000},
        {"begin": 3},
        {"begin": 0, "end": 5},
        {"records": 1},
        {"records": 3},
        {"first_id": "6"},
        {"last_id": "6"},
        {"end": 7},
    ],
)
def test_a_range_that_does_not_check_gives_all_records(crawl: Crawl, changes: dict[str, object]) -> None:
    event = msgspec.structs.replace(updated(crawl, NEW), **changes)
    lines, notes = read(crawl, event)
    assert lines[-5:] == NEW + OLD
    assert notes == []


def test_a_replaced_list_yields_its_new_content(crawl: Crawl) -> None:
    event = crawl.write("1.fws", [b"1", b"2"], first_id="1", last_id="2")
    crawl.write("1.fws", [b"7", b"8", b"9"])
    assert read(crawl, event) == ([b"7", b"8", b"9"], [])


def test_a_missing_file_is_reported(crawl: Crawl) -> None:
    event = crawl.write("1.fws", [b"1"])
    (crawl.layout.output / event.file).unlink()
    lines, [note] = read(crawl, event)
    assert lines == []
    assert note.endswith("1.fws: the file has been deleted since it was committed.")
    (crawl.layout.output / event.file).parent.rmdir()
    assert len(read(crawl, event)[1]) == 1


def test_a_torn_file_yields_its_whole_records_and_is_reported(crawl: Crawl) -> None:
    event = crawl.write("1.usr", OLD, NEW)
    path = crawl.layout.output / event.file
    path.write_bytes(path.read_bytes()[:-5])

    lines, [note] = read(crawl, event)

    assert lines[: len(OLD)] == OLD
    assert "cut off" in note
    assert "verify" in note
    path.write_bytes(b"nonsense")
    assert read(crawl, event)[0] == []


def test_a_dataset_that_is_not_mounted_is_waited_for(crawl: Crawl) -> None:
    event = crawl.write("1.fws", [b"1"])
    crawl.layout.output.rename(crawl.layout.output.with_name("elsewhere"))
    with pytest.raises(StorageUnavailable, match="OUTPUT_DIRECTORY"):
        read(crawl, event)
    crawl.layout.output.mkdir()
    with pytest.raises(StorageUnavailable, match="OUTPUT_DIRECTORY"):
        read(crawl, event)


def test_a_file_that_cannot_be_read_for_the_moment_is_waited_for(crawl: Crawl) -> None:
    event = crawl.write("1.fws", [b"1"])
    path = crawl.layout.output / event.file
    path.unlink()
    path.mkdir()  # as root, no permission stops us
    with pytest.raises(StorageUnavailable):
        read(crawl, event)


@pytest.mark.parametrize("file", ["../../etc/passwd", "1/1.txt", "/etc/passwd", "1/2.fws", "", "1/1.fws/x"])
def test_only_dataset_files_are_opened(crawl: Crawl, file: str) -> None:
    event = FileCommitted(file=file, module="follower", user_id="1", records=1, begin=1)
    assert read(crawl, event) == ([], [f"An event names {file!r}, which is not a file of the dataset."])


def test_a_record_that_is_no_json_is_no_match(crawl: Crawl) -> None:
    event = crawl.write("1.twt", [b"nonsense"], first_id="1", last_id="1")
    assert read(crawl, event)[0] == [b"nonsense"]


@pytest.mark.timeout(30)
def test_a_pipe_in_place_of_a_file_does_not_block(crawl: Crawl) -> None:
    event = crawl.write("1.fws", [b"1"])
    path = crawl.layout.file("1", "fws")
    path.unlink()
    os.mkfifo(path)
    lines, [note] = read(crawl, event)
    assert lines == []
    assert note.startswith(f"{path}: is no regular file.")
