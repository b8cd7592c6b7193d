"""An exhibit: what the front page knows of one network, and its curve as a script."""

from __future__ import annotations

import json
from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.network.inputs import told
from memsim.page.template import packed
from memsim.page.varints import deltas, varints
from memsim.results.curve import CurveResult

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SMALLEST = 4096
"""The slider's first size after 0, in bytes; a multiple of :data:`TO_A_DOUBLING`."""

TO_A_DOUBLING = 8
"""The slider's sizes from one power of two to the next."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One network in the gallery.

    Attributes
    ----------
    name : str
    file : str
        Its page and its curve are called so, without their endings.
    facts : mapping
        Plain JSON values.
    sizes, weights, maps : int64 arrays
        The sizes from which the traffic holds, ascending from 0, and bytes of weights and of
        feature maps from there on.
    """

    name: str
    file: str
    facts: Mapping[str, Any]
    sizes: NDArray[np.int64]
    weights: NDArray[np.int64]
    maps: NDArray[np.int64]

    @classmethod
    def of(cls, result: CurveResult, file: str) -> Exhibit:
        """What a result tells.

        Examples
        --------
        >>> import memsim
        >>> exhibit = Exhibit.of(memsim.curve("resnet18"), "resnet18")
        >>> exhibit.facts["macs"], exhibit.facts["input"]
        (1814073344, '3x224x224')
        """
        network = result.program.network
        facts = {
            "input": ", ".join(told(network[name].output.image) for name in network.inputs),
            "macs": network.macs,
            "params": network.params,
            "cio": network.cio,
            "compulsory": result.compulsory_bytes,
        }
        steps = result.steps
        return cls(
            network.name, file, facts, steps.cache_bytes, steps.weight_bytes, steps.map_bytes
        )

    def at(self, stops: Iterable[int]) -> dict[str, str]:
        """Bytes of weights and of feature maps at some sizes, packed by how much they fall."""
        index = np.searchsorted(self.sizes, list(stops), side="right") - 1
        return {
            "weights": falling(self.weights[index]),
            "maps": falling(self.maps[index]),
        }

    def script(self) -> str:
        """The whole curve, as a script that hands it to the front page."""
        curve = {
            "sizes": deltas(self.sizes),
            "weights": falling(self.weights),
            "maps": falling(self.maps),
        }
        handed = json.dumps([self.file, packed(curve)], separators=(",", ":"))
        return f"(window.memsimCurves ??= []).push({handed});\n"


def falling(column: ArrayLike) -> str:
    """Pack a column that never rises: its first number, and by how much it falls each time.

    Examples
    --------
    >>> falling([1000, 400, 400]) == varints([1000, 600, 0])
    True
    """
    numbers = np.asarray(column, np.int64)
    return varints(np.concatenate([numbers[:1], numbers[:-1] - numbers[1:]]))


def stops(exhibits: Iterable[Exhibit], own: int) -> list[int]:
    """The sizes that the slider stops at, in bytes: 0, and eight from one power of two to the next.

    They end where no curve falls any more. The machine's own cache is among them.

    Examples
    --------
    >>> stops([], 6000)[:5], stops([], 0)[-1]
    ([0, 4096, 4608, 5120, 5632], 8192)
    """
    last = max([SMALLEST, own, *(int(each.sizes[-1]) for each in exhibits)])
    found, power = [0], SMALLEST
    while found[-1] < last:
        step = power // TO_A_DOUBLING
        found += range(power, 2 * power, step)
        power *= 2
    found.append(power)
    if own not in found:
        insort(found, own)
    return found
