"""Every event that is written can be read, whichever code writes it."""

import re
from pathlib import Path
from typing import get_args

import pytest

from twittomatic.state import scripts
from twittomatic.state.events import CrawlFinished, Event, decode, encode

NAMES = {kind.__name__ for kind in get_args(Event)}
SCRIPTS = sorted(Path(scripts.__file__).parent.rglob("*.lua"))
LITERALS = sorted(
    {text for script in SCRIPTS for text in re.findall(r"'(\{\"type\".*?\})'", script.read_text())}
)


def written(text: str) -> set[str]:
    """The types of the events in a script: in JSON, and in what `cjson` encodes."""
    found = re.findall(r"\"type\":\s*\"(\w+)\"|\btype\s*=\s*'(\w+)'", text)
    return {in_json or in_lua for in_json, in_lua in found}


def test_scripts_write_only_readable_events() -> None:
    found = set().union(*[written(script.read_text()) for script in SCRIPTS])
    assert found == {"CrawlFinished", "JobDied", "WorkerDied"}  # or nothing was walked
    assert found <= NAMES


def test_every_script_that_announces_is_walked() -> None:
    """What an event's text is, is seen in the script itself, or comes from Python as an argument."""
    for script in SCRIPTS:
        if script.stem == "event":
            continue
        for argument in re.findall(r"announce\(KEYS\[\d\], (.+)\)$", script.read_text(), re.MULTILINE):
            assert argument.startswith(("ARGV[", '\'{"type":', "cjson.encode(")), script


@pytest.mark.parametrize("literal", LITERALS)
def test_what_a_script_writes_literally_is_an_event(literal: str) -> None:
    event = decode(literal)
    assert event is not None
    assert encode(event) == literal


def test_the_end_of_a_crawl_is_an_event() -> None:
    assert decode('{"type":"CrawlFinished"}') == CrawlFinished()
