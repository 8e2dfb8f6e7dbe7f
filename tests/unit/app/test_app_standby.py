"""What a standby does, by what it sees."""

from typing import Any

import pytest

from twittomatic.app import standby
from twittomatic.app.standby import Action
from twittomatic.model import Phase
from twittomatic.state.status import CrawlStatus, MasterStatus


def decide(
    look: dict[str, Any], *, stood_by: bool = True, has_targets: bool = True, lonely: bool = True
) -> tuple[Action, str]:
    return standby.decide(
        CrawlStatus(crawl="c", **look), stood_by=stood_by, has_targets=has_targets, lonely=lonely
    )


LEADER = MasterStatus(name="m", epoch=1)
NETWORK = {"phase": Phase.PAUSED, "paused_by": "network", "reason": "no money"}


@pytest.mark.parametrize(
    ("look", "circumstances", "expected", "said"),
    [
        ({"phase": Phase.RUNNING, "master": LEADER}, {}, Action.WAIT, "m leads"),
        ({"phase": Phase.FINISHED, "master": LEADER}, {}, Action.WAIT, "m leads"),
        ({"phase": Phase.RUNNING}, {}, Action.LEAD, "Nobody leads"),
        ({"phase": Phase.RUNNING}, {"stood_by": False, "lonely": False}, Action.LEAD, "Nobody leads"),
        ({"phase": Phase.RUNNING}, {"has_targets": False}, Action.LEAD, "Nobody leads"),
        ({"phase": Phase.PAUSED, "paused_by": "user"}, {}, Action.LEAD, "Nobody leads"),
        ({"phase": Phase.FINISHED}, {}, Action.FINISH, "is finished"),
        ({"phase": Phase.FINISHED}, {"stood_by": False}, Action.WAIT, "unless a master begins it again"),
        (NETWORK, {}, Action.PAUSE, "Paused: no money"),
        (NETWORK, {"stood_by": False}, Action.WAIT, "until a master resumes it: no money"),
        ({"phase": Phase.RUNNING, "is_seeding": True}, {}, Action.LEAD, "Nobody leads"),
        ({"phase": Phase.RUNNING, "is_seeding": True}, {"has_targets": False}, Action.WAIT, "--stream"),
        ({}, {"stood_by": False, "lonely": False}, Action.WAIT, "nobody has begun"),
        ({}, {"stood_by": False}, Action.LEAD, "Nobody leads"),
        ({}, {"lonely": False}, Action.LEAD, "Nobody leads"),  # the master died before it began
        ({}, {"has_targets": False}, Action.WAIT, "nobody has begun"),
    ],
)
def test_each_case(look: dict[str, Any], circumstances: dict[str, Any], expected: Action, said: str) -> None:
    verdict, sentence = decide(look, **circumstances)
    assert verdict is expected
    assert said in sentence
    assert sentence.count("\n") == 0
