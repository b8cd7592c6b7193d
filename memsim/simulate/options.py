"""What a simulation can be told, one line each: for Python and for the command line.

A line names an option, its type, and what is said of it. The command line makes its options of
these lines, and the documentation of :class:`Options` is written from them. Which verb heeds which
of them is for :mod:`memsim.simulate.heed` to say.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypedDict

from memsim.units import Quantity

if TYPE_CHECKING:
    from memsim.machine import Machine

__all__ = ["OPTIONS", "RUN_OPTIONS", "Option", "Options", "RunOptions"]


@dataclass(frozen=True, slots=True)
class Option:
    """What is said of an option, and how the command line reads it.

    Attributes
    ----------
    help : str
    metavar : str
        What stands for its value on the command line; empty for click's own word.
    default : str
        What holds where it is left out; empty where the machine says.
    kind : type
        What a word of the command line becomes: ``str``, ``int``, ``bool`` for a pair of flags,
        or ``tuple`` for words that may be given several times.
    """

    help: str
    metavar: str = ""
    default: str = ""
    kind: type = str


MACHINES = "the machine's"
"""What holds where a machine decides: what it was fitted with, or is known to use."""


class Options(TypedDict, total=False):
    """What a simulation can be told; everything has a default, which None stands for as well."""

    cache: Annotated[Quantity | None, Option("Cache, such as 2MB, 2MiB, 0.", "SIZE")]
    machine: Annotated[
        "Machine | str | os.PathLike[str] | None",
        Option("A preset or a machine file.", default="gtx1080"),
    ]
    bandwidth: Annotated[Quantity | None, Option("Peak DRAM bandwidth, such as 25.6GB/s.", "RATE")]
    macs: Annotated[Quantity | None, Option("Compute rate, such as 0.5TMAC/s.", "RATE")]
    buffer: Annotated[Quantity | None, Option("Streaming buffers beside the cache.", "SIZE")]
    lowering: Annotated[
        str | None,
        Option("eager, fused or concat_free: how layers become kernels.", default=MACHINES),
    ]
    layer_order: Annotated[
        str | None,
        Option(
            "file, dfs, min_peak or min_traffic: in which order layers are listed, as far as they "
            "may be.",
            "ORDER",
            default="file",
        ),
    ]
    schedule: Annotated[
        str | None,
        Option(
            "layer_by_layer, depth_first: groups of layers strip by strip, or auto: those that "
            "move least.",
            default=MACHINES,
        ),
    ]
    group: Annotated[
        "Sequence[str] | str | None",
        Option(
            "Layers that run depth first together, such as conv1..conv4; of several groups each.",
            "LAYERS",
            kind=tuple,
        ),
    ]
    groups: Annotated[
        str | None,
        Option(
            "Instead: per_block, inverted_residual, depthwise or file; or auto, what moves least.",
            "PATTERN",
        ),
    ]
    strip: Annotated[
        int | str | None,
        Option(
            "Rows of a strip of a group's last map, or ROWSxCOLUMNS of a tile; where left out the "
            "rows that buffers hold in one tile. Of groups auto rows alone: no tiles.",
            "N|RxC",
        ),
    ]
    overlap: Annotated[
        str | None,
        Option(
            "keep, or recompute: rows that several strips of a group need; where left out keep, "
            "or of groups auto what moves less.",
        ),
    ]
    order: Annotated[
        str | None,
        Option(
            "Order in a kernel: rows_outer, weights_outer, images_inner, larger_outer, or best.",
            default=MACHINES,
        ),
    ]
    register_tile: Annotated[
        str | None,
        Option(
            "Outputs in registers, such as 4x24 pixels x channels: as processors compute; or none.",
            "TILE",
            default=MACHINES,
        ),
    ]
    tile: Annotated[str | None, Option("auto, or whole for one task per kernel.", default=MACHINES)]
    images: Annotated[
        str | None,
        Option("Of a batch: together where maps are small, or apart.", default=MACHINES),
    ]
    rows: Annotated[
        str | None,
        Option("touched, or streamed: which rows of its inputs a task reads.", default=MACHINES),
    ]
    scores: Annotated[
        str | None,
        Option(
            "Of attention: chip, where one kernel keeps them, or dram, as products and a softmax.",
            default="chip",
        ),
    ]
    library: Annotated[
        str | None,
        Option(
            "Whose kernels run on a hardware cache, such as onednn-avx2; none: tiles for buffers.",
            "NAME",
            default=MACHINES,
        ),
    ]
    heap: Annotated[
        str | None,
        Option(
            "Where a library's tensors lie: glibc, or at best and at worst, hottest and coldest.",
            default="glibc",
        ),
    ]
    policy: Annotated[str | None, Option("Replacement policy of the cache.")]
    management: Annotated[
        str | None, Option("scratchpad, or hardware: lines that know no lifetimes.")
    ]
    ways: Annotated[int | None, Option("Lines of a set of a hardware cache; 0: all.", kind=int)]
    fetch_on_write: Annotated[
        bool | None,
        Option("Whether a write that misses a hardware cache fetches its line.", kind=bool),
    ]
    layout: Annotated[
        str | None,
        Option(
            "nchw or nhwc: feature maps in memory, as a hardware cache sees them.",
            default="nchw",
        ),
    ]
    allocator: Annotated[
        str | None,
        Option(
            "caching, arena, cuda, oldest or fresh: who gives feature maps addresses.",
            default="caching",
        ),
    ]
    frames: Annotated[
        int | None,
        Option(
            "Inferences in a row, on a cache that keeps what it holds.",
            "N",
            default="1",
            kind=int,
        ),
    ]


class RunOptions(Options, total=False):
    """What a simulation that tells the time can be told: :class:`Options`, and a clock."""

    clock: Annotated[
        str | None,
        Option("replay (event by event; of more than 50,000 tasks if asked for) or recurrence "
               "(the same in closed form).",
               default="replay"),
    ]  # fmt: skip


def _table(options: type) -> dict[str, Option]:
    return {name: line.__metadata__[0] for name, line in options.__annotations__.items()}


OPTIONS = _table(Options)
"""The options of every verb that simulates, by name."""

RUN_OPTIONS = _table(RunOptions)
"""Those of a verb that tells the time."""


def _documented(table: Mapping[str, Option]) -> str:
    lines = ["\n\n    Attributes\n    ----------"]
    for name, option in table.items():
        default = f" {option.default} where left out." if option.default else ""
        lines.append(f"    {name}\n        {option.help}{default}")
    return "\n".join(lines) + "\n    "


Options.__doc__ = f"{Options.__doc__}{_documented(OPTIONS)}"
RunOptions.__doc__ = f"{RunOptions.__doc__}{_documented(RUN_OPTIONS)}"
