"""The DRAM of a machine: what it delivers, and what moving a byte costs by kind of DRAM."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict

from memsim.errors import InputError, Problem, did_you_mean
from memsim.files import read_table
from memsim.machine import fields


@cache
def kinds() -> dict[str, float | None]:
    """Picojoules per byte of each kind of DRAM; None where no figure could be checked.

    The figures and their sources lie in ``data/dram.csv``.

    Examples
    --------
    >>> kinds()["HBM2"], kinds()["DDR4"]
    (31.36, None)
    """
    rows = read_table("memsim.machine", "dram")
    return {row["kind"]: _pj_per_byte(row["pj_per_bit"]) for row in rows}


def _pj_per_byte(per_bit: str) -> float | None:
    return float(8 * Fraction(per_bit)) if per_bit else None


def kind(value: object) -> str:
    """Read a kind of DRAM.

    >>> kind("LPDDR5")
    Traceback (most recent call last):
    memsim.errors.InputError: unknown kind of DRAM 'LPDDR5' (did you mean 'LPDDR4'?)
    """
    if isinstance(value, str) and value in kinds():
        return value
    message = f"unknown kind of DRAM {fields.shown(value)}"
    raise InputError(Problem(message, hint=did_you_mean(str(value), kinds())))


Kind = Annotated[str, *fields.field(kind, "string", example="LPDDR4")]


class Dram(BaseModel):
    """One DRAM channel.

    Attributes
    ----------
    bandwidth : Fraction
        The peak, in bytes per second.
    efficiency : Fraction
        The usable part of it.
    latency : int
        What each load waits for before its first byte comes, in picoseconds.
    burst : int
        Bytes that are moved at once: every transfer is rounded up to whole bursts.
    kind : str or None
        Such as ``LPDDR4``: says what moving a byte costs, where that is known of the kind.
    energy_pj_per_byte : float or None
        Instead of the kind's figure; None: the kind's, or not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    bandwidth: fields.Bandwidth
    efficiency: fields.Efficiency = Fraction(1)
    latency: fields.Picoseconds
    burst: fields.PositiveBytes
    kind: Kind | None = None
    energy_pj_per_byte: fields.Picojoules | None = None

    @property
    def pj_per_byte(self) -> float | None:
        """Energy of one byte in picojoules; None where it is not known.

        Examples
        --------
        >>> channel = {"bandwidth": "3.75GB/s", "latency": "500ns", "burst": 128}
        >>> Dram(kind="LPDDR4", **channel).pj_per_byte, Dram(**channel).pj_per_byte
        (64.0, None)
        """
        if self.energy_pj_per_byte is not None or self.kind is None:
            return self.energy_pj_per_byte
        return kinds()[self.kind]

    def resolved(self) -> dict[str, Any]:
        """Everything as plain JSON values, units in the keys."""
        return {
            "bandwidth_bytes_per_s": fields.plain(self.bandwidth),
            "efficiency": fields.plain(self.efficiency),
            "dram_latency_ps": self.latency,
            "burst_bytes": self.burst,
            "dram_kind": self.kind,
            "dram_pj_per_byte": self.pj_per_byte,
        }
