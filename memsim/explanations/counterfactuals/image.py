"""A smaller input."""

from __future__ import annotations

from collections.abc import Iterator

from memsim.errors import InputError
from memsim.explanations.question import Change, Question
from memsim.network.graph import Network
from memsim.network.inputs import told
from memsim.results.run import Result

STEP = 32
"""By so much most networks shrink their maps in all."""


def smaller_input(question: Question, result: Result) -> Iterator[Change]:
    """Half the height and width of the one input, where it is an image.

    Where the layers do not fit that, a little less: whole multiples of 32.
    """
    network = result.network
    if len(network.inputs) != 1:
        return
    image = network[network.inputs[0]].output.image
    if len(image) == 3 and min(image[1:]) > 1:
        half = [axis // 2 for axis in image[1:]]
        for axes in (half, [axis - axis % STEP for axis in half]):
            size = told((image[0], *axes))
            if _fits(network, size):
                yield Change(f"input {size}", how={"input_shape": size})
                return


def _fits(network: Network, size: str) -> bool:
    try:
        network.with_options(input_shape=size)
    except InputError:
        return False
    return True
