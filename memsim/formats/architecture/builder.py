"""Expansion: layers as a file describes them become the nodes of a network.

Shapes are inferred on the way, because macros need them. What a faulty layer writes is marked
and everything that reads it stays silent, so that each fault is told once and all are told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, NoReturn

from memsim.errors import InputError, Problem, did_you_mean
from memsim.formats.architecture.defaults import sound_defaults
from memsim.formats.architecture.items import Item, Reader, Unreadable
from memsim.formats.architecture.macros import FeatureMap
from memsim.formats.architecture.owners import Owned, owners
from memsim.formats.architecture.scope import Reference, Scope, local_names
from memsim.formats.architecture.site import FAULTY, ItemSite
from memsim.network.graph import MOST_ELEMENTS, Node
from memsim.network.ops import Operator, Shape, ShapeError
from memsim.yaml.document import MOST_PROBLEMS, Document, Path, shown

__all__ = ["MOST_LAYERS", "Builder", "Scope"]

MOST_LAYERS = 100_000
"""Layers of an expanded network; also the items expanded on the way, faulty ones included."""

MOST_EDGES = 1_000_000
"""Tensors that all layers together read."""

MOST_NAMES = 500
"""Names among which a misspelt one is looked for."""


Counts = tuple[int, int, int]
"""Items, layers and links."""


class TooLarge(Exception):
    """The network grows beyond its bounds."""


def _bounded(items: int, steps: int, edges: int) -> None:
    if max(items, steps) > MOST_LAYERS:
        raise TooLarge(f"expands to more than {MOST_LAYERS:,} layers")
    if edges > MOST_EDGES:
        raise TooLarge(f"expands to layers that read more than {MOST_EDGES:,} tensors")


@dataclass(slots=True)
class _Draft:
    """A node while not all of what it reads is known."""

    name: str
    op: Operator
    inputs: tuple[FeatureMap, ...]
    place: Problem
    shape: Shape | None


class Builder:
    """Collects the nodes and the problems of one architecture file.

    Parameters
    ----------
    document : Document
        For the places of problems.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.reader = Reader(document, {}, self.report)
        self.problems: dict[Problem, None] = {}
        self.drafts: dict[str, _Draft] = {}
        self.ends: dict[str, FeatureMap] = {}
        self.owners: dict[str, Problem] = {}
        self.owned: list[Owned] = []
        self.items = self.steps = self.edges = 0

    def set_defaults(
        self, defaults: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any]
    ) -> None:
        """Set the attributes, by keyword, of items that do not say otherwise."""
        self.reader.defaults = sound_defaults(self.document, defaults, values, self.report)

    # -- problems ---------------------------------------------------------------------------

    def report(self, problem: Problem) -> None:
        """Note a problem, once."""
        self.problems.setdefault(problem)
        if len(self.problems) >= MOST_PROBLEMS:
            self.stop()

    def stop(self) -> NoReturn:
        """Raise all problems, in the order of the file."""
        raise InputError(*sorted(self.problems, key=lambda p: (p.line, p.column)))

    def count(self, items: int = 0, steps: int = 0, edges: int = 0) -> None:
        """Keep the expansion inside its bounds."""
        self.items += items
        self.steps += steps
        self.edges += edges
        _bounded(self.items, self.steps, self.edges)

    def foresee(self, before: Counts, rounds: int) -> None:
        """Keep it inside its bounds if what was added since is added so many times more."""
        now = self.counts
        _bounded(*(n + rounds * (n - b) for n, b in zip(now, before, strict=True)))

    @property
    def counts(self) -> Counts:
        """Items, layers and links until now."""
        return self.items, self.steps, self.edges

    def claim(self, name: str, place: Problem) -> bool:
        """Take a full name for the layer at a place."""
        owner = self.owners.setdefault(name, place)
        if owner is place:
            return True
        where = f" (first on line {owner.line})" if owner.line else ""
        self.report(replace(place, message=f"the name {shown(name)} is taken{where}"))
        return False

    # -- nodes ------------------------------------------------------------------------------

    def add(
        self, name: str, op: Operator, inputs: Sequence[FeatureMap], place: Problem
    ) -> FeatureMap:
        """Append a node; its value is marked where the node is faulty."""
        self.count(steps=1, edges=len(inputs))
        if not self.claim(name, place) or FAULTY in inputs:
            return FAULTY
        shape = None
        if all(value.shape is not None for value in inputs):
            shape = self.infer(name, op, inputs, place)
            if shape is None:
                return FAULTY
        value = FeatureMap(name, shape)
        self.drafts[name] = _Draft(name, op, tuple(inputs), place, shape)
        return value

    def infer(
        self, name: str, op: Operator, inputs: Iterable[FeatureMap], place: Problem
    ) -> Shape | None:
        """The shape of what a node writes; None, and a problem, where its inputs do not fit."""
        try:
            shapes = tuple([value.shape for value in inputs if value.shape])
            shape = Shape.of(op.output_shape(shapes))
            if math.prod(shape) > MOST_ELEMENTS:
                raise ShapeError(f"larger than memsim simulates ({MOST_ELEMENTS} elements)")
        except ShapeError as error:
            self.report(Node(name, op, (), place).problem(str(error)))
            return None
        return shape

    # -- items ------------------------------------------------------------------------------

    def layers(
        self, raws: Sequence[Any], path: Path, scope: Scope, source: FeatureMap | None, alone: bool
    ) -> FeatureMap:
        """Expand a list of items in a scope; ``alone`` lets a single one take its name."""
        self.count(items=len(raws))
        items = [self.reader.item(raw, (*path, i), scope.values) for i, raw in enumerate(raws)]
        single = alone and len(items) == 1 and items[0].name is None
        names = [scope.prefix] if single else list(map(scope.full, local_names(items)))
        # All names are taken before the first layer is expanded: a layer may read one below.
        mine = [self.claim(name, item.place) for item, name in zip(items, names, strict=True)]
        value = source
        for item, name, sound in zip(items, names, mine, strict=True):
            value = self.item(item, name, scope, value) if sound else FAULTY
            if item.keyword or item.name:
                self.ends.setdefault(name, value)
        return value or FAULTY

    def item(self, item: Item, name: str, scope: Scope, previous: FeatureMap | None) -> FeatureMap:
        """Expand one item and return what leaves it."""
        if item.keyword is None:
            return FAULTY
        sources = self.sources(item, scope, previous)
        model = self.reader.model(item, scope.values)
        if sources is None or model is None:
            return FAULTY
        word = item.keyword
        if len(sources) < word.fewest or (word.most is not None and len(sources) > word.most):
            count = str(word.fewest) if word.most == word.fewest else f"at least {word.fewest}"
            hint = f"name the others: {word.name}: NAME" if word.names_inputs else ""
            message = f"{word.name} takes {count} input(s), not {len(sources)}"
            self.report(replace(item.place, message=message, hint=hint))
            return FAULTY
        if FAULTY in sources and not word.nested:
            return FAULTY
        site = ItemSite(self, item, model, name, scope)
        before = len(self.drafts)
        try:
            value = word.build(model, site, sources)
            if (item.sharing, item.learned, item.types) != (None, None, None):
                added = tuple(self.drafts)[before:]
                about = item.sharing, item.learned, item.types
                self.owned.append(Owned(name, scope, item.place, added, *about))
            return value
        except ShapeError as error:
            self.report(replace(item.place, message=str(error)))
        except Unreadable:
            pass  # reported where it was found
        except TooLarge as error:
            if scope.around is not None:
                raise
            self.report(replace(item.place, message=str(error)))
            self.stop()
        return FAULTY

    def sources(
        self, item: Item, scope: Scope, previous: FeatureMap | None
    ) -> list[FeatureMap] | None:
        """What an item reads."""
        read = []
        assert item.keyword is not None
        if not item.reads and item.keyword.most == 0:
            return []
        for word, path in item.reads or [("previous", item.path)]:
            if word == "previous":
                if previous is None:
                    message = "there is no layer above it to read"
                    self.report(replace(item.place, message=message, hint="say what: from: NAME"))
                    return None
                read.append(previous)
            else:
                read.append(self.lookup(Reference(word, scope, path)))
        return read

    def lookup(self, reference: Reference) -> FeatureMap:
        """The value a name means; a value that refers to it where it is described later."""
        for name in reference.scope.candidates(reference.word):
            if name in self.ends:
                return self.ends[name]
            if name in self.drafts:
                draft = self.drafts[name]
                return FeatureMap(name, draft.shape)
            if name in self.owners:
                break
        return FeatureMap("?", None, reference)

    # -- the end ----------------------------------------------------------------------------

    def nodes(self) -> list[Node]:
        """All nodes, with every name resolved.

        Raises
        ------
        InputError
            With every problem of the file.
        """
        resolved = {
            draft.name: [self.resolve(value) for value in draft.inputs]
            for draft in self.drafts.values()
        }
        self._order(resolved)
        about = owners(self.owned, self.drafts, self._target, self.report)
        if self.problems:
            self.stop()
        return [
            Node(
                draft.name,
                draft.op,
                tuple(resolved[draft.name]),
                draft.place,
                **about.get(draft.name, {}),
            )
            for draft in self.drafts.values()
        ]

    def _target(self, item: Owned, word: tuple[str, Path]) -> str:
        """The layer, or the group of layers, whose parameters an item reads."""
        if not self.name_of(word[0], item.scope, word[1]):
            return ""  # reported
        known = (name for name in item.scope.candidates(word[0]) if name in self.owners)
        return next(known, "")

    def resolve(self, value: FeatureMap) -> str:
        """The name of the node that a value is; empty, and a problem, where there is none."""
        if value.reference is None:
            return value.name
        reference: Reference = value.reference
        for name in reference.scope.candidates(reference.word):
            if name in self.ends:
                return self.ends[name].name
            if name in self.drafts:
                return name
            if name in self.owners:
                return ""  # it is faulty, and reported
        # Among many names the nearest takes long to find, and a list of all helps nobody.
        known = reference.scope.visible(self.ends)[:MOST_NAMES]
        hint = did_you_mean(reference.word, known)
        if len(known) > 20 and not hint.startswith("did"):
            hint = ""
        message = f"there is no layer {shown(reference.word)}"
        self.report(self.document.problem(reference.path, message, hint))
        return ""

    def name_of(self, word: str, scope: Scope, path: Path) -> str:
        """The node that a name means, once all layers are expanded."""
        return self.resolve(FeatureMap("?", None, Reference(word, scope, path)))

    def _order(self, inputs: Mapping[str, Sequence[str]]) -> None:
        """Find a cycle; infer the shapes that had to wait for a layer further down."""
        waiting = [draft for draft in self.drafts.values() if draft.shape is None]
        if not waiting:
            return
        sorter = TopologicalSorter({d.name: filter(None, inputs[d.name]) for d in waiting})
        try:
            order = list(sorter.static_order())
        except CycleError as error:
            cycle = error.args[1]
            first = min(range(len(cycle) - 1), key=lambda i: self.drafts[cycle[i]].place.line)
            cycle = [*cycle[first:-1], *cycle[:first], cycle[first]]
            draft = self.drafts[cycle[0]]
            node = Node(draft.name, draft.op, (), draft.place)
            self.report(node.problem(f"layers form a cycle: {' -> '.join(cycle)}"))
            return
        for name in order:
            draft = self.drafts[name]
            shapes = [self.drafts[n].shape if n in self.drafts else None for n in inputs[name]]
            if draft.shape is None and None not in shapes:
                values = [
                    FeatureMap(n, shape) for n, shape in zip(inputs[name], shapes, strict=True)
                ]
                draft.shape = self.infer(name, draft.op, values, draft.place)
