"""Graphs within graphs: what runs under another mode, such as autocast, is part of the whole."""

from __future__ import annotations

import operator
from typing import Any

__all__ = ["inlined"]

WRAPPERS = {"wrap_with_autocast": 4, "wrap_with_set_grad_enabled": 1}
"""Operators that run a graph as it is, with the position of that graph among their arguments."""

DEEPEST = 8
"""How far graphs may be nested in each other."""


def inlined(traced: Any) -> Any:
    """A traced module whose graph holds the operators of the graphs that it wraps.

    Parameters
    ----------
    traced : torch.fx.GraphModule
        It is changed.
    """
    for _ in range(DEEPEST):
        nodes = [node for node in traced.graph.nodes if _position(node) is not None]
        for node in nodes:
            _inline(traced, node)
        if not nodes:
            break
    return traced


def _position(node: Any) -> int | None:
    if node.op != "call_function":
        return None
    return WRAPPERS.get(getattr(node.target, "__name__", ""))


def _inline(traced: Any, node: Any) -> None:
    position = _position(node)
    assert position is not None
    graph = traced.graph
    holder, given = node.args[position], node.args[position + 1 :]
    inner = getattr(traced, holder.target)
    places = [each for each in inner.graph.nodes if each.op == "placeholder"]
    values = dict(zip(places, given, strict=True))
    for each in inner.graph.nodes:
        if each.op == "get_attr":  # a graph within the graph
            name = f"{holder.target}_{each.target}"
            setattr(traced, name, getattr(inner, each.target))
            with graph.inserting_before(node):
                values[each] = graph.get_attr(name)
    with graph.inserting_before(node):
        results = graph.graph_copy(inner.graph, values)
    results = results if isinstance(results, list | tuple) else (results,)
    for user in [*node.users]:
        if user.op == "call_function" and user.target is operator.getitem:
            user.replace_all_uses_with(results[user.args[1]])
            graph.erase_node(user)
    if node.users:
        node.replace_all_uses_with(results[0])
    graph.erase_node(node)
    if not holder.users:
        graph.erase_node(holder)
