"""The store: newest wins, nothing is forgotten, and no kill, full disk or other version spoils it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

from twittomatic.errors import SettingsError, StorageUnavailable
from twittomatic.sinks.lookup.store import ProfileStore, Sighting

DAY = 86_400


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ProfileStore]:
    store = ProfileStore(tmp_path / "store")
    yield store
    store.close()


def seen(user_id: int, name: str, day: int, record: bytes = b"{}") -> Sighting:
    return Sighting(user_id, name, day * DAY, record)


def test_an_older_profile_never_overwrites_a_newer_one(store: ProfileStore) -> None:
    new, old = seen(1, "ann", 9, b'{"id":"1","new":1}'), seen(1, "old", 3, b'{"id":"1","old":1}')
    assert store.add([new]) == 1
    assert store.add([old]) == 1  # for the name
    [known] = store.users([1])
    assert known is not None
    assert (known.at, known.record) == (9 * DAY, new.record)
    assert [one.name for one in known.names] == ["old", "ann"]
    assert store.add([new, old, new]) == 0
    assert store.count() == 1


def test_a_name_finds_all_its_owners_latest_first(store: ProfileStore) -> None:
    store.add([seen(1, "Star", 1), seen(2, "star", 9), seen(3, "STAR", 5), seen(1, "gone", 10)])
    assert [known.user_id for known in store.holders("sTAR")] == [2, 3, 1]
    assert store.holders("nobody") == []
    assert store.holders_of(["gone", "x" * 600, ""]) == [store.holders("gone"), [], []]


def test_any_id_and_any_name_has_its_place(store: ProfileStore) -> None:
    names = ["a" * 255, "ü" * 100, "\x00", "名前", "a\u202eb", "a" * 256, ""]
    last = 9_999_999_999_999_999_999
    store.add([seen(last - place, name, 1) for place, name in enumerate(names)])
    for place, name in enumerate(names[:-2]):
        assert [known.user_id for known in store.holders(name)] == [last - place]
    assert store.holders(names[-2]) == []
    assert all(store.users([last - place for place in range(len(names))]))


def test_what_was_read_of_which_crawl_is_remembered(store: ProfileStore) -> None:
    assert not store.has_read("one")
    store.note_read("one")
    store.note_read("one")
    assert (store.has_read("one"), store.has_read("other")) == (True, False)


def test_a_kill_in_the_middle_leaves_whole_transactions(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from twittomatic.sinks.lookup.store import ProfileStore, Sighting\n"
        "def sightings():\n"
        "    for number in range(1, 10**9):\n"
        "        if number % 1000 == 1: print(number, flush=True)\n"
        "        yield Sighting(number, f'u{number}', 1, b'{}')\n"
        "ProfileStore(Path(sys.argv[1])).add(sightings())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "store")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    for _ in range(4):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    store = ProfileStore(tmp_path / "store")
    count = store.count()
    assert count % 1_000 == 0
    assert count >= 3_000
    assert store.holders(f"u{count}")[0].user_id == count
    assert store.holders(f"u{count + 1}") == []
    assert store.add(Sighting(number, f"u{number}", 1, b"{}") for number in range(1, count + 2)) == 1
    store.close()


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    ProfileStore(tmp_path / "store").close()
    env = lmdb.Environment(str(tmp_path / "store"), max_dbs=4)
    with env.begin(write=True) as txn:
        txn.put(b"format", b"0", db=env.open_db(b"meta", txn=txn))
    env.close()
    with pytest.raises(SettingsError, match="another version of Twittomatic wrote this store; remove it"):
        ProfileStore(tmp_path / "store")


def test_a_file_that_is_no_store_is_reported_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageUnavailable, match="file"):
        ProfileStore(tmp_path / "file")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/data.mdb").write_bytes(b"nonsense" * 4096)
    with pytest.raises(StorageUnavailable, match=r"LOOKUP_DIRECTORY .*broken: the store cannot be used"):
        ProfileStore(tmp_path / "broken")


def test_a_missing_library_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(SettingsError, match=r"pip install 'twittomatic\[lookup\]'"):
        ProfileStore(tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_full_volume_loses_nothing_and_continues_when_there_is_room(tmp_path: Path) -> None:
    import resource

    store = ProfileStore(tmp_path / "store")
    store.add([seen(1, "ann", 1)])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "store/data.mdb").stat().st_size, before[1]))
    try:
        with pytest.raises(StorageUnavailable, match="the store cannot be used"):
            store.add(seen(number, f"u{number}", 1, os.urandom(400)) for number in range(2, 2_000))
        assert store.count() == 1
        assert store.holders("ann")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert store.add(seen(number, f"u{number}", 1) for number in range(2, 2_000)) == 1_998
    store.close()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot allocate a file's blocks")
def test_the_lock_file_that_is_mapped_has_all_its_blocks(tmp_path: Path) -> None:
    """Else a volume that is full would end the process with a bus error."""
    ProfileStore(tmp_path).close()
    status = (tmp_path / "lock.mdb").stat()
    assert status.st_blocks * 512 >= status.st_size > 0
