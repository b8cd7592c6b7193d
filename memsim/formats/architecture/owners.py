"""Owners: the layers whose parameters the layers of an item read, once all are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from memsim.errors import Problem
from memsim.formats.architecture.parameters import Sharing
from memsim.formats.architecture.scope import Scope
from memsim.network.ops import Operator
from memsim.network.parameters import Learned
from memsim.network.types import Types
from memsim.yaml.document import Path, shown

__all__ = ["Owned", "owners"]


@dataclass(frozen=True, slots=True)
class Owned:
    """An item that says something of its parameters, and the layers it stands for.

    Attributes
    ----------
    name : str
        Its full name; those of its layers begin with it.
    scope : Scope
        In which the names of others are looked up.
    place : Problem
    layers : tuple of str
    sharing : Sharing or None
    learned : tuple of (str, int), optional
    types : Types, optional
        Of the output of the last layer, and of what all that multiply store.
    """

    name: str
    scope: Scope
    place: Problem
    layers: tuple[str, ...]
    sharing: Sharing | None
    learned: Learned | None
    types: Types | None = None


class Draft(Protocol):
    """A layer while the network is put together."""

    @property
    def name(self) -> str:
        """Its full name."""

    @property
    def op(self) -> Operator:
        """Its operator."""

    @property
    def place(self) -> Problem:
        """Where it is described."""


Resolve = Callable[[Owned, tuple[str, Path]], str]
"""The full name of what a word means; empty, and a problem, where there is nothing."""


def owners(
    owned: list[Owned],
    drafts: Mapping[str, Draft],
    resolve: Resolve,
    report: Callable[[Problem], None],
) -> dict[str, dict[str, Any]]:
    """By layer what a node has to know: ``weights``, ``bias``, ``learned`` and ``types``.

    What is said inside an item counts before what is said of all of it.
    """
    found: dict[str, dict[str, Any]] = {}
    for item in owned:
        layers = [drafts[name] for name in item.layers if name in drafts]
        learning = [each for each in layers if _learns(each)] or layers
        if item.learned is not None and len(learning) != 1:
            message = f"learned is of one layer, and {shown(item.name)} has {len(learning)}"
            report(replace(item.place, message=message, hint="memsim expand shows them"))
        elif item.learned is not None:
            found.setdefault(learning[0].name, {}).setdefault("learned", item.learned)
        if item.types is not None:
            _type(item, item.types, layers, found, report)
        for part, word in item.sharing or ():
            target = resolve(item, word)
            if target:
                _share(item, part, target, learning, drafts, found, report)
    return found


def _type(
    item: Owned,
    types: Types,
    layers: list[Draft],
    found: dict[str, dict[str, Any]],
    report: Callable[[Problem], None],
) -> None:
    """Note the data types of an item's layers."""
    stored = types._replace(output="")
    multiply = [each for each in layers if each.op.multiplies]
    if stored != Types() and not multiply:
        message = f"{shown(item.name)} has no weights that could have a data type"
        report(replace(item.place, message=message))
    for each in multiply if stored != Types() else ():
        found.setdefault(each.name, {}).setdefault("types", stored)
    if types.output and layers:
        about = found.setdefault(layers[-1].name, {})
        about["types"] = about.get("types", Types())._replace(output=types.output)


def _share(
    item: Owned,
    part: str,
    target: str,
    learning: list[Draft],
    drafts: Mapping[str, Draft],
    found: dict[str, dict[str, Any]],
    report: Callable[[Problem], None],
) -> None:
    """Find for each layer of an item that learns the one of a target that it reads from."""
    if part == "bias" and item.sharing is not None and item.sharing.weight is not None:
        learning = [each for each in learning if each.op.biased]
    pairs = [(each, _counterpart(each, item.name, target, drafts)) for each in learning]
    wanting = [each for each, owner in pairs if owner is None]
    if wanting and (target not in drafts or len(wanting) == len(pairs)):
        what = wanting[0]
        message = (
            f"{shown(target)} has no {what.op.kind} whose {part} {shown(what.name)} could read"
        )
        report(replace(item.place, message=message))
        return
    for each, owner in pairs:
        if owner is None:
            continue
        if part == "weight":
            found.setdefault(each.name, {}).setdefault("weights", owner)
        else:
            found.setdefault(each.name, {}).setdefault("bias", owner)


def _counterpart(layer: Draft, item: str, target: str, drafts: Mapping[str, Draft]) -> str | None:
    """The layer of a target that stands where one stands in its item, or the only one like it."""
    same = target + layer.name[len(item) :]
    if same in drafts:
        return same
    if target in drafts:
        both = layer.op.multiplies and drafts[target].op.multiplies
        return target if both or drafts[target].op.kind == layer.op.kind else None
    inside = [
        name
        for name, each in drafts.items()
        if name.startswith(f"{target}.") and each.op.kind == layer.op.kind and _learns(each)
    ]
    return inside[0] if len(inside) == 1 and layer.name == item else None


def _learns(layer: Draft) -> bool:
    """Whether a layer's operator may have parameters."""
    return type(layer.op).stored is not Operator.stored
