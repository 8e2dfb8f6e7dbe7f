"""Requests through a real proxy: what it receives, and what its refusals cost."""

import logging
import socket
import traceback
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from proxying import proxying
from scripted import scripted

from twittomatic.errors import UpstreamUnavailable
from twittomatic.fetch.proxy import Proxies
from twittomatic.fetch.transport import Transport
from twittomatic.model import User
from twittomatic.networks.base import Response
from twittomatic.networks.x import X

PASSWORD = "hunter2-of-the-proxy"
PAGE = X(url="http://x").followers(User("1"), token=None, size=10)


async def send(url: str, setting: str, headers: Mapping[str, str] | None = None) -> Response:
    async with Transport(timeout_s=30, proxies=Proxies(setting)) as transport:
        return await transport.send(url, PAGE, headers or {"Authorization": "Bearer t0ken"})


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port
    return port


def with_password(url: str) -> str:
    return url.replace("http://", f"http://me:{PASSWORD}@")


async def test_a_plain_request_goes_through_the_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The name is resolved there, the password is for the proxy alone, and ~/.netrc is not read."""
    (tmp_path / ".netrc").write_text("machine api.x.test login me password no\ndefault login a password b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with (
        scripted() as x,
        proxying(lambda host, _: ("127.0.0.1", port_of(x.url)), credentials=f"me:{PASSWORD}") as proxy,
    ):
        response = await send("http://api.x.test", with_password(proxy.url))
        assert response.status == 200
        assert proxy.asked == ["GET http://api.x.test/2/users/1/followers"]
        assert proxy.seen[0]["authorization"] == "Bearer t0ken"
        assert "proxy-authorization" in proxy.seen[0]
        assert len(x.asked) == 1
        monkeypatch.setenv("HTTP_PROXY", with_password(proxy.url))
        await send("http://api.x.test", "")
        assert len(x.asked) == 2


async def test_loopback_is_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted() as x, proxying(lambda *_: None) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        for setting in ("", proxy.url):
            assert (await send(x.url, setting)).status == 200
        assert proxy.asked == []


@pytest.mark.parametrize("url", ["http://api.x.test", "https://api.x.test"])
async def test_a_proxy_that_wants_another_password(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with proxying(lambda *_: None, credentials="me:other") as proxy:
        with pytest.raises(
            UpstreamUnavailable, match=r"^The proxy 127\.0\.0\.1:\d+ requires .*\(407\)"
        ) as caught:
            await send(url, with_password(proxy.url))
        assert len(proxy.asked) == 1
        assert ("proxy-authorization" in proxy.seen[0]) is True
    assert (caught.value.most_billed, caught.value.answered) == (0, False)
    logging.getLogger("test").error("failed: %r", caught.value, exc_info=caught.value)
    told = [str(caught.value), repr(caught.value), *traceback.format_exception(caught.value), caplog.text]
    assert PASSWORD not in "".join(told)
    assert "bWU6" not in "".join(told)  # the header, in Base64


async def test_a_proxy_that_does_not_connect() -> None:
    with proxying(lambda *_: None) as proxy:
        with pytest.raises(
            UpstreamUnavailable, match=r"does not connect to api\.x\.test \(403\); check PROXY"
        ) as caught:
            await send("https://api.x.test", proxy.url)
        assert proxy.asked == ["CONNECT api.x.test:443"]
        assert "authorization" not in proxy.seen[0]  # the token is for the other end of the tunnel
    assert caught.value.most_billed == 0


@pytest.mark.parametrize("url", ["http://api.x.test", "https://api.x.test"])
async def test_a_proxy_that_is_not_there(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"http://me:{PASSWORD}@127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(UpstreamUnavailable, match=r"^The proxy 127\.0\.0\.1:\d+ cannot be reached") as caught:
        await send(url, nobody)
    assert "check PROXY and HTTPS_PROXY" in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert caught.value.most_billed == 0


@pytest.mark.parametrize("url", ["http://api.x.test", "https://api.x.test"])
async def test_a_proxy_whose_name_does_not_resolve(url: str) -> None:
    with pytest.raises(UpstreamUnavailable, match=r"^The proxy nowhere\.invalid:3128 cannot be reached"):
        await send(url, "http://nowhere.invalid:3128")  # RFC 2606: never resolves


async def test_a_tunnel_to_what_speaks_no_tls() -> None:
    with scripted() as x, proxying(lambda host, _: ("127.0.0.1", port_of(x.url))) as proxy:
        with pytest.raises(UpstreamUnavailable) as caught:
            await send("https://api.x.test", proxy.url)
        assert x.asked == []
    assert caught.value.most_billed == 0
