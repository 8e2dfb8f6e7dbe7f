"""The last lines of all logs of a crawl, and the number of errors and warnings among them."""

from __future__ import annotations

import stat
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from twittomatic.model import NO_JSON

LEVELS: Final = ("info", "warning", "error")

_KEPT = 2_000  # lines, and as many again of those above info, which chatter must not push out
_SHOWN = 200
_FIRST, _MORE = 64 * 1024, 256 * 1024  # bytes of a file at first sight, and at each look
_LONGEST = 600  # characters of a text
_TROUBLE = {"delay", "bury", "stop", "pause"}  # verdicts on a job that did not come to its end
_FIELDS = ("job", "verdict", "reason", "phase", "count")
_decode = msgspec.json.Decoder(dict[str, Any]).decode

Line = dict[str, Any]


class Tail:
    """Follows the log files of one crawl; each call may block.

    Args:
        directory: LOG_DIRECTORY.
        crawl: Crawl whose files are read, `<crawl>.<process>.jsonl`.
    """

    def __init__(self, directory: Path, crawl: str) -> None:
        self._directory = directory
        self._pattern = f"{crawl}.*.jsonl"
        self._offsets: dict[Path, int] = {}
        self._all: deque[Line] = deque(maxlen=_KEPT)
        self._severe: deque[Line] = deque(maxlen=_KEPT)
        self._trouble: deque[float] = deque(maxlen=100_000)
        self.troubles = 0

    def read(self) -> None:
        """Read what was written since the last call; unreadable lines are skipped."""
        lines: list[Line] = []
        for path in sorted(self._directory.glob(self._pattern)):
            try:
                lines += self._new_lines(path)
            except OSError:
                continue
        for line in sorted(lines, key=lambda line: str(line["at"])):
            self._all.append(line)
            if line["level"] != "info":
                self._severe.append(line)
            if line["level"] in ("warning", "error") or line.get("verdict") in _TROUBLE:
                self._trouble.append(_moment(line))
                self.troubles += 1

    def per_minute(self, now: float) -> int:
        """Return how many errors and warnings the last minute had."""
        while self._trouble and self._trouble[0] < now - 60:
            self._trouble.popleft()
        return len(self._trouble)

    def lines(self, level: str = "info", process: str = "", search: str = "") -> list[Line]:
        """Return the newest lines, newest first.

        Args:
            level: The lowest that is wanted.
            process: Part of the name of who wrote it.
            search: Part of what it says.
        """
        wanted = LEVELS[LEVELS.index(level) :] if level in LEVELS else LEVELS
        found = []
        for line in reversed(self._all if level == "info" else self._severe):
            texts = (str(line.get(name, "")) for name in ("event", *_FIELDS))
            if (
                line["level"] in wanted
                and process in line["process"]
                and (not search or any(search in text for text in texts))
            ):
                found.append(line)
                if len(found) == _SHOWN:
                    break
        return found

    def _new_lines(self, path: Path) -> Iterator[Line]:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would hold all looks up
            return
        size = status.st_size
        offset = self._offsets.get(path, max(0, size - _FIRST))
        if size < offset:  # it was begun anew
            offset = 0
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(_MORE)
        whole = data.rfind(b"\n") + 1
        if not whole and len(data) == _MORE:  # a line longer than any of ours
            whole = len(data)
        self._offsets[path] = offset + whole
        for text in data[:whole].splitlines():
            if line := _line(text):
                yield line


def _line(text: bytes) -> Line | None:
    """Decode a line of a log; None if it is not a whole log line."""
    try:
        record = _decode(text)
    except NO_JSON:
        return None
    line = {name: str(record.get(name, ""))[:_LONGEST] for name in ("at", "level", "process", "event")}
    return line | {name: str(record[name])[:_LONGEST] for name in _FIELDS if name in record}


def _moment(line: Line) -> float:
    try:
        return datetime.fromisoformat(line["at"]).timestamp()
    except ValueError:
        return 0.0
