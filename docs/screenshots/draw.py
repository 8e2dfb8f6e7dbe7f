"""Draws the pictures of the monitor that the documents show: `make screenshots`.

A crawl of the bundled graph by three workers, one of whom is killed, and a real browser at its monitor.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from twittomatic.emulator import bundled_graph

HERE = Path(__file__).parent
COMMAND = (sys.executable, "-c", "from twittomatic.cli import main; main()")
SECONDS = 75.0  # of crawling before the first picture, so that the charts have something to show


class Crew:
    """Processes in a directory of their own.

    Args:
        directory: Theirs.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._environment = {
            name: text for name, text in os.environ.items() if not name.startswith("TWITTOMATIC_")
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def set(self, **settings: str) -> None:
        """Give settings to all that start from now on."""
        self._environment |= {f"TWITTOMATIC_{name.upper()}": text for name, text in settings.items()}

    def start(self, *arguments: str, until: str) -> str:
        """Start a command, and return what matched a pattern in what it said."""
        said = self.directory / f"said-{len(self.processes)}.log"
        with said.open("wb") as output:
            process = subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=self.directory,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        deadline = time.monotonic() + 60
        while not (found := re.search(until, said.read_text())):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{arguments[0]} did not say {until}, but {said.read_text()}")
            time.sleep(0.05)
        return found[0]

    def end(self) -> None:
        """Let them all leave, the newest first."""
        for process in reversed(self.processes):
            process.terminate()
            process.wait()


def crawl(crew: Crew) -> str:
    """Crawl for a while, and return the monitor's address."""
    graph = str(bundled_graph())
    faults = ",".join(f"{name}:slow=0.98@0.5s,{name}:5xx=0.01" for name in ("followers", "timeline"))
    emulator = ("emulator", "--port", "0", "--graph", graph, "--time-scale", "60", "--faults", faults)
    url = crew.start(*emulator, until=r"http://[\d.:]+")
    crew.set(x_api_url=url, x_bearer_tokens="one,two,three", budget_usd="2500")
    crew.set(monitor_token="for-the-pictures", crawl="hershey", monitor_port="0", concurrency="4")
    (crew.directory / "seeds").write_text("2979\n")
    crew.start("master", "-T", "-F", "-A", "--max-depth", "2", "--stream", "seeds", until="leads")
    address = crew.start("monitor", until=r"http://[\d.:]+/")
    for name in ("ada", "bob", "cleo"):
        crew.start("worker", name, until="works for")
    time.sleep(SECONDS / 3)
    crew.processes[-2].kill()
    time.sleep(SECONDS * 2 / 3)
    return address


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
        crew = Crew(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tw"))))
        stack.callback(crew.end)
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
