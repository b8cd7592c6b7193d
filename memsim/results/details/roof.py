"""The roof: what a machine's DRAM and compute rates allow the layers of a network."""

from __future__ import annotations

from dataclasses import dataclass

from memsim.engines.clock.rates import rate_class
from memsim.network.tensor import ITEMSIZES
from memsim.results.layer import LayerResult
from memsim.results.run import Result


@dataclass(frozen=True, slots=True)
class Roof:
    """The two limits of a layer: MACs per second, and MACs per element that moves.

    Attributes
    ----------
    itemsize : int
        Bytes of an element.
    elements_per_s : float
        What DRAM delivers: usable bandwidth over the size of an element.
    macs_per_s : dict of str to float
        The machine's rate for each class of layers that the network has.

    Notes
    -----
    Williams, Waterman and Patterson, *Roofline: an insightful visual performance model for
    multicore architectures*, CACM 52(4), 2009; here per element, as the HarDNet paper's MoC.

    Examples
    --------
    >>> import memsim
    >>> roof = Roof.of(memsim.run("resnet18", machine="textbook"))
    >>> roof.macs_per_s, round(roof.balance)
    ({'conv': 500000000000.0, 'conv3x3': 500000000000.0, 'linear': 500000000000.0}, 78)
    """

    itemsize: int
    elements_per_s: float
    macs_per_s: dict[str, float]

    @classmethod
    def of(cls, result: Result) -> Roof:
        """The roof over the layers of a run."""
        machine, kernels, dtype = result.machine, result.program.kernels, result.program.dtype
        classes = {rate_class(each, machine.compute.vector) for each in kernels if each.macs}
        itemsize = ITEMSIZES[result.network.dtype]
        return cls(
            itemsize,
            float(machine.dram_bytes_per_s) / itemsize,
            {name: float(machine.mac_rate(name, dtype)) for name in sorted(classes) or ["conv"]},
        )

    @property
    def peak_macs_per_s(self) -> float:
        """The highest of the rates."""
        return max(self.macs_per_s.values())

    @property
    def balance(self) -> float:
        """MACs per element from which compute, not DRAM, is the limit at the peak rate."""
        return self.peak_macs_per_s / self.elements_per_s

    def intensity(self, layer: LayerResult) -> float | None:
        """MACs per element that a layer moves to or from DRAM; None where it moves none."""
        return layer.macs * self.itemsize / layer.dram_bytes if layer.dram_bytes else None
