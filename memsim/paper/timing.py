"""Published times: the paper's networks on the devices on which it timed them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

from memsim.engines.compiled import load_compiler
from memsim.errors import InputError, Problem, did_you_mean
from memsim.files import read_table
from memsim.machine import Machine, load_machine
from memsim.network.graph import Network
from memsim.registry import Registry
from memsim.results.run import Result
from memsim.simulate import Options, run


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which a column of the paper's Table 4 was timed.

    Attributes
    ----------
    column : str
        In the data file; milliseconds.
    device : str
    input_shape : tuple of int
    lowering : str
        How the framework that was used makes kernels of layers; the one for which the preset's
        rates were fitted to this column (see its file): its times are in sample.
    """

    column: str
    device: str
    input_shape: tuple[int, int, int]
    lowering: str


CONDITIONS: Registry[Conditions] = Registry("machine with published times")
"""By machine."""

DEVICE = "gtx1080"
"""The machine whose times are meant where nobody says otherwise."""

for _machine, _conditions in {
    "gtx1080": Conditions("gpu_ms", "GTX 1080, PyTorch", (3, 1024, 1024), "eager_cudnn"),
    "jetson_nano": Conditions("nano_ms", "Jetson Nano, TensorRT", (3, 320, 320), "concat_in_place"),
}.items():
    CONDITIONS.add(_machine, _conditions)


@dataclass(frozen=True, slots=True)
class Timed:
    """A network of the table, its published time and its result under the same conditions.

    Attributes
    ----------
    name : str
        As the paper calls it.
    cio_elements : float
        As printed, at 224x224.
    measured_s : float
        The published time.
    result : Result
        Of memsim.
    """

    name: str
    cio_elements: float
    measured_s: float
    result: Result


def conditions_of(machine: Machine | str | os.PathLike[str]) -> tuple[Machine, Conditions]:
    """A machine and the conditions under which it was timed.

    Raises
    ------
    InputError
        For a machine without published times.
    """
    if not isinstance(machine, Machine):
        machine = load_machine(machine)
    return machine, CONDITIONS[machine.name]


def timed(networks: Sequence[Network | str] = (), **options: Unpack[Options]) -> list[Timed]:
    """Simulate networks of the paper's Table 4 as they were timed.

    Parameters
    ----------
    networks : sequence of Network or str
        As they are shipped; all of the table if empty.
    **options
        As for :func:`memsim.run`; ``machine`` is a device of :data:`CONDITIONS`, and input size
        and lowering are those of its column where left out.

    Raises
    ------
    InputError
        For a network without a published time.

    Examples
    --------
    >>> [(each.name, each.measured_s) for each in timed(["resnet18"])]
    [('resnet18', 0.013)]
    """
    if options.get("frames") is not None:
        message, hint = "the published times are of one inference", "leave it out"
        raise InputError(Problem(message, path="frames", hint=hint))
    machine, under = conditions_of(options.get("machine") or DEVICE)
    table = read_table("memsim.paper", "imagenet")
    rows = {row["shipped"]: row for row in table if row[under.column]}
    names = [each.name if isinstance(each, Network) else str(each) for each in networks]
    for name in names:
        if name not in rows:
            hint = did_you_mean(name, rows)
            message = f"{name!r} has no published time on {under.device}"
            raise InputError(Problem(message, hint=hint))
    if len(names or rows) > 1:
        load_compiler()  # one after another they are long, though each is short
    complete: Options = {"lowering": under.lowering, **options, "machine": machine}
    return [
        Timed(
            row["network"],
            float(row["cio_m"]) * 1e6,
            float(row[under.column]) / 1e3,
            run(_load(row, under), **complete),
        )
        for row in (rows[name] for name in names or rows)
    ]


def _load(row: dict[str, str], under: Conditions) -> Network:
    from memsim.formats import load

    return load(row["shipped"], variant=row["variant"] or None, input_shape=under.input_shape)


def correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Pearson's correlation; 0 where one of them does not vary.

    Examples
    --------
    >>> round(correlation([1, 2, 3], [2, 4, 6]), 6), correlation([1, 1], [2, 3])
    (1.0, 0.0)
    """
    import numpy as np

    a, b = np.asarray(x, float), np.asarray(y, float)
    if len(a) < 2 or not np.ptp(a) or not np.ptp(b):
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
