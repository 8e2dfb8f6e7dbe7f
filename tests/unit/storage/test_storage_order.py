"""The order of timelines: found by reading, made by sorting."""

from collections.abc import Callable
from pathlib import Path

import pytest

from twittomatic.errors import CorruptFile
from twittomatic.storage.formats import member, read_pages
from twittomatic.storage.order import Order, append_in_order, order_at_front, order_of
from twittomatic.storage.part import PartFile


def posts(*ids: int) -> list[bytes]:
    return [b'{"id":"%d"}' % number for number in ids]


@pytest.mark.parametrize(
    ("pages", "newest", "kept"),
    [
        ([], None, True),
        ([[]], None, True),
        ([[7]], "7", True),
        ([[9, 8], [7]], "9", True),
        ([[8, 9]], "9", False),
        ([[3], [9, 8]], "9", False),
        ([[9, 9]], "9", False),
        ([[10, 9]], "10", True),
    ],
)
def test_the_order_is_that_of_numbers(
    tmp_path: Path, pages: list[list[int]], newest: str | None, kept: bool
) -> None:
    path = tmp_path / "1.twt"
    path.write_bytes(b"".join(member(posts(*page)) for page in [[], *pages]))
    order = order_of(path)
    assert (order.newest, order.kept) == (newest, kept)


@pytest.mark.parametrize(
    ("pages", "newest", "kept"),
    [
        ([], None, True),
        ([[7]], "7", True),
        ([[], [], [9, 8], [7]], "9", True),
        ([[3], [9, 8]], "3", True),
        ([[1, 9, 8], [20]], "20", False),
        ([[9, 9], [8]], "9", False),
        ([list(range(50_000, 0, -1))], "50000", True),
        ([[*range(50_000, 0, -1), 60_000]], "60000", False),
    ],
)
def test_the_order_at_the_front_is_that_of_the_first_page_with_posts(
    tmp_path: Path, pages: list[list[int]], newest: str | None, kept: bool
) -> None:
    path = tmp_path / "1.twt"
    path.write_bytes(b"".join(member(posts(*page)) for page in [[], *pages]))
    order = order_at_front(path)
    assert (order.newest, order.kept) == (newest, kept)


def test_nothing_behind_a_first_page_in_order_is_read(tmp_path: Path) -> None:
    path = tmp_path / "1.twt"
    path.write_bytes(member(posts(9, 8)) + b"nonsense")
    assert order_at_front(path).newest == "9"


@pytest.mark.parametrize("order", [order_of, order_at_front])
def test_a_missing_timeline_has_no_posts(tmp_path: Path, order: Callable[[Path], Order]) -> None:
    assert order(tmp_path / "1.twt").newest is None


def test_posts_are_sorted_once_each_and_keep_their_times(tmp_path: Path) -> None:
    source, path = tmp_path / "source", tmp_path / "part"
    pages = [(3, [5, 20]), (4, [30, 10, 5]), (5, [9])]
    source.write_bytes(b"".join(member(posts(*ids), at=at) for at, ids in pages) + b"torn")
    with PartFile.begin(path) as part:
        part.append(member(posts(99), at=9), 1)
        state = append_in_order(part, source, size=source.stat().st_size - 4)
    assert list(read_pages(path)) == [
        (9, posts(99)),
        (4, posts(30)),
        (3, posts(20)),
        (4, posts(10)),
        (5, posts(9)),
        (3, posts(5)),
    ]
    assert (state.lines, state.size) == (6, path.stat().st_size)


def test_a_source_that_is_gone_is_corrupt_as_a_checkpoint_counts_on_it(tmp_path: Path) -> None:
    with PartFile.begin(tmp_path / "part") as part, pytest.raises(CorruptFile, match="missing"):
        append_in_order(part, tmp_path / "gone")


@pytest.mark.parametrize("line", [b"nonsense", b"{}", b"\xff"])
def test_a_line_that_is_no_post_is_corrupt(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "1.twt"
    path.write_bytes(member([line]))
    with pytest.raises(CorruptFile, match=r"1\.twt: a line is not a JSON object with an id"):
        order_of(path)


def test_only_posts_before_an_id_are_appended(tmp_path: Path) -> None:
    source, path = tmp_path / "source", tmp_path / "part"
    source.write_bytes(member(posts(30, 20), at=4) + member(posts(5, 10), at=3))
    with PartFile.begin(path) as part:
        state = append_in_order(part, source, before="20")
    assert (list(read_pages(path)), state.lines) == ([(3, posts(10, 5))], 2)
