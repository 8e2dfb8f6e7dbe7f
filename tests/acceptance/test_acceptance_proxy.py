"""Commands whose only way out is a proxy to a TLS server."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from proxying import certificate, proxying
from scripted import scripted

from support.workspace import Workspace

PASSWORD = "hunter2-of-the-proxy"


def test_a_crawl_through_a_proxy(place: Workspace) -> None:
    """The name of the API is one that no resolver here knows; only the proxy does."""
    pem = certificate(place.directory, "api.x.test")
    with scripted(certificate=pem) as x:
        port = urlsplit(x.url).port
        assert port

        def route(host: str, wanted: int) -> tuple[str, int] | None:
            return ("127.0.0.1", port) if (host, wanted) == ("api.x.test", 443) else None

        with proxying(route, credentials=f"me:{PASSWORD}") as proxy:
            place.set(x_api_url="https://api.x.test", x_bearer_tokens="t", budget_usd=5)
            url = proxy.url.replace("http://", f"http://me:{PASSWORD}@")
            trusted = {"SSL_CERT_FILE": str(pem)}

            done = place.run("doctor", HTTPS_PROXY=url, **trusted)
            assert done.returncode == 0, done.stdout
            assert f"https://api.x.test is reached through {urlsplit(proxy.url).netloc}." in done.stdout
            assert {*proxy.asked} == {"CONNECT api.x.test:443"}

            done = place.run("crawl", "-F", "21", https_proxy=url, **trusted)
            assert done.returncode == 0, done.stderr
            assert sorted(place.edges()) == [(21, 11), (21, 12), (21, 13)]
            done = place.run(
                "crawl", "-F", "22", TWITTOMATIC_PROXY=url, HTTPS_PROXY="http://127.0.0.1:1", **trusted
            )
            assert done.returncode == 0, done.stderr
            assert len(place.edges()) == 6
            assert place.status()["spent_usd"] == pytest.approx(0.08)

            # What cannot work says so, for free.
            done = place.run("doctor", HTTPS_PROXY=url)
            assert "certificate is not trusted" in done.stdout
            asked = len(proxy.asked)
            done = place.run("doctor", HTTPS_PROXY=url, NO_PROXY="x.test", **trusted)
            assert "api.x.test cannot be reached" in done.stdout
            assert len(proxy.asked) == asked
            done = place.run("crawl", "-F", "23", HTTPS_PROXY=proxy.url, **trusted)
            assert done.returncode == 1
            assert "requires a user name and password" in done.stderr
            done = place.run("crawl", "-F", "23", ALL_PROXY="socks5://me:pw@127.0.0.1:1080", **trusted)
            assert done.returncode == 2
            assert "socks5:// is not supported" in done.stderr
            for path in [*Path(place.directory).rglob("*.log"), *Path(place.directory).rglob("*.jsonl")]:
                assert PASSWORD not in path.read_text(errors="replace")
