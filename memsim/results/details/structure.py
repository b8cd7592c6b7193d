"""What of a network's structure a result tells: the layers of kernels, and those without one."""

from __future__ import annotations

from typing import Any

from memsim.program.program import Program

__all__ = ["of_kernels", "without_kernel"]


def of_kernels(program: Program) -> list[dict[str, Any]]:
    """Of each kernel the operators of its layers, and their parameters.

    A layer that several kernels run counts its parameters with the first one, so that they sum up.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.run("resnet18", lowering="fused").program
    >>> of_kernels(program)[0]
    {'ops': ('conv', 'batchnorm', 'relu'), 'params': 9536}
    """
    network, counted = program.network, set[str]()
    found = []
    for kernel in program.kernels:
        new = [name for name in dict.fromkeys(kernel.layers) if name not in counted]
        counted.update(new)
        ops = tuple(network[name].op.kind for name in kernel.layers)
        found.append({"ops": ops, "params": sum(network[name].params for name in new)})
    return found


def without_kernel(program: Program) -> list[dict[str, Any]]:
    """The layers that no kernel runs, but for inputs: views, and what readers apply as they load.

    ``after`` is the layer before it in the order of the network's file; empty at the beginning.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.run("hardnet68", lowering="fused").program
    >>> [(layer["name"], layer["op"], layer["after"]) for layer in without_kernel(program)]
    [('dropout1', 'dropout', 'global_avgpool1')]
    """
    run = {name for kernel in program.kernels for name in kernel.layers}
    found, before = [], ""
    for layer in program.network:
        if layer.inputs or layer.op.is_parameter:
            if layer.name not in run:
                found.append(
                    {
                        "name": layer.name,
                        "op": layer.op.kind,
                        "output_shape": list(layer.output.shape),
                        "params": layer.params,
                        "after": before,
                    }
                )
            before = layer.name
    return found
