"""What of a machine a fit can find: rates, the usable bandwidth, the overhead of a kernel.

Times are linear in *costs*, seconds per byte, per MAC, per operation and per kernel, so costs are
what is fitted. A machine's file holds their inverses; the base machine's are the limits: no rate
may exceed its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from memsim.machine import Machine, fields
from memsim.readable import format_rate, format_time
from memsim.registry import Registry
from memsim.units import PICOSECONDS, parse_duration


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of a machine that times can tell.

    Attributes
    ----------
    name : str
    key : tuple of str
        Where it lies in the machine's file.
    what : str
        What it is paid for, in the plural: ``bytes``.
    cost : callable
        (machine) -> seconds per unit, or None where the machine has no such number of its own.
    written : callable
        (cost, base machine, exact) -> as it is written in a file: rounded to four digits unless
        it is to be exact.
    told : callable
        (cost) -> as it is told to people.
    """

    name: str
    key: tuple[str, ...]
    what: str
    cost: Callable[[Machine], float | None]
    written: Callable[[float, Machine, bool], Any]
    told: Callable[[float], str]

    def limit(self, base: Machine) -> float:
        """The lowest cost: that of the base machine; of an overhead nothing."""
        return 0.0 if self.name == "overhead" else self.cost(base) or 0.0

    def assign(self, machine: Machine, value: Any) -> Machine:
        """A machine with this number, given as it is written."""
        return _ASSIGN[self.key[0]](machine, self.key[-1], value)


def _rate_text(rate: float, unit: str, exact: bool) -> str | float:
    if exact:
        return rate
    for power, prefix in ((12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if rate >= 10**power:
            return f"{rate / 10**power:.4g}{prefix}{unit}/s"
    return f"{rate:.4g}{unit}/s"


def _mac_class(name: str, what: str) -> Parameter:
    def cost(machine: Machine) -> float | None:
        rate = dict(machine.compute.macs_per_s).get(name)
        return None if rate is None else float(1 / rate)

    return Parameter(
        name=name,
        key=("compute", "macs_per_s", name),
        what=f"MACs of {what}",
        cost=cost,
        written=lambda cost, base, exact: _rate_text(1 / cost, "MAC", exact),
        told=lambda cost: format_rate(Fraction(1 / cost), "MAC"),
    )


def _efficiency(cost: float, base: Machine, exact: bool) -> float:
    share = min(1 / cost / float(base.dram.bandwidth), 1.0)
    return share if exact else float(f"{share:.4g}")


def _overhead(cost: float, base: Machine, exact: bool) -> str:
    return f"{round(cost * PICOSECONDS)}ps" if exact else f"{1e6 * cost:.4g}us"


PARAMETERS: Registry[Parameter] = Registry("parameter")
"""By name. Where two cannot be told apart the earlier one is fitted."""

for _parameter in (
    Parameter(
        name="bandwidth",
        key=("dram", "efficiency"),
        what="bytes",
        cost=lambda machine: float(1 / machine.dram_bytes_per_s),
        written=_efficiency,
        told=lambda cost: format_rate(Fraction(1 / cost)),
    ),
    Parameter(
        name="cache",
        key=("cache", "bandwidth"),
        what="bytes that kernels touch",
        cost=lambda machine: (
            None if machine.onchip_bytes_per_s is None else float(1 / machine.onchip_bytes_per_s)
        ),
        written=lambda cost, base, exact: _rate_text(1 / cost, "B", exact),
        told=lambda cost: format_rate(Fraction(1 / cost)),
    ),
    _mac_class("conv", "convolutions without a class of their own"),
    _mac_class("conv3x3", "3x3 convolutions of stride 1"),
    _mac_class("unaligned", "unaligned convolutions"),
    _mac_class("depthwise", "depthwise convolutions"),
    _mac_class("linear", "linear layers"),
    Parameter(
        name="overhead",
        key=("compute", "kernel_overhead"),
        what="kernels",
        cost=lambda machine: machine.kernel_overhead_ps / PICOSECONDS,
        written=_overhead,
        told=lambda cost: format_time(round(cost * PICOSECONDS)) if cost else "0",
    ),
    Parameter(
        name="elementwise",
        key=("compute", "elementwise_per_s"),
        what="elementwise operations",
        cost=lambda machine: float(1 / machine.elementwise_rate),
        written=lambda cost, base, exact: _rate_text(1 / cost, "op", exact),
        told=lambda cost: format_rate(Fraction(1 / cost), "op"),
    ),
    Parameter(
        name="pooling",
        key=("compute", "pooling_per_s"),
        what="elements of pooling windows",
        cost=lambda machine: (
            None if machine.compute.pooling_per_s is None else float(1 / machine.pooling_rate)
        ),
        written=lambda cost, base, exact: _rate_text(1 / cost, "op", exact),
        told=lambda cost: format_rate(Fraction(1 / cost), "op"),
    ),
):
    PARAMETERS.add(_parameter.name, _parameter)


def available(base: Machine) -> tuple[str, ...]:
    """The parameters that a machine's file names; a MAC rate it does not name is conv's."""
    return tuple(name for name, each in PARAMETERS.items() if each.cost(base) is not None)


def _dram(machine: Machine, key: str, value: Any) -> Machine:
    dram = machine.dram.model_copy(update={"efficiency": fields.efficiency(value)})
    return machine.model_copy(update={"dram": dram})


def _compute(machine: Machine, key: str, value: Any) -> Machine:
    change: dict[str, Any]
    if key == "kernel_overhead":
        change = {key: parse_duration(value)}
    elif key in ("elementwise_per_s", "pooling_per_s"):
        change = {key: fields.op_rate(value)}
    else:
        rates = machine.compute.macs_per_s.model_copy(update={key: fields.mac_rate(value)})
        change = {"macs_per_s": rates}
    return machine.model_copy(update={"compute": machine.compute.model_copy(update=change)})


def _cache(machine: Machine, key: str, value: Any) -> Machine:
    cache = machine.cache.model_copy(update={key: fields.bandwidth(value)})
    return machine.model_copy(update={"cache": cache})


_ASSIGN: dict[str, Callable[[Machine, str, Any], Machine]] = {
    "dram": _dram,
    "cache": _cache,
    "compute": _compute,
}
