"""The past that charts draw: bounded, exact in its counters, and there again after a restart."""

import json
from pathlib import Path

import pytest

from twittomatic.web.monitor.history import SERIES, History
from twittomatic.web.monitor.workers import GoneWorker

BEGAN_AT = 1_700_000_000.0


def watched(path: Path, seconds: int, step: int = 1, pages: float = 10.0) -> History:
    history = History(path)
    for second in range(0, seconds, step):
        history.add(BEGAN_AT + second, {"pages": pages * second, "frontier": second})
    return history


def column(name: str) -> int:
    return SERIES.index(name) + 1


def test_a_rate_is_the_growth_between_two_looks(tmp_path: Path) -> None:
    history = watched(tmp_path / "h", 100)
    assert history.rate("pages", 10) == pytest.approx(10, rel=0.01)
    assert history.rate("followers", 10) == 0
    assert History(tmp_path / "none").rate("pages", 10) == 0


def test_a_restarted_state_has_no_negative_rate(tmp_path: Path) -> None:
    history = watched(tmp_path / "h", 10)
    history.add(BEGAN_AT + 20, {"pages": 0})
    assert history.rate("pages", 60) == 0


def test_every_span_is_bounded_and_ends_with_the_newest_look(tmp_path: Path) -> None:
    days = 40
    history = watched(tmp_path / "h", days * 86_400, step=60)
    for name, most_s in (("minutes", 903), ("day", 86_400 + 121), ("all", days * 86_400)):
        tier = history.span(name)
        assert tier
        assert len(tier.rows) <= 722
        assert tier.rows[-1][column("pages")] == 10.0 * (days * 86_400 - 60)
        assert most_s * 0.95 < tier.rows[-1][0] - tier.rows[0][0] <= most_s or name == "minutes"
        assert [row[0] for row in tier.rows] == sorted({row[0] for row in tier.rows})
    assert history.span("week") is None


def test_it_survives_a_restart_and_continues(tmp_path: Path) -> None:
    path = tmp_path / "h"
    history = watched(path, 50)
    gone = GoneWorker(name="one", died=False, seen_at="", gone_at=1.0)
    history.gone.insert(0, gone)
    history.save()
    again = History(path)
    assert again.span("minutes") == history.span("minutes")
    assert again.gone == [gone]
    again.add(BEGAN_AT + 40, {"pages": 1})  # a clock that was set back
    assert again.newest == history.newest
    assert [file.name for file in tmp_path.iterdir()] == ["h"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"series": ["x"]}', b"\xff".decode("latin-1")])
def test_a_broken_file_is_started_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "h"
    path.write_bytes(text.encode("latin-1"))
    history = History(path)
    assert history.newest == []
    history.add(BEGAN_AT, {})
    history.save()
    assert json.loads(path.read_text())["series"] == list(SERIES)


def test_rows_of_another_length_are_not_drawn(tmp_path: Path) -> None:
    path = tmp_path / "h"
    watched(path, 5).save()
    kept = json.loads(path.read_text())
    kept["day"]["rows"][0].append(1)
    path.write_text(json.dumps(kept))
    assert History(path).newest == []


def test_a_missing_directory_stops_no_process(tmp_path: Path) -> None:
    history = watched(tmp_path / "gone" / "h", 5)
    history.save()
    assert not (tmp_path / "gone").exists()
