"""The monitor in a real browser, beside a crawl of several processes."""

import asyncio
import json
import os
import re
import signal
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

from support.browser import chromium
from support.workspace import DEADLINE_S, Workspace, wait_for
from twittomatic.clock import rfc3339, utc
from twittomatic.state.client import client
from twittomatic.state.embedded import process
from twittomatic.state.embedded.launch import launch
from twittomatic.state.keys import CrawlKeys

TOKEN = "the-monitors-own-token"
EVIL = "<img src=x onerror=\"document.title='owned'\">"
BEARERS = ("s3cret-t0ken", TOKEN)


class Scene:
    """A crawl that lasts as long as the tests, and its monitor."""

    def __init__(self, place: Workspace, server: str) -> None:
        self.place = place
        self.server = server
        place.set(redis_url=server, monitor_token=TOKEN, monitor_port=0, budget_usd=1e6)
        place.emulator("--users", "20000", "--faults", "followers:slow=1@3s,timeline:slow=1@0.2s")
        place.write("seeds", "".join(f"{number}\n" for number in self.seeds()))
        flags = ("-T", "-F", "-A", "--max-depth", "unlimited", "--max-followers", "500")
        self.master = place.start("master", *flags, "--stream", "seeds")
        self.doomed = place.start("worker", "doomed", "--concurrency", "3")
        self.monitor = place.start("monitor")
        self.url = self.address()
        place.start("worker", "other", "--concurrency", "3")

    def seeds(self) -> list[int]:
        """Return users of the emulated network."""
        url = self.place.environment["TWITTOMATIC_X_API_URL"]
        said = "".join(path.read_text() for path in self.place.directory.glob("said-*.log"))
        names = re.findall(r"@(\w+)", said)
        request = urllib.request.Request(
            f"{url}/2/users/by/username/{names[0]}", headers={"Authorization": "Bearer s3cret-t0ken"}
        )
        with urllib.request.urlopen(request) as answer:
            return [int(json.load(answer)["data"]["id"])]

    def address(self) -> str:
        wait_for(lambda: "Running on" in self.place.said(self.monitor), self.place, self.monitor)
        found = re.search(r" \* Running on (http://127\.0\.0\.1:\d+/)\n", self.place.said(self.monitor))
        assert found, self.place.said(self.monitor)
        return found[1]

    def ask(self, path: str, method: str = "GET", body: bytes = b"{}", **headers: str) -> tuple[int, str]:
        request = urllib.request.Request(
            self.url + path.lstrip("/"),
            method=method,
            data=body if method == "POST" else None,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def redis(self, *command: str) -> Any:
        async def send() -> Any:
            async with client(self.server, "test") as redis:
                return await redis.execute_command(*command)

        return _run(send())


@pytest.fixture(scope="module")
def scene(shared_place: Workspace) -> Iterator[Scene]:
    with tempfile.TemporaryDirectory(prefix="tw") as server:
        url = _run(_launched(Path(server)))
        try:
            yield Scene(shared_place, url)
        finally:
            shared_place.end()
            os.kill(int((Path(server) / "valkey.pid").read_text()), signal.SIGKILL)


def _run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in another thread: Playwright has a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main).result()


async def _launched(directory: Path) -> str:
    await launch(directory)
    return await process.wait_until_ready(directory)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium("127.0.0.1") as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, scene: Scene) -> Iterator[Page]:
    """The monitor's page, of which nothing may fail, and from which nothing may leave the machine."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(DEADLINE_S * 1000)
    page = context.new_page()
    failures: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda said: failures.append(said.text) if _is_failure(said) else None)
    context.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url.replace("ws://", "http://")))
    page.goto(scene.url)
    yield page
    context.close()
    assert not failures
    assert asked
    assert all(url.startswith(scene.url) for url in asked)


def _is_failure(said: ConsoleMessage) -> bool:
    """Tell whether the browser complains of more than a monitor that is away or refuses something."""
    expected = ("Failed to load resource", "WebSocket connection to")
    return said.type == "error" and not said.text.startswith(expected)


def number(page: Page, tile: str) -> float:
    text = page.locator(".tile", has=page.get_by_role("heading", name=tile, exact=True)).locator(".value")
    return float(re.sub(r"[^\d.]", "", text.inner_text()))


def _line(plot: Locator) -> str:
    return plot.locator(".plot .line").first.get_attribute("d") or ""


def phase(page: Page, wanted: str) -> None:
    page.locator(f"#phase[data-phase={wanted}]").wait_for()


def test_numbers_move_charts_draw_and_the_past_survives(page: Page, scene: Scene) -> None:
    phase(page, "running")
    page.locator(".tile").nth(6).wait_for()
    wait_for(lambda: number(page, "Followers") > 0, scene.place, scene.monitor)
    before = number(page, "Followers")
    wait_for(lambda: number(page, "Followers") > before, scene.place, scene.monitor)
    assert number(page, "Spent") > 0
    plots = page.locator("#plots figure:not([hidden])")
    for index in range(7):
        wait_for(lambda: "L" in _line(plots.nth(index)), scene.place, scene.monitor)  # noqa: B023
    assert plots.count() == 7
    page.locator(".window").first.wait_for()
    assert re.search(r"\d+ of \d+", page.locator(".window").first.inner_text())
    page.locator("#found").scroll_into_view_if_needed()
    page.locator("#graph circle.node").first.wait_for()
    page.locator("#log").scroll_into_view_if_needed()
    page.locator("#log-rows tr").first.wait_for()
    rows = json.loads(scene.ask("/api/history?span=minutes")[1])["rows"]
    scene.monitor.send_signal(signal.SIGTERM)
    assert scene.monitor.wait(DEADLINE_S) == 130
    page.locator("#away:not([hidden])").wait_for()
    port = re.findall(r"\d+", scene.url)[-1]
    scene.monitor = scene.place.start("monitor", "--monitor-port", port)
    scene.address()
    page.locator("#away[hidden]").wait_for(state="attached")  # by itself, without a reload
    assert json.loads(scene.ask("/api/history?span=all")[1])["rows"]
    assert json.loads(scene.ask("/api/history?span=minutes")[1])["rows"][: len(rows) - 1] == rows[:-1]
    page.reload()
    phase(page, "running")


def test_the_buttons_take_the_token_and_pause_and_resume(page: Page, scene: Scene) -> None:
    phase(page, "running")
    page.get_by_role("button", name="Pause").click()
    page.get_by_label("Token", exact=True).fill("not-the-right-one")
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("That is not the monitor's token.").wait_for()
    assert scene.place.status()["phase"] == "running"
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.keyboard.press("Enter")
    phase(page, "paused")
    status = scene.place.status()
    assert (status["phase"], status["reason"]) == ("paused", "paused from the monitor")
    page.get_by_role("button", name="Resume").click()
    phase(page, "running")
    assert scene.place.status()["phase"] == "running"
    assert TOKEN not in page.content()


def test_money_is_that_of_status(page: Page, scene: Scene) -> None:
    ledger = f"tw:{{net:{scene.place.status()['account']}}}:ledger"
    scene.redis("HSET", ledger, "module:default:profiles", "12345000000")
    row = page.locator("#module-rows tr", has_text="profiles")
    row.get_by_text("$12,345.00", exact=True).wait_for()
    assert row.inner_text().split() == ["profiles", "$12,345.00"]
    scene.redis("HINCRBY", ledger, "crawl:default", "12345000000")
    scene.redis("HINCRBY", ledger, "spent", "12345000000")
    spent = page.locator(".tile", has=page.get_by_role("heading", name="Spent", exact=True))
    spent.get_by_text(re.compile(r"an hour.*; X probably charges about \$[\d.,]+$")).wait_for()
    ticks = page.locator("#plots figure", has_text="Dollars").locator(".grid text")
    ticks.filter(has_text=re.compile(r"^\$\d+K$")).first.wait_for()
    assert all(tick.evaluate("text => text.getBBox().x >= 0") for tick in ticks.all())
    said = float(re.sub(r".*\$|,", "", spent.locator(".more").inner_text()))
    assert 0 < said <= scene.place.status()["crawl_expected_usd"] + 0.01


def test_a_killed_worker_is_shown_as_dead_with_its_successor(page: Page, scene: Scene) -> None:
    row = page.locator("#worker-rows tr", has_text="doomed@")
    row.locator(".doing li", has_text="follower").first.wait_for()  # long enough for its heir to be seen
    scene.doomed.kill()
    gone = page.locator("#gone-rows tr", has_text="doomed@")
    gone.wait_for()
    assert "died" in gone.inner_text()
    row.wait_for(state="detached")
    gone.filter(has_text="other@").wait_for()
    assert "leads, epoch" in page.locator("#master").inner_text()


def test_foreign_text_stays_text(page: Page, scene: Scene) -> None:
    held = {"module": "follower", "user_id": EVIL, "depth": 0, "records": 0, "pages": 0, "for_s": 1.0}
    worker = {
        "slots": 1,
        "seen_at": rfc3339(utc(time.time())),
        "lease_s": 3600.0,
        "jobs": [held],
        "credentials": [],
    }
    tries = {"at": EVIL, "worker": EVIL, "reason": EVIL}
    scene.redis("HSET", "tw:{default}:workers", f"{EVIL}@here", msgspec.json.encode(worker).decode())
    scene.redis("HSET", "tw:{default}:dead", "follower:42", msgspec.json.encode(tries).decode())
    sink = {"at": time.time(), "process": EVIL, "lag": 7, "error": EVIL}
    scene.redis("HSET", "tw:{default}:sinks", EVIL, msgspec.json.encode(sink).decode())
    line = {"at": "2026-01-01T00:00:00Z", "level": "error", "process": EVIL, "event": EVIL, "reason": EVIL}
    log = scene.place.directory / "logs" / "default.evil.jsonl"
    log.write_bytes(msgspec.json.encode(line) + b"\n" + b"no line at all <b>\n")
    picture = {
        "nodes": [{"id": "1", "username": EVIL, "name": EVIL, "depth": 0, "followers": 1, "x": 0, "y": 0}],
        "links": [],
        "links_cut": False,
        "crawled": 1,
    }
    page.route("**/api/graph", lambda route: route.fulfill(json=picture))
    page.locator("#worker-rows, #gone-rows").get_by_text(f"{EVIL}@here", exact=True).first.wait_for()
    page.locator("#dead-rows").get_by_text(EVIL, exact=True).first.wait_for()
    page.locator("#sink-rows tr", has_text="7 events").get_by_text(EVIL, exact=True).first.wait_for()
    page.locator("#log").scroll_into_view_if_needed()
    page.get_by_label("Level").select_option("error")
    page.locator("#log-rows").get_by_text(f"{EVIL} · {EVIL}", exact=True).first.wait_for()
    page.locator("#found").scroll_into_view_if_needed()
    page.locator("#top").get_by_text(f"{EVIL} (@{EVIL})", exact=True).wait_for()
    page.get_by_label("Look up a user").fill(EVIL)
    page.keyboard.press("Enter")
    page.get_by_text("Give a user id").wait_for()
    assert page.locator("img").count() == 0
    assert "owned" not in page.title()
    scene.redis("HDEL", "tw:{default}:workers", f"{EVIL}@here")
    scene.redis("HDEL", "tw:{default}:dead", "follower:42")
    scene.redis("DEL", "tw:{default}:sinks")


def test_one_user_is_described_by_the_files(page: Page, scene: Scene) -> None:
    wait_for(lambda: scene.place.files("fws"), scene.place, scene.master)
    user_id = scene.place.files("fws")[0].stem
    page.get_by_label("Look up a user").fill(user_id)
    page.keyboard.press("Enter")
    result = page.locator("#user-result")
    result.get_by_text(f"{user_id}.fws").first.wait_for()
    assert f"User {user_id}" in result.inner_text()
    assert "Journal" in result.inner_text()


def test_which_visitors_may_read_and_which_may_act(scene: Scene) -> None:
    wait_for(lambda: json.loads(scene.ask("/api/status")[1])["phase"] != "idle", scene.place)  # or no metrics
    status = json.loads(scene.ask("/api/status")[1])
    assert set(status) == set(scene.place.status())
    assert scene.ask("/healthz")[0] == 200
    assert "twittomatic_fetched_records_total" in scene.ask("/metrics")[1]
    assert scene.ask("/api/status", Host="evil.example")[0] == 401  # a name of theirs that leads here
    bearer = f"Bearer {TOKEN}"
    assert scene.ask("/api/status", Host="evil.example", Authorization=bearer)[0] == 200
    assert scene.ask("/api/pause", "POST")[0] == 401
    began_at = time.monotonic()
    assert scene.ask("/api/pause", "POST", Authorization="Bearer wrong-wrong")[0] == 401
    assert time.monotonic() - began_at > 0.9, "a guess costs a second"
    for foreign in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert scene.ask("/api/pause", "POST", Authorization=bearer, **foreign)[0] == 403
        assert scene.ask("/api/session", "POST", **foreign)[0] == 403
    assert scene.place.status()["phase"] == "running"
    for body in (b"[", b'{"token":' + b"[" * 20_000):
        assert scene.ask("/api/retry", "POST", body, Authorization=bearer)[0] == 400
        assert scene.ask("/api/session", "POST", body)[0] == 400
    assert scene.ask("/api/user?user=%3Cb%3E")[0] == 400
    for field, text in (("checkpoint", "no json"), ("depth", "deep")):
        scene.redis("HSET", f"{CrawlKeys('default').job}follower:77", "depth", "1", field, text)
        status, answer = scene.ask("/api/user?user=77")
        assert (status, "did not write (job follower:77)" in answer) == (400, True)
    scene.redis("DEL", f"{CrawlKeys('default').job}follower:77")
    assert scene.ask("/api/history?span=x")[0] == 400
    assert scene.ask("/static/../server.py")[0] == 404
    assert scene.ask("/nothing")[0] == 404
    for path in ("", "/api/status", "/metrics", "/api/log", "/api/session"):
        assert not any(secret in scene.ask(path)[1] for secret in BEARERS)
    with socket.create_connection(("127.0.0.1", urlsplit(scene.url).port or 0), DEADLINE_S) as line:
        line.sendall(f"GET / HTTP/1.1\r\nAuthorization: {bearer}\x01\r\n\r\n".encode())  # it is no HTTP
        assert b" 400 " in line.recv(1000)
    logs = "".join(path.read_text() for path in (scene.place.directory / "logs").iterdir())
    logs += scene.place.said(scene.monitor)
    assert not any(secret in logs for secret in BEARERS)


def test_bound_elsewhere_it_wants_a_token(place: Workspace) -> None:
    refused = place.run("monitor", "--monitor-host", "0.0.0.0", "--monitor-port", "0")
    assert refused.returncode == 2
    assert "MONITOR_TOKEN" in refused.stderr


def test_without_a_crawl_it_waits_and_is_read_only(place: Workspace) -> None:
    monitor = place.start("monitor", "--monitor-port", "0")
    wait_for(lambda: "Running on" in place.said(monitor), place, monitor)
    url = re.findall(r"http://\S+", place.said(monitor))[0]
    with urllib.request.urlopen(f"{url}api/status") as answer:
        assert json.load(answer)["phase"] == "idle"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(urllib.request.Request(f"{url}api/pause", method="POST", data=b"{}"))
    place.emulator("--graph", place.graph([(2, 1)]))
    assert place.run("crawl", "-F", "1").returncode == 0
    wait_for(lambda: _phase(url) == "finished", place, monitor)
    monitor.send_signal(signal.SIGTERM)
    assert monitor.wait(DEADLINE_S) == 130


def _phase(url: str) -> str:
    with urllib.request.urlopen(f"{url}api/status") as answer:
        return str(json.load(answer)["phase"])
