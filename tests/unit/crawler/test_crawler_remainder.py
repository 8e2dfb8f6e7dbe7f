"""What is left of a crawl that was begun."""

from collections.abc import Sequence

from twittomatic.model import Checkpoint, Ending, FileState, Module
from twittomatic.planning.estimate import TargetEstimate
from twittomatic.planning.known import Remaining
from twittomatic.planning.userids import UserIds
from twittomatic.state.admin import JobAdmin

BOTH = [Module.TIMELINE, Module.FOLLOWER]
HALF = Checkpoint(part="a", files={"fws": FileState(lines=1000), "usr": FileState(lines=1000)})
DONE = Checkpoint(part="b", ended=Ending.COMPLETE)


class Known(JobAdmin):
    """Jobs that the test knows of."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def checkpoints_of(
        self, user_ids: Sequence[str], modules: Sequence[Module]
    ) -> dict[str, dict[Module, Checkpoint]]:
        self.asked += user_ids
        return {"2": {Module.FOLLOWER: HALF}, "3": {Module.FOLLOWER: DONE}, "4": {}}


async def test_waiting_started_and_done_jobs() -> None:
    jobs = Known()
    remainder = Remaining(UserIds(["1", "5"]), jobs, BOTH)
    first, second, third, fourth = await remainder.of([TargetEstimate(user_id=name) for name in "1234"])
    assert jobs.asked == ["2", "3", "4"]
    assert first == TargetEstimate(user_id="1")
    assert (set(second.kept), dict(second.bought)) == ({Module.TIMELINE}, {Module.FOLLOWER: 1000})
    assert set(third.kept) == set(fourth.kept) == set(BOTH)
