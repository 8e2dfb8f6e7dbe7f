"""The log: followed from its end, filtered, and counted for what goes wrong."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from twittomatic.web.monitor.logs import Tail

NOW = 1_767_225_600.0  # 2026-01-01T00:00:00Z


def line(second: int, event: str = "completed", level: str = "info", **more: Any) -> str:
    at = f"2026-01-01T00:00:{second:02}+00:00"
    return json.dumps({"at": at, "level": level, "process": "c.one", "event": event, **more}) + "\n"


def events(tail: Tail, *arguments: str) -> list[str]:
    return [found["event"] for found in tail.lines(*arguments)]


def test_new_lines_come_newest_first_from_all_files_of_the_crawl(tmp_path: Path) -> None:
    (tmp_path / "c.one.jsonl").write_text(line(1, "a") + line(3, "c"))
    (tmp_path / "c.two.jsonl").write_text(line(2, "b"))
    (tmp_path / "other.one.jsonl").write_text(line(4, "another crawl's"))
    tail = Tail(tmp_path, "c")
    tail.read()
    assert events(tail) == ["c", "b", "a"]
    with (tmp_path / "c.one.jsonl").open("a") as log:
        log.write(line(5, "d") + line(6, "half")[:-9])
    tail.read()
    assert events(tail) == ["d", "c", "b", "a"]
    with (tmp_path / "c.one.jsonl").open("a") as log:
        log.write(line(6, "half")[-9:])
    tail.read()
    assert events(tail)[0] == "half"


def test_lines_are_filtered_by_level_process_and_text(tmp_path: Path) -> None:
    (tmp_path / "c.one.jsonl").write_text(
        line(1, "fine")
        + line(2, "odd", "warning", job="follower:42")
        + line(3, "bad", "error", process="c.two", reason="the disk is full")
    )
    tail = Tail(tmp_path, "c")
    tail.read()
    assert events(tail, "warning") == ["bad", "odd"]
    assert events(tail, "error") == ["bad"]
    assert events(tail, "info", "two") == ["bad"]
    assert events(tail, "info", "", "follower:42") == ["odd"]
    assert events(tail, "info", "", "disk") == ["bad"]
    assert events(tail, "nonsense") == ["bad", "odd"]


def test_chatter_does_not_push_a_warning_out(tmp_path: Path) -> None:
    (tmp_path / "c.one.jsonl").write_text(line(0, "look here", "warning"))
    tail = Tail(tmp_path, "c")
    tail.read()
    with (tmp_path / "c.one.jsonl").open("a") as log:
        log.write(line(1) * 2_500)
    tail.read()
    assert events(tail, "warning") == ["look here"]


def test_what_goes_wrong_is_counted_for_a_minute(tmp_path: Path) -> None:
    (tmp_path / "c.one.jsonl").write_text(
        line(0, "bad", "error") + line(10, "stopped", verdict="delay") + line(20, "stopped", verdict="close")
    )
    tail = Tail(tmp_path, "c")
    tail.read()
    assert tail.troubles == 2
    assert tail.per_minute(NOW + 30) == 2
    assert tail.per_minute(NOW + 65) == 1
    assert tail.per_minute(NOW + 90) == 0


def test_what_is_no_line_of_ours_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "c.one.jsonl"
    path.write_bytes(b"not json\n[1]\n\xff\xfe\n{}\n" + b"x" * 300_000 + b"\n" + line(1, "good").encode())
    tail = Tail(tmp_path, "c")
    for _ in range(3):
        tail.read()
    assert events(tail)[-1:] == ["good"] or "good" in events(tail)
    path.write_text(line(2, "anew"))
    tail.read()
    assert "anew" in events(tail)
    assert Tail(tmp_path / "nowhere", "c").read() is None


def test_a_line_that_nests_without_end_is_passed_over(tmp_path: Path) -> None:
    deep = '{"event":' + "[" * 50_000 + "]" * 50_000 + "}\n"
    (tmp_path / "c.one.jsonl").write_text(line(1, "before"))
    tail = Tail(tmp_path, "c")
    tail.read()
    with (tmp_path / "c.one.jsonl").open("a") as log:
        log.write(deep + line(2, "behind"))
    tail.read()
    assert events(tail) == ["behind", "before"]


@pytest.mark.timeout(10)
def test_a_pipe_among_the_logs_blocks_no_request(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c.none.jsonl")
    (tmp_path / "c.one.jsonl").write_text(line(1, "good"))
    tail = Tail(tmp_path, "c")
    tail.read()
    assert events(tail) == ["good"]
