"""The registry: networks by the value of NETWORK."""

from pathlib import Path

import pytest

from twittomatic.errors import SettingsError
from twittomatic.networks import registry
from twittomatic.settings import load


def test_x_is_the_network_without_a_setting() -> None:
    settings = load({}, {})
    assert registry.network(settings).title == "X"
    assert registry.account_of(settings) == "x"


def test_an_unknown_network_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"^NETWORK: “myspace” .*; the networks are .*\bx\b"):
        registry.network(load({"network": "myspace"}, {}))


def test_a_distribution_registers_its_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "toy-1.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1\n")
    (place / "entry_points.txt").write_text(
        "[twittomatic.networks]\ntoy = toy_of_a_test:Toy\nbroken = toy_of_a_test:No\nx = toy_of_a_test:Toy\n"
    )
    (tmp_path / "toy_of_a_test.py").write_text("class Toy:\n    name = 'toy'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.registered.cache_clear()
    try:
        assert registry.network_class("toy").name == "toy"
        assert registry.network_class("x").title == "X"  # ours cannot be replaced
        with pytest.raises(SettingsError, match=r"^NETWORK: “broken” cannot be loaded from toy_of_a_test:No"):
            registry.network_class("broken")
    finally:
        registry.registered.cache_clear()
        registry.network_class.cache_clear()
