"""The name of an output says what it contains and how it is written."""

from __future__ import annotations

import pytest

from twittomatic.dataset.export import parse_format
from twittomatic.dataset.export.registry import KINDS, TABLES
from twittomatic.errors import SettingsError


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_stem_is_the_table_and_the_extension_the_kind(table: str, kind: str) -> None:
    assert parse_format(f"a.b/{table}{kind}") == (table, kind)


@pytest.mark.parametrize("name", ["edges", "edges.xlsx", "edges.gz", ".csv.xz", ""])
def test_an_unknown_extension_lists_the_known_ones(name: str) -> None:
    with pytest.raises(SettingsError, match=r"A table can be \.parquet, \.csv, \.csv\.gz"):
        parse_format(name)


@pytest.mark.parametrize("name", ["people.csv", "events.parquet", ".csv"])
def test_an_unknown_stem_lists_the_tables(name: str) -> None:
    with pytest.raises(SettingsError, match="is no table; name the file after one: edges, nodes"):
        parse_format(name)
