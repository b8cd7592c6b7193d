"""What a run takes for granted, and what it does not count."""

from __future__ import annotations

from memsim.program.lowering import LOWERINGS
from memsim.program.program import Program
from memsim.readable import format_bytes, format_count

MOST_NAMED = 8
"""Layers that are named where a phrase lists them."""


def assumptions(program: Program) -> dict[str, list[str]]:
    """What was ``assumed`` and what was ``not_counted`` in a run of a program, a phrase each.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> assumptions(program)["assumed"][-1]
    'batch norms folded, elementwise followers fused'
    """
    frames = program.frames
    assumed = [
        "one inference of the whole batch from a cold cache"
        if frames == 1
        else f"{frames} inferences of the whole batch in a row, the first from a cold cache, "
        "each with inputs and outputs of its own",
        "a task reads its blocks once, streamed through the buffers",
    ]
    if program.spans:
        return _of_a_library(program)
    if "register_tile" in program.options:
        tile = program.options["register_tile"]
        assumed.append(f"products in register tiles of {tile}, each through all its weights")
    if "kernel_scratch" in program.options:
        scratch = format_bytes(int(program.options["kernel_scratch"]))
        assumed.append(f"every kernel reads and writes {scratch} of the runtime's own")
    lowering = LOWERINGS[str(program.options["lowering"])]
    return {
        "assumed": [*assumed, *lowering.assumes, *_left_out(program)],
        "not_counted": [
            "instructions and the host",
            "DRAM refresh, bank and row conflicts",
            "padding and layout changes of real kernels",
        ],
    }


def _of_a_library(program: Program) -> dict[str, list[str]]:
    """The same of a library's kernels."""
    from memsim.program.library.onednn import LIBRARIES

    library = LIBRARIES[str(program.options["library"])]
    assumed = ["one inference from a cold cache, by a process that has run before"]
    if program.frames > 1:
        assumed = [
            f"{program.frames} passes of one process in a row over the same image, the first from "
            "a cold cache"
        ]
    return {
        "assumed": [*assumed, library.summary, *_left_out(program)],
        "not_counted": [
            "instructions",
            "prefetches, other threads and other processes",
            "DRAM refresh, bank and row conflicts",
        ],
    }


def _left_out(program: Program) -> list[str]:
    """The layers that were not executed, in a phrase."""
    layers = program.left_out
    if not layers:
        return []
    names = ", ".join(layer.name for layer in layers[:MOST_NAMED])
    names += f" and {len(layers) - MOST_NAMED} more" if len(layers) > MOST_NAMED else ""
    macs = format_count(sum(layer.macs for layer in layers))
    return [f"not executed, since no output depends on them: {names} ({macs} MACs)"]
