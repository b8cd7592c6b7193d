"""Operators of foreign graphs that memsim does not know: told, never silently counted as 0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from memsim.errors import Problem, SimulationError
from memsim.formats.foreign.records import Constant, Dims, Line, Record, View
from memsim.network import Network
from memsim.network.graph import Layer
from memsim.network.inputs import told
from memsim.network.ops.opaque import Opaque
from memsim.readable import format_bytes, format_count

__all__ = ["Unread", "refuse_unknown", "told_form", "unknown_operators"]

MOST_PLACES = 5
"""Layers named per operator."""

MOST_ATTRIBUTES, LONGEST = 4, 40
"""What is told of an operator's attributes, and how long each may be."""

MOST_FORMS = 3
"""Different operands told per operator."""


@dataclass(frozen=True)
class Unread(Problem):
    """The place of an operator that memsim could not read.

    Attributes
    ----------
    form : str
        What it reads and writes, such as ``1x3x8x8 to 1x3x8x8 (axis 1)``.
    known : bool
        Whether memsim knows the operator, in other forms.
    source : Line or None
        The line of the user's code that it comes from.
    """

    form: str = ""
    known: bool = False
    source: Line | None = None

    @classmethod
    def of(cls, place: Problem, form: str, known: bool, source: Line | None) -> Unread:
        """A place with what was there."""
        at = (place.file, place.line, place.column)
        return cls(place.message, place.path, place.hint, *at, form, known, source)


def told_form(
    record: Record, constants: Mapping[str, Constant], values: Mapping[str, View], shape: Dims
) -> str:
    """What an operator reads and writes, and how it is told to.

    Examples
    --------
    >>> record = Record("a", "Concat", ("x", "w"), ("y",), {"axis": 1})
    >>> told_form(record, {"w": Constant((1, 4), learned=True)}, {"x": View("x", (1, 2))}, (1, 6))
    '1x2, parameters 1x4 to 1x6 (axis 1)'
    """
    read = []
    for name in filter(None, record.inputs):
        constant = constants.get(name)
        if constant is None:
            read.append(_axes(values[name].shape))
        elif not constant.shape:
            read.append("a number")
        else:
            read.append(
                f"{'parameters' if constant.learned else 'constant'} {_axes(constant.shape)}"
            )
    said = []
    for name, value in record.attributes.items():
        plain = isinstance(value, str | int | float | list | tuple) and value is not False
        if plain and len(str(value)) <= LONGEST:
            said.append(f"{name} {value}")
    listed = f" ({', '.join(said[:MOST_ATTRIBUTES])})" if said else ""
    return f"{', '.join(read)} to {_axes(shape)}{listed}"


def _axes(shape: Dims) -> str:
    return told(shape) or "a number"


def unknown_operators(network: Network) -> list[Problem]:
    """One problem for each unknown operator: how often, where and with which operands it occurs.

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
    found: dict[tuple[str, bool], list[tuple[int, Layer]]] = {}
    for position, layer in enumerate(network, 1):
        if isinstance(layer.op, Opaque):
            place = layer.node.place
            known = isinstance(place, Unread) and place.known
            found.setdefault((layer.op.op, known), []).append((position, layer))
    return [_problem(network, name, known, placed) for (name, known), placed in found.items()]


def _problem(network: Network, name: str, known: bool, placed: list[tuple[int, Layer]]) -> Problem:
    first = placed[0][1].node.place
    places = [f"{layer.name} ({position} of {len(network)}{_line(layer, first)})"
              for position, layer in placed]  # fmt: skip
    times = "once, layer" if len(places) == 1 else f"{len(places)} times, layers"
    forms = [place.form for _, layer in placed if isinstance(place := layer.node.place, Unread)]
    told = f": {_some(forms, MOST_FORMS, '; ')}" if any(forms) else ""
    what = f"does not know this form of {name}" if known else f"does not know the operator {name}"
    message = f"memsim {what}: {times} {_some(places, MOST_PLACES)}{told}"
    return Problem(message, "", "", first.file, first.line, first.column)


def _line(layer: Layer, first: Problem) -> str:
    """Where a layer is in the user's code, if that is known and not said already."""
    place = layer.node.place
    if not isinstance(place, Unread) or place.source is None:
        return ""
    if place.source[:2] == (first.file, first.line):
        return ""
    same = place.source.file == first.file
    return f", line {place.source.number}" if same else f", {place.source.told}"


def _some(words: Iterable[str], most: int, between: str = ", ") -> str:
    listed = list(dict.fromkeys(words))
    rest = f" and {len(listed) - most} more" if len(listed) > most else ""
    return f"{between.join(listed[:most])}{rest}"


def refuse_unknown(network: Network, allowed: bool) -> None:
    """Raise unless unknown operators are allowed or there are none.

    Raises
    ------
    SimulationError
        It lists them, and says what allowing them counts and leaves out.
    """
    problems = [] if allowed else unknown_operators(network)
    if problems:
        layers = [layer for layer in network if isinstance(layer.op, Opaque)]
        moved = sum(tensor.nbytes for layer in layers for tensor in (*layer.inputs, layer.output))
        params = sum(layer.params for layer in layers)
        weights = f" and their {format_count(params)} parameters" if params else ""
        hint = (
            f"allow_unknown (--allow-unknown) counts their tensors, {format_bytes(moved)}{weights} "
            "as traffic, not their MACs"
        )
        raise SimulationError(*problems, Problem(f"{network.name} is not understood", hint=hint))
