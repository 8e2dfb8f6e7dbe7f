"""Twittomatic: a crawler of social graphs for research.

    import twittomatic as tw

    ds = tw.open("data")

Every name in `__all__` is public. Each is imported when it is first used: the package alone imports nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twittomatic.app.blocking import crawl
    from twittomatic.app.crawl import Crawl
    from twittomatic.app.observer import Observer
    from twittomatic.app.outcome import Outcome, Result, Undone
    from twittomatic.dataset import (
        Completeness,
        Dataset,
        EdgeBatch,
        Edges,
        Graph,
        GraphLists,
        NodeProfile,
        Records,
        Summary,
        Table,
        open,
    )
    from twittomatic.dataset.picture import Picture
    from twittomatic.errors import (
        BudgetExhausted,
        CorruptFile,
        CrawlMustPause,
        CreditsDepleted,
        NetworkError,
        NoCredentialLeft,
        PluginFault,
        SettingsError,
        StateBusy,
        StateError,
        StateLost,
        StateUnavailable,
        StorageError,
        StorageUnavailable,
        TwittomaticError,
        UserNotFound,
    )
    from twittomatic.planning.quote import Quote
    from twittomatic.settings import Settings
    from twittomatic.state.status import CrawlStatus

__version__ = "0.1.0"

__all__ = [
    "BudgetExhausted",
    "Completeness",
    "CorruptFile",
    "Crawl",
    "CrawlMustPause",
    "CrawlStatus",
    "CreditsDepleted",
    "Dataset",
    "EdgeBatch",
    "Edges",
    "Graph",
    "GraphLists",
    "NetworkError",
    "NoCredentialLeft",
    "NodeProfile",
    "Observer",
    "Outcome",
    "Picture",
    "PluginFault",
    "Quote",
    "Records",
    "Result",
    "Settings",
    "SettingsError",
    "StateBusy",
    "StateError",
    "StateLost",
    "StateUnavailable",
    "StorageError",
    "StorageUnavailable",
    "Summary",
    "Table",
    "TwittomaticError",
    "Undone",
    "UserNotFound",
    "__version__",
    "crawl",
    "open",
]

_HOMES = {
    **dict.fromkeys(
        (
            "Completeness",
            "Dataset",
            "EdgeBatch",
            "Edges",
            "Graph",
            "GraphLists",
            "NodeProfile",
            "Records",
            "Summary",
            "Table",
            "open",
        ),
        "dataset",
    ),
    "Picture": "dataset.picture",
    "Crawl": "app.crawl",
    "crawl": "app.blocking",
    "Observer": "app.observer",
    **dict.fromkeys(("Outcome", "Result", "Undone"), "app.outcome"),
    "Quote": "planning.quote",
    "CrawlStatus": "state.status",
    "Settings": "settings",
}  # all others are errors


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
