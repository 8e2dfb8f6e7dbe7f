"""Files that the user names: what is written, what is followed, what is refused."""

import os
import stat
from pathlib import Path

import pytest

from twittomatic.cli.outputfile import is_stdout, written
from twittomatic.errors import SettingsError, StorageUnavailable


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def write(name: object, data: bytes = b"new") -> None:
    with written(str(name)) as file:
        file.write(data)


def test_a_new_file_is_there_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    with written(str(path)) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == [path.name]


def test_what_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), written(str(path)) as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["f"]


def test_a_regular_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write(path)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o640)


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed_and_stays(tmp_path: Path, there: bool) -> None:
    (tmp_path / "inner").mkdir()
    target, link = tmp_path / "inner" / "real", tmp_path / "link"
    if there:
        target.write_bytes(b"old")
    link.symlink_to("inner/real")
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_pipe_gets_the_bytes_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(pipe)
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    with pytest.raises(StorageUnavailable, match="nothing reads this pipe yet"):  # not waited for
        write(pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_is_written_in_place(tmp_path: Path) -> None:
    device, link = tmp_path / "full", tmp_path / "link"
    try:  # never the machine's own: a mistake here would replace it
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 7))
        device.open("wb").close()
    except PermissionError:
        pytest.skip("this user can make no device")
    link.symlink_to("full")
    for path in (device, link):
        with pytest.raises(StorageUnavailable, match="No space left"):
            write(path)
    assert stat.S_ISCHR(device.stat().st_mode)
    assert names(tmp_path) == ["full", "link"]


@pytest.mark.parametrize("name", ["-", "fd"])
def test_standard_output_is_streamed_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fd").symlink_to("/proc/self/fd/1")
    assert is_stdout(name)
    write(name)
    assert capfdbinary.readouterr().out == b"new"
    assert names(tmp_path) == ["fd"]


def test_a_read_only_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_bytes(b"old")
    path.chmod(0o400)
    with pytest.raises(StorageUnavailable, match="read-only"):
        write(path)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"old", 0o400)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "/", "d", "d/", "f/", "f/below", "none/below", "x" * 300, "a\0b", "loop"]
)
def test_what_is_no_file_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "f").write_bytes(b"old")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    with pytest.raises((SettingsError, StorageUnavailable)) as refused:
        write(name)
    assert str(refused.value).endswith(".")
    assert names(tmp_path) == ["d", "f", "loop"]
    assert (tmp_path / "f").read_bytes() == b"old"


def test_a_removed_directory_is_named_as_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(StorageUnavailable, match="No such file or directory"):
        write("f")
