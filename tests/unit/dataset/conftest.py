from __future__ import annotations

from pathlib import Path

import pytest

from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A small dataset: 3 and 9 follow 22, 7 has no followers, and 100 has one post."""
    layout = Layout(tmp_path, tmp_path / ".tmp")
    layout.prepare()
    for user_id, ext, lines in [
        ("22", "fws", [b"3", b"9223372036854775807"]),
        (
            "22",
            "usr",
            [b'{"id":"3","username":"\\u00c9va","name":"\xc3\xa9"}', b'{"id":"22","username":"Ada"}'],
        ),
        ("22", "twt", [b'{"id":"9","n":1.5}', b'{"id":"8"}']),
        ("7", "fws", []),
        ("100", "twt", [b'{"id":"1"}']),
    ]:
        path = layout.file(user_id, ext)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"".join(member([line]) for line in lines) or member([]))
    bought = layout.bought("default")
    bought.parent.mkdir()
    bought.write_bytes(member([b'{"id":"100","username":"grace"}']))
    return layout
