"""The modules, which do the jobs: `timeline`, `follower`, `analyzer` and `update`, one file each.

The life of a job: a worker leases it and calls its module, which continues at the job's checkpoint. Each page
is fetched, written to a part file, synced, and committed (`pager`). At the end the part files become files of
the dataset, with a line in the journal (`finish`), and the job is completed together with what follows it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from twittomatic.model import Job, Module
from twittomatic.modules import analyzer, follower, timeline, update
from twittomatic.modules.context import Context

RUN: Final[Mapping[Module, Callable[[Context, Job], Awaitable[None]]]] = {
    Module.TIMELINE: timeline.run,
    Module.FOLLOWER: follower.run,
    Module.ANALYZER: analyzer.run,
    Module.UPDATE: update.run,
}
"""What runs a job of each module in `twittomatic.model.MODULES`."""
