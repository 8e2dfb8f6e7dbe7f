"""Servers that are started once and shared by tests of several kinds."""

import os
from collections.abc import Iterator

import pytest
from replicated import Replicated, replicated
from searching import Searching, searching
from spawner import Spawner


@pytest.fixture(scope="session")
def _one_replicated_server() -> Iterator[Replicated]:
    with replicated() as server:
        yield server


@pytest.fixture
def replicas(_one_replicated_server: Replicated) -> Replicated:
    """A master, two replicas and three Sentinels, all up; a test may kill and stop them."""
    _one_replicated_server.heal()
    return _one_replicated_server


@pytest.fixture(scope="session")
def spawner() -> Iterator[Spawner]:
    """The process from which the commands of all tests are forked."""
    spawner = Spawner()
    yield spawner
    spawner.close()


@pytest.fixture(scope="session")
def search_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searching]:
    """An Elasticsearch, the same one for all processes of this run."""
    place = tmp_path_factory.getbasetemp()
    with searching(place.parent if os.environ.get("PYTEST_XDIST_WORKER") else place) as server:
        yield server
