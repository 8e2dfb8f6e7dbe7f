"""The subgraph of the nodes that have followers, which contains every cycle of edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph, Nodes
from twittomatic.dataset.graph.arrayfile import release
from twittomatic.dataset.graph.edgeblocks import BLOCK, edge_blocks, row_blocks


@dataclass(frozen=True, slots=True, eq=False)
class FollowedPart:
    """The subgraph of the nodes that have followers.

    After a crawl most users are border users, who have no followers in the graph. Nothing that flows along
    the edges reaches them, so iterative measures need to visit their edges only once.

    Attributes:
        nodes: Nodes of the graph that have followers, in ascending order (int64, shape k). Here they are
            numbered from 0 to k - 1.
        indptr: Start of the followers of each of them in `followers` (int64, shape k + 1).
        followers: Those of their followers that are in the subgraph, by these numbers (int32, at most m).
    """

    nodes: npt.NDArray[np.int64]
    indptr: npt.NDArray[np.int64]
    followers: Nodes

    @classmethod
    def of(cls, graph: Graph) -> FollowedPart:
        """Select the part of a graph; its edges are read once, in blocks."""
        has_followers = graph.indptr[1:] > graph.indptr[:-1]
        nodes = np.flatnonzero(has_followers)
        if len(nodes) == graph.node_count:
            return cls(nodes, graph.indptr, graph.followers)
        number = np.cumsum(has_followers, dtype=np.int32)
        number -= np.int32(1)
        number[~has_followers] = -1
        del has_followers
        indptr = np.zeros(len(nodes) + 1, np.int64)
        followers = np.empty(graph.edge_count, np.int32)  # what is not filled takes no memory
        count = 0
        for block in edge_blocks(graph, BLOCK):
            numbers = number[block.followers]
            kept = numbers >= 0
            ends = np.cumsum(block.counts)[block.counts > 0]
            place = int(np.searchsorted(nodes, block.first)) + 1
            # A row that goes on in the next block ends there.
            indptr[place : place + len(ends)] = count + np.cumsum(kept)[ends - 1]
            kept_count = int(np.count_nonzero(kept))
            followers[count : count + kept_count] = numbers[kept]
            count += kept_count
            release(block.followers)
        return cls(nodes, indptr, followers[:count])


def sums_by_row(
    values: npt.NDArray[np.float64], indptr: npt.NDArray[np.int64], columns: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """Return the sum of the values at the columns of each row of a CSR matrix (float64, one per row).

    This is the product of a matrix of ones with a vector, computed block by block, so that `columns` may be
    memory-mapped.

    Args:
        values: Value of each column (float64).
        indptr: Start of each row in `columns`, and the end of the last one (int64).
        columns: Column numbers (int32).
    """
    sums = np.zeros(len(indptr) - 1)
    for first, last, found in row_sums(values, indptr, columns):
        sums[first:last] = found
    return sums


def row_sums(
    values: npt.NDArray[np.float64], indptr: npt.NDArray[np.int64], columns: npt.NDArray[np.int32]
) -> Iterator[tuple[int, int, npt.NDArray[np.float64]]]:
    """Yield the sums of `sums_by_row` in blocks of rows: the first row, the one after the last, the sums.

    Each block uses the values as they are then, so the caller may change them meanwhile.
    """
    gathered = np.empty(BLOCK)
    for first, last in row_blocks(indptr):
        starts = indptr[first : last + 1]
        begin, end = int(starts[0]), int(starts[-1])
        if end - begin <= BLOCK:
            found = gathered[: end - begin]
            np.take(values, columns[begin:end], out=found, mode="clip")  # without a check, twice as fast
            filled = starts[1:] > starts[:-1]
            if filled.all():
                yield first, last, np.add.reduceat(found, starts[:-1] - begin)
                continue
            sums = np.zeros(last - first)
            if begin < end:
                sums[filled] = np.add.reduceat(found, starts[:-1][filled] - begin)
        else:
            sums = np.zeros(1)
            for place in range(begin, end, BLOCK):
                sums += values[columns[place : min(place + BLOCK, end)]].sum()
        yield first, last, sums
