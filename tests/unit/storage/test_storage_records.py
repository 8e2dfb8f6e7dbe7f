"""The id of a line: lenient where the rest of it does not matter, strict where a file is verified."""

import re
from pathlib import Path

import pytest

import twittomatic
from twittomatic.errors import CorruptFile
from twittomatic.model import NO_JSON
from twittomatic.storage.records import decimal_id, record_id, record_id_in


@pytest.mark.parametrize("line", [b'{"id":"7"}', b'{"text":"a\\n","id":"7","id_str":7}'])
def test_the_id_of_a_record(line: bytes) -> None:
    assert record_id(line) == record_id_in(Path("1.twt"), line) == decimal_id(line) == "7"


@pytest.mark.parametrize("line", [b"", b"7", b"[]", b'{"id":7}', b'{"ID":"7"}', b'{"id":"7"', b"[" * 100_000])
def test_what_is_no_record(line: bytes) -> None:
    for read in (record_id, decimal_id):
        with pytest.raises(NO_JSON):
            read(line)
    with pytest.raises(CorruptFile, match=r"1\.twt: a line is not a JSON object with an id\."):
        record_id_in(Path("1.twt"), line)


@pytest.mark.parametrize(
    "line", [b'{"id":"x"}', b'{"id":"7\\n"}', b'{"id":"' + b"7" * 20 + b'"}', b'{"id":"7","text":"\xff"}']
)
def test_only_a_strict_reader_minds(line: bytes) -> None:
    assert record_id(line)
    with pytest.raises(NO_JSON):
        decimal_id(line)


def test_no_other_file_decodes_a_record_for_its_id() -> None:
    root = Path(twittomatic.__file__).parent
    alone = re.compile(r"class \w+\(msgspec\.Struct[^)]*\):\n    id: [^\n]*\n\n")
    found = [
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if alone.search(path.read_text(encoding="utf-8"))
    ]
    assert sorted(found) == ["networks/x/reply.py", "storage/records.py"]  # X's wire, our files
