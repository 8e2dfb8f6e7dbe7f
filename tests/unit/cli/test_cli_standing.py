"""What a standby does, by what it sees."""

from typing import Any

import pytest

from twittomatic.cli.standing import Action, CrawlView, stance


def decide(
    look: dict[str, Any], *, stood_by: bool = True, has_targets: bool = True, lonely: bool = True
) -> tuple[Action, str]:
    return stance(CrawlView(crawl="c", **look), stood_by=stood_by, has_targets=has_targets, lonely=lonely)


NETWORK = {"phase": "paused", "paused_by": "network", "reason": "no money"}


@pytest.mark.parametrize(
    ("look", "circumstances", "expected", "said"),
    [
        ({"phase": "running", "leader": "m"}, {}, Action.WAIT, "m leads"),
        ({"phase": "finished", "leader": "m"}, {}, Action.WAIT, "m leads"),
        ({"phase": "running"}, {}, Action.LEAD, "Nobody leads"),
        ({"phase": "running"}, {"stood_by": False, "lonely": False}, Action.LEAD, "Nobody leads"),
        ({"phase": "running"}, {"has_targets": False}, Action.LEAD, "Nobody leads"),
        ({"phase": "paused", "paused_by": "user"}, {}, Action.LEAD, "Nobody leads"),
        ({"phase": "finished"}, {}, Action.FINISH, "is finished"),
        ({"phase": "finished"}, {"stood_by": False}, Action.WAIT, "unless a master begins it again"),
        (NETWORK, {}, Action.PAUSE, "Paused: no money"),
        (NETWORK, {"stood_by": False}, Action.WAIT, "until a master goes on with it: no money"),
        ({"phase": "running", "seeding": True}, {}, Action.LEAD, "Nobody leads"),
        ({"phase": "running", "seeding": True}, {"has_targets": False}, Action.WAIT, "--stream"),
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
