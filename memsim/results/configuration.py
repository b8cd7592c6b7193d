"""The resolved configuration of a simulation, as every result tells it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

from memsim.machine import Machine, fields
from memsim.program.program import Program


def resolved(program: Program, machine: Machine) -> dict[str, Any]:
    """Return the machine's numbers and the program's options as plain JSON values.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18", cache="1MB")
    >>> config = resolved(result.program, result.machine)
    >>> config["cache_bytes"], config["lowering"], config["allocator"]
    (1000000, 'eager_cudnn', 'caching')
    """
    dtype = program.dtype
    facts = machine.resolved()
    rates = {name: fields.plain(machine.mac_rate(name, dtype)) for name in facts["macs_per_s"]}
    return {**facts, "macs_per_s": rates, **of_program(program, machine)}


def of_program(program: Program, machine: Machine) -> dict[str, Any]:
    """Return the options of a program, and where the machine lays its feature maps."""
    options = dict(program.options)
    options.pop("layer_order_search", None)  # what was found is no option
    sizes = [name for name in ("buffer_bytes", "block_bytes") if name in options]
    cut: dict[str, Any] = {name: options.pop(name) for name in sizes}
    best = {"best": options.pop("best")} if "best" in options else {}
    addresses = {} if program.spans else machine.cache.addresses  # a library has its own
    return {**options, **addresses, **cut, **best}


IDENTITY = ("machine", "cache_bytes", "bandwidth_bytes_per_s", "lowering", "batch", "dtype")
"""What of a configuration tells the runs apart whose rows lie in one table."""


def with_network(program: Program, machine: Machine) -> dict[str, Any]:
    """Return :func:`resolved`, and the batch and the data type of the network."""
    network = program.network
    return {**resolved(program, machine), "batch": network.batch, "dtype": network.dtype}


def identity(
    config: Mapping[str, Any], network: str, without: Container[str] = ()
) -> dict[str, Any]:
    """Return the columns that every row of a run has, so that tables can be put together.

    Parameters
    ----------
    config : mapping
    network : str
    without : container of str
        Those that the answer does not depend on, or that are asked for.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18", cache="1MB", machine="textbook")
    >>> list(identity(result.config, "resnet18").values())
    ['resnet18', 'textbook', 1000000, 25600000000, 'fused', 1, 'fp32']
    """
    told = (name for name in IDENTITY if name not in without)
    return {"network": network, **{name: config[name] for name in told}}


def in_common(configs: Iterable[Mapping[str, Any]], without: Container[str]) -> dict[str, Any]:
    """Return what :func:`identity` does of several networks on one machine, without a name.

    Where they differ, each value is there once, in one text.

    Examples
    --------
    >>> one = {"machine": "edge", "lowering": "fused", "batch": 1, "dtype": "int8"}
    >>> in_common([one, {**one, "dtype": "fp16"}], ["cache_bytes", "bandwidth_bytes_per_s"])
    {'machine': 'edge', 'lowering': 'fused', 'batch': 1, 'dtype': 'int8 fp16'}
    """
    columns: dict[str, list[Any]] = {}
    for config in configs:
        for name, value in identity(config, "", without).items():
            columns.setdefault(name, []).append(value)
    del columns["network"]
    different = {name: list(dict.fromkeys(values)) for name, values in columns.items()}
    return {
        name: values[0] if len(values) == 1 else " ".join(map(str, values))
        for name, values in different.items()
    }
