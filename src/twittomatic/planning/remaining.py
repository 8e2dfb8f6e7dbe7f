"""What an unfinished crawl has still to do of its targets: only that is quoted when it is to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from twittomatic.model import MODULES, Checkpoint, Module
from twittomatic.planning.estimate import TargetEstimate
from twittomatic.planning.userids import UserIds
from twittomatic.state.unfinished import Unfinished


class Remaining:
    """How a crawl stands with its targets.

    Args:
        waiting: Ids of those whose turn has not come.
        unfinished: Tells where the jobs of the others stand; who has none is done.
        modules: Of the crawl.
    """

    def __init__(self, waiting: UserIds, unfinished: Unfinished, modules: Sequence[Module]) -> None:
        self._waiting = waiting
        self._unfinished = unfinished
        self._modules = modules

    async def of(self, subjects: Sequence[TargetEstimate]) -> Sequence[TargetEstimate]:
        """Return targets as if what is done with them, or bought of them, were in the dataset.

        Args:
            subjects: Some targets.
        """
        waits = self._waiting.contains([subject.user_id for subject in subjects])
        others = [subject.user_id for subject, waiting in zip(subjects, waits, strict=True) if not waiting]
        begun = await self._unfinished.of(others, self._modules) if others else {}
        return [
            subject if waiting else self._without_done(subject, begun.get(subject.user_id, {}))
            for subject, waiting in zip(subjects, waits, strict=True)
        ]

    def _without_done(self, subject: TargetEstimate, begun: Mapping[Module, Checkpoint]) -> TargetEstimate:
        done = {module for module in self._modules if module not in begun or begun[module].ended is not None}
        bought = {
            module: checkpoint.files[ext].lines
            for module, checkpoint in begun.items()
            if (ext := MODULES[module].list_ext) in checkpoint.files
        }
        return msgspec.structs.replace(
            subject, kept={*subject.kept, *done}, bought={**subject.bought, **bought}
        )
