"""Render Jupyter notebooks with the outputs that are stored in them; a test executes them and compares.

`myst_nb` does so too, but brings a kernel and an executor, which a build of the site should not need.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.application import Sphinx


class NotebookParser(MystParser):  # type: ignore[misc]
    """Reads a notebook as the Markdown that its cells make."""

    supported = ("notebook",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        super().parse("\n\n".join(_parts(json.loads(inputstring)["cells"])), document)


def _parts(cells: Sequence[dict[str, Any]]) -> Iterator[str]:
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield source
        else:
            yield f"```python\n{source}\n```"
            for output in cell["outputs"]:
                yield from _output(output)


def _output(output: dict[str, Any]) -> Iterator[str]:
    data = output.get("data", {})
    if "image/png" in data:
        yield f"![Output of the cell above](data:image/png;base64,{''.join(data['image/png'].split())})"
    elif text := "".join(output.get("text", data.get("text/plain", ""))).rstrip():
        yield f"```text\n{text}\n```"


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_source_parser(NotebookParser)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
