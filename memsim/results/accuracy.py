"""How far a predicted time can be trusted: what its machine was fitted to, and what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from memsim.engines.clock.rates import rate_class
from memsim.machine import Machine
from memsim.machine.fields import NO_TILE
from memsim.machine.habits import Calibrated
from memsim.program.lowering import on_library
from memsim.program.program import Program


@dataclass(frozen=True)
class Accuracy:
    """What stands behind the times of one program on one machine.

    Attributes
    ----------
    calibrated : Calibrated or None
        What the machine was fitted to; None where no measurement stands behind it.
    deviations : tuple of str
        Where the program or the machine is another than the fitted one, a phrase each.
    outside : tuple of str
        What of the question lies outside of what was measured, a phrase each.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("resnet50", input_shape=(3, 1024, 1024))
    >>> memsim.run(network, machine="gtx1080", lowering="fused").accuracy.deviations
    ('lowering fused, fitted with eager_cudnn',)
    """

    calibrated: Calibrated | None
    deviations: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()

    @classmethod
    def of(cls, program: Program, machine: Machine) -> Accuracy:
        """The accuracy of a program's times on a machine."""
        fitted = machine.calibrated
        if fitted is None:
            return cls(None)
        network = program.network
        classes = {rate_class(kernel, machine.compute.vector) for kernel in program.kernels}
        images = [network[name].output.image for name in network.inputs]
        outside = fitted.outside(
            dtype=network.dtype,
            batch=network.batch,
            inputs={"x".join(map(str, each)): each.box[1] * each.box[2] for each in images},
            classes=sorted(classes),
        )
        return cls(fitted, (*_of_the_program(program, machine), *_of_the_machine(machine)), outside)

    @property
    def error(self) -> float | None:
        """Mean relative error of such times; None where it is not known.

        It is not where no measurement stands behind the machine, nor where the question is not
        the fitted one.
        """
        if self.calibrated is None or self.deviations or self.outside:
            return None
        return self.calibrated.left_out

    def to_dict(self) -> dict[str, Any] | None:
        """Plain JSON values; None where no measurement stands behind the machine."""
        if self.calibrated is None:
            return None
        return {
            **self.calibrated.model_dump(mode="json"),
            "deviations": list(self.deviations),
            "outside": list(self.outside),
        }


def _of_the_program(program: Program, machine: Machine) -> list[str]:
    """Options of the program that are not those of the fit, and another variant."""
    fitted = dict(machine.program.options)
    fitted["lowering"] = on_library(machine.program.lowering, machine.compute.kernels)
    fitted["library"] = machine.program.library
    if program.network.batch == 1:
        del fitted["images"]  # one is neither together nor apart
    fitted.setdefault("register_tile", NO_TILE)
    fitted.setdefault("kernel_scratch", 0)
    found = {"register_tile": NO_TILE, "kernel_scratch": 0, **program.options}
    if program.options["library"] != "none":
        fitted = {name: fitted[name] for name in ("library", "lowering", "schedule")}
    phrases = [
        f"{name} {found[name]}, fitted with {expected}"
        for name, expected in fitted.items()
        if found[name] != expected
    ]
    if program.frames > 1:
        phrases.append(f"{program.frames} frames in a row, fitted with one at a time")
    network = program.network
    variant = machine.program.variant_of(network.name)
    if variant is not None and network.variant != variant:
        asked = f"variant {network.variant}" if network.variant else "the file's own variant"
        phrases.append(f"{asked}, fitted with {variant}")
    return phrases


def _of_the_machine(machine: Machine) -> list[str]:
    """Numbers of the machine that were changed after the fit."""
    return [f"{name} changed after the fit" for name in machine.overridden]
