"""Targets as a user gives them."""

import gzip
import io
import sys
import tracemalloc
from pathlib import Path

import pytest

from twittomatic.errors import SettingsError
from twittomatic.planning import targets, textlines
from twittomatic.planning.userids import UserIds


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(content: bytes | str, column: str | None = None) -> tuple[list[str], list[str]]:
    """Return the ids and names in a file."""
    Path("list").write_bytes(content if isinstance(content, bytes) else content.encode())
    found = targets.read(["list"], column=column)
    return list(found.ids), list(found.names)


def refusal(*arguments: str, column: str | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        targets.read(arguments, column=column)
    return str(caught.value)


def test_ids_names_and_files_each_once(tmp_path: Path) -> None:
    path = tmp_path / "targets"
    path.write_bytes(b"\xef\xbb\xbf12\r\n# nobody\r\n\r\n@Ada # a friend\r\n0012\r\n007\r\n")
    found = targets.read(["7", str(path), "@ADA", "9223372036854775807"])
    assert list(found.ids) == ["7", "12", "9223372036854775807"]
    assert found.names == ["ada"]


@pytest.mark.parametrize(
    ("argument", "ids", "names"),
    [
        ('"@jack"', [], ["jack"]),
        ("“@jack”", [], ["jack"]),
        ("@jack,", [], ["jack"]),
        ("12,@jack, 7,", ["12", "7"], ["jack"]),
        ("\u200b12\ufeff", ["12"], []),
        ("\u2066@jack\u2069\xa0", [], ["jack"]),
        ("@ja\u200bck", [], ["jack"]),
        ("00000000000000000000000000012", ["12"], []),
        ("https://x.com/Jack", [], ["jack"]),
        ("https://twitter.com/jack/", [], ["jack"]),
        ("http://www.twitter.com/jack/status/20", [], ["jack"]),
        ("mobile.twitter.com/jack?lang=en", [], ["jack"]),
        ("https://m.x.com/jack/with_replies#top", [], ["jack"]),
        ("HTTPS://X.COM/@jack", [], ["jack"]),
        ("<https://x.com/%40jack>", [], ["jack"]),
        ("x.com/i/user/0123", ["123"], []),
        ("https://twitter.com/intent/user?user_id=12", ["12"], []),
        ("https://twitter.com/intent/follow?lang=de&screen_name=jack", [], ["jack"]),
    ],
)
def test_targets_as_people_have_them(argument: str, ids: list[str], names: list[str]) -> None:
    found = targets.read([argument])
    assert (list(found.ids), list(found.names)) == (ids, names)
    assert read(f"{argument}\r\n") == (ids, names)


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("", "neither a user id"),
        (",", "neither a user id"),
        ("-1", "neither a user id"),
        ("@", "not a screen name"),
        ("@with space", "not a screen name"),
        ("@name_that_is_too_long", "not a screen name"),
        ("1e5", "spreadsheet"),
        ("1.23457E+17", "spreadsheet"),
        ("123.0", "spreadsheet"),
        ("9223372036854775808", "too large for a user id"),
        ("1" * 5000, "too large for a user id"),
        ("https://x.com/i/user/9223372036854775808", "too large for a user id"),
        ("no/such/file", "nor a file that exists"),
        ("jack", "write @jack"),
        ("seeds.txt", "nor a file that exists"),
        ("12,jack", "write @jack"),
        ("a\0b", "neither a user id"),
        ("x" * 5000, "neither a user id"),
        ("https://x.com/", "not the URL of a user's profile"),
        ("x.com/home", "not the URL of a user's profile"),
        ("https://x.com/i/lists/5", "not the URL of a user's profile"),
        ("https://x.com/jack/lists/friends", "not the URL of a user's profile"),
        ("https://x.com/i/web/status/20", "not the URL of a user's profile"),
        ("https://x.com.example.org/jack", "not the URL of a profile on x.com"),
        ("https://mastodon.social/@jack", "not the URL of a profile on x.com"),
    ],
)
def test_what_is_no_target(argument: str, said: str) -> None:
    sentence = refusal(argument)
    assert said in sentence
    assert sentence.endswith("nothing was started.")
    assert "\n" not in sentence


def test_a_file_named_like_a_user_is_not_guessed_about() -> None:
    for name in ("20240101", "@jack"):
        Path(name).write_text("5\n")
        assert f"'./{name}'" in refusal(name)
        assert list(targets.read([f"./{name}"]).ids) == ["5"]
    Path("22").mkdir()  # as a dataset has them
    assert list(targets.read(["22"]).ids) == ["22"]


def test_a_bare_name_of_an_existing_file_is_the_file() -> None:
    Path("jack").write_text("5\n")
    assert list(targets.read(["jack"]).ids) == ["5"]


def test_all_bad_lines_are_named_at_once() -> None:
    Path("list").write_text("1\n2 3\njack\n@ok\n99999999999999999999 # big\n")
    sentence = refusal("list", "@")
    assert sentence.startswith("4 targets cannot be read; nothing was started:")
    for place in ("list, line 2: '2 3'", "list, line 3: 'jack'", "list, line 5: '99999", "'@'"):
        assert place in sentence
    Path("list").write_text("?\n" * 1000)
    sentence = refusal("list")
    assert sentence.startswith("1,000 targets cannot be read")
    assert sentence.count("line ") == 20
    assert sentence.endswith("and 980 more")


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x0c", "\x0b", "\x1c", "\x85", "\r"])
def test_only_line_feeds_end_a_line(separator: str) -> None:
    assert read(f"1 # a comment{separator}99\n2\r\n") == (["1", "2"], [])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_byte_order_marks(encoding: str) -> None:
    text = "12\r\n@jack # ü\r\n"
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    assert read((mark + text).encode(encoding)) == (["12"], ["jack"])
    assert read("\ufeff1\n\ufeff2\n") == (["1", "2"], [])  # two files, one behind the other


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# nobody\n", b"\xef\xbb\xbf", b" , ,\n"])
def test_a_list_without_a_target_is_reported(content: bytes) -> None:
    Path("list").write_bytes(content)
    assert refusal("list").startswith("'list': there is no target in it")
    assert list(targets.read(["list", "5"]).ids) == ["5"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(targets.read(["-", "3"], stdin=io.BytesIO(b"1\n2\n")).ids) == ["1", "2", "3"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"@ada\n")))
    assert targets.read(["-"]).names == ["ada"]
    monkeypatch.setattr(sys, "stdin", None)
    assert "no standard input" in refusal("-")
    packed = io.BytesIO(gzip.compress(b"1\n"))
    assert list(targets.read(["-"], stdin=io.BufferedReader(packed)).ids) == ["1"]  # type: ignore[type-var]
    with pytest.raises(SettingsError, match="standard input, line 2: 'x y'"):
        targets.read(["-"], stdin=io.BytesIO(b"1\nx y\n"))
    with pytest.raises(SettingsError, match="only once"):
        targets.read(["-", "-"], stdin=io.BytesIO(b"1\n"))
    with pytest.raises(SettingsError, match="standard input: there is no target"):
        targets.read(["-"], stdin=io.BytesIO(b""))


def test_several_on_a_line() -> None:
    assert read("1,2,\n@jack\n") == (["1", "2"], ["jack"])
    assert read("1,2,@jack\n") == (["1", "2"], ["jack"])


def test_a_table_is_not_taken_for_a_list() -> None:
    """Each line of an edge list would be two targets, which no user intends to buy."""
    Path("list").write_text("1,2\n1,3\n2,3\n")
    assert "--column" in refusal("list")


@pytest.mark.parametrize(
    ("table", "column", "wanted"),
    [
        ("id,name\n1,Ada\n2,Bob\n", "id", (["1", "2"], [])),
        ("\ufeffid;name\r\n1;Ada, Countess\r\n", "id", (["1"], [])),
        ('name\tid\n"Ada\nLovelace"\t1\n', "id", (["1"], [])),
        ('"user id","username"\n"1","@Ada"\n"2","bob"\n"3",""\n', "username", ([], ["ada", "bob"])),
        ("a,ID\nx,1\n", "id", (["1"], [])),
        ("id,ID\n1,2\n", "ID", (["2"], [])),
        ("sep=;\nid;name\n1;Ada\n", "id", (["1"], [])),
        ("id\n1\n\n2\n", "id", (["1", "2"], [])),
        ("\n\nurl,n\nhttps://x.com/ada,5\n", "url", ([], ["ada"])),
        ('n,id\n"a # b",1\n5\n', "id", (["1"], [])),
    ],
)
def test_a_column_of_a_table(table: str, column: str, wanted: tuple[list[str], list[str]]) -> None:
    assert read(table, column) == wanted


def test_a_column_that_is_none() -> None:
    Path("list").write_text("id;name\n1;Ada\n")
    assert "no column 'user'; its columns are 'id', 'name'" in refusal("list", column="user")
    Path("list").write_text("id,name,id\n1,Ada,2\n")
    assert "more than one column" in refusal("list", column="id")
    Path("list").write_text("")
    assert "its columns are none" in refusal("list", column="id")
    Path("list").write_text("id\n" + "1" * 200_000 + "\n")
    assert "list': line 2 is not CSV" in refusal("list", column="id")
    assert "name the CSV file" in refusal("5", column="id")


def test_bad_values_of_a_column_are_named() -> None:
    Path("list").write_text('name,id\n"A\nB",1.5E+17\nC,NA\nD,4\n')
    sentence = refusal("list", column="id")
    assert "list, line 2: '1.5E+17' is a number" in sentence
    assert "list, line 4: 'NA' seems to stand for a missing value" in sentence


def test_a_file_may_be_packed(tmp_path: Path) -> None:
    path = tmp_path / "targets.gz"
    path.write_bytes(gzip.compress(b"1\n2\n", mtime=0))
    assert list(targets.read([str(path)]).ids) == ["1", "2"]


@pytest.mark.parametrize("content", [b"1\n" * 1_000, b"# " + b"x" * 2_000])
def test_a_packed_file_that_would_fill_our_memory_is_refused(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(textlines, "_MOST", 1_000)
    Path("targets.gz").write_bytes(gzip.compress(content))
    assert "too large" in refusal("targets.gz")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"1\n\xff\n", "not a text file in UTF-8"),
        (b"\x1f\x8bbroken", "cannot be read"),
        (gzip.compress(b"1\n2\n", mtime=0)[:-6], "cannot be read"),
        ("１\n".encode(), "line 1"),
        (b"@name_that_is_too_long\n", "line 1"),
    ],
)
def test_a_file_that_is_no_list_of_targets(content: bytes, said: str) -> None:
    Path("targets").write_bytes(content)
    assert said in refusal("targets")


def test_a_directory_is_no_list(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(str(tmp_path))


def test_many_ids_take_little_memory() -> None:
    """Read at once, kept as strings, each id would take 150 bytes."""
    count = 50_000
    Path("list").write_text("".join(f"{10**17 + number}\n" for number in range(count)))
    tracemalloc.start()
    try:
        found = targets.read(["list"])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.ids) == count
    assert peak / count < 50


def test_user_ids_are_a_sequence() -> None:
    ids = UserIds(["5", "7", "5"])
    ids.extend(["9", "7"])
    assert ids == ["5", "7", "9"]
    assert ids.contains(["9", "1", "5"]) == [True, False, True]
    assert (ids[0], ids[-1], ids[1:], len(ids), "9" in ids) == ("5", "9", ["7", "9"], 3, True)
