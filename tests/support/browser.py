"""Chromium for tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright


@contextmanager
def chromium(*reachable: str) -> Iterator[Browser]:
    """Start Chromium; without it the test is skipped, and fails in CI.

    Args:
        reachable: Hosts that pages can reach.
    """
    path = shutil.which("chromium")
    if not path:
        reason = "there is no Chromium; install Debian's package `chromium`"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    rules = ", ".join(["MAP * ~NOTFOUND", *(f"EXCLUDE {host}" for host in reachable)])
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[f"--host-resolver-rules={rules}", *sandbox]
        )
        yield browser
        browser.close()
