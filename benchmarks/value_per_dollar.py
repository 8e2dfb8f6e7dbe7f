"""Edges bought with the same budget in a real follower graph, by the order of the frontier.

The emulator serves the graph with synthetic profiles and posts; `twittomatic crawl -T -F -A` starts from one
account, without a depth limit, until the budget is spent: breadth first, by followers, and by value per
dollar. The figure is the number of edges on disk. The budget limits the maximum that X can charge; the actual
bill is printed as well.

    python benchmarks/value_per_dollar.py [--graph FILE --seed ID] [--budgets 50 100 200]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from harness import free_port, verdict
from twittomatic.emulator import bundled_graph

ORDERS = {
    "breadth first": ("--traversal", "bfs"),
    "by followers": ("--traversal", "priority", "--priority", "followers_count"),
    "value per dollar": ("--traversal", "priority", "--priority", "value per dollar"),
}
_COMMAND = (sys.executable, "-c", "from twittomatic.cli import main; main()")
_BUDGET_IS_SPENT = 3


def crawl(graph: Path, seed: str, budget: float, order: tuple[str, ...]) -> dict[str, Any]:
    """Crawl from one account until the budget is spent; return what was bought."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="tw") as name:
        environment = {
            **os.environ,
            "TWITTOMATIC_X_API_URL": url,
            "TWITTOMATIC_X_BEARER_TOKENS": "benchmark",
        }
        emulator = subprocess.Popen(
            [*_COMMAND, "emulator", "--graph", graph, "--port", str(port), "--time-scale", "36000"],
            stdout=subprocess.PIPE,
        )
        try:
            assert emulator.stdout
            emulator.stdout.readline()
            modules = ("-T", "-F", "-A", "--max-depth", "unlimited")
            done = subprocess.run(
                [*_COMMAND, "crawl", *modules, *order, "--budget-usd", str(budget), "--until-spent", seed],
                cwd=name,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode in (0, _BUDGET_IS_SPENT), done.stderr
            with urlopen(f"{url}/_emulator/report") as answer:
                report = json.load(answer)
        finally:
            emulator.terminate()
            emulator.wait()
        lists = [path for path in Path(name, "data").glob("*/*.fws") if path.parent.name[0].isdigit()]
        edges = sum(gzip.decompress(path.read_bytes()).count(b"\n") for path in lists)
        return {"edges": edges, "users": len(lists), "bill": report["bill_usd"]}


def main() -> None:
    parser = argparse.ArgumentParser(description="What the same money buys, by the order of the frontier.")
    parser.add_argument("--graph", type=Path, default=bundled_graph())
    parser.add_argument("--seed", default="2979", help="the account to start from")
    parser.add_argument("--budgets", type=float, nargs="+", default=[50, 100, 200])
    arguments = parser.parse_args()
    for budget in arguments.budgets:
        bought = {
            name: crawl(arguments.graph, arguments.seed, budget, order) for name, order in ORDERS.items()
        }
        print(f"for ${budget:g}")
        for name, figures in bought.items():
            print(
                f"  {name:18} {figures['edges']:8,} edges of {figures['users']:6,} users; "
                f"X's bill ${figures['bill']:,.2f}"
            )
        gain = bought["value per dollar"]["edges"] / max(1, bought["breadth first"]["edges"])
        verdict(f"  ${budget:g}: edges, value per dollar / breadth first", gain, 1, unit=" x")


if __name__ == "__main__":
    main()
