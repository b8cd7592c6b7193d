"""Measured times beside predicted ones: the rows of a calibration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from memsim.calibration.runs import Run


@dataclass(frozen=True, slots=True)
class NetworkTimes:
    """One network as it was run: its time as measured and as predicted.

    Attributes
    ----------
    name : str
    run : Run
    kernels : int
    measured_s : float
    regression_s : float
        By the fit: its parts summed.
    simulated_s : float
        By memsim's engine on the fitted machine.
    left_out_s : float
        By memsim's engine on a machine that was fitted without this network.
    family_out_s : float or None
        By memsim's engine on a machine that was fitted without any network of its family; None
        where all networks are of one family.
    """

    name: str
    run: Run
    kernels: int
    measured_s: float
    regression_s: float
    simulated_s: float
    left_out_s: float
    family_out_s: float | None = None

    @property
    def error(self) -> float:
        """Of the prediction without this network: ``predicted / measured - 1``."""
        return self.left_out_s / self.measured_s - 1

    @property
    def family_error(self) -> float | None:
        """Of the prediction without its family."""
        return None if self.family_out_s is None else self.family_out_s / self.measured_s - 1

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "network": self.name,
            "variant": self.run.variant or None,
            "input": "x".join(map(str, self.run.input_shape)),
            "batch": self.run.batch,
            "lowering": self.run.lowering,
            "kernels": self.kernels,
            "measured_s": self.measured_s,
            "regression_s": self.regression_s,
            "simulated_s": self.simulated_s,
            "left_out_s": self.left_out_s,
            "family_out_s": self.family_out_s,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class KernelTimes:
    """One kernel as it was timed.

    Attributes
    ----------
    name, layer : str
        Of the network, and of the kernel's first layer.
    op, op_class : str
        The layer's operator, and the class of the machine's rate that applies to it:
        ``elementwise`` for operators without MACs.
    measured_s, simulated_s, left_out_s : float
        As of a network.
    family_out_s : float or None
        As of a network.
    input_shape : tuple of int or None
        Of the network: channels, height, width.
    """

    name: str
    layer: str
    op: str
    op_class: str
    measured_s: float
    simulated_s: float
    left_out_s: float
    family_out_s: float | None = None
    input_shape: tuple[int, int, int] | None = None

    @property
    def unseen_s(self) -> float:
        """By the fit that had seen least of it."""
        return self.left_out_s if self.family_out_s is None else self.family_out_s


@dataclass(frozen=True, slots=True)
class ClassTimes:
    """All timed kernels of a class, summed.

    Attributes
    ----------
    name : str
        A class of convolutions or ``linear``, else the operator: ``maxpool``.
    kernels : int
    measured_s, simulated_s, unseen_s : float
    wape : float
        Errors of the unseen, each kernel's own, over what was measured.
    """

    name: str
    kernels: int
    measured_s: float
    simulated_s: float
    unseen_s: float
    wape: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "class": self.name,
            "kernels": self.kernels,
            "measured_s": self.measured_s,
            "simulated_s": self.simulated_s,
            "unseen_s": self.unseen_s,
            "wape": self.wape,
        }


def by_class(kernels: Iterable[KernelTimes]) -> tuple[ClassTimes, ...]:
    """Sum the times of kernels of one class, the longest first.

    Examples
    --------
    >>> def of(op, op_class, *times):
    ...     return KernelTimes("net", "layer", op, op_class, *times)
    >>> rows = [of("conv", "conv", 2.0, 2.0, 3.0), of("relu", "elementwise", 1.0, 1.0, 0.5),
    ...         of("conv", "conv", 2.0, 2.0, 1.5)]
    >>> [(row.name, row.measured_s, row.unseen_s, row.wape) for row in by_class(rows)]
    [('conv', 4.0, 4.5, 0.375), ('relu', 1.0, 0.5, 0.5)]
    """
    named: dict[str, list[KernelTimes]] = {}
    for each in kernels:
        name = each.op if each.op_class == "elementwise" else each.op_class
        named.setdefault(name, []).append(each)
    rows = []
    for name, those in named.items():
        measured = sum(each.measured_s for each in those)
        off = sum(abs(each.unseen_s - each.measured_s) for each in those)
        simulated, unseen = (sum(getattr(each, column) for each in those)
                             for column in ("simulated_s", "unseen_s"))  # fmt: skip
        rows.append(ClassTimes(name, len(those), measured, simulated, unseen, off / measured))
    return tuple(sorted(rows, key=lambda row: -row.measured_s))
