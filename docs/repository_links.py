"""Make links to files of the repository work on the site too.

Documents link to each other as files, so that they can be read in the repository. Some documents are outside
docs/: each has a page on the site that includes it, and links to the document lead to that page. Links to
source and configuration files become downloads, as in every MyST page.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

_DOCS = Path(__file__).resolve().parent
_REPOSITORY = _DOCS.parent
_PAGES = {
    _REPOSITORY / "README.md": _DOCS / "index.md",
    _REPOSITORY / "CHANGELOG.md": _DOCS / "project/changelog.md",
    _REPOSITORY / "CONTRIBUTING.md": _DOCS / "project/contributing.md",
    _REPOSITORY / "src/twittomatic/emulator/graphs/ATTRIBUTION.md": _DOCS / "project/bundled-graph.md",
}
_LINK = re.compile(r"\]\(([^)#\s:]+)(#[^)\s]*)?\)")


def _relink(markdown: str, written_in: Path, shown_in: Path) -> str:
    """Rewrite the links of a document that is in one folder for a page that is in another."""

    def rewritten(link: re.Match[str]) -> str:
        target = (written_in / link[1]).resolve()
        return f"]({os.path.relpath(_PAGES.get(target, target), shown_in)}{link[2] or ''})"

    return _LINK.sub(rewritten, markdown)


def _on_source_read(app: Sphinx, name: str, content: list[str]) -> None:
    folder = Path(app.env.doc2path(name)).resolve().parent
    content[0] = _relink(content[0], folder, folder)


def _on_include_read(app: Sphinx, path: Path, name: str, content: list[str]) -> None:
    page = Path(app.env.doc2path(app.env.docname)).resolve()  # MyST gives its last part alone as `name`
    content[0] = _relink(content[0], (_DOCS / path).resolve().parent, page.parent)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", _on_source_read)
    app.connect("include-read", _on_include_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
