import pytest

from twittomatic.emulator.faults.base import NoFaults, RequestInfo
from twittomatic.emulator.faults.seeded import parse_faults
from twittomatic.emulator.world.changing import ChangingWorld
from twittomatic.emulator.world.recorded import RecordedWorld


@pytest.mark.parametrize("spec", ["", "none"])
def test_nothing_goes_wrong_unless_asked_for(spec: str) -> None:
    faults = parse_faults(spec)
    assert isinstance(faults, NoFaults)
    assert faults.fired == {}


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("nonsense=1", "there is no fault 'nonsense'"),
        ("cut=0.1@5s", "the fault 'cut' takes no time"),
        ("protect=0.1", "the fault 'protect' changes the world, and this world cannot change"),
    ],
)
def test_what_cannot_be_done_is_refused(spec: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_faults(spec)


def test_a_record_gets_no_new_posts(village: RecordedWorld) -> None:
    world = ChangingWorld(village)
    with pytest.raises(ValueError, match="these are recorded"):
        parse_faults("post=0.1", world=world)
    assert parse_faults("leave=0.1", world=world).fired == {"leave": 0}


def test_what_was_configured_is_counted_from_the_beginning() -> None:
    assert parse_faults("cut=0.1,402#5,cut#3").fired == {"cut": 0, "402": 0}


def test_a_token_is_not_shown() -> None:
    info = RequestInfo(number=1, endpoint="user", credential="secret", user_id=7)
    assert "secret" not in repr(info)
