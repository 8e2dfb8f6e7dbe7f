"""Draw the pictures of the monitor that the documents show: `make screenshots`.

A crawl of the bundled graph by three workers, one of which is killed, and a real browser on its monitor.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from processes import Processes
from twittomatic.emulator import bundled_graph

HERE = Path(__file__).parent
SECONDS = 75.0  # of crawling before the first picture, so that the charts have something to show


def crawl(crew: Processes) -> str:
    """Crawl for a while, and return the monitor's address."""
    graph = str(bundled_graph())
    faults = ",".join(f"{name}:slow=0.98@0.5s,{name}:5xx=0.01" for name in ("followers", "timeline"))
    emulator = ("emulator", "--port", "0", "--graph", graph, "--time-scale", "60", "--faults", faults)
    url = _address(crew.start(*emulator, until=r"http://[\d.:]+"))
    crew.set(x_api_url=url, x_bearer_tokens="one,two,three", budget_usd="2500")
    crew.set(monitor_token="for-the-pictures", crawl="hershey", monitor_port="0", concurrency="4")
    (crew.directory / "seeds").write_text("2979\n")
    crew.start("master", "-T", "-F", "-A", "--max-depth", "2", "--stream", "seeds", until="leads")
    address = _address(crew.start("monitor", until=r"http://[\d.:]+/")) + "/"
    for name in ("ada", "bob", "cleo"):
        crew.start("worker", name, until="works for")
    time.sleep(SECONDS / 3)
    crew.all[-2].kill()
    time.sleep(SECONDS * 2 / 3)
    return address


def _address(said: str) -> str:
    """Return the first address that a process printed, without anything after its port."""
    return re.findall(r"http://[\d.:]+", said)[0]


def draw(page: Page, name: str, section: str, height: int) -> None:
    """Take a picture of a page from a section on."""
    page.wait_for_selector("#worker-rows tr")
    for part in ("log", "found", "glance"):  # each is loaded once it is seen
        page.locator(f"#{part}").scroll_into_view_if_needed()
        page.wait_for_timeout(1500)
    viewport = page.viewport_size
    assert viewport
    page.set_viewport_size({"width": viewport["width"], "height": height})
    page.evaluate("section => document.getElementById(section).scrollIntoView()", section)
    if section == "glance":
        page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1500)
    page.screenshot(path=HERE / f"monitor-{name}.png")


def main() -> None:
    """Draw all of them."""
    chromium = shutil.which("chromium")
    if not chromium:
        sys.exit("There is no Chromium; install Debian's package `chromium`.")
    with ExitStack() as stack:
        crew = Processes(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tw"))))
        stack.callback(crew.end, signal.SIGTERM)
        url = crawl(crew)
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        stack.callback(browser.close)
        for name, section, width, height, scheme in (
            ("light", "glance", 1920, 1080, "light"),
            ("dark", "workers", 1920, 1300, "dark"),
            ("phone", "glance", 390, 844, "light"),
        ):
            context = browser.new_context(
                viewport={"width": width, "height": 900},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            page = context.new_page()
            page.goto(url)
            draw(page, name, section, height)
            if len(sys.argv) > 1:  # the whole page too, to look at
                page.screenshot(path=Path(sys.argv[1]) / f"whole-{name}.png", full_page=True)
                for part in ("windows", "workers", "jobs", "found", "log"):
                    page.locator(f"#{part}").screenshot(path=Path(sys.argv[1]) / f"{name}-{part}.png")
            context.close()


if __name__ == "__main__":
    main()
