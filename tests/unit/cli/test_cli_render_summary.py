"""A summary as people see it: in terminals of any width, and as Markdown that no name can break."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from twittomatic.cli.render.blocks import Cells, Facts, Page, Plot, Plots, Remarks, Section, markdown
from twittomatic.cli.render.plot import bars, histogram, short

HOSTILE = "a|b`<script>[x](y)\n# *_\x1b[31m\u202e"
SECTIONS = [
    Section(
        heading="Size",
        note="a note",
        blocks=[
            Facts(rows=[("users", "3,438"), ("hostile", HOSTILE)]),
            Plots(
                plots=[
                    Plot(title="first", lines=["10 ┤██", " 1 ┼┬─"], remarks=["none: 3"]),
                    Plot(title="second", lines=[" 1 ┼┬─"]),
                ]
            ),
            Cells(
                columns=("", "user", "", "following", ""),
                rows=[["1", "@ada", "1,627", "@grace", "12"], ["2", HOSTILE, "9", "", ""]],
                right=frozenset({0, 2, 4}),
                dispensable=(frozenset({3, 4}),),
                wraps=1,
            ),
            Remarks(sentences=["Read this.", HOSTILE]),
        ],
    )
]


def drawn(width: int) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(Page(SECTIONS))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(len(line) <= width for line in text.splitlines())
    return text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_page_fits_any_terminal_and_no_text_controls_it(width: int) -> None:
    text = drawn(width)
    assert "Size  a note" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert any("first" in line and "second" in line for line in text.splitlines())


def test_columns_without_room_are_left_out() -> None:
    assert "@grace" in drawn(200)
    assert "@grace" not in drawn(40)
    assert "1,627" in drawn(40)


def test_markdown_has_tables_that_no_text_breaks() -> None:
    text = markdown("T", SECTIONS)
    hostile = r"a\|b\`\<script\>\[x\](y)\\n\# \*\_\\x1b\[31m\\u202e"
    assert f"| hostile | {hostile} |" in text
    assert "|--:|---|--:|---|--:|\n| 1 | \\@ada | 1,627 | \\@grace | 12 |" in text
    assert "```text\n10 ┤██\n 1 ┼┬─\n```" in text
    assert f"- Read this.\n- {hostile}\n" in text


def test_a_histogram_is_logarithmic_in_both_directions() -> None:
    assert histogram([1000, 100, 10, 1, 0, 1]) == [
        "1,000 ┤██",
        "      ┤██",
        "  100 ┤████",
        "      ┤████",
        "   10 ┤██████",
        "      ┤██████▁▁  ▁▁",
        "    1 ┼┬───┬───┬───",
        "       1   4   16",
    ]


def test_a_histogram_without_users_is_empty() -> None:
    assert histogram([]) == histogram([0, 0]) == []


def test_small_values_are_visible() -> None:
    assert bars([0, 1, 500, 1000]) == " ▁▄█"
    assert bars([0.0, 0.0]) == "  "
    assert [short(2**power) for power in (0, 9, 10, 19, 30)] == ["1", "512", "1k", "512k", "1G"]
