"""The bound on any program: by hand, by brute force, and below every run there is."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memsim.engines.bounds import segments
from memsim.engines.bounds.any_program import AnyProgram
from memsim.engines.bounds.needs import Convolved, Need, needs
from memsim.engines.bounds.segments import Cut, Segments, cut_of
from memsim.engines.cache.cachepass import cache_pass
from memsim.errors import MemsimError
from memsim.machine.cache import Cache
from memsim.network import Network, Node
from memsim.network.ops import Operator
from memsim.network.ops.arrange import Concat
from memsim.network.ops.conv import Conv
from memsim.network.ops.pointwise import Add, BatchNorm, Relu
from memsim.network.ops.pool import MaxPool
from memsim.network.ops.shape import Input
from memsim.program import build
from memsim.program.frames import repeat
from tests.laws.test_program import all_bytes
from tests.strategies import networks


def chain(channels: tuple[int, ...], places: int) -> tuple[Convolved, ...]:
    """Convolutions of one place a window, in words of one byte."""
    return tuple(
        Convolved(str(n), read * written, written, 1, places, (Need(n - 1, 1, 1),) if n else ())
        for n, (read, written) in enumerate(pairwise(channels))
    )


def stack(*ops: Operator | tuple[Operator, ...], size: int = 16, **options: Any) -> Network:
    """Layers one after the other; of a tuple each reads the layer before all of them."""
    nodes = [Node("x", Input(shape=(8, size, size)))]
    before: tuple[str, ...] = ("x",)
    for number, level in enumerate(ops):
        each = level if isinstance(level, tuple) else (level,)
        nodes += [Node(f"l{number}.{n}", op, before) for n, op in enumerate(each)]
        before = tuple(node.name for node in nodes[-len(each) :])
    return Network("stack", nodes, **{"dtype": "int8", **options})


# What convolutions need of each other.


def test_places_whose_windows_reach_into_the_padding_do_not_count() -> None:
    one, two = needs(stack(Conv(out=4, kernel=3), Conv(out=5, kernel=5)))
    assert (one.places, one.weight_bytes, one.needs) == (14 * 14, 4 * 8 * 9, ())
    # Two rows more on each side, of which the first and the last are none of the first one's.
    assert (two.places, two.needs) == (12 * 12, (Need(0, 1, 1),))


def test_a_window_that_moves_by_two_has_four_places_of_its_own() -> None:
    one, two = needs(stack(Conv(out=4), Conv(out=5, kernel=3, stride=2), dtype="fp16"))
    assert (one.places, two.places, two.needs) == (16 * 16, 7 * 7, (Need(0, 4, 8),))


def test_what_is_held_is_what_is_smallest_on_the_way() -> None:
    _, two = needs(stack(Conv(out=4), BatchNorm(), Relu(), MaxPool(kernel=2), Conv(out=5)))
    assert two.needs == (Need(0, 4, 1),)
    depthwise = Conv(out=4, kernel=3, stride=2, groups=4)
    _, two = needs(stack(Conv(out=4), depthwise, Conv(out=5)))
    assert two.needs == (Need(0, 4, 1),)


def test_all_of_a_concat_is_needed_and_of_a_sum_the_last_operand() -> None:
    *_, last = needs(stack((Conv(out=4), Conv(out=6)), Concat(), Conv(out=5)))
    assert [need.of for need in last.needs] == [0, 1]
    *_, last = needs(stack((Conv(out=4), Conv(out=4)), Add(), Conv(out=5)))
    assert [need.of for need in last.needs] == [1]


def test_an_output_of_the_network_is_as_good_as_an_input() -> None:
    assert needs(stack(Conv(out=4), Conv(out=5), outputs=("l0.0", "l1.0")))[1].needs == ()


def test_frames_and_images_are_places_more() -> None:
    (one,) = needs(stack(Conv(out=4), batch=3), frames=2)
    assert one.places == 6 * 16 * 16


# What a cut takes.


def test_a_cut_takes_weights_or_values_whatever_is_less() -> None:
    cut = cut_of(chain((3, 4, 5, 6), 100), 0, 2)
    least = {q: min(12 + 20, 4 * q + 20, 5 * q) for q in cut.places.tolist()}
    assert cut.above_bytes.tolist() == list(least.values())
    assert (cut.members, cut.weight_bytes) == (3, 12 + 20 + 30)


def test_what_several_read_is_shared_among_them() -> None:
    """The last one reads all values of both others: a half of the first one's is asked for by the
    second, which is held and asks for nothing. Of the two bytes a place one and a half are left.
    """
    one, two = Convolved("a", 9, 1, 1, 8, ()), Convolved("b", 100, 1, 1, 8, (Need(0, 1, 1),))
    three = Convolved("c", 7, 1, 1, 8, (Need(1, 1, 1), Need(0, 1, 1)))
    cut = cut_of((one, two, three), 0, 2)
    assert cut.above_bytes.tolist() == [1.5 * q for q in cut.places]


def test_a_segment_of_a_pair_by_hand() -> None:
    """64 channels, 4 KiB of weights each, 64 KiB of output; 1 KiB on chip, K = 1 KiB + T known.

    Values of q places take v = 64 q bytes, so f = (K - v) / 4096 of the last weights fit beside
    them: f v output bytes, (K / 2)^2 / 4096 at most, less than K, which are all partial sums, while
    K <= 16384. Beside the first weights, where K > 4096, it is (K - 4096) / 4096 of all output,
    16 (K - 4096) bytes. So T = 3072 is best: 3072 bytes in the first segment, 4096 in the others.
    """
    cut = cut_of(chain((64, 64, 64), 1024), 0, 1)
    assert cut.last.output_bytes == 65536
    known = np.array([3072, 4096, 5120, 9216, 20480])
    computed = cut.most_bytes(known).tolist()
    assert computed[:4] == [3072, 4096, 16384, 65536 + 1024]
    assert cut.dram_bytes(1024) == -(-(65536 - 3072) // 4096) * 3072


# Brute force.


def optimum(read: int, written: int, places: int, words: int, limit: int) -> int | None:
    """Words that two convolutions with one channel between them move at least; None above a limit.

    All orders of multiply-accumulates, with values computed anew where that is less: a shortest
    path over what is on chip, what is in DRAM and what is done. Weights, partial sums and values
    take a word each; what the first reads, and what the second has computed, take none.
    """
    whole, done = (1 << read) - 1, (1 << written) - 1
    last = (0, 0, done)  # of each place: sum on chip, sum in DRAM, outputs computed
    start = (0, ((0, 0, 0),) * places)
    best, queue = {start: 0}, deque([(0, start)])
    while queue:
        cost, state = queue.popleft()
        if best[state] < cost:
            continue
        if all(place == last for place in state[1]):
            return cost
        for more, after in _moves(state, read, written, words, whole, last):
            if cost + more <= limit and best.get(after, limit + 1) > cost + more:
                best[after] = cost + more
                (queue.append if more else queue.appendleft)((cost + more, after))
    return None


def _moves(
    state: Any, read: int, written: int, words: int, whole: int, last: tuple[int, int, int]
) -> Iterator[tuple[int, Any]]:
    weights, told = state
    room = weights.bit_count() + sum(place[0] > 0 for place in told) < words
    for n in range(read + written):
        if weights >> n & 1:
            yield 0, (weights ^ 1 << n, told)
        elif room:
            yield 1, (weights | 1 << n, told)
    for n, (here, there, out) in enumerate(told):
        if out == last[2] or (n and told[n - 1] == told[n]):
            continue
        found = []
        if here or room:
            for tap in range(read):
                if weights >> tap & 1 and not here >> tap & 1:
                    found.append((0, (here | 1 << tap, there, out)))
            if there and here != there:
                found.append((1, (there, there, out)))
        if here:
            found.append((0, (0, there, out)))
            if here != there:
                found.append((1, (here, here, out)))
        if here == whole:
            for tap in range(written):
                if weights >> (read + tap) & 1 and not out >> tap & 1:
                    found.append((0, (here, there, out | 1 << tap)))
        for more, place in found:
            place = last if place[2] == last[2] else place
            yield more, (weights, tuple(sorted((*told[:n], place, *told[n + 1 :]))))


@pytest.mark.parametrize(
    ("read", "written", "places", "words", "least"),
    [(1, 1, 3, 3, 2), (1, 1, 3, 2, 6), (2, 1, 3, 2, 9), (1, 2, 3, 2, 9), (2, 2, 2, 2, 8),
     (1, 2, 4, 3, 3)],
)  # fmt: skip
def test_two_convolutions_move_no_less(
    read: int, written: int, places: int, words: int, least: int
) -> None:
    assert optimum(read, written, places, words, 20) == least
    assert bound_of((read, 1, written), places, words) <= least


@pytest.mark.parametrize(
    ("read", "written", "places", "words", "least"), [(3, 2, 9, 2, 6), (3, 3, 7, 2, 7)]
)
def test_where_the_bound_is_above_the_weights_no_order_reaches_what_is_below_it(
    read: int, written: int, places: int, words: int, least: int
) -> None:
    assert bound_of((read, 1, written), places, words) == least > read + written
    assert optimum(read, written, places, words, least - 1) is None


def bound_of(channels: tuple[int, ...], places: int, words: int) -> int:
    convolutions = chain(channels, places)
    weights = sum(each.weight_bytes for each in convolutions)
    return weights + sum(g.excess_bytes for g in Segments(convolutions).groups(words))


# The law.


@st.composite
def stacks(draw: st.DrawFn) -> Network:
    """Convolutions and what may stand between them, with weights that small caches do not hold."""
    wide = st.sampled_from([8, 16, 24])
    conv = st.builds(Conv, out=wide, kernel=st.sampled_from([1, 3]), stride=st.sampled_from([1, 2]))
    between: list[Any] = draw(
        st.lists(
            conv
            | st.just(Relu())
            | st.just(MaxPool(kernel=3, stride=2, padding=1))
            | st.tuples(st.builds(Conv, out=wide), st.builds(Conv, out=wide, kernel=st.just(3))),
            min_size=2,
            max_size=6,
        )
    )
    levels: list[Any] = []
    for level in between:
        levels += [level, Concat()] if isinstance(level, tuple) else [level]
    batch, dtype = draw(st.integers(1, 2)), draw(st.sampled_from(["int8", "fp16"]))
    return stack(*levels, Conv(out=draw(wide)), size=draw(st.integers(9, 24)), batch=batch,
                 dtype=dtype)  # fmt: skip


PAIR = stack(Conv(out=24), Conv(out=24), Conv(out=24), size=24)


@settings(max_examples=40, deadline=None)
@example(PAIR, 300, {}, "pinned", 1)
@example(PAIR, 300, {"schedule": "depth_first", "strip": 2}, "belady", 1)
@given(
    stacks() | networks(),
    st.sampled_from([300, 500, 900, 4000]),
    st.sampled_from([
        {}, {"tile": "whole"}, {"lowering": "eager"}, {"order": "weights_outer"},
        {"lowering": "concat_free", "schedule": "depth_first", "strip": 1},
        {"schedule": "depth_first", "strip": 2, "overlap": "recompute"},
    ]),
    st.sampled_from(["lru", "belady", "pinned", "fifo"]),
    st.integers(1, 2),
)  # fmt: skip
def test_no_run_moves_less(
    network: Network, buffer: int, options: dict[str, Any], policy: str, frames: int
) -> None:
    layers = [layer.name for layer in network if not layer.op.is_input]
    together: dict[str, Any] = (
        {"group": [f"{layers[0]}..{layers[-1]}"]} if "schedule" in options else {}
    )
    try:
        program = repeat(build(network, buffer=buffer, **options, **together), frames)
    except MemsimError:
        return
    bound = AnyProgram.of(program)
    for cache in (0, 150, 700, all_bytes(program) // 3):
        moved = int(cache_pass(program, Cache(size=cache, policy=policy)).traffic.sum())
        assert bound.compulsory_bytes <= bound.dram_bytes(cache) <= moved
        assert bound.at(cache) <= moved


def test_the_law_is_about_something() -> None:
    program = build(PAIR, buffer=300)
    bound = AnyProgram.of(program)
    assert bound.dram_bytes(0) > 1.2 * bound.compulsory_bytes


def test_steps_fall_to_what_is_compulsory_and_are_no_more_than_the_bound_itself() -> None:
    bound = AnyProgram.of(build(PAIR, buffer=150))
    sizes, moved = zip(*bound.steps, strict=True)
    assert sizes[0] == 0
    assert moved[-1] == bound.compulsory_bytes
    assert list(sizes) == sorted(set(sizes))
    assert list(moved) == sorted(set(moved), reverse=True)
    for size, least in bound.steps:
        assert bound.at(size) == least <= max(bound.dram_bytes(s) for s in (size, size + 5000))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["squeezenet1_0", "fc_hardnet68", "mobilenetv2"])
def test_no_run_of_a_shipped_network_moves_less(name: str) -> None:
    import memsim

    for cache in ("0", "128KiB", "1MiB"):
        for asked in ({"policy": "belady"}, {"schedule": "depth_first", "groups": "auto"}):
            options: dict[str, Any] = {**asked}
            result = memsim.run(name, machine="edge", cache=cache, buffer="32KiB", **options)
            assert AnyProgram.of(result.program).dram_bytes(int(result.machine.cache_bytes)) <= (
                result.dram_bytes
            )


def test_groups_whose_weights_stay_on_chip_are_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain = [
        Convolved(str(number), 100, 64, 1, 1024, (Need(number - 1, 1, 1),) if number else ())
        for number in range(200)
    ]
    cut: list[tuple[int, int]] = []

    def counted(convolutions: Sequence[Convolved], first: int, last: int) -> Cut:
        cut.append((first, last))
        return cut_of(convolutions, first, last)

    monkeypatch.setattr(segments, "cut_of", counted)
    found = Segments(tuple(chain))
    assert found.groups(segments.LONGEST * 100) == ()
    assert cut == []
    found.groups(segments.LONGEST * 100 - 1)
    assert {last - first + 1 for first, last in cut} == {segments.LONGEST}
    assert len(cut) == 200 - segments.LONGEST + 1
