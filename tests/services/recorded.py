"""Where the tests find X's description of its API, and pages in the shape that X sends."""

import gzip
import json
from pathlib import Path
from typing import Any

_RECORDED = Path(__file__).parents[1] / "recorded"

PAGES = _RECORDED / "x-pages.jsonl.gz"


def description() -> dict[str, Any]:
    """Return the part of X's OpenAPI document that concerns the emulated endpoints."""
    document: dict[str, Any] = json.loads((_RECORDED / "x-openapi-2.159.json").read_bytes())
    return document


def pages() -> list[dict[str, Any]]:
    """Return the recorded pages, as they were sent."""
    return [json.loads(line) for line in gzip.decompress(PAGES.read_bytes()).splitlines()]
