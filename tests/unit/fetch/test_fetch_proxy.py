"""Which proxy a URL is reached through: the setting, the environment, its exceptions."""

import os
import traceback
from pathlib import Path

import pytest

from twittomatic.errors import SettingsError
from twittomatic.fetch.proxy import Proxies

X = "https://api.x.com"
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper() in NAMES:
            monkeypatch.delenv(name)


def chosen(url: str, setting: str = "") -> str | None:
    proxy = Proxies(setting).for_url(url)
    return proxy.name if proxy else None


@pytest.mark.parametrize(
    ("environment", "url", "name"),
    [
        ({}, X, None),
        ({"HTTPS_PROXY": "http://p:3128"}, X, "p:3128"),
        ({"https_proxy": "http://p:3128/"}, X, "p:3128"),
        ({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://UP:2"}, X, "low:1"),
        ({"HTTPS_PROXY": "p:3128"}, X, "p:3128"),
        ({"HTTPS_PROXY": "http://p"}, X, "p:80"),
        ({"HTTPS_PROXY": "http://[2001:db8::1]:3128"}, X, "[2001:db8::1]:3128"),
        ({"HTTPS_PROXY": "", "ALL_PROXY": "http://all:1"}, X, "all:1"),
        ({"HTTP_PROXY": "http://p:3128"}, X, None),
        ({"HTTP_PROXY": "http://p:3128"}, "http://api.example.org", "p:3128"),
        ({"HTTP_PROXY": "http://p:3128", "REQUEST_METHOD": "GET"}, "http://api.example.org", None),  # CGI
        ({"HTTP_PROXY": "socks5://p:1", "HTTPS_PROXY": "http://p:3128"}, X, "p:3128"),
    ],
)
def test_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, name: str | None
) -> None:
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert chosen(url) == name


@pytest.mark.parametrize(
    ("exceptions", "url", "is_direct"),
    [
        ("*", X, True),
        ("x.com", X, True),
        (".x.com", X, True),
        ("*.x.com", X, True),
        ("API.X.COM", X, True),
        ("a.org, api.x.com ,b.org", X, True),
        ("a.org api.x.com", X, True),
        ("api.x.com:443", X, True),
        ("api.x.com:8443", X, False),
        ("api.x.com:8443", "https://api.x.com:8443", True),
        ("pi.x.com", X, False),
        ("com.x", X, False),
        ("", X, False),
        (",,", X, False),
        (".", X, False),
        ("x.com", "https://api.x.com.", True),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("10.1.2.3", "https://10.1.2.3:8443", True),
        ("2001:db8::/32", "https://[2001:db8::7]", True),
        ("[2001:db8::7]", "https://[2001:db8::7]", True),
    ],
)
@pytest.mark.parametrize("setting", ["", "http://given:1"])
def test_exceptions(
    monkeypatch: pytest.MonkeyPatch, exceptions: str, url: str, is_direct: bool, setting: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://given:1")
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert (chosen(url, setting) is None) is is_direct


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "localhost.", "x.localhost", "127.0.0.1", "127.8.9.10", "127.1"),
        *("0x7f000001", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"),
    ],
)
@pytest.mark.parametrize("setting", ["", "http://given:1"])
def test_this_machine_is_never_reached_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, host: str, setting: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://p:3128")
    assert chosen(f"http://{host}:8089", setting) is None
    assert chosen("http://127.0.0.1.example.org", setting) is not None


def test_the_setting_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://p:3128")
    assert chosen(X, "http://given:1") == "given:1"
    assert chosen(X, "none") is None
    assert chosen(X, "NONE") is None
    file = tmp_path / "proxy"
    file.touch(mode=0o600)
    file.write_text("http://me:secret@filed:7\n")
    assert chosen(X, f"@{file}") == "filed:7"
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="others can read"):
        Proxies(f"@{file}")


def test_credentials_go_into_a_header_and_nowhere_else() -> None:
    proxy = Proxies("http://me:p%40ss%3Aword@p:3128").for_url(X)
    assert proxy
    assert proxy.url == "http://p:3128"
    assert proxy.headers == {"Proxy-Authorization": "Basic bWU6cEBzczp3b3Jk"}
    assert "me" not in repr(proxy).replace("name", "")
    assert "bWU" not in repr(proxy)
    other = Proxies("http://p:3128").for_url(X)
    assert other
    assert other.headers == {}


@pytest.mark.parametrize(
    "text",
    [
        "socks5://me:hunter2@p:1080",
        "https://me:hunter2@p:3128",
        "http://me:hunter2@",
        "http://me:hunter2@p:99999",
        "http://me:hunter2@p:port",
        "http://me:hun/ter2@p:3128",
        "http://me:hunter2@p :1",
        "http://[::1",
        "http://",
    ],
)
def test_what_is_no_http_proxy_is_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    with pytest.raises(SettingsError, match=r"^PROXY: .*http://HOST:PORT") as caught:
        Proxies(text)
    monkeypatch.setenv("HTTPS_PROXY", text)
    with pytest.raises(SettingsError, match=r"^HTTPS_PROXY in the environment: ") as found:
        Proxies("").for_url(X)
    assert Proxies("none").for_url(X) is None
    for error in (caught.value, found.value):
        told = "".join(traceback.format_exception(error))
        assert "hunter2" not in told
        assert "ter2" not in told.replace("hunter2", "")
