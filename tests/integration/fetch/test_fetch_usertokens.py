"""User tokens: renewed by one, read by all, and on disk before they are used."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from twittomatic import faultpoint
from twittomatic.app import runtime
from twittomatic.app.connect import connected
from twittomatic.crawler.options import CrawlOptions
from twittomatic.emulator import Emulator, GraphWorld, serve
from twittomatic.errors import CredentialRejected, SettingsError, StorageUnavailable, UpstreamUnavailable
from twittomatic.fetch import usertokens
from twittomatic.fetch.credentials import Credentials
from twittomatic.fetch.transport import Transport
from twittomatic.fetch.usertokens import UserToken
from twittomatic.networks.base import Form, Response
from twittomatic.networks.x import X
from twittomatic.settings import load
from twittomatic.state.embedded.server import Role

SECRET = "refresh-none-may-see-this"


def write(path: Path, **changes: Any) -> Path:
    tokens = {"client_id": "client", "access_token": "access-old", "refresh_token": SECRET, **changes}
    path.touch(mode=0o600)
    path.write_text(json.dumps({name: value for name, value in tokens.items() if value is not None}))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "ada.json")


class House:
    """An emulator, and the way to it."""

    def __init__(self, emulator: Emulator, network: X, transport: Transport) -> None:
        self.emulator = emulator
        self.network = network
        self.transport = transport
        self.sent: list[Form] = []

    async def send(self, form: Form) -> Response:
        self.sent.append(form)
        return await self.transport.post(self.network.url, form)

    async def renew(self, token: UserToken) -> None:
        await token.renew(token.token, self.network, self.send, time.time)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        running = await serve(Emulator(GraphWorld([(1, 2)], seed=1)))
        stack.push_async_callback(running.close)
        transport = await stack.enter_async_context(Transport(timeout_s=30))
        yield House(running.emulator, X(url=running.url), transport)


async def test_a_renewed_pair_is_in_the_file(house: House, path: Path) -> None:
    token = UserToken(path)
    await house.renew(token)
    stored = json.loads(path.read_text())
    assert stored["access_token"] == token.token != "access-old"
    assert stored["refresh_token"] != SECRET
    assert stored["client_id"] == "client"
    assert stored["expires_at"] == pytest.approx(time.time() + 7200, abs=60)
    assert path.stat().st_mode & 0o777 == 0o600
    assert house.emulator.authority.is_live(token.token)
    assert not token.is_due(time.time())
    assert token.is_due(time.time() + 7200)
    await house.renew(token)
    assert house.emulator.authority.renewals == 2
    assert {entry.name for entry in path.parent.iterdir()} == {"ada.json", "ada.json.lock"}


async def test_many_renew_once(house: House, path: Path) -> None:
    tokens = [UserToken(path) for _ in range(8)]
    await asyncio.gather(*[house.renew(token) for token in tokens for _ in range(3)])
    assert house.emulator.authority.renewals == 1
    assert len({token.token for token in tokens}) == 1


async def test_a_process_that_comes_late_reads_what_another_wrote(house: House, path: Path) -> None:
    first, late = UserToken(path), UserToken(path)
    await house.renew(first)
    await house.renew(late)
    assert (late.token, len(house.sent)) == (first.token, 1)


async def test_a_refused_token_says_why_and_shows_nothing(house: House, path: Path) -> None:
    await house.renew(UserToken(path))
    write(path)
    with pytest.raises(CredentialRejected, match=r"does not renew .* \(invalid_grant\); authorize") as caught:
        await house.renew(UserToken(path))
    assert SECRET not in str(caught.value)
    assert json.loads(path.read_text())["refresh_token"] == SECRET


@pytest.mark.parametrize(("secret", "signed"), [(None, False), ("hush", True)])
async def test_a_client_with_a_secret_signs(house: House, path: Path, secret: Any, signed: bool) -> None:
    write(path, client_secret=secret)
    await house.renew(UserToken(path))
    [form] = house.sent
    assert ("Authorization" in form.headers) is signed
    assert ("client_id" in form.fields) is not signed
    assert SECRET not in repr(form)
    assert json.loads(path.read_text()).get("client_secret") == secret


async def test_without_room_on_disk_nothing_is_spent(house: House, path: Path) -> None:
    (path.parent / "ada.json.new").mkdir()
    with pytest.raises(StorageUnavailable, match="could not be stored"):
        await house.renew(UserToken(path))
    assert house.sent == []


async def test_the_file_comes_before_the_token(house: House, path: Path) -> None:
    token = UserToken(path)
    seen = []

    def look(name: str) -> None:
        seen.append((name, token.token, json.loads(path.read_text())["access_token"] != "access-old"))

    faultpoint.arm(look)
    try:
        await house.renew(token)
    finally:
        faultpoint.arm(None)
    assert seen == [("token.stored", "access-old", True)]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, {}, UpstreamUnavailable),
        (429, {}, UpstreamUnavailable),
        (200, {"access_token": ""}, UpstreamUnavailable),
        (200, {"access_token": "a b"}, UpstreamUnavailable),
        (200, {"access_token": "a\nb"}, UpstreamUnavailable),
        (200, [], UpstreamUnavailable),
        (401, {"error": "invalid_client"}, CredentialRejected),
        (400, {"error": f"echo {SECRET}"}, CredentialRejected),
    ],
)
async def test_other_answers_leave_the_file(path: Path, status: int, body: Any, error: Any) -> None:
    async def send(form: Form) -> Response:
        return Response(status=status, headers={}, body=json.dumps(body).encode())

    token, before = UserToken(path), path.read_bytes()
    with pytest.raises(error) as caught:
        await token.renew("access-old", X(url="http://127.0.0.1:9"), send, time.time)
    assert path.read_bytes() == before
    assert SECRET not in str(caught.value)


async def test_a_network_that_keeps_the_refresh_token(path: Path) -> None:
    async def send(form: Form) -> Response:
        return Response(status=200, headers={}, body=b'{"access_token":"next"}')

    await UserToken(path).renew("access-old", X(url="http://127.0.0.1:9"), send, time.time)
    assert json.loads(path.read_text()) == {
        "client_id": "client",
        "access_token": "next",
        "refresh_token": SECRET,
    }


class Slow:
    """A network that answers on command."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()

    async def send(self, form: Form) -> Response:
        self.asked.set()
        await self.answers.wait()
        return Response(status=200, headers={}, body=b'{"access_token":"next","refresh_token":"after"}')

    async def cancelled(self, token: UserToken) -> None:
        """Start a renewal whose caller is gone before the answer."""
        job = asyncio.create_task(
            token.renew("access-old", X(url="http://127.0.0.1:9"), self.send, time.time)
        )
        await self.asked.wait()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job


async def test_a_renewal_outlives_the_job_that_asked_for_it(house: House, path: Path) -> None:
    """The old refresh token is spent when its answer comes; other callers wait for that answer."""
    slow, token = Slow(), UserToken(path)
    await slow.cancelled(token)
    other = asyncio.create_task(house.renew(UserToken(path)))
    again = asyncio.create_task(house.renew(token))
    slow.answers.set()
    await token.settled()
    assert json.loads(path.read_text())["refresh_token"] == "after"
    await asyncio.gather(other, again)
    assert (token.token, house.sent) == ("next", [])


async def test_the_wire_stays_open_until_a_renewal_is_stored(tmp_path: Path) -> None:
    path = write(tmp_path / "ada.json")
    empty = write(tmp_path / "empty.toml")
    empty.write_text("")
    settings = load({"state_directory": str(tmp_path / "s"), "x_user_tokens": str(path)}, {}, empty)
    credentials, slow = Credentials.load("", settings.x_user_tokens), Slow()
    [token] = credentials
    assert isinstance(token, UserToken)
    options = CrawlOptions.of("F", settings)
    async with connected(settings, Role.OWN, "test") as connection:
        async with runtime.Runtime.of(settings, options, connection, credentials, "test"):
            await slow.cancelled(token)
            asyncio.get_running_loop().call_later(0.1, slow.answers.set)  # longer than it takes to close
        assert json.loads(path.read_text())["refresh_token"] == "after"


async def test_a_failed_renewal_without_waiters_is_over(path: Path) -> None:
    slow, token = Slow(), UserToken(path)
    await slow.cancelled(token)
    path.parent.joinpath("ada.json.new").unlink()
    slow.answers.set()
    await token.settled()
    assert json.loads(path.read_text())["refresh_token"] == SECRET
    await token.settled()


PROCESS = """
import asyncio, os, signal, sys, time
from pathlib import Path
from twittomatic import faultpoint
from twittomatic.fetch.transport import Transport
from twittomatic.fetch.usertokens import UserToken
from twittomatic.networks.x import X

async def main(path, url, dies):
    if dies == "dies":
        faultpoint.arm(lambda name: os.kill(os.getpid(), signal.SIGKILL))
    token, network = UserToken(Path(path)), X(url=url)
    print("ready", flush=True)
    sys.stdin.readline()
    async with Transport(timeout_s=30) as transport:
        await token.renew(token.token, network, lambda form: transport.post(url, form), time.time)
    print(token.token, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


def start(path: Path, url: str, dies: str = "lives") -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS, path, url, dies],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def test_two_processes_renew_once(house: House, path: Path) -> None:
    processes = [start(path, house.network.url) for _ in range(2)]
    for process in processes:
        assert process.stdout
        assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
    said = await asyncio.gather(*[asyncio.to_thread(process.communicate, "\n") for process in processes])
    assert house.emulator.authority.renewals == 1
    assert {output for output, _ in said} == {json.loads(path.read_text())["access_token"] + "\n"}


async def test_a_process_that_dies_with_the_new_pair_leaves_it_to_the_next(house: House, path: Path) -> None:
    process = start(path, house.network.url, "dies")
    await asyncio.to_thread(process.communicate, "\n")
    assert process.returncode == -signal.SIGKILL
    token = UserToken(path)
    assert house.emulator.authority.is_live(token.token)
    await house.renew(token)
    assert house.emulator.authority.renewals == 2


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"client_id": "a"}', '{"client_id":"a","access_token":"b","refresh_token":""}'],
)
def test_what_is_no_token_file(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(SettingsError, match="is not JSON with client_id"):
        usertokens.load(str(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xef\xbb\xbf{}", "line 1 of {path} starts with a byte order mark"),
        (b"\xff\xfe{\0}\0", "line 1 of {path} starts with a byte order mark"),
        (b"{}" + b" " * 65536, "{path} is larger than 64 KiB"),
    ],
)
def test_what_is_wrong_with_a_whole_file(path: Path, content: bytes, said: str) -> None:
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=re.escape(said.format(path=path))):
        usertokens.load(str(path))


@pytest.mark.parametrize("field", ["client_id", "client_secret", "access_token", "refresh_token"])
@pytest.mark.parametrize("bad", [" ", "\n", "\r\nEvil: 1", "é", "\0"])
def test_a_character_that_no_token_has(path: Path, field: str, bad: str) -> None:
    tokens = {"client_id": "c", "client_secret": "s", "access_token": "a", "refresh_token": "r"}
    path.write_text(json.dumps({**tokens, field: f"{SECRET}{bad}{SECRET}"}, indent=1))
    line = [*tokens].index(field) + 2
    with pytest.raises(SettingsError, match=f"{field} in line {line} of {path} holds") as caught:
        usertokens.load(str(path))
    assert SECRET not in str(caught.value)


def test_an_unknown_field_is_refused_and_nothing_is_shown(path: Path) -> None:
    write(path, acces_token="x")
    with pytest.raises(SettingsError) as caught:
        usertokens.load(str(path))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_file_that_others_can_use_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        usertokens.load(str(path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        usertokens.load(str(tmp_path / "nobody.json"))


def test_names_are_the_same_for_all_and_show_nothing(path: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "bob.json")
    [ada, bob] = usertokens.load(f"{path}, {other}")
    assert ada.name == UserToken(path).name != bob.name
    assert ada.name.startswith("user-")
    for text in (repr(ada), repr(vars(ada))):
        assert SECRET not in text
        assert "access-old" not in text
    with pytest.raises(SettingsError, match="name each once"):
        usertokens.load(f"{path},{path}")


async def test_a_crash_between_does_not_leave_the_lock(house: House, path: Path) -> None:
    lock = os.open(path.parent / "ada.json.lock", os.O_RDWR | os.O_CREAT, 0o600)
    os.close(lock)
    await house.renew(UserToken(path))
    assert house.emulator.authority.renewals == 1


async def test_a_post_goes_where_it_is_sent_and_nowhere_else() -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("http://127.0.0.1:9/")

    application = web.Application()
    application.router.add_post("/2/oauth2/token", elsewhere)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    network = X(url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    async with Transport(timeout_s=30) as transport:
        answer = await transport.post(network.url, network.renewal("a", "", SECRET))
    await runner.cleanup()
    assert answer.status == 307
    with pytest.raises(UpstreamUnavailable):
        network.decode_renewal(answer)
