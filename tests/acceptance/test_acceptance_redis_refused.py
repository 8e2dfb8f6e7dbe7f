"""A state server that cannot hold a crawl: every command that spends money says so, and so does `doctor`."""

from collections.abc import Iterator

import pytest
from redis import Redis
from valkeyd import admin, valkeyd

from support.workspace import Workspace

COMMANDS = (["crawl", "-F", "1"], ["master", "-F", "--stream", "seeds"], ["worker", "w"])


@pytest.fixture
def server(place: Workspace) -> Iterator[Redis]:
    place.set(x_api_url="http://127.0.0.1:9", x_bearer_tokens="t")
    place.write("seeds", "1\n")
    with valkeyd("--appendonly", "yes") as port, admin(port) as server:
        place.port = port
        place.set(redis_url=f"redis://127.0.0.1:{port}")
        yield server


def refused(place: Workspace, sentence: str) -> None:
    for command in COMMANDS:
        done = place.run(*command)
        assert done.returncode == 2, done.stderr
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1
        assert "bug in Twittomatic" not in done.stderr
    done = place.run("doctor")
    assert done.returncode == 1
    assert f"FAILED   State    REDIS_URL: {sentence}" in done.stdout


def test_all_say_the_same(place: Workspace, server: Redis) -> None:
    server.config_set("maxmemory-policy", "volatile-ttl")
    evicting = "the server's maxmemory-policy is volatile-ttl, so it may evict the record of what was spent"
    refused(place, evicting)
    assert place.run("status").returncode == 0  # to look is harmless
    server.config_set("maxmemory-policy", "noeviction")
    server.execute_command("ACL", "SETUSER", "u", *["on", ">pw", "~*", "+@all", "-client"])
    place.set(redis_url=f"redis://u:pw@127.0.0.1:{place.port}")
    refused(place, "its user may not use the command CLIENT SETNAME")


def test_a_user_without_info_is_taken_on_demand(place: Workspace, server: Redis) -> None:
    server.execute_command("ACL", "SETUSER", "u", *["on", ">pw", "~*", "+@all", "-info"])
    place.set(redis_url=f"redis://u:pw@127.0.0.1:{place.port}")
    refused(place, "the server does not say whether it evicts keys, as its user may not use INFO")
    place.set(allow_unchecked_redis="true")
    assert "ok       State    a server of unknown version, at REDIS_URL." in place.run("doctor").stdout
