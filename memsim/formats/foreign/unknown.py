"""Operators of foreign graphs that memsim does not know: told, never silently counted as 0."""

from __future__ import annotations

from memsim.errors import Problem, SimulationError
from memsim.network import Network
from memsim.network.ops.opaque import Opaque

__all__ = ["refuse_unknown", "unknown_operators"]

MOST_PLACES = 5
"""Layers named per operator."""


def unknown_operators(network: Network) -> list[Problem]:
    """One problem for each unknown operator: how often and where it occurs.

    Examples
    --------
    >>> from memsim.network import Node
    >>> from memsim.network.ops.shape import Input
    >>> net = Network("net", [Node("x", Input(shape=(3, 8, 8))),
    ...                       Node("a", Opaque(op="Einsum", shape=(3, 8, 8)), ("x",)),
    ...                       Node("b", Opaque(op="Einsum", shape=(3, 8, 8)), ("a",))])
    >>> print(*unknown_operators(net))
    memsim does not know the operator Einsum: 2 times, layers a (2 of 3), b (3 of 3)
    """
    places_by_operator: dict[str, list[str]] = {}
    files: dict[str, str] = {}
    for position, layer in enumerate(network, 1):
        if isinstance(layer.op, Opaque):
            places = places_by_operator.setdefault(layer.op.op, [])
            places.append(f"{layer.name} ({position} of {len(network)})")
            files.setdefault(layer.op.op, layer.node.place.file)
    problems = []
    for name, places in places_by_operator.items():
        listed = ", ".join(places[:MOST_PLACES])
        rest = f" and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else ""
        times = "once, layer" if len(places) == 1 else f"{len(places)} times, layers"
        message = f"memsim does not know the operator {name}: {times} {listed}{rest}"
        problems.append(Problem(message, file=files[name]))
    return problems


def refuse_unknown(network: Network, allowed: bool) -> None:
    """Raise unless unknown operators are allowed or there are none.

    Raises
    ------
    SimulationError
        It lists them.
    """
    problems = [] if allowed else unknown_operators(network)
    if problems:
        hint = "allow_unknown (--allow-unknown) counts their tensors as traffic, not their MACs"
        raise SimulationError(*problems, Problem(f"{network.name} is not understood", hint=hint))
