"""Pictures in HTML: explored in Chromium, which cannot reach any network, on data that wish us ill."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright")
pytest.importorskip("PIL")

from PIL import Image
from playwright.sync_api import Browser, Page

from support.browser import chromium
from support.workspace import Workspace
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout

EVIL = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
EVIL_ID = 2**63 - 1


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def layout(place: Workspace) -> Layout:
    """A dataset of two communities: whoever is below 120 follows 100, the others follow 200, and 100 them."""
    layout = Layout(place.directory / "data", place.directory / "tmp")
    layout.prepare()
    first, second = list(range(101, 120)), list(range(201, 212))
    lists = {100: [*first, 200, EVIL_ID], 200: second, 201: [202, 203], 101: [102, 103, 104]}
    for user, followers in lists.items():
        path = layout.file(str(user), "fws")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(member([str(follower).encode() for follower in followers]))
        names = [
            f'{{"id":"{user}","username":"user{user}"}}'.encode() for user in followers if user != EVIL_ID
        ]
        layout.file(str(user), "usr").write_bytes(member(names))
    evil = EVIL.replace('"', '\\"')
    line = f'{{"id":"{EVIL_ID}","username":"{evil}","name":"\u202e{evil}","description":"{evil}"}}'
    layout.file("101", "usr").write_bytes(member([line.encode()]))
    return layout


class Opened:
    """A page in the browser, and everything that it complained about or asked for."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.problems: list[str] = []
        self.requests: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda line: self.problems.append(line.text) if line.type == "error" else None)
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-ready]")


def test_a_user_is_found_in_a_page_that_loads_nothing(
    place: Workspace, layout: Layout, browser: Browser
) -> None:
    out = place.directory / "graph.html"
    place.run("picture", out, "--output-directory", layout.output)
    opened = Opened(browser.new_page(), out)
    page = opened.page

    image = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).reshape(-1, 3)
    assert len(np.unique(image, axis=0)) > 100, "the graph is not drawn"

    page.fill("#find", "user207")
    page.keyboard.press("Enter")
    assert page.locator("#card h2").inner_text() == "@user207"
    assert page.locator("#card").get_by_role("button", name="200").first.is_visible(), "whom the user follows"
    page.fill("#find", "nobody of this name")
    assert page.locator("#matches").inner_text() == "No such user here."
    page.locator("#legend button").first.click()
    assert page.locator("#legend button").first.get_attribute("aria-pressed") == "true"
    page.locator("#least").fill("100")
    assert page.locator("#least-shown").inner_text() == "at least 22"
    assert opened.problems == []
    assert [url.partition(":")[0] for url in opened.requests] == ["file"]


def test_hostile_names_do_nothing(place: Workspace, layout: Layout, browser: Browser) -> None:
    out = place.directory / "graph.html"
    place.run("picture", out, "--light", "--output-directory", layout.output)
    opened = Opened(browser.new_page(), out)
    page = opened.page

    page.fill("#find", str(EVIL_ID))
    page.keyboard.press("Enter")

    card = page.locator("#card").inner_text()
    assert EVIL in card, "the description is shown as it is"
    assert str(EVIL_ID) in card, "not as a number, which JavaScript would round"
    assert "\u202e" not in card
    assert page.title() == "Follow graph"
    assert page.locator("img").count() == 0
    assert opened.problems == []


def test_nothing_else_may_run_in_the_page(place: Workspace, layout: Layout, browser: Browser) -> None:
    out = place.directory / "graph.html"
    place.run("picture", out, "--output-directory", layout.output)
    out.write_text(out.read_text().replace("</body>", "<script>document.title = 'owned'</script></body>"))

    opened = Opened(browser.new_page(), out)

    assert opened.page.title() == "Follow graph"
    assert any("Content Security Policy" in problem for problem in opened.problems)


def test_a_broken_file_is_named_and_everything_else_is_drawn(place: Workspace, layout: Layout) -> None:
    layout.file("201", "fws").write_bytes(b"no gzip")
    out = place.directory / "graph.png"

    ended = place.run("picture", out, "--size", "200", "--output-directory", layout.output)

    assert ended.returncode == 1
    assert "201.fws" in ended.stderr
    assert Image.open(io.BytesIO(out.read_bytes())).width == 200


@pytest.mark.parametrize("labels", ["pseudonyms", "none"])
def test_a_page_without_names_has_none(
    place: Workspace, layout: Layout, browser: Browser, labels: str
) -> None:
    out = place.directory / "graph.html"
    place.run("picture", out, "--labels", labels, "--output-directory", layout.output)

    text = out.read_text()
    assert "user207" not in text
    assert str(EVIL_ID) not in text
    opened = Opened(browser.new_page(), out)
    assert opened.page.locator("#find").is_visible() == (labels == "pseudonyms")
    assert opened.problems == []
