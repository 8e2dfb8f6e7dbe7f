"""Tokens: read, named, and never shown."""

from pathlib import Path

import pytest

from twittomatic.errors import SettingsError
from twittomatic.fetch.credentials import Credential, Credentials

SECRET = "AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0%2BuSeid%2BULvsea4JtiGRiSDSJSI%3D"


def tokens(text: str) -> list[str]:
    return [credential.token for credential in Credentials.load(text)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.touch(mode=0o600)
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" , ,", []),
        ("a", ["a"]),
        (" a , b,c ", ["a", "b", "c"]),
        ("b,a,b", ["b", "a"]),
        (SECRET, [SECRET]),
    ],
)
def test_a_list(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected
    assert len(Credentials.load(text)) == len(expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", []),
        ("a\nb\n", ["a", "b"]),
        ("# the first app\n  a  \n\n#b\r\nc", ["a", "c"]),
        ("a\na\n", ["a"]),
        ("a,b\n", ["a,b"]),
    ],
)
def test_a_file(file: Path, content: str, expected: list[str]) -> None:
    file.write_text(content)
    assert tokens(f"@{file}") == expected


def test_a_file_in_the_home_directory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(file.parent))
    file.write_text("a")
    assert tokens("@~/tokens") == ["a"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o444, 0o666, 0o777])
def test_a_file_that_others_can_read_is_refused(file: Path, mode: int) -> None:
    file.write_text(SECRET)
    file.chmod(mode)
    with pytest.raises(SettingsError, match=f"chmod 600 {file}") as caught:
        tokens(f"@{file}")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700, 0o611])
def test_a_file_that_others_cannot_read_is_fine(file: Path, mode: int) -> None:
    file.write_text("a")
    file.chmod(mode)
    assert tokens(f"@{file}") == ["a"]


@pytest.mark.parametrize("name", ["none", "", "a\0b", "file/below"])
def test_a_file_that_cannot_be_read(file: Path, name: str) -> None:
    (file.parent / "file").touch(mode=0o600)
    with pytest.raises(SettingsError, match=r"X_BEARER_TOKENS: .* cannot be read"):
        tokens(f"@{file.parent}/{name}")


def test_a_home_that_does_not_exist() -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        tokens("@~no-such-user-here/tokens")


@pytest.mark.parametrize(
    "bad", [f"{SECRET} x", f"{SECRET}\tx", f"{SECRET}é", f"{SECRET}\x00", "\ufeff" + SECRET]
)
def test_what_no_token_can_hold(file: Path, bad: str) -> None:
    """A header would carry the rest of it elsewhere, or nowhere."""
    with pytest.raises(SettingsError, match="token 2") as caught:
        tokens(f"a,{bad}")
    assert SECRET not in str(caught.value)

    file.write_text(f"a\n{bad}\n")
    with pytest.raises(SettingsError, match="line 2 of") as caught:
        tokens(f"@{file}")
    assert SECRET not in str(caught.value)


def test_a_file_of_bytes(file: Path) -> None:
    file.write_bytes(b"\xff\xfe" + SECRET.encode("utf-16-le"))
    with pytest.raises(SettingsError, match="line 1"):
        tokens(f"@{file}")


def test_a_file_that_begins_with_a_mark_of_its_editor(file: Path) -> None:
    file.write_text(f"{SECRET}\n", encoding="utf-8-sig")
    with pytest.raises(SettingsError, match=f"line 1 of {file} starts with a byte order mark") as caught:
        tokens(f"@{file}")
    assert SECRET not in str(caught.value)


def test_a_file_that_is_too_long_is_not_cut(file: Path) -> None:
    comments = "#".ljust(1023) + "\n"
    file.write_text(comments * 1023 + SECRET.ljust(1023) + "\n")
    assert tokens(f"@{file}") == [SECRET]
    file.write_text(comments * 1023 + "#".ljust(1000) + "\n" + SECRET + "\n")
    with pytest.raises(SettingsError, match=f"{file} is larger than 1 MiB, which ends in its line 1025"):
        tokens(f"@{file}")


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_only_the_end_of_a_line_ends_it(file: Path, mark: str) -> None:
    """Or the rest of a badly pasted line would be sent as a token."""
    file.write_text(f"a\n{SECRET}{mark}b\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=f"line 2 of {file} is not a token"):
        tokens(f"@{file}")


def test_a_credential_is_named_by_the_hash_of_its_token() -> None:
    """So it has the same name on every machine, which reveals nothing about the token."""
    assert Credential.of("token").name == "app-3c469e9d"
    assert Credential.of(SECRET) == Credential.of(SECRET)
    assert Credential.of("a").name != Credential.of("b").name
    name = Credential.of(SECRET).name
    assert not any(part in SECRET for part in (name, name.removeprefix("app-")))


def test_no_token_is_shown() -> None:
    credentials = Credentials.load(f"{SECRET},other")
    [first, second] = credentials
    for text in (repr(first), str(first), f"{first}", repr(credentials), str([*credentials])):
        assert SECRET not in text
    assert first.name in repr(credentials)
    assert second.name in repr(credentials)
