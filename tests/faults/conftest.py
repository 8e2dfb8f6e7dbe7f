"""One process for all trials, from which their commands are forked."""

from collections.abc import Iterator

import pytest
from spawning import Spawner


@pytest.fixture(scope="session")
def spawner() -> Iterator[Spawner]:
    spawner = Spawner()
    yield spawner
    spawner.close()
