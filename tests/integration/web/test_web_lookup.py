"""The lookup service over HTTP: what it answers, and what it refuses."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest
from yarl import URL

from twittomatic.errors import TwittomaticError
from twittomatic.networks.x.profiles import name_of
from twittomatic.sinks.lookup.store import ProfileStore, Sighting
from twittomatic.state.stream import SinkReport
from twittomatic.web.http import hosts_of
from twittomatic.web.lookup.service import MAX_ITEMS, LookupService, serve

DAY = 86_400
STANDING = SinkReport(at=1.0, process="p", lag=7, error="Nobody listens.", doing="Waiting: <b>x</b>")


class Asker:
    """A client of one service."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url.rstrip("/")

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        async with self.session.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, body: object, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        async with self.session.post(self.url + path, data=io.BytesIO(data), headers=headers) as answer:
            return answer.status, await answer.json()

    async def page(self, **query: str) -> tuple[int, str]:
        async with self.session.get(self.url + "/", params=query) as answer:
            assert answer.content_type == "text/html"
            return answer.status, await answer.text()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ProfileStore]:
    store = ProfileStore(tmp_path / "store")
    yield store
    store.close()


@pytest.fixture
async def ask(store: ProfileStore) -> AsyncIterator[Asker]:
    service = LookupService(store, name_of=name_of, sink_report=lambda: STANDING, hosts=hosts_of("127.0.0.1"))
    running = await serve(service, host="127.0.0.1", port=0)
    async with aiohttp.ClientSession() as session:
        yield Asker(session, running.url)
    await running.close()


def seen(user_id: int, username: str, day: float, **more: object) -> Sighting:
    record = json.dumps({"id": str(user_id), "username": username, **more}).encode()
    return Sighting(user_id, username, int(day * DAY), record)


async def test_a_user_is_found_by_id_and_by_any_spelling_of_the_name(ask: Asker, store: ProfileStore) -> None:
    store.add([seen(7, "Ann", 20_000.5, location="Pisa"), seen(7, "old_ann", 19_000)])
    expected = {
        "id": "7",
        "username": "Ann",
        "seen_at": "2024-10-04T12:00:00Z",
        "profile": {"id": "7", "username": "Ann", "location": "Pisa"},
        "names": [
            {"username": "old_ann", "first_seen": "2022-01-08", "last_seen": "2022-01-08"},
            {"username": "Ann", "first_seen": "2024-10-04", "last_seen": "2024-10-04"},
        ],
    }
    assert await ask.get("/lookup/id/7") == (200, expected)
    assert await ask.get("/lookup/id/0000007") == (200, expected)
    held = [{"id": "7", "first_seen": "2024-10-04", "last_seen": "2024-10-04"}]
    for name in ("Ann", "@ann", "%40ANN"):
        assert await ask.get(f"/lookup/name/{name}") == (200, {**expected, "holders": held})
    status, former = await ask.get("/lookup/name/OLD_ann")
    assert (status, former["id"], former["username"]) == (200, "7", "Ann")


async def test_the_owner_of_a_name_on_a_day(ask: Asker, store: ProfileStore) -> None:
    """1 was @x until day 10 and is @y since day 15; 2 is @x since day 20."""
    days = [(1, "x", 5), (1, "x", 10), (1, "y", 15), (2, "x", 20), (2, "x", 30)]
    store.add([seen(user, name, 20_000 + day) for user, name, day in days])

    async def on(day: int, path: str = "name/x") -> tuple[int, Any]:
        at = str(date.fromordinal(719_163 + 20_000 + day))
        status, answer = await ask.get(f"/lookup/{path}?at={at}")
        return status, (answer["at"]["id"], answer["at"]["username"], answer["at"]["certain"]) if (
            status == 200
        ) else None

    assert await on(4) == (404, None)
    assert await on(5) == (200, ("1", "x", True))
    assert await on(7) == (200, ("1", "x", True))
    assert await on(12) == (200, ("1", "x", False))
    assert await on(17) == (404, None)  # 1 was seen under another name, 2 was not seen yet
    assert await on(20) == (200, ("2", "x", True))
    assert await on(40) == (200, ("2", "x", False))
    assert await on(12, "id/1") == (200, ("1", "x", False))
    assert await on(15, "id/1") == (200, ("1", "y", True))
    assert await on(1, "id/1") == (404, None)
    _, now = await ask.get("/lookup/name/x")
    assert [(one["id"], one["first_seen"]) for one in now["holders"]] == [
        ("1", "2024-10-09"),
        ("2", "2024-10-24"),
    ]
    assert now["id"] == "2"


async def test_a_name_given_up_on_a_day_differs_from_one_never_used(ask: Asker, store: ProfileStore) -> None:
    """1 was @jack until day 10, and is @john since day 15; 2 was @jack on day 3, and is @dick since day 4."""
    days = [(1, "Jack", 5), (1, "Jack", 10), (1, "john", 15), (2, "jack", 3), (2, "dick", 4)]
    store.add([seen(user, name, 20_000 + day) for user, name, day in days])

    async def on(day: int) -> tuple[int, str]:
        at = date.fromordinal(719_163 + 20_000 + day)
        status, answer = await ask.get(f"/lookup/name/JACK?at={at}")
        return status, answer["at"]["id"] if status == 200 else answer["error"]

    assert await on(2) == (404, "nobody was seen as @JACK by 2024-10-06")
    assert await on(3) == (200, "2")
    assert await on(4) == (
        404,
        "nobody had the name @JACK on 2024-10-08: user 2, "
        "last seen under it on 2024-10-07, was seen as @dick by then",
    )
    assert await on(12) == (200, "1")
    assert await on(20) == (
        404,
        "nobody had the name @JACK on 2024-10-24: user 1, "
        "last seen under it on 2024-10-14, was seen as @john by then",
    )
    status, text = await ask.page(q="@jack", at="2024-10-24")
    assert status == 404
    assert "user 1, last seen" in text


async def test_a_name_that_was_left_in_the_course_of_a_day_was_had_on_it(
    ask: Asker, store: ProfileStore
) -> None:
    store.add([seen(1, "jack", 20_000.2), seen(1, "john", 20_000.7)])
    for name in ("jack", "john"):
        status, answer = await ask.get(f"/lookup/name/{name}?at=2024-10-04")
        assert (status, answer["at"]["username"], answer["at"]["certain"]) == (200, name, True)
    assert (await ask.get("/lookup/name/jack?at=2024-10-05"))[0] == 404
    assert (await ask.get("/lookup/id/1?at=2024-10-04"))[1]["at"]["username"] == "john"


async def test_a_user_without_a_name_is_not_reported_as_unseen(ask: Asker, store: ProfileStore) -> None:
    store.add([seen(8, "", 20_000)])
    status, answer = await ask.get("/lookup/id/8?at=2026-01-01")
    assert (status, answer["error"]) == (404, "user 8 was never seen under a name")


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/lookup/id/8", 404, "user 8 was never seen"),
        ("/lookup/name/nobody", 404, "nobody was ever seen as @nobody"),
        ("/lookup/id/abc", 422, "'abc' is not a user id"),
        ("/lookup/id/-1", 422, "is not a user id"),
        ("/lookup/id/12345678901234567890", 422, "is not a user id"),
        ("/lookup/id/%D9%A1", 422, "is not a user id"),
        ("/lookup/id/" + "9" * 5000, 422, "…"),
        ("/lookup/name/@", 422, "is not a screen name"),
        ("/lookup/name/a%00b", 422, "is not a screen name"),
        ("/lookup/name/" + "a" * 256, 422, "is not a screen name"),
        ("/lookup/name/%ED%A0%80", 404, "nobody was ever seen"),
        ("/lookup/name/%FF", 404, "nobody was ever seen"),
        ("/lookup/id/7?at=yesterday", 422, "is not a day"),
        ("/lookup/id/7?at=2026-02-30", 422, "there is no day 2026-02-30"),
        ("/lookup/id/7?at=", 422, "is not a day"),
        ("/lookup/id/", 404, "Not Found"),
        ("/nothing", 404, "Not Found"),
        ("/lookup/add", 405, "Method Not Allowed"),
    ],
)
async def test_what_cannot_be_answered_is_refused_in_one_sentence(
    ask: Asker, store: ProfileStore, path: str, status: int, said: str
) -> None:
    store.add([seen(7, "ann", 1)])
    found, answer = await ask.get(path)
    assert found == status, answer
    assert said in answer["error"]
    assert "\n" not in answer["error"]
    assert len(answer["error"]) < 200


async def test_many_are_asked_for_at_once(ask: Asker, store: ProfileStore) -> None:
    store.add([seen(7, "ann", 1), seen(8, "bob", 1)])
    status, answer = await ask.post("/lookup", {"ids": ["7", 8, "9", "x"], "names": ["@BOB", "nobody", ""]})
    assert status == 200
    assert [
        (one["query"], one["user"] and one["user"]["id"], one.get("status")) for one in answer["results"]
    ] == [
        ("7", "7", None),
        ("8", "8", None),
        ("9", None, 404),
        ("x", None, 422),
        ("@BOB", "8", None),
        ("nobody", None, 404),
        ("", None, 422),
    ]
    assert await ask.post("/lookup", {}) == (200, {"results": []})


async def test_several_large_requests_block_no_other(ask: Asker, store: ProfileStore) -> None:
    store.add(seen(number, f"u{number}", 1) for number in range(MAX_ITEMS))
    bodies = [
        {"ids": list(range(MAX_ITEMS))},
        {"names": [f"U{number}" for number in range(MAX_ITEMS)]},
        {"ids": [str(number) for number in range(MAX_ITEMS // 2)], "names": ["nobody"] * (MAX_ITEMS // 2)},
    ]
    large = [asyncio.create_task(ask.post("/lookup", body)) for body in bodies]
    between = 0
    while not all(task.done() for task in large):
        assert (await ask.get("/lookup/id/5"))[0] == 200
        between += 1
    answers = [await task for task in large]
    assert [(status, len(answer["results"])) for status, answer in answers] == [(200, MAX_ITEMS)] * 3
    assert [one["user"]["id"] for one in answers[1][1]["results"]] == list(map(str, range(MAX_ITEMS)))
    assert between > 8, "it answered others in between"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/lookup", {"ids": list(range(MAX_ITEMS + 1))}, 413),
        ("/lookup", {"ids": ["1"] * MAX_ITEMS, "names": ["a"]}, 413),
        ("/lookup", b'{"ids":["' + b"1" * 17_000_000 + b'"]}', 413),
        ("/lookup/add", {"profiles": [{"id": "1"}] * (MAX_ITEMS + 1)}, 413),
        ("/lookup", b"", 422),
        ("/lookup", b"nonsense", 422),
        ("/lookup", b'{"ids":["\xff"]}', 422),
        ("/lookup", b"[" * 100_000, 422),
        ("/lookup", ["1"], 422),
        ("/lookup", {"id": ["1"]}, 422),
        ("/lookup", {"ids": [1.5]}, 422),
        ("/lookup/add", {}, 422),
        ("/lookup/add", {"profiles": [{"username": "ann"}]}, 422),
        ("/lookup/add", {"profiles": [{"id": 7}]}, 422),
        ("/lookup/add", {"profiles": [{"id": "7"}], "seen_at": "yesterday"}, 422),
        ("/lookup/add", {"profiles": [{"id": "7"}], "seen_at": "2026-01-01T00:00:00"}, 422),
        ("/lookup/add", {"profiles": [{"id": "7"}], "seen_at": "2999-01-01T00:00:00Z"}, 422),
        ("/lookup/add", {"profiles": [{"id": "7"}], "seen_at": "1960-01-01T00:00:00Z"}, 422),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_and_adds_nothing(
    ask: Asker, store: ProfileStore, path: str, body: object, status: int
) -> None:
    found, answer = await ask.post(path, body)
    assert found == status, answer
    assert answer["error"]
    assert len(answer["error"]) < 300
    assert store.count() == 0


async def test_profiles_are_added_by_hand(ask: Asker, store: ProfileStore) -> None:
    body = {"profiles": [{"id": "7", "username": "Ann"}, {"id": "8"}], "seen_at": "2026-01-31T12:00:00+02:00"}
    assert await ask.post("/lookup/add", body) == (200, {"received": 2, "new": 2})
    assert await ask.post("/lookup/add", body) == (200, {"received": 2, "new": 0})
    older = {"profiles": [{"id": "7", "username": "Anna"}], "seen_at": "2025-01-31T12:00:00Z"}
    assert await ask.post("/lookup/add", older) == (200, {"received": 1, "new": 1})
    _, ann = await ask.get("/lookup/name/anna")
    assert (ann["username"], ann["seen_at"]) == ("Ann", "2026-01-31T10:00:00Z")
    assert (await ask.get("/lookup/id/8"))[1]["names"] == []
    assert (await ask.post("/lookup/add", {"profiles": [{"id": "9", "username": "now"}]}))[0] == 200
    assert (await ask.get("/lookup/status"))[1]["profiles"] == 3


async def test_another_site_can_neither_write_nor_read(ask: Asker, store: ProfileStore) -> None:
    body = {"profiles": [{"id": "7"}]}
    port = ask.url.rpartition(":")[2]
    assert (await ask.post("/lookup/add", body, Origin="http://evil.example"))[0] == 403
    assert (await ask.post("/lookup/add", body, Origin="null"))[0] == 403
    assert (await ask.post("/lookup/add", body, Origin=f"http://127.0.0.1:{int(port) + 1}"))[0] == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert (await ask.post("/lookup/add", body, Content_Type=kind))[0] == 415
    assert (await ask.get("/lookup/status", Host="evil.example"))[0] == 403
    assert (await ask.get("/lookup/status", Host="evil.example:9797"))[0] == 403
    assert (await ask.post("/lookup/add", body, Host="evil.example", Origin="http://evil.example"))[0] == 403
    assert store.count() == 0
    for host in ("localhost", f"LOCALHOST:{port}", "[::1]", "127.0.0.1"):
        assert (await ask.get("/lookup/status", Host=host))[0] == 200
    assert (await ask.post("/lookup/add", body, Origin=ask.url))[0] == 200


@asynccontextmanager
async def asked(store: ProfileStore, host: str, token: str) -> AsyncIterator[Asker]:
    """Ask a service that is set up as if it listened on `host`."""
    service = LookupService(store, name_of=name_of, hosts=hosts_of(host), token=token)
    running = await serve(service, host="127.0.0.1", port=0)
    async with aiohttp.ClientSession() as session:
        yield Asker(session, running.url)
    await running.close()


TOKEN = "a-secret-of-mine"
PROFILES = {"profiles": [{"id": "7", "username": "ann"}]}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "lookup.example.org"])
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "0.0.0.0", "lookup.example.org"])
async def test_a_service_that_others_can_reach_is_read_only_without_a_token(
    store: ProfileStore, host: str, name: str
) -> None:
    async with asked(store, host, "") as ask:
        for given in ("Bearer ", f"Bearer {TOKEN}", ""):
            status, answer = await ask.post("/lookup/add", PROFILES, Host=name, Authorization=given)
            assert (status, "LOOKUP_TOKEN" in answer["error"]) == (403, True)
        assert store.count() == 0
        assert (await ask.post("/lookup", {"ids": ["7"]}, Host=name))[0] == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
async def test_a_token_is_needed_to_write(
    store: ProfileStore, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twittomatic.web.lookup.service._WRONG_TOKEN_S", 0)
    async with asked(store, host, TOKEN) as ask:
        for given in (
            "",
            TOKEN,
            "Bearer",
            f"Basic {TOKEN}",
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            "Bearer é",
        ):
            for body in (PROFILES, b"no JSON", b"[" * 17_000_000):
                status, answer = await ask.post("/lookup/add", body, Authorization=given)
                assert (status, "token" in answer["error"]) == (401, True), given
        assert store.count() == 0
        assert (await ask.post("/lookup", {"ids": ["7"]}))[0] == 200
        assert await ask.post("/lookup/add", PROFILES, Authorization=f"bearer {TOKEN}") == (
            200,
            {"received": 1, "new": 1},
        )
        evil = {"Authorization": f"Bearer {TOKEN}", "Origin": "http://evil.example"}
        assert (await ask.post("/lookup/add", PROFILES, **evil))[0] == 403


def test_a_public_server_accepts_any_host_name() -> None:
    assert hosts_of("0.0.0.0") is None
    assert hosts_of("lookup.example.org") is None
    assert hosts_of("::1") == hosts_of("127.0.0.1") | {"::1"}  # type: ignore[operator]


async def test_the_page_shows_hostile_names_as_text(ask: Asker, store: ProfileStore) -> None:
    evil = "<script>alert(1)</script>\"'&\u202e"
    store.add([seen(7, evil, 20_000, name=evil, description="</pre><img src=x onerror=alert(1)>")])
    status, text = await ask.page(q="7", at="2026-01-01")
    assert status == 200
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<bdi>" in text
    status, text = await ask.page(q=evil)
    assert "<script" not in text
    for query, expected in (({"q": "8"}, 404), ({"q": "@"}, 422), ({"q": "7", "at": "x"}, 422), ({}, 200)):
        status, text = await ask.page(**query)
        assert status == expected
        assert "<b>x</b>" not in text
        assert "last error: Nobody listens." in text
    for query in ("%FF", "%ED%A0%80", "%00", "a" * 2000):
        async with ask.session.get(URL(f"{ask.url}/?q={query}&at={query}", encoded=True)) as answer:
            assert answer.status == 422
    async with ask.session.get(ask.url + "/") as answer:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "script-src" not in answer.headers["Content-Security-Policy"]


async def test_the_openapi_document_is_true_of_the_answers(ask: Asker, store: ProfileStore) -> None:
    store.add([seen(7, "ann", 20_000), seen(7, "anna", 20_001)])
    _, document = await ask.get("/openapi.json")

    def check(path: str, method: str, status: int, answer: object) -> None:
        content = document["paths"][path][method]["responses"][str(status)]["content"]
        schema = content["application/json"]["schema"]
        jsonschema.validate(answer, {**schema, "components": document["components"]})

    for path, asked in (
        ("/lookup/id/{id}", ("7", "7?at=2026-01-01", "8", "x", "7?at=x")),
        ("/lookup/name/{name}", ("ann", "anna?at=2026-01-01", "bob", "@")),
    ):
        for one in asked:
            status, answer = await ask.get(path.partition("{")[0] + one)
            check(path, "get", status, answer)
    for path, body in (
        ("/lookup", {"ids": ["7", "8", "x"], "names": ["ann", ""]}),
        ("/lookup", {"ids": 1}),
        ("/lookup/add", {"profiles": [{"id": "9", "username": "x"}]}),
        ("/lookup/add", {"profiles": [{}]}),
    ):
        status, answer = await ask.post(path, body)
        check(path, "post", status, answer)
    for path in ("/lookup/status", "/openapi.json"):
        status, answer = await ask.get(path)
        check(path, "get", status, answer)
    assert set(document["paths"]) == {
        "/lookup",
        "/lookup/add",
        "/lookup/id/{id}",
        "/lookup/name/{name}",
        "/lookup/status",
        "/openapi.json",
    }


async def test_a_port_in_use_is_reported(ask: Asker, store: ProfileStore) -> None:
    port = int(ask.url.rpartition(":")[2])
    with pytest.raises(TwittomaticError, match=f"LOOKUP_PORT: port {port} of 127.0.0.1 cannot be used"):
        await serve(LookupService(store, name_of=name_of), host="127.0.0.1", port=port)


async def test_what_is_no_http_is_not_quoted_in_the_log(ask: Asker, caplog: pytest.LogCaptureFixture) -> None:
    url = URL(ask.url)
    for line in (b"GET /?q=\xff-a-secret HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nAuthorization: a-secret\x01\r\n"):
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(line + b"\r\n")
        assert b" 400 " in await reader.readline()
        writer.close()
    assert caplog.text == ""
