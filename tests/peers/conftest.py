"""Heavy programs of other projects that read what we write. `make test-peers` installs and runs them."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from programs import HERE, INSTALLED, Peer, need, run

GEPHI = INSTALLED / "gephi" / "gephi-toolkit-0.10.1-all.jar"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this directory, so that `make test` leaves it to `make test-peers`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.peers)


@pytest.fixture(scope="session")
def has_spark() -> None:
    """Skip the test without Spark or a Java for it."""
    need(find_spec("pyspark"), "Spark: tests/peers/spark/install brings it")
    need(shutil.which("java"), "java: the Debian package openjdk-17-jdk-headless has it")


@pytest.fixture
def gephi(tmp_path: Path) -> Peer:
    """Run a Java source file with Gephi's toolkit."""
    need(shutil.which("javac"), "javac: the Debian package openjdk-17-jdk-headless has it")
    need(GEPHI.exists(), "Gephi: tests/peers/gephi/install brings it")
    return lambda command: run(["java", "-Xmx2g", "-cp", GEPHI, *command], tmp_path)


@pytest.fixture
def node(tmp_path: Path) -> Peer:
    """Run a JavaScript file with node and graphology."""
    need(shutil.which("node"), "node: the Debian package nodejs has it")
    place = INSTALLED / "graphology"
    need((place / "installed").exists(), "graphology: tests/peers/graphology/install brings it")
    return lambda command: run(["node", *command], tmp_path, NODE_PATH=str(place / "node_modules"))


@pytest.fixture
def rscript(tmp_path: Path) -> Peer:
    """Run an R file with the igraph of R."""
    need(shutil.which("Rscript"), "R: the Debian packages r-base-core and r-cran-igraph have it")
    return lambda command: run(["Rscript", "--vanilla", *command], tmp_path)
