"""The compose file: by the specification's schema, and by what its commands and settings mean to us."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from twittomatic.settings import ENVIRONMENT_PREFIX

OURS = {"master", "standby", "worker", "stats", "indexer"}
VALKEY = {f"{kind}-{number}" for kind in ("valkey", "sentinel") for number in (1, 2, 3)}


@pytest.fixture
def variables(deploy: Path, environment_of: Any) -> dict[str, str]:
    """`.env` as its example has it, filled in."""
    blank = {"VALKEY_PASSWORD": "s3cret", "X_BEARER_TOKENS": "t0ken", "BUDGET_USD": "25"}
    example: dict[str, str] = environment_of(deploy / "example.env")
    assert {name for name, value in example.items() if not value} == set(blank)
    return example | blank


@pytest.fixture
def services(deploy: Path, variables: dict[str, str]) -> dict[str, Any]:
    document = YAML(typ="safe").load(deploy / "compose.yaml")
    found: dict[str, Any] = interpolated(document, variables)["services"]
    return found


def interpolated(value: Any, variables: dict[str, str]) -> Any:
    """Put the variables in place, as the compose specification has it."""
    if isinstance(value, dict):
        return {key: interpolated(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item, variables) for item in value]
    if not isinstance(value, str):
        return value

    def replace(found: "re.Match[str]") -> str:
        name, how, rest = found["name"], found["how"], found["rest"]
        if variables.get(name):
            return variables[name]
        assert how == ":-", f"{name}: {rest}"
        return rest or ""

    return re.sub(r"\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<rest>[^}]*))?\}", replace, value)


def test_it_is_a_compose_file(deploy: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
         deploy / "compose.yaml"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_what_a_crawl_needs_is_there(services: dict[str, Any]) -> None:
    assert set(services) >= OURS | VALKEY
    assert "--standby" in services["standby"]["command"]
    assert int(services["worker"]["deploy"]["replicas"]) >= 1
    for name in OURS:
        assert "crawl:/crawl" in services[name]["volumes"], "all write one dataset"


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_command_is_one_of_ours(name: str, services: dict[str, Any], accepted: Any) -> None:
    command, *rest = shlex.split(services[name]["command"])
    if command == "worker":  # whose name entrypoint.sh puts in
        rest = ["0123456789ab", *rest]
    assert accepted([command, *rest]) == command


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_setting_is_one_of_ours(
    name: str, services: dict[str, Any], variables: dict[str, str], settings_of: Any
) -> None:
    environment = {key: str(value) for key, value in services[name]["environment"].items()}
    assert all(key.startswith(ENVIRONMENT_PREFIX) for key in environment)
    settings = settings_of(environment)
    assert settings.budget_usd == 25
    assert settings.output_directory == Path("/crawl/data")
    assert settings.redis_url == (
        f"redis+sentinel://:{variables['VALKEY_PASSWORD']}"
        "@sentinel-1:26379,sentinel-2:26379,sentinel-3:26379/twittomatic"
    )


def test_the_indexer_feeds_the_search_server(services: dict[str, Any], settings_of: Any) -> None:
    environment = {key: str(value) for key, value in services["indexer"]["environment"].items()}
    assert settings_of(environment).elasticsearch_url == "http://elasticsearch:9200"
    assert services["elasticsearch"]["ports"] == ["127.0.0.1:9200:9200"]
    assert services["indexer"]["depends_on"]["elasticsearch"] == {"condition": "service_healthy"}


def test_every_variable_is_explained(deploy: Path, variables: dict[str, str]) -> None:
    text = (deploy / "compose.yaml").read_text()
    used = set(re.findall(r"\$\{(\w+)", text))
    assert set(variables) <= used
    assert {name for name in used if f"{{{name}:?" in text} <= set(variables)


def test_nothing_is_open_to_others(services: dict[str, Any]) -> None:
    for service in services.values():
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:")
        assert service.get("network_mode") != "host"
        assert not service.get("privileged")


def test_images_have_a_tag_and_no_host(deploy: Path, services: dict[str, Any]) -> None:
    for name, service in services.items():
        image = service["image"]
        assert "." not in image.partition("/")[0].partition(":")[0]
        assert ":" in image or "build" in service, name
    for line in (deploy / "Dockerfile").read_text().splitlines():
        if line.startswith("FROM"):
            assert re.fullmatch(r"FROM python:\$\{PYTHON\}( AS build)?", line)


def test_what_is_mounted_and_copied_is_there(deploy: Path, services: dict[str, Any]) -> None:
    document = YAML(typ="safe").load(deploy / "compose.yaml")
    for service in services.values():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert source == "./seeds.txt" or (deploy / source).exists()
            else:
                assert source in document["volumes"]
    build = services["master"]["build"]
    root = deploy / build["context"]
    assert (root / build["dockerfile"]).exists()
    copied = re.findall(r"^COPY (?!--from)(.*)", (root / build["dockerfile"]).read_text(), re.MULTILINE)
    kept = (deploy / "Dockerfile.dockerignore").read_text().splitlines()
    for line in copied:
        *sources, _ = [word for word in line.split() if not word.startswith("--")]
        for source in sources:
            assert (root / source).exists()
            assert f"!{source}" in kept
