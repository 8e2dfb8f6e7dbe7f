"""Savings by the order of a crawl if users are charged once per day: breadth first, and random.

All users of a real follower graph are crawled, a part of the edges each UTC day; a user who appears in
several lists of one day is charged once. With bfs, targets found in the same list are crawled together, and
they share followers. Printed: users charged and delivered; the random order is the mean of five.

    python benchmarks/one_day.py [--graph FILE] [--days 1 2 5 10 30]
"""

from __future__ import annotations

import argparse
import gzip
import random
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import verdict
from twittomatic.emulator import bundled_graph

_SHUFFLES = 5


def followers(graph: Path) -> Mapping[str, Sequence[str]]:
    """Return the followers of each user who has some."""
    lists: dict[str, list[str]] = defaultdict(list)
    with gzip.open(graph, "rt") as lines:
        for line in lines:
            follower, user = line.split()
            lists[user].append(follower)
    return lists


def breadth_first(lists: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the targets in the order in which bfs finds them from the user with most followers."""
    first = max(lists, key=lambda user: len(lists[user]))
    seen, queue, order = {first}, deque([first]), []
    while queue:
        user = queue.popleft()
        order.append(user)
        new = [one for one in lists.get(user, ()) if one not in seen]
        seen.update(new)
        queue.extend(new)
    return [user for user in order if user in lists]


def paid(lists: Mapping[str, Sequence[str]], order: Sequence[str], days: int) -> int:
    """Return how many users are paid for, when each day takes its part of the edges."""
    part = sum(len(lists[user]) for user in order) / days
    total, today, delivered, day = 0, set[str](), 0, 1
    for user in order:
        today.update(lists[user])
        delivered += len(lists[user])
        if delivered >= part * day:
            total, today, day = total + len(today), set(), day + 1
    return total + len(today)


def main() -> None:
    parser = argparse.ArgumentParser(description="What the order saves where users are paid once a day.")
    parser.add_argument("--graph", type=Path, default=bundled_graph())
    parser.add_argument("--days", type=int, nargs="+", default=[1, 2, 5, 10, 30])
    arguments = parser.parse_args()
    lists = followers(arguments.graph)
    order = breadth_first(lists)
    print(f"{len(order)} targets, {sum(len(lists[user]) for user in order)} followers delivered")
    for days in arguments.days:
        ours = paid(lists, order, days)
        shuffled = [
            paid(lists, random.Random(number).sample(order, len(order)), days) for number in range(_SHUFFLES)
        ]
        others = sum(shuffled) / len(shuffled)
        print(f"  {days} days: paid {ours} breadth first, {others:.0f} at random")
        if days > 1:
            verdict(
                f"  {days} days: breadth first / at random", 100 * ours / others, 100, most=True, unit=" %"
            )


if __name__ == "__main__":
    main()
