"""A crawl of a network that answers oddly: what is clear is kept, and nothing else is paid for."""

import gzip
import json

from scripted import Answer, Asked, post, profile, scripted

from support.workspace import Workspace

FIRST = json.dumps(profile(11)).encode()
LAST = json.dumps(profile(13)).encode()
UNREADABLE = b'{"data":[%b,{"name":"x","id":12,"username":"u12","n":undefined},%b],"meta":{"result_count":3}}'
LATIN = b'{"data":[%b,{"id":"12","name":"caf\xe9","username":"u12"},%b],"meta":{"result_count":3}}'
NEWEST = 1_700_000_000_000_000_003


def answer(asked: Asked) -> Answer | None:
    match asked.path.strip("/").split("/"):
        case ["2", "users", "21", "followers"]:
            return Answer(body=UNREADABLE % (FIRST, LAST))
        case ["2", "users", "22", "followers"]:
            return Answer(body=LATIN % (FIRST, LAST))
        case ["2", "users", "23", "followers"]:
            return Answer(body={})
        case ["2", "users", "24", "followers"]:
            return Answer(body=b"<html>Something went wrong</html>")
        case ["2", "users", "21", "tweets"]:
            good = [json.dumps(post(NEWEST - number, 21)).encode() for number in (0, 2)]
            bad = b'{"text":01,"id":"%d"}' % (NEWEST - 1)
            return Answer(
                body=b'{"data":[%b],"meta":{"result_count":3}}' % b",".join([good[0], bad, good[1]])
            )
    return None


def lines(place: Workspace, name: str) -> list[bytes]:
    content: bytes = gzip.decompress((place.directory / "data" / name).read_bytes())
    return content.splitlines()


def test_bad_records_cost_no_page_and_bad_pages_cost_nothing(place: Workspace) -> None:
    with scripted(answer) as x:
        place.set(x_api_url=x.url, x_bearer_tokens="t", budget_usd=5, select='username.startsWith("u")')
        done = place.run("crawl", "-F", "--max-attempts", "1", "--until-spent", "21", "22", "23", "24")
        assert "24" in place.run("jobs", "dead").stdout, done.stderr
        assert len(x.paths("/23/", "/24/")) == 4
        status = place.status()
        assert status["money"]["modules"]["follower"]["spent_usd"] == 0.06
        assert status["jobs"]["follower"]["dead"] == 2
        assert status["counters"]["unreadable"] == 1
        assert "Set aside: 1 record that could not be read" in place.run("status").stdout
        for user_id in ("21", "22"):
            assert lines(place, f"{user_id}/{user_id}.fws") == [b"11", b"12", b"13"]
        assert lines(place, "21/21.usr") == [FIRST, LAST]
        assert json.loads(lines(place, "22/22.usr")[1])["name"] == "caf\ufffd"
        assert "followers: 12" in next((place.directory / "logs").glob("default.local*")).read_text()
        assert place.run("verify").returncode == 0

        done = place.run("crawl", "-T", "--crawl", "posts", "21")
        assert done.returncode == 0, done.stderr
        ids = [json.loads(line)["id"] for line in lines(place, "21/21.twt")]
        assert ids == [str(NEWEST - number) for number in range(3)]
        assert place.run("verify").returncode == 0
        status = json.loads(place.run("status", "--json", "--crawl", "posts").stdout)
        assert status["money"]["modules"]["timeline"]["spent_usd"] == 0.015


def test_the_analyzer_buys_a_profile_that_could_not_be_read(place: Workspace) -> None:
    with scripted(answer) as x:
        place.set(x_api_url=x.url, x_bearer_tokens="t", budget_usd=5, select='username == "u12"')
        done = place.run("crawl", "-F", "-A", "21")
        assert done.returncode == 0, done.stderr
        assert [asked.query["ids"] for asked in x.asked if asked.path == "/2/users"][-1] == "12"
        assert sorted(json.loads(line)["id"] for line in lines(place, "21/21.usr")) == ["11", "12", "13"]
        assert place.status()["frontier"] == 1
        assert place.run("verify").returncode == 0
