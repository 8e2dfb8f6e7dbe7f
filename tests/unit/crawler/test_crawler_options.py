"""Whose books a crawl is in, and whether two crawls ask for the same."""

from pathlib import Path
from typing import Any

import pytest

from twittomatic.crawler.options import CrawlOptions
from twittomatic.settings import load


def options(tmp_path: Path, **flags: Any) -> CrawlOptions:
    empty = tmp_path / "empty.toml"
    empty.touch()
    return CrawlOptions.of("TF", load({name: str(value) for name, value in flags.items()}, {}, empty))


@pytest.mark.parametrize(
    ("url", "account"),
    [
        ("https://api.x.com", "x"),
        ("https://api.x.com/", "x"),
        ("https://api.x.com:443", "x"),
        ("http://API.X.com..:80/2", "x"),
        ("https://api.twitter.com", "x"),
        ("https://x.com.", "x"),
        ("https://notx.com", "x@notx.com"),
        ("https://api.x.com.example", "x@api.x.com.example"),
        ("http://127.0.0.1:8089", "x@127.0.0.1:8089"),
        ("http://127.0.0.1:8090/", "x@127.0.0.1:8090"),
        ("https://Proxy.Example/X", "x@proxy.example/x"),
        ("https://Proxy.example", "x@proxy.example"),
        ("http://[::1]:80/{}", "x@-::1-:80/--"),
    ],
)
def test_each_api_has_its_account(tmp_path: Path, url: str, account: str) -> None:
    assert options(tmp_path, x_api_url=url).account == account


@pytest.mark.parametrize(
    ("changed", "alike"),
    [
        ({"max_followers": 7}, False),
        ({"max_posts": 7}, False),
        ({"select": "protected"}, False),
        ({"expand_referenced": "true"}, False),
        ({"budget_usd": 7, "max_depth": 7, "traversal": "dfs", "lease_s": 7}, True),
    ],
)
def test_what_is_asked_of_a_target(tmp_path: Path, changed: dict[str, Any], alike: bool) -> None:
    written = CrawlOptions.read(options(tmp_path).written())
    assert written.asks_like(options(tmp_path, **changed)) is alike
