"""The systemd units: as systemd reads them, and as the command line does."""

import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from twittomatic.cli import commands

UNITS = ("master", "standby", "worker@", "monitor")
MOST_EXPOSED = 2.0  # of 10, by systemd's own measure; an ordinary service has 9.6


def unit(deploy: Path, name: str) -> dict[str, list[str]]:
    """Return the values of each key, sections aside."""
    found = defaultdict(list)
    for line in (deploy / "systemd" / f"twittomatic-{name}.service").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found[key].append(value)
    return found


@pytest.fixture
def installed(deploy: Path, tmp_path: Path, needs: Any) -> list[Path]:
    """The units as they would be if the package were where this Python has it."""
    if not shutil.which("systemd-analyze"):
        needs("systemd-analyze")
    paths = []
    for path in (deploy / "systemd").glob("*.service"):
        name = path.name.replace("@", "@4")
        text = path.read_text().replace("/opt/twittomatic/bin/twittomatic", sys.executable)
        (tmp_path / path.name).write_text(text)
        paths.append(tmp_path / name)
    assert len(paths) == len(UNITS)
    return paths


def analyze(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


def test_systemd_finds_no_fault(installed: list[Path]) -> None:
    done = analyze("verify", "--man=no", *installed)
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_would_find_one(installed: list[Path]) -> None:
    for path in installed:
        real = path.with_name(path.name.replace("@4", "@"))
        real.write_text(real.read_text().replace("ProtectSystem=strict", "ProtectSystem=a bit"))
    assert "protect system" in analyze("verify", "--man=no", *installed).stderr


def test_little_is_exposed(installed: list[Path]) -> None:
    for path in installed:
        done = analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSED * 10:.0f}", path)
        if "not supported" in done.stderr or "unrecognized option" in done.stderr:
            pytest.skip("this systemd-analyze reads no files")
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", UNITS)
def test_the_command_is_one_of_ours(name: str, deploy: Path, accepted: Any, environment_of: Any) -> None:
    [line] = unit(deploy, name)["ExecStart"]
    crawl = environment_of(deploy / "systemd" / "crawl.env")
    line = line.replace("$CRAWL_FLAGS", crawl["CRAWL_FLAGS"]).replace("%l", "host").replace("%i", "4")
    program, command, *rest = shlex.split(line)
    assert program == "/opt/twittomatic/bin/twittomatic"
    if command in commands.COMMANDS:
        assert accepted([command, *rest]) == command
    else:
        assert command == "monitor"


@pytest.mark.parametrize("name", UNITS)
def test_what_ends_as_it_is_meant_to_is_not_started_again(name: str, deploy: Path) -> None:
    found = unit(deploy, name)
    assert found["Restart"] == ["on-failure"]
    codes = set(found["RestartPreventExitStatus"][0].split())
    assert codes == ({"1", "2", "3", "130"} if name == "master" else {"2", "3", "130"})
    # A master that finds another one leading ends with 1, and then this machine's standby is wanted.
    assert found["OnFailure"] == (["twittomatic-standby.service"] if name == "master" else [])
    assert "130" in found["SuccessExitStatus"][0]


def test_the_settings_exist_and_secrets_stand_apart(
    deploy: Path, environment_of: Any, settings_of: Any
) -> None:
    crawl = environment_of(deploy / "systemd" / "crawl.env")
    secrets = environment_of(deploy / "systemd" / "secrets.env")
    settings = settings_of(crawl | secrets)
    assert settings.redis_url.startswith("redis+sentinel://")
    assert settings.budget_usd is not None
    assert set(secrets) == {"TWITTOMATIC_REDIS_URL", "TWITTOMATIC_X_BEARER_TOKENS"}
    for name in UNITS:
        assert unit(deploy, name)["EnvironmentFile"] == [
            "/etc/twittomatic/crawl.env",
            "/etc/twittomatic/secrets.env",
        ]
        [writable] = unit(deploy, name)["ReadWritePaths"]
        assert settings.output_directory.is_relative_to(writable)
        assert settings.log_directory.is_relative_to(writable)
