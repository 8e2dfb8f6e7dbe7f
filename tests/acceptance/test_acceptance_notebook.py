"""The notebook of the tutorial runs as it is, and shows what is stored in it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from support.workspace import DEADLINE_S

NOTEBOOK = Path(__file__).parents[2] / "docs" / "tutorial" / "audience.ipynb"


def shown(notebook: dict[str, Any]) -> list[str]:
    """Return what the cells print, without how long the crawl took."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    printed = ["".join(output["text"]) for output in outputs if output.get("name") == "stdout"]
    lines = [line for text in printed for line in text.splitlines()]
    return [line for line in lines if "The lists were read over" not in line]


def test_the_notebook_finds_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    stored = json.loads(NOTEBOOK.read_text())
    notebook = nbformat.reads(NOTEBOOK.read_text(), as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=DEADLINE_S, resources={"metadata": {"path": str(tmp_path)}}
    )

    client.execute()

    assert shown(notebook) == shown(stored)
    pictures = [
        output
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 1
    finding = next(cell["source"] for cell in notebook["cells"] if "## The finding" in cell["source"])
    for figure in ("1,627", "35%", "65%", "16", "36%"):
        assert figure in finding
        assert any(figure in line for line in shown(notebook))
