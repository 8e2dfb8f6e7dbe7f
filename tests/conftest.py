"""What tests of several kinds share: a replicated server, started once, whole again for each test."""

from collections.abc import Iterator

import pytest
from replicated import Replicated, replicated


@pytest.fixture(scope="session")
def _one_replicated_server() -> Iterator[Replicated]:
    with replicated() as server:
        yield server


@pytest.fixture
def replicas(_one_replicated_server: Replicated) -> Replicated:
    """A master, two replicas and three Sentinels, all up; a test may kill and stop them."""
    _one_replicated_server.heal()
    return _one_replicated_server
