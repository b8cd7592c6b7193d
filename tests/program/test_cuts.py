"""Where kernels are cut into groups: against all ways to cut, and runs of the file's list."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import memsim
from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.curve.grouping import auto_program
from memsim.machine.cache import Cache
from memsim.network import Network
from memsim.program import Program, build
from memsim.program.build import trial_plans
from memsim.program.depth_first.cuts import MOST_KERNELS, Cuts
from memsim.program.depth_first.estimate import HEIGHTS, Estimate
from memsim.program.depth_first.strips import GroupStrips, rows_needed
from memsim.program.ordering.steps import bits
from tests.laws.test_program import few, program_of
from tests.strategies import networks


def cuts_of(program: Program) -> Cuts:
    """All of its kernels can be tiles: whether one can does not matter to what it would move."""
    plan_of = trial_plans(program.network, program.kernels, str(program.options["rows"]))
    needs = {n: rows_needed(each, plan_of) for n, each in enumerate(program.kernels)}
    inputs = {each.name: each.nbytes for each in program.tensors if each.kind == "input"}
    return Cuts(program.kernels, needs, inputs, (1 << len(program.kernels)) - 1)


def downsets(before: list[int]) -> list[int]:
    """Every set of kernels that holds all that its kernels read."""
    found = {0}
    for size in range(len(before)):
        for done in [each for each in found if each.bit_count() == size]:
            for kernel, needed in enumerate(before):
                if not (done >> kernel & 1 or needed & ~done):
                    found.add(done | 1 << kernel)
    return sorted(found, key=int.bit_count)


def least(
    estimate: Estimate, sets: list[int], capacity: int, *, tall: bool, tiles: bool = False
) -> int:
    """What the cheapest chain of such sets moves, each a group of some kernels more."""
    moved = {0: 0}
    for done in sets[1:]:
        moved[done] = min(
            moved[rest] + cost[0]
            for rest in moved
            if not rest & ~done
            and (done ^ rest).bit_count() <= MOST_KERNELS
            and (cost := estimate.moved(done ^ rest, capacity, tall=tall, tiles=tiles)) is not None
        )
    return moved[sets[-1]]


def again(estimate: Estimate, cut_groups: Iterator[tuple[int, int]], capacity: int) -> int:
    """What groups with the rows of their strips move, each counted for itself."""
    total = 0
    for group, height in cut_groups:
        both = [estimate.moved(group, capacity, tall=tall) for tall in (False, True)]
        found = [each for each in both if each is not None and each[1] == height]
        assert found
        total += found[0][0]
    return total


@settings(few, max_examples=40)
@given(networks(most_layers=7), st.integers(0, 6000), st.booleans())
def test_the_best_cut_is_the_least_of_all_there_are(
    network: Network, capacity: int, tall: bool
) -> None:
    cuts = cuts_of(program_of(network, 100_000))
    estimate, sets = cuts.estimate, downsets(cuts.before)
    best = cuts.best(capacity, tall=tall, most=100_000)
    assert best.exact
    assert best.moved == least(estimate, sets, capacity, tall=tall)
    listed = [(1 << size) - 1 for size in range(cuts.count + 1)]
    for most in (1, 2):  # a beam costs as much or more, and runs of the file's list no less
        beam = cuts.best(capacity, tall=tall, most=most)
        assert best.moved <= beam.moved <= least(estimate, listed, capacity, tall=tall)
        assert beam.moved == best.moved or not beam.exact
        inside = set(itertools.chain(*beam.groups))
        alone = [(1 << n, 0) for n in range(cuts.count) if n not in inside]
        together = [sum(1 << n for n in group) for group in beam.groups]
        units = iter([*alone, *zip(together, beam.strips, strict=True)])
        assert again(estimate, units, capacity) == beam.moved


@settings(few, max_examples=25)
@given(networks(most_layers=6), st.integers(0, 3000), st.booleans())
def test_tiles_are_taken_only_where_they_move_less(
    network: Network, capacity: int, tall: bool
) -> None:
    cuts = cuts_of(program_of(network, 100_000))
    sets = downsets(cuts.before)
    rows, tiled = (
        cuts.best(capacity, tall=tall, tiles=tiles, most=1000) for tiles in (False, True)
    )
    assert tiled.moved == least(cuts.estimate, sets, capacity, tall=tall, tiles=True) <= rows.moved
    assert not any(isinstance(strip, str) for strip in rows.strips)
    if tiled.moved == rows.moved:
        assert tiled == rows
    for strip, group in zip(tiled.strips, tiled.groups, strict=True):
        if isinstance(strip, str):
            bits_of = sum(1 << number for number in group)
            alone = cuts.estimate.moved(bits_of, capacity, tall=tall)
            cost = cuts.estimate.moved(bits_of, capacity, tall=tall, tiles=True)
            assert cost is not None
            assert alone is None or cost.moved < alone.moved


@settings(few, max_examples=25)
@given(networks(), st.data())
def test_strips_that_grow_by_a_kernel_are_those_of_the_whole_group(
    network: Network, data: st.DataObject
) -> None:
    """Rows by :class:`GroupStrips`, and what of each map is alive, counted map by map."""
    kernels = program_of(network, 100_000).kernels
    cuts = cuts_of(program_of(network, 100_000))
    estimate = cuts.estimate
    sets = downsets(cuts.before)
    done = data.draw(st.sampled_from(sets[1:]))
    rest = data.draw(st.sampled_from([each for each in sets if not each & ~done and each != done]))
    group, height = done ^ rest, data.draw(st.sampled_from(HEIGHTS))
    members = tuple(bits(group))
    strips = GroupStrips.of(members, kernels, estimate.needs, height)
    found = estimate._cut(group, height)
    total = np.zeros(strips.count, np.int64)
    for number, low, high in zip(members, strips.low, strips.high, strict=True):
        edges = found.edges[number]
        assert edges[:-1].tolist() == low.tolist()
        assert edges[1:].tolist() == high.tolist()
        output = kernels[number].output
        _, channels, rows, columns = output.grid
        inside = [n for n in members if output.name in estimate.needs[n]]
        outside = [n for n in range(len(kernels)) if output.name in estimate.needs[n]]
        alive = high - low
        if inside == outside and inside and not kernels[number].leaves:
            firsts = [estimate.needs[n][output.name].first for n in inside]
            gone = [first[found.edges[n][:-1]] for first, n in zip(firsts, inside, strict=True)]
            halo = max(2 * int(each[1] - each[-1] // (len(each) - 1)) for each in firsts)
            alive = high - np.min(gone, axis=0) + max(halo, 0)
        total += np.minimum(alive, rows) * channels * columns * output.itemsize
    assert found.total.tolist() == total.tolist()


@settings(few, max_examples=25)
@given(networks())
def test_at_an_articulation_point_one_downset_is_left(network: Network) -> None:
    """So the search goes from one such point to the next; see :mod:`.cuts`."""
    program = program_of(network, 100_000)
    estimate = cuts_of(program).estimate
    graph = nx.Graph()
    for kernel, (before, after) in enumerate(zip(estimate.before, estimate.after, strict=True)):
        graph.add_edges_from((each, kernel) for each in bits(before))
        if set(estimate.needs[kernel]) - set(estimate.maker) or not before:
            graph.add_edge("inputs", kernel)
        if program.kernels[kernel].leaves or not after:
            graph.add_edge(kernel, "outputs")
    sizes = [each.bit_count() for each in downsets(estimate.before)]
    for point in nx.articulation_points(graph):
        assert sizes.count(point + 1) == 1
        assert sizes.count(point) == 1


def test_branches_that_the_file_lists_in_turns_become_groups() -> None:
    """Two branches of two 3x3 convolutions, listed a1 b1 a2 b2: maps of 1,024 B, weights of 9 B.

    By hand, at 300 B: no map counts as held. Strips of one row of a branch take five rows of 32 B,
    four of the first map and the one that is made; beside 18 B of weights they fit. So each branch
    reads the input and writes its result, 2 x (2 x 1,024 + 18) B. Both branches at once take ten
    rows, too many; the best runs of the list are a1 b1 a2, which read the input and write two maps,
    and b2, which reads and writes one: 5 x 1,024 + 36 B. In the cache the last three rows of the
    input are still there when the second branch reads them.
    """
    conv = "{{name: {}, conv: {{out: 1, kernel: 3, bias: false}}, from: {}}}"
    listed = ("a1", "input"), ("b1", "input"), ("a2", "a1"), ("b2", "b1")
    layers = ", ".join(conv.format(*each) for each in listed)
    net = memsim.loads(
        f"{{name: n, dtype: int8, input: [1, 32, 32], outputs: [a2, b2], layers: [{layers}]}}"
    )
    program = build(net, buffer=1 << 20)
    cuts, cache = cuts_of(program), Cache(size=300)
    best = cuts.best(300, tall=False)
    assert (best.groups, best.strips) == (((0, 2), (1, 3)), (1, 1))
    assert best.moved == 2 * (2 * 1024 + 18) == 4132
    assert best.exact
    runs = [(1 << size) - 1 for size in range(cuts.count + 1)]
    assert least(cuts.estimate, runs, 300, tall=False) == 5 * 1024 + 36
    fused = build(net, buffer=1 << 20, schedule="depth_first", group=best.groups, strip=best.strips)
    assert [kernel.name for kernel in fused.kernels] == ["a1", "b1", "a2", "b2"]
    traffic = cache_pass(fused, cache)
    assert traffic.read_bytes + traffic.write_bytes == best.moved - 3 * 32
    found = cache_pass(auto_program(net, cache, buffer=1 << 20), cache)  # tries it, among others
    assert found.read_bytes + found.write_bytes <= traffic.read_bytes + traffic.write_bytes
