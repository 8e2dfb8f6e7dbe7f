"""`analyze pagerank` and the others, on a small dataset with a border and hostile names."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from twittomatic.cli.commands import cli
from twittomatic.dataset.measures import MEASURES
from twittomatic.errors import SettingsError
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout

LARGEST = 2**63 - 1
FOLLOWERS = {1: [2, 3, LARGEST], 2: [1, 3, 50], 3: [1], 4: []}
NAMES = {1: "ada", 2: "[red]\u202eeve\x1b[2J", 3: "élan"}

Analyze = Callable[..., Result]


@pytest.fixture
def analyze(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Analyze:
    """Run `analyze` on a dataset in which 4 has no followers and two others were not crawled."""
    layout = Layout(tmp_path / "data", tmp_path / "data" / ".tmp")
    layout.prepare()
    for user, followers in FOLLOWERS.items():
        path = layout.file(str(user), "fws")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(member([b"%d" % follower for follower in followers]))
        profiles = [{"id": str(f), "username": NAMES[f]} for f in followers if f in NAMES]
        path.with_suffix(".usr").write_bytes(member([json.dumps(profile).encode() for profile in profiles]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWITTOMATIC_OUTPUT_DIRECTORY", "data")
    return lambda *arguments: CliRunner().invoke(cli, ["analyze", *arguments])


@pytest.mark.parametrize("name", MEASURES)
def test_each_measure_prints_its_users_and_what_to_distrust(analyze: Analyze, name: str) -> None:
    result = analyze(name)

    assert result.exit_code == 0, result.output
    assert result.output.startswith(MEASURES[name].title)
    assert "@ada" in result.output
    assert f"2 users who were not crawled are {'left out' if '4 users' in result.output else 'included'}" in (
        result.output
    )


def test_hostile_names_are_escaped(analyze: Analyze) -> None:
    shown = analyze("pagerank").output

    assert "@[red]\\u202eeve\\x1b[2J" in shown
    assert json.loads(analyze("pagerank", "--json").output)["top"][1]["name"] == NAMES[2]


def test_json_has_ids_as_texts_and_what_was_measured(analyze: Analyze) -> None:
    found = json.loads(analyze("pagerank", "--json").output)

    assert (found["measure"], found["among"], found["users"], found["edges"]) == ("pagerank", "all", 6, 7)
    assert found["border_users"] == 2
    assert str(LARGEST) in [user["id"] for user in found["top"]]
    scores = [user["pagerank"] for user in found["top"]]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1)
    assert len(json.loads(analyze("pagerank", "--json", "--top", "2").output)["top"]) == 2
    assert json.loads(analyze("pagerank", "--json", "--top", "0").output)["top"] == []


def test_groups_have_their_users(analyze: Analyze) -> None:
    found = json.loads(analyze("components", "--json").output)

    assert [group["users"] for group in found["groups"]] == [5, 1]
    assert [user["id"] for user in found["groups"][0]["top"]] == ["1", "2", "3"]


def test_a_value_that_is_not_there_is_null(analyze: Analyze) -> None:
    found = json.loads(analyze("reciprocity", "--json").output)

    assert {user["id"]: user["reciprocity"] for user in found["top"]}["4"] is None
    assert found["share_of_follows_that_are_mutual"] == 0.8


def test_out_does_not_replace_what_a_crawl_bought(analyze: Analyze) -> None:
    result = analyze("hits", "--out", "data/1/nodes.csv")

    assert isinstance(result.exception, SettingsError)
    assert "only crawls write into this directory" in str(result.exception)
    assert not Path("data/1/nodes.csv").exists()


def test_seeds_out_of_range_are_refused(analyze: Analyze) -> None:
    for command in ("summary", "communities"):
        for seed in ("-1", str(2**31)):
            assert "is not in the range" in analyze(command, "--seed", seed).output


def test_out_has_all_users_with_the_columns_of_the_measure(analyze: Analyze) -> None:
    result = analyze("hits", "--among", "crawled", "--out", "nodes.csv")

    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(Path("nodes.csv").read_text().splitlines()))
    assert [row["id"] for row in rows] == ["1", "2", "3", "4"]
    assert sum(float(row["authority"]) for row in rows) == pytest.approx(1)
    assert "nodes.csv: 4 users." in result.output


def test_degrees_are_not_twice_in_the_table(analyze: Analyze) -> None:
    assert analyze("degrees", "--out", "nodes.csv").exit_code == 0

    header, first, *_ = csv.reader(Path("nodes.csv").read_text().splitlines())
    assert header.count("in_degree") == 1
    assert first[header.index("in_degree")] == "3"


def test_overlap_compares_each_pair_of_users(analyze: Analyze) -> None:
    found = json.loads(analyze("overlap", "--json").output)

    first = found["pairs"][0]
    assert (first["user"]["id"], first["other"]["name"], first["shared"]) == ("1", NAMES[2], 1)
    assert first["jaccard"] == pytest.approx(1 / 5)
    assert analyze("overlap", "--out", "pairs.jsonl").exit_code == 0
    pairs = [json.loads(line) for line in Path("pairs.jsonl").read_text().splitlines()]
    assert [pair["shared"] for pair in pairs] == [1, 1]
    assert "@ada" in analyze("overlap").output


@pytest.mark.parametrize("name", [*MEASURES, "overlap"])
def test_a_dataset_without_followers_has_nothing_to_measure(analyze: Analyze, name: str) -> None:
    for path in Path("data").glob("*/*.fws"):
        path.unlink()

    assert analyze(name).exit_code == 0
    assert json.loads(analyze(name, "--json").output)["users"] == 0


def test_bad_input_gets_a_sentence(analyze: Analyze) -> None:
    error = analyze("pagerank", "--out", "nodes.xlsx").exception
    assert isinstance(error, SettingsError)
    assert ".parquet, .csv, .csv.gz, .jsonl or .jsonl.gz" in str(error)
    assert analyze("pagerank", "--seed", "x").exit_code == 2


def test_a_repeated_run_is_the_same(analyze: Analyze) -> None:
    assert analyze("communities", "--json").output == analyze("communities", "--json", "--seed", "1").output


def test_an_export_has_the_same_measures(analyze: Analyze) -> None:
    assert analyze("pagerank", "--out", "nodes.csv").exit_code == 0

    done = CliRunner().invoke(
        cli, ["export", "all.csv", "--format", "nodes.csv", "--measures", "pagerank,community"]
    )
    assert done.exit_code == 0, done.output
    ours, exported = (
        list(csv.DictReader(Path(name).read_text().splitlines())) for name in ("nodes.csv", "all.csv")
    )
    assert [row["pagerank"] for row in ours] == [row["pagerank"] for row in exported]
    assert {row["community"] for row in exported} >= {"0", "1"}
    done = CliRunner().invoke(cli, ["export", "nodes.csv", "--measures", "fame"])
    assert "'fame' is no measure" in str(done.exception)


def test_a_broken_list_is_named_and_left_out(analyze: Analyze) -> None:
    Path("data/1/1.fws").write_bytes(b"broken")

    result = analyze("pagerank", "--json", "--out", "nodes.csv")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["edges"] == 4
    assert "1.fws" in result.stderr
    assert Path("nodes.csv").exists()
