"""Operators that an ONNX file defines itself, written out as those they consist of."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from memsim.errors import InputError

__all__ = ["written_out"]

Key = tuple[str, str, str]
"""Domain, name and overload of a function."""

MOST_CALLS = 50
"""Functions that call each other in a row."""


def written_out(onnx: Any, model: Any, most: int, fail: Callable[[str, str], InputError]) -> Any:
    """The model without functions of its own.

    Parameters
    ----------
    onnx : module
    model : ModelProto
    most : int
        Operators that a graph may have.
    fail : callable
        Makes the error of a message and a place.

    Raises
    ------
    InputError
        If functions call each other in a circle, or so often that too many operators come out.
    """
    if not model.functions:
        return model
    functions = {(each.domain, each.name, each.overload): each for each in model.functions}
    sizes: dict[Key, int] = {}
    open_: set[Key] = set()

    def size(nodes: Any) -> int:
        """How many operators come out."""
        total = 0
        for node in nodes:
            key = (node.domain, node.op_type, node.overload)
            total += of(key) if key in functions else 1
            for each in node.attribute:
                total += sum(size(graph.node) for graph in (each.g, *each.graphs) if graph.node)
            if total > most:
                raise fail(f"has more than {most:,} operators", "functions")
        return total

    def of(key: Key) -> int:
        if key in open_ or len(open_) > MOST_CALLS:
            raise fail("is a function that calls itself", str(key[1]))
        if key not in sizes:
            open_.add(key)
            sizes[key] = size(functions[key].node)
            open_.discard(key)
        return sizes[key]

    size(model.graph.node)
    try:
        return import_module("onnx.inliner").inline_local_functions(model)
    except Exception:  # the functions are no valid ones: their calls stay unknown operators
        return model
