"""Open a world from command-line options."""

from importlib import resources
from pathlib import Path

from .world.base import World
from .world.dataset import read_dataset
from .world.graph import GraphWorld
from .world.pages import read_pages
from .world.procedural import ProceduralWorld


def bundled_graph() -> Path:
    """Return the path of the small real follower graph in this package; see graphs/ATTRIBUTION.md."""
    return Path(str(resources.files(__package__))) / "graphs" / "hersheycareers.edges.gz"


def open_world(
    *,
    graph: Path | None = None,
    users: int | None = None,
    dataset: Path | None = None,
    pages: Path | None = None,
    seed: int = 0,
) -> World:
    """Open a world from exactly one source.

    Args:
        graph: A graph file, gzip or plain, with lines `A B`: B follows A.
        users: The size of a computed world, 1 to 1e9.
        dataset: The dataset directory of an earlier crawl.
        pages: Recorded response pages, gzip or plain, one JSON object per line.
        seed: The seed from which synthetic profiles and posts are computed.

    Raises:
        ValueError: No source or several, a missing or broken file, or a size out of range; in one sentence.
    """
    sources = {"graph": graph, "users": users, "dataset": dataset, "pages": pages}
    given = [name for name, value in sources.items() if value is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise ValueError(f"a world needs exactly one of graph, users, dataset and pages; found {found}")
    try:
        if graph is not None:
            return GraphWorld.read(graph, seed=seed)
        if users is not None:
            return ProceduralWorld(users, seed=seed)
        if dataset is not None:
            return read_dataset(dataset)
        return read_pages(pages or Path())
    except OSError as error:
        raise ValueError(f"cannot read {error.filename or given[0]}: {error.strerror or error}") from error
