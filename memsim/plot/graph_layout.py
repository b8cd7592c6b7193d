"""Layered graph layout: ranks by longest path, few crossings, straight edges.

A plain form of the method of Sugiyama, Tagawa and Toda ("Methods for visual understanding of
hierarchical system structures", 1981): every node is below all it reads; an edge that spans
several ranks passes a point on each of them; the points of a rank are ordered by where their
neighbours are. Nodes stand in the middle, as the layers of a network mostly form one column, and
long edges run down beside them in lanes, as straight and as near as there is room.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from memsim.errors import InputError, Problem

__all__ = ["GraphLayout", "layered"]

MOST_POINTS = 20_000
"""Most nodes and ranks that edges pass, together; a picture of more is a grey square."""

SWEEPS = 12

Point = tuple[float, float]
Edge = tuple[str, str]


@dataclass(frozen=True)
class GraphLayout:
    """Where a graph's nodes and edges are; one unit is a node's width across, a rank down.

    Attributes
    ----------
    nodes : dict of str to (float, int)
        Across and rank, 0 at the top.
    edges : dict of (str, str) to list of (float, float)
        The points that an edge passes, its ends included.
    """

    nodes: dict[str, tuple[float, int]]
    edges: dict[Edge, list[Point]]

    @property
    def ranks(self) -> int:
        """Number of ranks."""
        return 1 + max(rank for _, rank in self.nodes.values())

    @property
    def span(self) -> tuple[float, float]:
        """Least and greatest position across."""
        across = [x for points in self.edges.values() for x, _ in points]
        across += [x for x, _ in self.nodes.values()]
        return min(across), max(across)


def layered(readers: Mapping[str, Sequence[str]], gap: float = 0.14) -> GraphLayout:
    """Lay out a directed acyclic graph from top to bottom.

    Parameters
    ----------
    readers : mapping of str to sequence of str
        For every node those that read it, in an order in which they can be executed.
    gap : float
        Room between two edges, and beside a node, in widths of a node.

    Raises
    ------
    InputError
        If the graph is too large for a picture.

    Examples
    --------
    >>> layout = layered({"a": ["b", "c"], "b": ["c"], "c": []})
    >>> [rank for _, rank in layout.nodes.values()]
    [0, 1, 2]
    >>> len(layout.edges["a", "c"])  # it passes the rank of b
    3
    """
    rank = dict.fromkeys(readers, 0)
    for node, targets in readers.items():
        for target in targets:
            rank[target] = max(rank[target], rank[node] + 1)
    # An input stands just above its first reader, not at the top.
    read = {target for targets in readers.values() for target in targets}
    for node, targets in readers.items():
        if node not in read and targets:
            rank[node] = min(rank[target] for target in targets) - 1
    points, chains = _chains(readers, rank)
    order = _ordered(points)
    across = _placed(order, points, list(chains.values()), gap)
    return GraphLayout(
        {node: (across[node], rank[node]) for node in readers},
        {
            edge: [(across[point], float(points[point].rank)) for point in chain]
            for edge, chain in chains.items()
        },
    )


@dataclass(slots=True)
class _Point:
    """A node, or a rank that an edge passes, with its neighbours above and below."""

    rank: int
    above: list[str]
    below: list[str]
    is_node: bool


def _chains(
    readers: Mapping[str, Sequence[str]], rank: Mapping[str, int]
) -> tuple[dict[str, _Point], dict[Edge, list[str]]]:
    points = {node: _Point(rank[node], [], [], True) for node in readers}
    chains: dict[Edge, list[str]] = {}
    for source, targets in readers.items():
        for target in dict.fromkeys(targets):
            chain = [source]
            for level in range(rank[source] + 1, rank[target]):
                name = f"\0{source}\0{target}\0{level}"
                points[name] = _Point(level, [], [], False)
                chain.append(name)
                if len(points) > MOST_POINTS:
                    message = "the graph is too large for a picture"
                    raise InputError(Problem(message, hint="export it: -o graph.dot or .graphml"))
            chains[source, target] = [*chain, target]
    for chain in chains.values():
        for upper, lower in pairwise(chain):
            points[upper].below.append(lower)
            points[lower].above.append(upper)
    return points, chains


def _ordered(points: Mapping[str, _Point]) -> list[list[str]]:
    """The points of every rank from left to right, with as few crossings as sweeps find."""
    ranks: list[list[str]] = [[] for _ in range(1 + max(point.rank for point in points.values()))]
    for name, point in points.items():
        ranks[point.rank].append(name)
    best, fewest = [list(rank) for rank in ranks], _crossings(ranks, points)
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        for rank in ranks[1:] if downwards else ranks[-2::-1]:
            level = points[rank[0]].rank
            other = ranks[level - 1 if downwards else level + 1]
            where = {name: i for i, name in enumerate(other)}
            old = {name: i for i, name in enumerate(rank)}

            def middle(
                name: str,
                where: dict[str, int] = where,
                old: dict[str, int] = old,
                downwards: bool = downwards,
            ) -> float:
                near = points[name].above if downwards else points[name].below
                return sum(where[each] for each in near) / len(near) if near else old[name]

            rank.sort(key=middle)
        crossings = _crossings(ranks, points)
        if crossings < fewest:
            best, fewest = [list(rank) for rank in ranks], crossings
        if not fewest:
            break
    return best


def _crossings(ranks: list[list[str]], points: Mapping[str, _Point]) -> int:
    total = 0
    for upper, lower in pairwise(ranks):
        where = {name: i for i, name in enumerate(lower)}
        seen: list[int] = []
        for name in upper:
            ends = sorted(where[each] for each in points[name].below)
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _placed(
    order: list[list[str]], points: Mapping[str, _Point], chains: list[list[str]], gap: float
) -> dict[str, float]:
    """Positions across: nodes in the middle, each long edge in a lane of its own."""
    half = {name: 0.5 if point.is_node else 0.0 for name, point in points.items()}
    weight = {name: 1e6 if point.is_node else 1.0 for name, point in points.items()}
    wanted: dict[str, float] = {}
    for rank in order:
        nodes = [name for name in rank if points[name].is_node]
        for i, name in enumerate(nodes):
            wanted[name] = (i - (len(nodes) - 1) / 2) * (1 + gap)
        # A point beside the nodes starts at their side.
        for i, name in enumerate(rank):
            if not points[name].is_node:
                left = sum(points[each].is_node for each in rank[:i])
                wanted[name] = (left - len(nodes) / 2) * (1 + gap)
    across = dict(wanted)
    for _ in range(2 * SWEEPS):
        for rank in order:
            apart = _spread(rank, [wanted[name] for name in rank], half, weight, gap)
            across.update(zip(rank, apart, strict=True))
        for chain in chains:
            lane = [across[point] for point in chain[1:-1]]
            if lane:  # straight: as far out as it has to be anywhere
                wanted.update(dict.fromkeys(chain[1:-1], max(lane, key=abs)))
    return across


def _spread(
    rank: list[str],
    wanted: list[float],
    half: Mapping[str, float],
    weight: Mapping[str, float],
    gap: float,
) -> list[float]:
    """Positions in order and apart, as near as possible to the wanted ones (least squares)."""
    offset, offsets = 0.0, []
    for i, name in enumerate(rank):
        offset += half[name] + half[rank[i - 1]] + gap if i else 0.0
        offsets.append(offset)
    # Without the offsets, "apart" is "not falling": pool adjacent violators.
    blocks: list[tuple[float, float, int]] = []
    for name, value, away in zip(rank, wanted, offsets, strict=True):
        mean, heavy, count = value - away, weight[name], 1
        while blocks and blocks[-1][0] > mean:
            before, mass, size = blocks.pop()
            mean = (before * mass + mean * heavy) / (mass + heavy)
            heavy, count = mass + heavy, size + count
        blocks.append((mean, heavy, count))
    flat = [mean for mean, _, count in blocks for _ in range(count)]
    return [value + away for value, away in zip(flat, offsets, strict=True)]
