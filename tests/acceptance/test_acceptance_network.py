"""The network of docs/how-to/add-a-network.md, installed as a distribution: text addresses, and no charge."""

import gzip
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from spawner import COMMAND

from support.workspace import Workspace, wait_for

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "add-a-network.md"
TOWN = Path(__file__).with_name("toytown.py")
USERS = 45  # five pages of followers


def install(place: Workspace) -> Any:
    """Put the network of the guide on the path, as `pip install` leaves it; return its module."""
    found = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found
    site = place.directory / "site"
    info = site / "toytown-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "toytown.py").write_text(found[1])
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toytown\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[twittomatic.networks]\ntoy = toytown:Toy\n")
    place.program = f"import sys; sys.path.insert(0, {str(site)!r}); {COMMAND}"
    place.set(network="toy")
    module: dict[str, Any] = {}
    exec(found[1], module)
    return module


class Town:
    """The server, and what it was asked."""

    def __init__(self, place: Workspace, *, slow_s: float) -> None:
        self._log = place.directory / "town.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen([sys.executable, TOWN, str(USERS), str(slow_s)], stdout=log)
        wait_for(lambda: "serving" in self._log.read_text(), place)
        place.set(toy_url=self._log.read_text().split()[1])

    def pages(self, address: str, path: str = "/followers") -> list[int]:
        """Return where the pages of a list began that were asked for."""
        lines = [line.split() for line in self._log.read_text().splitlines()]
        return [int(line[2]) for line in lines if line[:2] == [path, address]]

    def asked(self, path: str) -> list[str]:
        """Return the addresses in the requests for lists, in their order."""
        lines = [line.split() for line in self._log.read_text().splitlines()]
        return [line[1] for line in lines if line[0] == path]

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def toy(place: Workspace) -> Any:
    return install(place)


@pytest.fixture(params=[0.0])
def town(place: Workspace, toy: Any, request: pytest.FixtureRequest) -> Iterator[Town]:
    town = Town(place, slow_s=request.param)
    yield town
    town.end()


def lines(place: Workspace, user_id: str, ext: str) -> list[str]:
    with gzip.open(place.directory / "data" / user_id[:2] / f"{user_id}.{ext}", "rt") as file:
        return file.read().split("\n")[:-1]


def followers(toy: Any) -> list[str]:
    return [toy["number"](f"toy:u{index}") for index in range(1, USERS)]


def test_a_network_with_addresses_is_crawled_to_depth_1_and_verified(
    place: Workspace, toy: Any, town: Town
) -> None:
    done = place.run("crawl", "-T", "-F", "-A", "--max-depth", "1", "toy:u0")
    assert done.returncode == 0, done.stderr
    star = toy["number"]("toy:u0")
    assert lines(place, star, "fws") == followers(toy)
    for index in range(USERS):
        user_id = toy["number"](f"toy:u{index}")
        posts = [json.loads(line) for line in lines(place, user_id, "twt")]
        assert {post["author"] for post in posts} == {f"toy:u{index}"}
        assert len({post["id"] for post in posts}) == len(posts) == 25
    assert len(place.files("fws")) == USERS
    verified = place.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    status = place.status()
    assert (status["phase"], status["network"], status["is_free"]) == ("finished", "toy", True)
    shown = place.run("status").stdout
    assert "$" not in shown
    assert "spent" not in shown


def test_an_update_of_all_timelines_finds_the_addresses_in_the_dataset(
    place: Any, toy: Any, town: Town
) -> None:
    assert place.run("crawl", "-T", "-F", "-A", "--max-depth", "1", "toy:u0").returncode == 0
    before = len(town.pages("toy:u7", "/timeline"))
    done = place.run("crawl", "-U")
    assert done.returncode == 0, done.stderr
    assert len(town.pages("toy:u7", "/timeline")) == before + 1
    assert place.status()["jobs"]["update"]["completed"] == USERS
    assert len(lines(place, toy["number"]("toy:u7"), "twt")) == 25


@pytest.mark.parametrize("town", [0.3], indirect=True)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_list_continues_where_the_crawl_ended(place: Workspace, toy: Any, town: Town, how: int) -> None:
    begun = place.start("crawl", "-F", "@u0")
    wait_for(lambda: len(town.pages("toy:u0")) >= 2, place, begun)
    begun.send_signal(how)
    begun.wait(60)
    before = len(town.pages("toy:u0"))
    assert before < 5
    done = place.run("crawl", "-F", "@u0")
    assert done.returncode == 0, done.stderr
    assert lines(place, toy["number"]("toy:u0"), "fws") == followers(toy)
    again = len(town.pages("toy:u0")) - len(set(town.pages("toy:u0")))
    assert again <= (how == signal.SIGKILL)
    assert place.run("verify").returncode == 0


def test_a_free_network_takes_no_budget_and_is_quoted_in_requests(
    place: Workspace, toy: Any, town: Town
) -> None:
    refused = place.run("crawl", "-F", "--budget-usd", "5", "toy:u0")
    assert refused.returncode == 2
    assert "BUDGET_USD: Toytown charges nothing; leave it out." in refused.stderr
    plan = place.run("plan", "-F", "toy:u0")
    assert plan.returncode == 0, plan.stderr
    assert "requests" in plan.stdout
    assert "dollars" not in plan.stdout
    assert "$" not in plan.stdout + plan.stderr


def test_a_crawl_follows_a_plan_that_bought_the_first_profiles(
    place: Workspace, toy: Any, town: Town
) -> None:
    plan = place.run("plan", "-F", "@u0")
    assert plan.returncode == 0, plan.stderr
    done = place.run("crawl", "-F", "@u0")
    assert done.returncode == 0, done.stderr
    assert lines(place, toy["number"]("toy:u0"), "fws") == followers(toy)


def test_priority_ranks_users_with_addresses(place: Workspace, toy: Any, town: Town) -> None:
    ranked = ("--traversal", "priority", "--priority", "size(username)", "--concurrency", "1")
    done = place.run("crawl", "-F", "-A", "--max-depth", "1", *ranked, "toy:u0")
    assert done.returncode == 0, done.stderr
    lengths = [len(address) for address in town.asked("/followers") if address != "toy:u0"]
    assert lengths == sorted(lengths, reverse=True)
    assert len(lengths) == USERS - 1


def test_a_waiting_user_that_becomes_a_target_is_moved_with_its_address(
    place: Workspace, toy: Any, town: Town
) -> None:
    assert place.run("crawl", "-F", "-A", "toy:u0").returncode == 0
    assert place.status()["frontier"] == USERS - 1
    done = place.run("crawl", "-F", "-A", "toy:u0", "@u7")
    assert done.returncode == 0, done.stderr
    assert lines(place, toy["number"]("toy:u7"), "fws") == [toy["number"]("toy:u8")]
    assert len(place.files("fws")) == 2
    assert place.status()["frontier"] == USERS - 2  # u8 was found before


def test_a_repair_finds_the_address_of_a_lost_list_in_the_dataset(
    place: Workspace, toy: Any, town: Town
) -> None:
    assert place.run("crawl", "-F", "-A", "--max-depth", "1", "toy:u0").returncode == 0
    lost = toy["number"]("toy:u7")
    (place.directory / "data" / lost[:2] / f"{lost}.fws").unlink()
    repaired = place.run("verify", "--repair")
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    done = place.run("crawl", "-F", "-A", "--max-depth", "1", "toy:u0")
    assert done.returncode == 0, done.stderr
    assert lines(place, lost, "fws") == [toy["number"]("toy:u8")]
    assert place.run("verify").returncode == 0


def test_a_process_of_another_network_neither_works_nor_stands_by(
    place: Workspace, toy: Any, town: Town
) -> None:
    master = place.start("master", "-F", "-A", "--stream", place.write("seeds", "toy:u0\n"))
    wait_for(lambda: place.status()["phase"] == "running", place, master)
    said = (
        "Error: NETWORK: crawl “default” is of the network toy, and this process would ask x; "
        "give --network toy."
    )
    place.set(network="x", x_bearer_tokens="s3cret-t0ken", x_api_url="http://127.0.0.1:1")
    del place.environment["TWITTOMATIC_TOY_URL"]
    for command in (["worker", "a"], ["master", "-F", "-A", "--standby"]):
        refused = place.run(*command)
        assert (refused.returncode, refused.stderr.splitlines()[-1:]) == (2, [said])
    assert place.status()["master"]


def test_a_fault_of_a_network_kills_the_job_and_not_the_crawl(place: Workspace, toy: Any, town: Town) -> None:
    module = place.directory / "site" / "toytown.py"
    before = "        if response.status == 404:\n"
    fault = "        if request.params.get('of') == 'toy:u7':\n            raise KeyError('seven')\n"
    module.write_text(module.read_text().replace(before, fault + before, 1))
    done = place.run("crawl", "-F", "-A", "--max-depth", "1", "toy:u0")
    assert done.returncode == 1
    assert len(place.files("fws")) == USERS - 1
    dead = place.run("jobs", "dead").stdout
    assert "The network “toy” (toytown:Toy of toytown 1.0) failed in decode (KeyError: 'seven')" in dead
    assert "Traceback" not in done.stderr


def test_a_dataset_holds_one_network(place: Workspace, toy: Any, town: Town) -> None:
    assert place.run("crawl", "-F", "toy:u1").returncode == 0
    del place.environment["TWITTOMATIC_TOY_URL"]  # which is no setting of X
    place.emulator("--graph", place.graph([(2, 1)]))
    refused = place.run("crawl", "-F", "--network", "x", "--crawl", "other", "1")
    assert refused.returncode == 2
    assert "holds a dataset of the network toy" in refused.stderr
    unknown = place.run("crawl", "-F", "--network", "myspace", "1")
    assert unknown.returncode == 2
    assert "the networks are toy, x." in unknown.stderr
