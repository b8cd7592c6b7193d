"""Concats that are not copied: which of their parts are written where the concat lies.

A tensor has one place. So of all concats that it is part of one has it, and the others copy it;
what comes from outside, what leaves the network by itself and some channels of a tensor are copied
by all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from memsim.network.graph import Layer
from memsim.network.ops.base import Shape
from memsim.program.kernel import View
from memsim.program.lowering.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a concat.

    Attributes
    ----------
    view : View
        How it is read.
    copied : bool
        Whether it has to be copied to where the concat lies.
    """

    view: View
    copied: bool


class Placing:
    """What is written where which concat lies.

    Parameters
    ----------
    wiring : Wiring
    placed : set of str
        The concats that have a place of their own.
    joined : set of str
        Those that are not copied: what is not placed of them is nothing but a list of its parts.
    """

    def __init__(self, wiring: Wiring, placed: set[str], joined: set[str]) -> None:
        self.wiring, self.placed, self.joined = wiring, placed, joined
        self._owner: dict[str, str] = {}
        """The concat in whose place a root is written."""
        # The last concat first, as TensorRT does: the one with the longest way to it, and of
        # equal ones any, but the same one however layers are listed.
        by_depth = sorted(self.placed, key=lambda name: (wiring.depth[name], name), reverse=True)
        for concat in by_depth:
            for name, _ in self._sources(wiring.network[concat], False):
                root = wiring.root[name]
                if self._movable(root):
                    self._owner.setdefault(root, concat)

    def _movable(self, root: str) -> bool:
        """Whether something that is written can be written elsewhere."""
        layer, wiring = self.wiring.network[root], self.wiring
        if layer.op.is_input or layer.op.is_parameter or root in wiring.leaves:
            return False
        if layer.op.joins:
            return root in self.placed
        return not (layer.op.selects(layer.shapes) or layer.op.arrangement(layer.shapes))

    def _sources(self, concat: Layer, flat: bool) -> list[tuple[str, bool]]:
        """The layers that a concat consists of, each with whether it is seen through a flatten.

        Concats without a place of their own are taken apart.
        """
        found = []
        for tensor in concat.inputs:
            root = self.wiring.network[self.wiring.root[tensor.name]]
            if root.name in self.joined and root.name not in self.placed:
                found += self._sources(root, flat or tensor.image != root.output.image)
            else:
                found.append((tensor.name, flat))
        return found

    def parts(self, concat: Layer, views: Mapping[str, View]) -> list[Part]:
        """The parts of a concat that has a place, in order.

        Parameters
        ----------
        concat : Layer
        views : mapping of str to View
            How each layer before it is read.
        """
        parts: list[Part] = []
        written: set[str] = set()
        for name, flat in self._sources(concat, False):
            view, root = views[name], self.wiring.root[name]
            if flat:
                view = View(view.segments, Shape((math.prod(view.shape), 1, 1)), True)
            copied = self._owner.get(root) != concat.name or root in written
            written.add(root)
            parts.append(Part(view, copied))
        return parts

    def leaves(self, root: str) -> bool:
        """Whether a root is written to where a network output lies."""
        place: str | None = root
        while place is not None and place not in self.wiring.leaves:
            place = self._owner.get(place)
        return place is not None
