"""The registry: networks by the value of NETWORK, and what distributions may do wrong."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from twittomatic.errors import PluginFault, RequestRefused, SettingsError
from twittomatic.model import User
from twittomatic.networks import base, guard, registry
from twittomatic.networks.base import Response
from twittomatic.settings import load

GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "add-a-network.md"
TOY = {"network": "toy"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory in which `install` installs distributions."""
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.forget()
    yield tmp_path
    registry.forget()


def install(site: Path, name: str, entries: str, code: str = "") -> None:
    """Put a distribution on the path, as `pip install` leaves it; its module has a name of its own."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    module = re.sub(r"\W", "_", f"{name}_{site.name}")
    (info / "entry_points.txt").write_text(f"[twittomatic.networks]\n{entries.replace('HERE', module)}\n")
    (site / f"{module}.py").write_text(code)


def toy(**broken: str) -> str:
    """Return the network of the guide, with other bodies of methods and values of attributes."""
    found = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found
    code = found[1]
    for name, body in broken.items():
        method = re.compile(rf"(    def {name}\(.*?\) -> [^\n]*:\n)", re.DOTALL)
        attribute = re.compile(rf"(    {name}(?:: [^\n=]*)? = )[^\n]*")
        code, count = method.subn(rf"\1        {body}\n", code)
        if not count:
            code, count = attribute.subn(rf"\g<1>{body}", code)
        assert count, name
    return code


def answer(body: bytes = b"") -> Response:
    return Response(status=200, headers={}, body=body)


def test_x_is_the_network_without_a_setting() -> None:
    settings = load({}, {})
    assert registry.network(settings).title == "X"
    assert registry.account_of(settings) == "x"


def test_an_unknown_network_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"^NETWORK: “myspace” .*; the networks are .*\bx\b"):
        registry.network(load({"network": "myspace"}, {}))


def test_a_distribution_registers_its_network(site: Path) -> None:
    install(site, "toytown", "toy = HERE:Toy\nx = HERE:Toy", toy())
    network = registry.network(load(TOY, {"TWITTOMATIC_TOY_URL": "http://127.0.0.1:8"}))
    assert (network.title, network.url) == ("Toytown", "http://127.0.0.1:8")
    assert network.users_by_id([User("1", "toy:a")]).params == {"of": "toy:a"}
    with pytest.raises(RequestRefused, match="no address in Toytown"):  # errors of ours pass
        network.users_by_id([User("1", "moon:a")])
    given = registry.network_class("toy")
    assert given.read_target("@a").name == "a"
    with pytest.raises(ValueError, match="is neither toy:NAME nor @NAME"):
        given.read_target("x")
    assert registry.account_of(load(TOY, {})) == "toy"
    assert registry.network_class("x").title == "X"  # ours cannot be replaced


LABEL = r"^The network “toy” \(toytown_\w+:Toy of toytown 1\.0\)"


@pytest.mark.parametrize("name", ["of", "account_of", "price_list", "limit_list", "read_target"])
def test_an_exception_of_a_network_class_is_one_sentence_that_names_it(site: Path, name: str) -> None:
    install(site, "toytown", "toy = HERE:Toy", toy(**{name: "raise ZeroDivisionError('oops')"}))
    given, settings = registry.network_class("toy"), load(TOY, {})
    calls: dict[str, Any] = {
        "of": lambda: registry.network(settings),
        "account_of": lambda: registry.account_of(settings),
        "price_list": lambda: given.price_list({}),
        "limit_list": lambda: given.limit_list({}),
        "read_target": lambda: given.read_target("toy:a"),
    }
    failed = "of" if name == "limit_list" else name  # which `of` calls
    with pytest.raises(PluginFault, match=LABEL + r" failed in \w+ \(ZeroDivisionError: oops\); report it"):
        calls[failed]()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"decode": "raise KeyError('items')"}, r" failed in decode \(KeyError: 'items'\); report it"),
        ({"decode": "return None"}, ": decode is None, not Page"),
        (
            {"decode": "return Page(ids=['toy:a'], records=[b'{}'])"},
            ": decode returned the id 'toy:a', which is not the decimal text of a number below 2\\^63",
        ),
        ({"decode": "return Page(ids=[str(2**63)], records=[b'{}'])"}, ": decode returned the id '9223372"),
        ({"decode": "return Page(ids=['1'], records=[])"}, ": decode returned 1 ids and 0 records"),
    ],
)
def test_an_answer_that_a_network_cannot_read_names_it(site: Path, broken: Any, said: str) -> None:
    install(site, "toytown", "toy = HERE:Toy", toy(**broken))
    network = registry.network(load(TOY, {}))
    with pytest.raises(PluginFault, match=LABEL + said):
        network.decode(network.probe(), answer(b'{"items":[]}'))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"name": '"town"'}, " is named 'town'; its `name` must be the name of its entry point"),
        ({"endpoints": "5"}, ": endpoints is 5, not Sequence"),
        ({"account_of": "return '{all}'"}, ": account_of is '{all}'; it may be up to 200 of the characters"),
        ({"price_list": "return {}"}, ": price_list is {}, not PriceList"),
        ({"users_per_request": "0"}, ": users_per_request is 0; it must be 1 or more"),
    ],
)
def test_a_member_that_cannot_be_used_is_refused(site: Path, broken: Any, said: str) -> None:
    install(site, "toytown", "toy = HERE:Toy", toy(**broken))
    with pytest.raises(PluginFault, match=LABEL + said):
        registry.network(load(TOY, {}))
        registry.account_of(load(TOY, {}))
        registry.network_class("toy").price_list({})


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_of_that_name", r" failed to load \(ModuleNotFoundError: No module named"),
        ("class No: pass", r" failed to load \(AttributeError: "),
        ("class Toy:\n    name = 'toy'", " lacks title, tokens, endpoints, price_list, limit_list, "),
    ],
)
def test_an_object_that_is_not_a_network_is_refused(site: Path, code: str, said: str) -> None:
    install(site, "toytown", "toy = HERE:Toy", code)
    with pytest.raises(PluginFault, match=LABEL + said):
        registry.network_class("toy")


def test_the_guard_knows_every_member_of_the_protocols() -> None:
    assert set(guard.CLASS) == members(base.NetworkClass)
    assert set(guard.NETWORK) == members(base.Network)


def members(protocol: type) -> set[str]:
    """Return the members that a protocol and its bases declare."""
    found = {
        name
        for one in protocol.__mro__
        if one.__module__ == base.__name__
        for name in [*vars(one), *inspect.get_annotations(one)]
    }
    return {name for name in found if not name.startswith("_")}


def test_two_distributions_with_one_network_are_refused_by_name(site: Path) -> None:
    install(site, "toytown", "toy = HERE:Toy", toy())
    install(site, "playtown", "toy = HERE:Toy", toy())
    with pytest.raises(
        SettingsError,
        match=r"^NETWORK: several distributions register “toy”: \w+:Toy of (play|toy)town 1\.0 and "
        r"\w+:Toy of (toy|play)town 1\.0; uninstall all but one\.$",
    ):
        registry.network_class("toy")


def test_one_distribution_that_is_found_twice_counts_once(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "toytown", "toy = HERE:Toy", toy())
    monkeypatch.syspath_prepend(f"{site}/.")
    assert registry.network_class("toy").title == "Toytown"


@pytest.mark.parametrize("damage", [b"[twittomatic.networks]\ntoy\n", b"\xff\xfe\x00", b"toy = :::\n="])
def test_damaged_entry_points_are_named_and_stop_no_other_network(site: Path, damage: bytes) -> None:
    install(site, "toytown", "toy = HERE:Toy", toy())
    (site / "broken-2.0.dist-info").mkdir()
    (site / "broken-2.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: broken\nVersion: 2.0\n"
    )
    (site / "broken-2.0.dist-info" / "entry_points.txt").write_bytes(damage)
    assert registry.network_class("x").title == "X"
    assert registry.network_class("toy").title == "Toytown"
    with pytest.raises(SettingsError, match=r"the networks are toy, x\."):
        registry.network_class("moon")


def test_a_network_lost_to_damaged_entry_points_leads_to_the_distribution(site: Path) -> None:
    (site / "broken-2.0.dist-info").mkdir()
    (site / "broken-2.0.dist-info" / "entry_points.txt").write_bytes(b"[twittomatic.networks]\ntoy\n")
    with pytest.raises(
        SettingsError,
        match=r"“toy” is not a known network; .* The entry points of broken-2\.0 cannot be read",
    ):
        registry.network_class("toy")
