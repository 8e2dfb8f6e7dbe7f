"""The part of a graph among users who have followers in it, in which every cycle of edges lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twittomatic.dataset.graph import Graph, Nodes
from twittomatic.dataset.graph.edgeblocks import BLOCK, edge_blocks, row_blocks


@dataclass(frozen=True, slots=True, eq=False)
class FollowedPart:
    """The edges between users who have followers, and how many edges come from everybody else.

    After a crawl most users are followers that were never crawled. They have no followers here, so nothing
    that flows along the edges ever reaches them: measures that iterate need to visit their edges only once.

    Attributes:
        nodes: Nodes of the graph that have followers, ascending (shape k). They are numbered 0 to k - 1.
        indptr: Where the followers of each of them begin in `followers` (int64, shape k + 1).
        followers: Their followers among themselves, by these numbers (int32, shape of at most m).
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
        return cls(nodes, indptr, followers[:count])


def sums_by_row(
    values: npt.NDArray[np.float64], indptr: npt.NDArray[np.int64], columns: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """Return for each row of a CSR the sum of the values at its columns.

    It is the product of the matrix of ones with a vector, without the ones and block by block, so the
    columns may be memory-mapped.

    Args:
        values: A value for each column (float64).
        indptr: Where each row begins in `columns`, and where the last one ends.
        columns: Column numbers.
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
