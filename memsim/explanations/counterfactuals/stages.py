"""A stage at half the resolution."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from memsim.errors import InputError
from memsim.explanations.question import Change, Question
from memsim.network.edits.halved import halved, stages_of
from memsim.network.graph import Network
from memsim.results.run import Result

TRIED = 2
"""How many stages are tried."""


def halved_stage(question: Question, result: Result) -> Iterator[Change]:
    """The stages that move most feature maps, between a pool and an upsampling."""
    stages = stages_of(result.network)
    kernels: dict[str, int] = defaultdict(int)
    moved: dict[str, int] = defaultdict(int)
    for layer in result.layers:
        stage = stages.get(layer.layers[0], "")
        kernels[stage] += 1
        moved[stage] += layer.dram_feature_map_bytes
    heavy = [stage for stage in moved if stage and kernels[stage] > 1 and moved[stage]]
    for stage in sorted(heavy, key=lambda stage: -moved[stage])[:TRIED]:
        if _can_be_halved(result.network, stage):
            yield Change(f"halve resolution of {stage}", how={"edits": (f"halve={stage}",)})


def _can_be_halved(network: Network, stage: str) -> bool:
    """Whether maps enter it, and its layers fit half of them."""
    try:
        halved(network, stage)
    except InputError:
        return False
    return True
