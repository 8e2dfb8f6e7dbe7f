"""What is left of a crawl that was begun."""

from twittomatic.crawler.plan import Subject
from twittomatic.crawler.remainder import Remainder
from twittomatic.model import Checkpoint, Ending, FileState, Module

BOTH = [Module.TIMELINE, Module.FOLLOWER]


def test_what_waits_begun_and_done() -> None:
    half = Checkpoint(part="a", files={"fws": FileState(lines=1000), "usr": FileState(lines=1000)})
    done = Checkpoint(part="b", ended=Ending.COMPLETE)
    remainder = Remainder(
        waiting={"1"}, begun={"2": {Module.FOLLOWER: half}, "3": {Module.FOLLOWER: done}, "4": {}}
    )
    first, second, third, fourth = (remainder.of(Subject(user_id=name), BOTH) for name in "1234")
    assert first == Subject(user_id="1")
    assert (set(second.kept), dict(second.bought)) == ({Module.TIMELINE}, {Module.FOLLOWER: 1000})
    assert set(third.kept) == set(fourth.kept) == set(BOTH)
