"""The machine a network runs on: a cache, a DRAM channel and a compute engine.

A machine is data. Its file says what each number is and where it comes from;
this module checks it and answers the engines' questions in exact integers and
fractions. :mod:`memsim.machine.load` reads it; the presets lie in ``presets/``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Any, TypedDict, Unpack, get_args

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from memsim.errors import InputError, Problem, did_you_mean
from memsim.machine import fields
from memsim.machine.cache import OPTIONS, Cache
from memsim.machine.compute import Compute, MacEnergy, MacRates, OpClass, RateByDtype
from memsim.machine.dram import Dram
from memsim.machine.habits import Calibrated, ProgramHabit
from memsim.units import Quantity

__all__ = [
    "Cache",
    "Compute",
    "Dram",
    "MacEnergy",
    "MacRates",
    "Machine",
    "OpClass",
    "RateByDtype",
]


class Overrides(TypedDict, total=False):
    """What may be changed of a machine without another file; None leaves it as it is.

    Attributes
    ----------
    cache, buffer : str or number
        Bytes, such as ``"2MB"``.
    bandwidth : str or number
        PEAK DRAM bandwidth in B/s; the efficiency stays.
    macs : str or number
        MAC/s of convolutions, as a file's ``macs_per_s``. The other classes and data types keep
        their ratio to it; the elementwise rate, which is another unit's, stays.
    policy, management : str
        Names in the registries of the engines.
    line : str or number
        Bytes of a line of a hardware cache.
    ways : int
        Lines of a set of a hardware cache; 0 for fully associative.
    index : str
        ``plain`` or ``hashed``: how a line finds its set.
    fetch_on_write : bool
        Whether a write that misses a hardware cache fetches its line.
    layout, allocator : str
        ``nchw`` or ``nhwc``; ``caching``, ``arena``, ``cuda`` or ``fresh``: where feature maps lie,
        which a hardware cache sees.
    """

    cache: Quantity | None
    buffer: Quantity | None
    bandwidth: Quantity | None
    macs: Quantity | None
    policy: str | None
    management: str | None
    line: Quantity | None
    ways: int | None
    index: str | None
    fetch_on_write: bool | None
    layout: str | None
    allocator: str | None


_READERS: dict[str, Callable[[Any], Any]] = {
    **{name: read for name, (_, read) in OPTIONS.items()},
    "buffer": fields.positive_bytes,
    "bandwidth": fields.bandwidth,
    "macs": fields.mac_rate,
}
"""How each value of :class:`Overrides` is read."""


class Machine(BaseModel):
    """A machine, as its YAML file describes it.

    Sizes are held in bytes, rates as exact fractions per second, times in
    integer picoseconds. A machine is immutable; :meth:`with_overrides` gives a
    changed copy.

    Parameters
    ----------
    name : str
        What tables and figures call the machine.
    description : str
        What it is, in a few words: what ``memsim machines`` tells beside the name.
    source : str
        Where its numbers come from.
    cache : Cache
        On-chip memory. A size of 0 is valid: the limit without reuse.
    buffer : int
        Bytes for the streaming buffers beside the cache; tiling depends on it
        and never on the cache.
    dram : Dram
        The DRAM channel.
    compute : Compute
        The compute engine.
    program : ProgramHabit
        How networks run on it.
    calibrated : Calibrated or None
        What its numbers were fitted to; None where they were not fitted.

    Examples
    --------
    >>> from memsim.machine import load_machine
    >>> edge = load_machine("textbook")
    >>> edge.cache_bytes, int(edge.dram_bytes_per_s), int(edge.mac_rate("conv"))
    (2000000, 25600000000, 500000000000)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: str = ""
    source: str = ""
    cache: Cache
    buffer: fields.PositiveBytes
    dram: Dram
    compute: Compute
    program: ProgramHabit = ProgramHabit()
    calibrated: Calibrated | None = None
    _overridden: tuple[str, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _runs_its_program(self) -> Machine:
        dtype = self.program.dtype
        if self.dtypes and dtype not in self.dtypes:
            raise PydanticCustomError(
                "quantity",
                "{message}",
                {
                    "message": f"program.dtype is {dtype}, of which compute.rate_by_dtype has none",
                    "hint": f"it has {', '.join(self.dtypes)}",
                },
            )
        return self

    @property
    def overridden(self) -> tuple[str, ...]:
        """What was changed by :meth:`with_overrides`; names of :class:`Overrides`."""
        return self._overridden

    @property
    def cache_bytes(self) -> int:
        """Capacity of the cache in bytes."""
        return self.cache.size

    @property
    def buffer_bytes(self) -> int:
        """Capacity of the streaming buffers in bytes."""
        return self.buffer

    def sram_bytes(self, *, buffers: bool = True) -> int:
        """Bytes of memory on the chip: the cache, a first level in front of it, and buffers.

        Parameters
        ----------
        buffers : bool
            Whether the program streams through buffers; a library's own kernels have none.

        Examples
        --------
        >>> import memsim
        >>> machine = memsim.load_machine("edge")
        >>> machine.sram_bytes() == machine.cache_bytes + machine.buffer_bytes
        True
        """
        front = self.cache.first_level or 0
        return self.cache.size + front + (self.buffer_bytes if buffers else 0)

    @property
    def dram_bytes_per_s(self) -> Fraction:
        """Usable DRAM bandwidth, peak times efficiency, in B/s."""
        return self.dram.bandwidth * self.dram.efficiency

    @property
    def dram_latency_ps(self) -> int:
        """Latency of one DRAM transfer in picoseconds."""
        return self.dram.latency

    @property
    def onchip_bytes_per_s(self) -> Fraction | None:
        """Bandwidth of the cache in B/s, or None where it never limits."""
        return self.cache.bandwidth

    @property
    def elementwise_rate(self) -> Fraction:
        """Elementwise operations per second."""
        return self.compute.elementwise_per_s

    @property
    def pooling_rate(self) -> Fraction:
        """Elements of pooling windows per second."""
        return self.compute.pooling_per_s or self.compute.elementwise_per_s

    @property
    def kernel_overhead_ps(self) -> int:
        """Time to start one kernel in picoseconds."""
        return self.compute.kernel_overhead

    @property
    def dram_pj_per_byte(self) -> float | None:
        """Energy of one DRAM byte in picojoules; None where it is not known."""
        return self.dram.pj_per_byte

    @property
    def onchip_pj_per_byte(self) -> float | None:
        """Energy of one byte read from or written to the cache in picojoules, or None."""
        return self.compute.onchip_pj_per_byte

    def pj_per_mac(self, dtype: str) -> float | None:
        """Energy of one multiply-accumulate of a data type in picojoules, or None."""
        return self.compute.pj_per_mac.get(dtype)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The data types that it is said to compute in; none where nothing is said."""
        return tuple(self.compute.factors)

    def mac_rate(self, op_class: str, dtype: str | None = None) -> Fraction:
        """Return the MAC/s of a class of operators.

        Parameters
        ----------
        op_class : str
            One of :data:`OpClass`. Any other class, and one the machine has no rate
            for, runs at the rate of ``"conv"``.
        dtype : str, optional
            The data type; where it is left out, one of factor 1.

        Raises
        ------
        InputError
            For a data type that the machine is said not to compute in.

        Examples
        --------
        >>> from memsim.machine import load_machine
        >>> edge = load_machine("textbook")
        >>> edge.mac_rate("linear") == edge.mac_rate("conv")
        True
        """
        rates = self.compute.macs_per_s
        rate: Fraction = dict(rates).get(op_class) or rates.conv
        if dtype is None or not self.dtypes:
            return rate
        self.check_dtype(dtype)
        return rate * self.compute.factors[dtype]

    def check_dtype(self, dtype: str) -> None:
        """Refuse a data type that the machine is said not to compute in.

        Raises
        ------
        InputError
            With those that it computes in.
        """
        if self.dtypes and dtype not in self.dtypes:
            known = " and ".join(self.dtypes)
            message = f"{self.name} computes in {known}, not in {dtype}"
            raise InputError(Problem(message, path="dtype", hint=f"dtype {self.dtypes[0]}"))

    def with_overrides(self, **changes: Unpack[Overrides]) -> Machine:
        """Return a copy with some numbers changed; None leaves one as it is.

        Parameters
        ----------
        **changes
            See :class:`Overrides`.

        Raises
        ------
        InputError
            With every value that cannot be read, its parameter's name as path, and for an
            unknown parameter.

        Examples
        --------
        >>> from memsim.machine import load_machine
        >>> machine = load_machine("textbook").with_overrides(cache="512KiB", macs="1T")
        >>> machine.cache_bytes, int(machine.mac_rate("depthwise"))
        (524288, 1000000000000)
        """
        new: dict[str, Any] = {}
        problems: list[Problem] = []
        for parameter, value in changes.items():
            if parameter not in _READERS:
                hint = did_you_mean(parameter, _READERS)
                problems.append(Problem(f"unknown option {parameter!r}", hint=hint))
            elif value is not None:
                try:
                    new[parameter] = _READERS[parameter](value)
                except InputError as error:
                    problems += [replace(problem, path=parameter) for problem in error.problems]
        if problems:
            raise InputError(*problems)

        rates = self.compute.macs_per_s
        if "macs" in new:
            scale = new["macs"] / rates.conv
            own = {name: rate * scale for name, rate in rates if rate is not None}
            rates = rates.model_copy(update=own)
        in_cache = {field: new[name] for name, (field, _) in OPTIONS.items() if name in new}
        changed = self.model_copy(
            update={
                "cache": self.cache.model_copy(update=in_cache),
                "buffer": new.get("buffer", self.buffer),
                "dram": self.dram.model_copy(
                    update={"bandwidth": new.get("bandwidth", self.dram.bandwidth)}
                ),
                "compute": self.compute.model_copy(update={"macs_per_s": rates}),
            }
        )
        before, after = self._numbers(), changed._numbers()
        others = [name for name in new if before[name] != after[name]]
        changed._overridden = tuple(dict.fromkeys([*self._overridden, *others]))
        return changed

    def _numbers(self) -> dict[str, Any]:
        """What may be overridden, as it stands."""
        return {
            **{name: getattr(self.cache, field) for name, (field, _) in OPTIONS.items()},
            "buffer": self.buffer,
            "bandwidth": self.dram.bandwidth,
            "macs": self.compute.macs_per_s.conv,
        }

    def resolved(self) -> dict[str, Any]:
        """Return every number of the machine as plain JSON values, units in the keys.

        Returns
        -------
        dict
            Rates that are whole are ``int``, the others ``float``; ``macs_per_s``
            names the rate of every class, inherited or not.

        Examples
        --------
        >>> from memsim.machine import load_machine
        >>> facts = load_machine("textbook").resolved()
        >>> facts["cache_bytes"], facts["bandwidth_bytes_per_s"], facts["dram_latency_ps"]
        (2000000, 25600000000, 100000)
        """
        onchip = self.onchip_bytes_per_s
        return {
            "machine": self.name,
            **self.cache.resolved(),
            "onchip_bandwidth_bytes_per_s": None if onchip is None else fields.plain(onchip),
            "buffer_bytes": self.buffer,
            **self.dram.resolved(),
            "macs_per_s": {name: fields.plain(self.mac_rate(name)) for name in get_args(OpClass)},
            "rate_by_dtype": self.compute.resolved_factors,
            "elementwise_per_s": fields.plain(self.elementwise_rate),
            "pooling_per_s": fields.plain(self.pooling_rate),
            "kernels": self.compute.kernels,
            "kernel_overhead_ps": self.kernel_overhead_ps,
            "overlap": self.compute.overlap,
            "channel_tile": self.compute.channel_tile,
            "vector": self.compute.vector,
            "wave": self.compute.wave,
            "launch_ps": self.compute.launch,
            "onchip_pj_per_byte": self.onchip_pj_per_byte,
            "pj_per_mac": self.compute.pj_per_mac or None,
        }
