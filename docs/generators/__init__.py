"""Reference pages that are generated from the code when the site is built.

A page holds what a person has to write, and this directive wherever the code already has a list:

    ```{generated} settings
    ```

Each module here writes one such list as Markdown. What the code leaves undocumented is a warning, and
warnings are errors.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import twittomatic
from generators import commands, errors, events, exitcodes, keys, measures, python, scripts, settings, tables

_logger = logging.getLogger(__name__)
_PACKAGE = Path(twittomatic.__file__).parent


class _List(NamedTuple):
    markdown: Callable[[], str]
    sources: str


_LISTS = {
    "settings": _List(settings.markdown, "settings/*.py"),
    "errors": _List(errors.markdown, "errors.py"),
    "exit-codes": _List(exitcodes.markdown, "cli/exitcodes.py"),
    "events": _List(events.markdown, "state/events.py"),
    "redis-keys": _List(keys.markdown, "state/keys.py"),
    "scripts": _List(scripts.markdown, "state/scripts/**/*.lua"),
    "measures": _List(measures.markdown, "sinks/stats/measures.py"),
    "command-summary": _List(commands.summary, "cli/*.py"),
    "commands": _List(commands.markdown, "cli/*.py"),
    "tables": _List(tables.markdown, "dataset/tables/*.py"),
    "python": _List(python.markdown, "**/*.py"),
}


class Generated(SphinxDirective):
    """Insert a list that the code has."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        wanted = _LISTS[self.arguments[0]]
        for path in [*_PACKAGE.glob(wanted.sources), *Path(__file__).parent.glob("*.py")]:
            self.env.note_dependency(str(path))
        try:
            text = wanted.markdown()
        except LookupError as undocumented:
            _logger.warning("undocumented: %s", undocumented.args[0], location=self.get_location())
            return []
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("generated", Generated)
    app.connect("autodoc-process-docstring", python.mark_code, priority=400)  # before napoleon, at 500
    return {"parallel_read_safe": True, "parallel_write_safe": True}
