import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from twittomatic.emulator.world.graph import GraphWorld

LARGEST = 10**19 - 1


def read(path: Path, text: str, packer: Callable[[bytes], bytes] = bytes) -> GraphWorld:
    path.write_bytes(packer(text.encode()))
    return GraphWorld.read(path)


@pytest.mark.parametrize("packer", [bytes, gzip.compress])
def test_followers_come_in_file_order(tmp_path: Path, packer: Callable[[bytes], bytes]) -> None:
    text = f"# a comment\n\n0 7\n0 {LARGEST}\n0\t3\r\n5 0\n0 7\n"
    world = read(tmp_path / "graph", text, packer)
    assert list(world.followers(0, 0, 10)) == [7, LARGEST, 3]
    assert list(world.followers(0, 1, 2)) == [LARGEST]
    assert world.follower_count(0) == 3
    assert list(world.following(0, 0, 10)) == [5]
    assert list(world.user_ids) == [0, 3, 5, 7, LARGEST]
    user = world.user(LARGEST)
    assert user is not None
    assert user.status == "active"
    assert user.fields["public_metrics"]["following_count"] == 1
    assert world.all_followers(0) == [7, LARGEST, 3]
    assert world.all_following(7) == [0]


@pytest.mark.parametrize(
    "line", ["1", "1 2 3", "a b", "-1 2", "1.5 2", "12345678901234567890 1", "1,2", "١ ٢", "1 2 # why"]
)
def test_a_bad_line_is_named_with_file_and_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "graph"
    with pytest.raises(ValueError, match=r"graph, line 3: expected two user ids") as error:
        read(path, f"1 2\n\n{line}\n")
    assert str(path) in str(error.value)


def test_a_broken_gzip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "graph.gz"
    path.write_bytes(gzip.compress(b"1 2\n" * 1000)[:-12])
    with pytest.raises(ValueError, match=r"graph\.gz: broken gzip"):
        GraphWorld.read(path)


def test_names_find_their_owners() -> None:
    world = GraphWorld([(1, 2), (900, 3)])
    for user_id in world.user_ids:
        user = world.user(user_id)
        assert user is not None
        assert world.user_by_name(user.username.upper()) == user
    assert world.user_by_name("nobody_z") is None


def test_a_test_may_decide_fates_and_numbers() -> None:
    world = GraphWorld([(1, 2)], statuses={2: "suspended"}, post_counts={1: 3201})
    assert world.all_followers(1) == []
    assert world.follower_count(1) == 1
    assert len(world.all_posts(1)) == 3201
    with pytest.raises(ValueError, match="no user 5"):
        GraphWorld([(1, 2)], statuses={5: "deleted"})


@pytest.mark.parametrize("zipped", [False, True])
def test_a_byte_order_mark_is_no_part_of_a_graph(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "graph.edges"
    content = b"\xef\xbb\xbf1 2\r\n1 3\r\n"
    path.write_bytes(gzip.compress(content) if zipped else content)
    assert GraphWorld.read(path).follower_count(1) == 2
