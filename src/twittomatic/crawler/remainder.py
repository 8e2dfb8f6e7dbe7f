"""What an unfinished crawl has still to do of its targets: only that is quoted when it is to go on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from twittomatic.crawler.plan import Subject
from twittomatic.model import Checkpoint, Module

_LISTS = {Module.TIMELINE: "twt", Module.FOLLOWER: "fws", Module.UPDATE: "twt"}


class Remainder(msgspec.Struct, frozen=True, kw_only=True):
    """How a crawl stands with its targets.

    Attributes:
        waiting: Ids of those whose turn has not come.
        begun: Of the others, where their jobs stand, by module; what is not in it is done.
    """

    waiting: Collection[str]
    begun: Mapping[str, Mapping[Module, Checkpoint]]

    def of(self, subject: Subject, modules: Sequence[Module]) -> Subject:
        """Return a target as if what is done with it, or bought of it, stood in the dataset.

        Args:
            subject: The target.
            modules: Of the crawl.
        """
        if subject.user_id in self.waiting:
            return subject
        begun = self.begun.get(subject.user_id, {})
        done = {module for module in modules if module not in begun or begun[module].ended is not None}
        bought = {
            module: checkpoint.files[_LISTS[module]].lines
            for module, checkpoint in begun.items()
            if module in _LISTS and _LISTS[module] in checkpoint.files
        }
        return msgspec.structs.replace(
            subject, kept={*subject.kept, *done}, bought={**subject.bought, **bought}
        )
