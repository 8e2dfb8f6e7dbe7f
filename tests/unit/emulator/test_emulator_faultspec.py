import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twittomatic.emulator.faults.registry import KINDS
from twittomatic.emulator.faults.spec import Rule, read_rules
from twittomatic.emulator.x.endpoints import ENDPOINTS

ENDPOINT_NAMES = [endpoint.name for endpoint in ENDPOINTS]


def rule(kind: str, **values: object) -> Rule:
    defaults: dict[str, object] = {"endpoint": None, "rate": 0.0, "nth": 0, "times": None, "seconds": None}
    return Rule(kind=kind, **(defaults | values))  # type: ignore[arg-type]


@pytest.mark.parametrize("spec", ["", "none", " None "])
def test_no_faults_can_be_asked_for(spec: str) -> None:
    assert read_rules(spec, KINDS) == ()


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("5xx=0.02", rule("5xx", rate=0.02)),
        ("5xx=1", rule("5xx", rate=1.0)),
        ("timeout = .5 @ 5s", rule("timeout", rate=0.5, seconds=5.0)),
        ("timeout=0.5@0.25", rule("timeout", rate=0.5, seconds=0.25)),
        ("402#50", rule("402", nth=50, times=1)),
        ("402#50x3", rule("402", nth=50, times=3)),
        ("402#50x*", rule("402", nth=50, times=None)),
        ("again=0.1x7", rule("again", rate=0.1, times=7)),
        ("again=0.1x*", rule("again", rate=0.1)),
        ("followers:slow#2x4@1s", rule("slow", endpoint="followers", nth=2, times=4, seconds=1.0)),
        (" users : 429 # 2 x 1 ", rule("429", endpoint="users", nth=2, times=1)),
    ],
)
def test_a_word_means_what_it_says(word: str, meant: Rule) -> None:
    assert read_rules(word, KINDS) == [meant]


def test_rules_keep_their_order() -> None:
    rules = read_rules("cut=0.1,402#5,cut#3,users:junk=0.2", KINDS)
    assert [rule.kind for rule in rules] == ["cut", "402", "cut", "junk"]


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("5xx=0.1,fire=0.1", "there is no fault 'fire' (in 'fire=0.1'); there are 5xx, 500, "),
        ("nowhere:5xx=1", "there is no endpoint 'nowhere' (in 'nowhere:5xx=1'); there are users, users_by, "),
        ("5xx", "the fault '5xx' does not say how often; write KIND=RATE, as in 5xx=0.02, or KIND#NUMBER"),
        ("slow@5s", "the fault 'slow@5s' does not say how often"),
        ("5xx=0.1,", "cannot read the fault ''"),
        ("5xx=1.1", "the rate of '5xx=1.1' is '1.1'; it must be a number from 0 to 1"),
        ("5xx=-1", "the rate of '5xx=-1' is '-1'; it must be a number from 0 to 1"),
        ("5xx=nan", "the rate of '5xx=nan' is 'nan'"),
        ("5xx=1e-3", "the rate of '5xx=1e-3' is '1e-3'"),
        ("5xx=", "the rate of '5xx=' is ''"),
        ("402#0", "the number of '402#0' is '0'; it must be a whole number from 1"),
        ("402#1.5", "the number of '402#1.5' is '1.5'"),
        ("402#1x0", "the x of '402#1x0' is '0'; it must be a whole number from 1, or * for no limit"),
        ("slow=1@9999", "the @ of 'slow=1@9999' is '9999'; it must be seconds from 0 to 3600"),
        ("slow=1@", "the @ of 'slow=1@' is ''"),
        ("users:5xx=0.6,cut=0.5", "the rates of the faults on 'users' add up to 1.1; at most 1 is possible"),
    ],
)
def test_a_bad_word_is_named_with_what_is_allowed(spec: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=r"fault|rate|number|x of|@ of|endpoint") as error:
        read_rules(spec, KINDS)
    assert str(error.value).startswith(complaint)
    assert "\n" not in str(error.value)


def test_rates_of_different_endpoints_do_not_add_up() -> None:
    assert len(read_rules("users:5xx=0.6,followers:5xx=0.6,timeline:cut=1", KINDS)) == 3
    assert len(read_rules(",".join(f"{kind}=0.1" for kind in list(KINDS)[:10]), KINDS)) == 10


WORDS = st.lists(
    st.one_of(st.sampled_from([*KINDS, *ENDPOINT_NAMES, *"=#x@:,*s.0159", " "]), st.text(max_size=3)),
    max_size=12,
).map("".join)


@given(WORDS | st.text())
@example("402#" + "9" * 5000)
@example("5xx=" + "9" * 5000)
@example("5xx=٣")
@example("slow=0.1@\n5")
def test_reading_never_fails_in_another_way(spec: str) -> None:
    try:
        rules = read_rules(spec, KINDS)
    except ValueError:
        return
    for read in rules:
        assert read.kind in KINDS
        assert 0 <= read.rate <= 1
        assert (read.nth > 0) or not math.isnan(read.rate)
        assert read.times is None or read.times > 0


@given(
    st.sampled_from(list(KINDS)),
    st.none() | st.sampled_from(ENDPOINT_NAMES),
    st.integers(1, 10**6),
    st.none() | st.integers(1, 10**6),
    st.none() | st.integers(0, 3600),
)
def test_what_is_written_is_read(
    kind: str, endpoint: str | None, nth: int, times: int | None, seconds: int | None
) -> None:
    word = f"{endpoint}:" if endpoint else ""
    word += f"{kind}#{nth}x{times or '*'}" + (f"@{seconds}s" if seconds is not None else "")
    meant = rule(kind, endpoint=endpoint, nth=nth, times=times, seconds=seconds)
    assert read_rules(word, KINDS) == [meant]
