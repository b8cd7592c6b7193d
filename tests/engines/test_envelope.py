"""The task order ``best``: least at every size, monotone, and equal to its candidates' passes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given

from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.curve.curve import curve
from memsim.engines.curve.envelope import Envelope, best_pass, candidate_programs
from memsim.errors import SimulationError
from memsim.network import Network, Node
from memsim.network.ops.conv import Conv
from memsim.network.ops.shape import Input
from memsim.program import Program
from tests.laws.test_program import all_bytes, few
from tests.strategies import networks


def envelope(programs: dict[str, Program]) -> Envelope:
    return Envelope({name: curve(program) for name, program in programs.items()})


@few
@given(networks(most_layers=8))
def test_the_envelope_is_the_least_of_its_candidates_at_every_size(network: Network) -> None:
    try:
        programs = candidate_programs(network, buffer=400)
    except SimulationError:
        assume(False)
        raise
    best = envelope(programs)
    total = all_bytes(next(iter(programs.values())))
    sizes = np.unique(np.concatenate([best.steps.cache_bytes, np.arange(0, total, total // 7 + 1)]))
    for capacity in sizes[:: len(sizes) // 40 + 1].tolist():
        moved = {name: one.dram_bytes(capacity) for name, one in best.curves.items()}
        assert best.dram_bytes(capacity) == min(moved.values())
        winner, traffic = best_pass(programs, capacity)
        assert winner == best.winner(capacity) == min(moved, key=lambda name: moved[name])
        assert traffic.read_bytes == best.read_bytes(capacity)
        assert traffic.write_bytes == best.write_bytes(capacity)
        assert (best.curve(capacity).at(capacity) == traffic.traffic).all()
    steps = best.steps.dram_bytes.tolist()
    assert all(after <= before for before, after in pairwise(steps))
    assert steps[-1] == next(iter(programs.values())).compulsory_bytes


def one_convolution(channels: int, out: int, size: int) -> Network:
    return Network(
        "one",
        [
            Node("x", Input(shape=(channels, size, size))),
            Node("c", Conv(out=out, kernel=3), ("x",)),
        ],
    )


def test_small_inputs_are_kept_under_the_weights_and_small_weights_under_the_inputs() -> None:
    """What is read again should be what fits the cache."""
    # Input 64 KiB, weights 576 KiB: the input fits a cache of 100 kB, so read that again.
    deep = one_convolution(channels=64, out=256, size=16)
    # Input 1 MiB, weights 9 KiB: read the weights again.
    wide = one_convolution(channels=16, out=16, size=128)
    for network, expected in ((deep, "weights_outer"), (wide, "rows_outer")):
        programs = candidate_programs(network, buffer=5_000)
        winner, traffic = best_pass(programs, 100_000)
        assert winner == expected
        assert traffic.traffic.sum() == programs[winner].compulsory_bytes
        for other in set(programs) - {winner}:
            assert cache_pass(programs[other], 100_000).traffic.sum() > traffic.traffic.sum()


def test_winners_tell_from_which_size_on_which_candidate_wins() -> None:
    best = envelope(candidate_programs(one_convolution(64, 64, 16), buffer=6_000))
    assert best.winners[0][0] == 0
    for size, name in best.winners:
        assert best.winner(size) == name
        assert size == 0 or best.winner(size - 1) != name


def test_the_smallest_size_is_that_of_the_candidate_that_needs_least() -> None:
    best = envelope(candidate_programs(one_convolution(64, 64, 16), buffer=6_000))
    size = best.smallest_within(0.1)
    assert size is not None
    compulsory = best.curves["rows_outer"].program.compulsory_bytes
    assert best.dram_bytes(size) <= 1.1 * compulsory < best.dram_bytes(size - 1)
    assert best.smallest(0) is None


def test_equal_candidates_leave_the_first() -> None:
    programs = candidate_programs(one_convolution(3, 4, 8), buffer=100_000)  # one task
    assert envelope(programs).winners == ((0, "rows_outer"),)
    assert best_pass(programs, 0)[0] == "rows_outer"


def test_an_envelope_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one curve"):
        Envelope({})
