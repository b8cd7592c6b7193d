"""The compute engine of a machine: its rates and its energy, by class of operator and data type."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from memsim.machine import fields

OpClass = Literal["conv", "conv3x3", "unaligned", "depthwise", "linear"]
"""The classes of operators a machine may give its own MAC rate; see :class:`MacRates`."""

Overlap = Literal["all", "kernel", "none"]
"""What runs at the same time; see :class:`Compute`."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class MacRates(_Model):
    """MAC/s by class of operator; a class without a rate of its own takes conv's.

    :mod:`memsim.engines.clock.rates` says which class a kernel is of.

    Attributes
    ----------
    conv : Fraction
        All that has no rate of its own; a number in place of the section is this one.
    conv3x3 : Fraction or None
        3x3 convolutions of stride 1, which libraries compute with fewer multiplications
        (Winograd), so that the rate may exceed the hardware's.
    unaligned : Fraction or None
        Convolutions whose data cannot be loaded ``vector`` elements at a time.
    depthwise : Fraction or None
        Convolutions with as many groups as the input has channels.
    linear : Fraction or None
        Fully connected and recurrent layers, products of two tensors, attention.
    """

    conv: fields.MacRate
    conv3x3: fields.MacRate | None = None
    unaligned: fields.MacRate | None = None
    depthwise: fields.MacRate | None = None
    linear: fields.MacRate | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_for_all(cls, value: Any) -> Any:
        return value if isinstance(value, dict | MacRates) else {"conv": value}


class RateByDtype(_Model):
    """How often the rates of :class:`MacRates` a machine reaches in a data type; None: never.

    The rates are those of the data types with factor 1. Elementwise rates do not change.
    """

    fp32: fields.Factor | None = None
    fp16: fields.Factor | None = None
    bf16: fields.Factor | None = None
    int8: fields.Factor | None = None


class MacEnergy(_Model):
    """Picojoules of one multiply-accumulate by data type; None: not known."""

    fp32: fields.Picojoules | None = None
    fp16: fields.Picojoules | None = None
    bf16: fields.Picojoules | None = None
    int8: fields.Picojoules | None = None


class Compute(_Model):
    """The compute engine.

    No energy is told where one of its numbers is not known.

    Attributes
    ----------
    macs_per_s : MacRates
        MAC/s: one rate, or one for each class of operators.
    elementwise_per_s : Fraction
        Elementwise operations per second.
    kernel_overhead : int
        What every kernel costs the device itself, in picoseconds; nothing hides it.
    rate_by_dtype : RateByDtype or None
        The data types that it computes in, with factors on ``macs_per_s``; None: it is not said,
        and the rates hold for each.
    energy_pj_per_mac : MacEnergy
        Picojoules of a multiply-accumulate, by data type; what is left out is not known.
    onchip_pj_per_byte : float or None
        Picojoules of a byte read from or written to the cache.
    overlap : str
        ``all`` where the tasks of all kernels overlap (double buffers, an accelerator), ``kernel``
        where a kernel starts when the one before it is done and stored, ``none`` where no transfer
        overlaps a computation either, so that times add up.
    channel_tile : int
        Output channels that are computed together: a convolution pays for the next multiple.
    vector : int
        Elements that are loaded together; 1 makes no convolution unaligned.
    wave : int
        Outputs that all cores compute at once: a convolution with fewer pays for as many.
    launch : int
        How long a host takes to issue one kernel, in picoseconds: it issues the next while the
        device computes, so that a kernel begins when it has been issued and the one before it is
        done.
    pooling_per_s : Fraction or None
        Elements of windows that pools look at per second; None: ``elementwise_per_s``.
    kernels : str or None
        The library whose kernels ``eager`` stands for on this machine: with ``onednn`` it is
        ``eager_onednn``.
    """

    macs_per_s: MacRates
    elementwise_per_s: fields.OpRate
    kernel_overhead: fields.Picoseconds
    rate_by_dtype: RateByDtype | None = None
    energy_pj_per_mac: MacEnergy = MacEnergy()
    onchip_pj_per_byte: fields.Picojoules | None = None
    overlap: Overlap = "all"
    channel_tile: Annotated[int, Field(ge=1, le=1024, strict=True)] = 1
    vector: Annotated[int, Field(ge=1, le=64, strict=True)] = 1
    wave: Annotated[int, Field(ge=1, le=1 << 30, strict=True)] = 1
    launch: fields.Picoseconds = 0
    pooling_per_s: fields.OpRate | None = None
    kernels: Literal["onednn", "cudnn"] | None = None

    @property
    def factors(self) -> dict[str, Fraction]:
        """The data types that it is said to compute in, with their factors; empty if none is."""
        return {name: each for name, each in self.rate_by_dtype or () if each is not None}

    @property
    def resolved_factors(self) -> dict[str, int | float] | None:
        """:attr:`factors` as plain JSON values; None where nothing is said."""
        return {name: fields.plain(each) for name, each in self.factors.items()} or None

    @property
    def pj_per_mac(self) -> dict[str, float]:
        """Picojoules of a MAC by data type, where they are known."""
        return {name: each for name, each in self.energy_pj_per_mac if each is not None}
