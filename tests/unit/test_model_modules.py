"""The table of modules: whatever depends on a module finds it there, and nothing else lists them."""

import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import twittomatic
from twittomatic.app.forecast import Growth
from twittomatic.cli.crawl import crawl
from twittomatic.model import MODULES, Module, ModuleSpec, downloads, modules_of, only_updates
from twittomatic.modules import RUN
from twittomatic.networks.base import Counts, Network
from twittomatic.state.status import CrawlStatus
from twittomatic.storage.paths import EXTENSIONS
from twittomatic.web.monitor.history import SERIES

SOURCE = Path(twittomatic.__file__).parent
_ONE = re.compile(
    r"Module\.[A-Z]+\b|(?<![\w`])[\"'](?:" + "|".join(Module) + r")[\"']"
)  # a module, by its constant or its name


def test_every_module_has_a_spec_and_a_function() -> None:
    assert list(MODULES) == list(Module)
    assert set(RUN) == set(Module)
    for module, run in RUN.items():
        assert run.__module__ == f"twittomatic.modules.{module}"


def test_letters_are_the_flags_of_the_commands() -> None:
    letters = [spec.letter for spec in MODULES.values()]
    assert len(set(letters)) == len(letters)
    flags = [param for param in crawl.params if param.name and param.name.startswith("letter_")]
    assert [flag.opts for flag in flags] == [
        [f"-{spec.letter}", f"--{module}"] for module, spec in MODULES.items()
    ]
    assert all(spec.help and spec.does for spec in MODULES.values())


def test_letters_become_modules_in_the_order_of_the_table() -> None:
    assert modules_of("UAFT") == list(Module)
    assert modules_of("") == []
    with pytest.raises(ValueError, match="no module has the letter X"):
        modules_of("TX")


@pytest.mark.parametrize(("letters", "only"), [("U", True), ("TU", False), ("T", False), ("", False)])
def test_a_crawl_that_only_updates_needs_no_target(letters: str, only: bool) -> None:
    assert only_updates(letters) is only


def test_every_file_of_a_dataset_has_its_module() -> None:
    assert {ext for spec in MODULES.values() for ext in spec.files} == set(EXTENSIONS)
    for ext in EXTENSIONS:
        assert ext in MODULES[downloads(ext)].files
    assert [downloads(ext) for ext in ("fws", "usr", "twt")] == ["follower", "follower", "timeline"]


@pytest.mark.parametrize("spec", [spec for spec in MODULES.values() if spec.list_ext])
def test_a_list_is_the_last_file_and_the_network_knows_its_records(spec: ModuleSpec) -> None:
    assert spec.files[-1] == spec.list_ext
    assert spec.closes == spec.files
    assert spec.records in Counts.__struct_fields__
    assert f"{spec.records}_per_page" in get_type_hints(Network)
    assert spec.list_name


def test_all_kinds_of_records_have_a_module_and_a_forecast() -> None:
    kinds = {spec.records for spec in MODULES.values()}
    assert kinds == {*get_args(get_type_hints(ModuleSpec)["records"])}
    counters = {f"records:{module}": 1 for module in Module}
    growth = Growth.of(CrawlStatus(crawl="c", counters=counters))
    for kind in kinds - {""}:
        assert getattr(growth, kind) == sum(spec.records == kind for spec in MODULES.values())


def test_the_monitor_draws_every_module() -> None:
    assert {name.partition(":")[2] for name in SERIES if ":" in name} == set(Module)


def test_nothing_else_lists_the_modules() -> None:
    """A line, or a bracketed list over several lines, with three modules or more is a second table."""
    allowed = {SOURCE / "model.py", SOURCE / "modules" / "__init__.py"}
    found = []
    for path in sorted([*SOURCE.rglob("*.py"), *SOURCE.rglob("*.js"), *SOURCE.rglob("*.lua")]):
        if path in allowed:
            continue
        for listed in re.findall(r"[\[({][^\[\](){}]*[\])}]", path.read_text()):
            if len(set(_ONE.findall(listed))) > 2:
                found.append(f"{path.relative_to(SOURCE)}: {' '.join(listed.split())}")
    assert not found
