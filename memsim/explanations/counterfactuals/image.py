"""A smaller input."""

from __future__ import annotations

from collections.abc import Iterator

from memsim.explanations.question import Change, Question
from memsim.network.inputs import told
from memsim.results.run import Result


def smaller_input(question: Question, result: Result) -> Iterator[Change]:
    """Half the height and width of the one input, where it is an image."""
    network = result.network
    if len(network.inputs) != 1:
        return
    image = network[network.inputs[0]].output.image
    if len(image) == 3 and min(image[1:]) > 1:
        size = told((image[0], *(axis // 2 for axis in image[1:])))
        yield Change(f"input {size}", how={"input_shape": size})
