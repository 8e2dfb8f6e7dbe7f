"""What a standby does, by what it sees."""

from typing import Any

import pytest

from twittomatic.cli.standing import Look, Stance, stance


def decide(
    look: dict[str, Any], *, stood_by: bool = True, has_targets: bool = True, lonely: bool = True
) -> tuple[Stance, str]:
    return stance(Look(crawl="c", **look), stood_by=stood_by, has_targets=has_targets, lonely=lonely)


NETWORK = {"phase": "paused", "paused_by": "network", "reason": "no money"}


@pytest.mark.parametrize(
    ("look", "circumstances", "expected", "said"),
    [
        ({"phase": "running", "leader": "m"}, {}, Stance.WAIT, "m leads"),
        ({"phase": "finished", "leader": "m"}, {}, Stance.WAIT, "m leads"),
        ({"phase": "running"}, {}, Stance.LEAD, "Nobody leads"),
        ({"phase": "running"}, {"stood_by": False, "lonely": False}, Stance.LEAD, "Nobody leads"),
        ({"phase": "running"}, {"has_targets": False}, Stance.LEAD, "Nobody leads"),
        ({"phase": "paused", "paused_by": "user"}, {}, Stance.LEAD, "Nobody leads"),
        ({"phase": "finished"}, {}, Stance.FINISH, "is finished"),
        ({"phase": "finished"}, {"stood_by": False}, Stance.WAIT, "unless a master begins it again"),
        (NETWORK, {}, Stance.PAUSE, "Paused: no money"),
        (NETWORK, {"stood_by": False}, Stance.WAIT, "until a master goes on with it: no money"),
        ({"phase": "running", "seeding": True}, {}, Stance.LEAD, "Nobody leads"),
        ({"phase": "running", "seeding": True}, {"has_targets": False}, Stance.WAIT, "--stream"),
        ({}, {"stood_by": False, "lonely": False}, Stance.WAIT, "nobody has begun"),
        ({}, {"stood_by": False}, Stance.LEAD, "Nobody leads"),
        ({}, {"lonely": False}, Stance.LEAD, "Nobody leads"),  # the master died before it began
        ({}, {"has_targets": False}, Stance.WAIT, "nobody has begun"),
    ],
)
def test_each_case(look: dict[str, Any], circumstances: dict[str, Any], expected: Stance, said: str) -> None:
    verdict, sentence = decide(look, **circumstances)
    assert verdict is expected
    assert said in sentence
    assert sentence.count("\n") == 0
