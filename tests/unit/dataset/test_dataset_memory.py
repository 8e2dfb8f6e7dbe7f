from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from twittomatic.dataset import open
from twittomatic.storage.formats import member
from twittomatic.storage.paths import Layout

FOLLOWERS = 2_000

_MEASURE = """
import os, re, sys
from pathlib import Path
import twittomatic as tw
from twittomatic.dataset.export import Choice, Format, Output, export
from twittomatic.storage.paths import Layout
from twittomatic.dataset.graph import blocks, graph

blocks.BLOCK = graph._STEP = 1 << 16  # a small dataset has many blocks
ds = tw.open(sys.argv[1])
if sys.argv[2] == "edges":
    count = sum(map(len, ds.edges()))
elif sys.argv[2] in ("gexf", "graphml"):
    layout = Layout(Path(sys.argv[1]), Path(sys.argv[1]) / ".tmp")
    with open(os.devnull, "wb") as file:
        output = Output(Format("graph", "." + sys.argv[2]), file)
        count = export(layout, [output], Choice()).rows["edges of graph"]
else:
    count = ds.graph().edge_count
print(count, re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.parametrize("reading", ["edges", "graph", "update", "gexf", "graphml"])
def test_memory_does_not_grow_with_the_number_of_edges(tmp_path: Path, reading: str) -> None:
    peaks = []
    for lists in (100, 1_000):
        directory = tmp_path / str(lists)
        layout = Layout(directory, directory / ".tmp")
        layout.prepare()
        text = member([b"%d" % number for number in range(10**18, 10**18 + FOLLOWERS)])
        for user_id in range(10**18, 10**18 + lists):  # all of them are followers, too
            path = layout.file(str(user_id), "fws")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text)
        if reading == "update":
            open(directory).graph()
            path.write_bytes(member([b"5"]))
        command = [sys.executable, "-c", _MEASURE, str(directory), reading]
        count, peak = map(int, subprocess.run(command, check=True, capture_output=True).stdout.split())
        assert count == lists * FOLLOWERS - (FOLLOWERS - 1) * (reading == "update")
        peaks.append(peak)

    assert peaks[1] - peaks[0] < 16 * 1024, f"{peaks} kB for 200,000 and 2,000,000 edges"
