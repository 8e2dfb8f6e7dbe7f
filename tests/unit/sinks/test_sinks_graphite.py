"""A snapshot as lines of Graphite, and as Prometheus scrapes it."""

from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from twittomatic.model import Module, Phase
from twittomatic.sinks.stats.graphite import Lines, moved, timestamp
from twittomatic.sinks.stats.measures import MEASURES
from twittomatic.sinks.stats.prometheus import exposition
from twittomatic.state.ledger import Totals
from twittomatic.state.status import CrawlStatus, JobCounts, MasterStatus, Window

STATUS = CrawlStatus(
    crawl="pisa",
    at=1000.0,
    phase=Phase.RUNNING,
    master=MasterStatus(name="m", epoch=1),
    modules=[Module.FOLLOWER],
    options="{}",
    counters={"records:follower": 100, "seen": 7},
    jobs={Module.FOLLOWER: JobCounts(ready=3, leased=2)},
    frontier={0: 1, 1: 4},
    seen=7,
    ledger=Totals(
        spent=2_000_000,
        reserved=1,
        fields={"module:pisa:follower": 1_234_567},
        expected_fields={"module:pisa:follower": 10_000},
    ),
    windows=[Window(credential="app-1", endpoint="followers", limit=15, left=4, opens_in_s=1.0)],
)


def values(lines: list[bytes], at: int) -> dict[str, str]:
    found = {}
    for line in lines:
        path, value, moment = line.decode().split(" ")
        assert timestamp(line) == int(moment) == at
        assert path not in found, "a path twice"
        found[path] = value
    return found


def later(**changes: Any) -> CrawlStatus:
    return msgspec.structs.replace(STATUS, **changes)


def test_a_counter_has_a_total_and_a_rate_and_a_gauge_has_its_value() -> None:
    lines = Lines()
    first = values(lines.of(STATUS, 17), 17)
    assert first["twittomatic.pisa.fetched.follower.total"] == "100"
    assert first["twittomatic.pisa.spent.follower.total"] == "1.234567"
    assert first["twittomatic.pisa.account_reserved"] == "0.000001"
    assert first["twittomatic.pisa.frontier"] == "5"
    assert first["twittomatic.pisa.window_left.app-1.followers"] == "4"
    assert not [path for path in first if path.endswith(".per_s")], "there is nothing before it"
    assert "twittomatic.pisa.budget" not in first
    assert "twittomatic.pisa.spent.profiles.total" not in first, "a module that never spends"
    second = values(lines.of(later(at=1002.0, counters={"records:follower": 105, "seen": 7}), 19), 19)
    assert second["twittomatic.pisa.fetched.follower.per_s"] == "2.5"
    assert second["twittomatic.pisa.included.per_s"] == "0"


def test_a_counter_that_was_set_back_has_no_rate_for_once() -> None:
    lines = Lines()
    lines.of(STATUS, 1)
    back = values(lines.of(later(at=1001.0, counters={"records:follower": 1}), 2), 2)
    assert "twittomatic.pisa.fetched.follower.per_s" not in back
    on = values(lines.of(later(at=1002.0, counters={"records:follower": 4}), 3), 3)
    assert on["twittomatic.pisa.fetched.follower.per_s"] == "3"


def test_a_stopped_clock_gives_no_rate() -> None:
    lines = Lines()
    lines.of(STATUS, 1)
    assert not [line for line in lines.of(STATUS, 2) if b".per_s " in line]


def test_hostile_names_stay_within_their_node() -> None:
    window = Window(credential="a b\n.c", endpoint="../x", limit=1, left=1, opens_in_s=0.0)
    found = values(Lines().of(later(crawl="x y.z", windows=[window]), 5), 5)
    assert "twittomatic.x_y_z.window_left.a_b__c.___x" in found
    assert {path.count(".") for path in found if ".window_left." in path} == {4}


@pytest.mark.parametrize(
    "line",
    [b"", b"a.b", b"a.b 1", b"a.b 1 2 3", b"a..b 1 2", b".a 1 2", b"a. 1 2", b"a/b 1 2", b"a.b nan 2",
     b"a.b 1 2.5", b"a.b 1 99999999999", b"a.b 1 2\r", b"a;t=1 1 2", b"a.b  1 2", b"a.b 1.5e 2", b"\xff 1 2"],
)  # fmt: skip
def test_what_is_no_line_of_graphite_is_refused(line: bytes) -> None:
    assert timestamp(line) is None


def test_a_line_can_be_moved_in_time() -> None:
    assert timestamp(b"a.b-c_d -1.5e-06 1700000000") == 1_700_000_000
    assert moved(b"a.b 1 1700000000", 60) == b"a.b 1 1700000060"


def test_prometheus_reads_every_measure() -> None:
    odd = 'a"b\\c\nd'
    fields = {name.replace("pisa", odd): amount for name, amount in STATUS.ledger.fields.items()}
    ledger = msgspec.structs.replace(STATUS.ledger, fields=fields)
    status = later(crawl=odd, budget=25_000_000, ledger=ledger)
    text = exposition(status).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for measure in MEASURES:
        family = families[measure.prometheus]
        assert family.type == measure.kind
        assert family.documentation == measure.help
        for sample in family.samples:
            assert set(sample.labels) == {"crawl", *measure.labels}
            assert sample.labels["crawl"] == odd
        got = {
            tuple(sample.labels[name] for name in measure.labels): sample.value for sample in family.samples
        }
        assert got == dict(measure.read(status))
    assert len(families) == len(MEASURES)
    assert "twittomatic_fetched_records_total{" in text
    assert exposition(CrawlStatus(crawl="pisa")) == b""
