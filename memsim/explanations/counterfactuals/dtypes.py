"""Smaller numbers."""

from __future__ import annotations

from collections.abc import Iterator

from memsim.explanations.question import Change, Question
from memsim.network.tensor import ITEMSIZES
from memsim.results.run import Result


def int8(question: Question, result: Result) -> Iterator[Change]:
    """Weights and feature maps in ``int8``."""
    yield from _smaller("int8", result)


def fp16(question: Question, result: Result) -> Iterator[Change]:
    """Weights and feature maps in ``fp16``."""
    yield from _smaller("fp16", result)


def int8_weights(question: Question, result: Result) -> Iterator[Change]:
    """Weights alone in ``int8``: products are computed in the data type of the maps."""
    if ITEMSIZES[result.network.dtype] > 1 and any(layer.weights for layer in result.network):
        edit = ("weights=int8",)
        yield Change("weights alone in int8", how={"edits": edit}, besides=("dtype",))


def _smaller(dtype: str, result: Result) -> Iterator[Change]:
    if ITEMSIZES[dtype] < ITEMSIZES[result.network.dtype]:
        yield Change(f"all tensors in {dtype}", how={"dtype": dtype})
