"""The DRAM traffic of PyTorch inference on a processor, kernel by kernel as a library runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from memsim.errors import InputError, Problem, at_path
from memsim.simulate.source import Source, network_of
from memsim.units import Quantity, parse_bytes

if TYPE_CHECKING:
    from memsim.program.library.onednn.runtime import Runtime
    from memsim.results.pytorch import PytorchTraffic

SIZES = ("256KiB", "512KiB", "1MiB", "2MiB", "4MiB", "8MiB", "16MiB", "32MiB")
"""Last-level caches that :func:`pytorch_traffic` looks at by default."""


PASSES = 3
"""Passes that are followed: in the second one the heap still grows a little."""


def pytorch_traffic(
    network: Source,
    mode: str = "fused",
    sizes: Sequence[Quantity] = SIZES,
    *,
    ways: int = 16,
    library: str = "onednn-avx2",
    runtime: Runtime | None = None,
) -> PytorchTraffic:
    """Predict the DRAM traffic of PyTorch inference on a CPU, for every cache size at once.

    The caches are a first level of 32 KiB with 8 ways and the last level, both LRU, write-back,
    write-allocate with fetch, in lines of 64 bytes. The kernels and the engine are those of
    :func:`memsim.run` with option ``library``; here misses are counted as a counter of cache
    events would count them, of a cold pass and of one after it: nothing is handed over in the end.

    Parameters
    ----------
    network : Network, str or path
        As in :func:`memsim.run`.
    mode : str
        ``eager``: every operator its own kernel on nchw maps, which oneDNN reorders, and weights
        that it packs, on every call. ``fused``: batch norms folded, residual sums and activations
        fused, weights packed once, channels last. Both are what :func:`memsim.measure` runs.
        ``eager_in_place``: as ``eager``, activations and sums written over an operand.
        ``fused_adds_apart``: as ``fused``, residual sums as kernels of their own, in place.
    sizes : sequence of str or int
        Of the last level; at least one.
    ways : int
        Of the last level; at least one.
    library : str
        A key of ``memsim.program.library.onednn.LIBRARIES``: kernels of which instruction set.
    runtime : Runtime, optional
        What the process touches besides tensors, and how it runs.

    Returns
    -------
    PytorchTraffic

    Raises
    ------
    InputError
        For an unknown mode or library, no size, or a size that is no whole number of sets.
    SimulationError
        For another data type.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("resnet18").with_options(input_shape=(3, 32, 32))
    >>> eager = memsim.pytorch_traffic(network, "eager", ["1MiB"])
    >>> fused = memsim.pytorch_traffic(network, "fused", ["1MiB"])
    >>> bool(fused.read_bytes[0] + fused.write_bytes[0] < eager.read_bytes[0])
    True
    """
    from memsim.engines.cache.levels import Levels, two_levels
    from memsim.program.library.onednn import LIBRARIES
    from memsim.program.library.onednn.runtime import Runtime
    from memsim.results.pytorch import PytorchTraffic

    forward_of = LIBRARIES[library].forward(mode)
    with at_path("sizes"):
        chosen = tuple(parse_bytes(size) for size in sizes)
    if not chosen:
        raise InputError(Problem("there is no size to look at", path="sizes"))
    if ways < 1:
        raise InputError(Problem(f"{ways} is no number of ways", path="ways", hint="1 or more"))
    network = network_of(network)
    levels = Levels(chosen, ways)
    forward = forward_of(network, runtime or Runtime(), passes=PASSES)
    misses = two_levels(forward.passes, len(forward.calls), levels)
    return PytorchTraffic(
        network.name, mode, library, tuple(levels.sizes), ways, levels.line,
        tuple(forward.calls), misses,
    )  # fmt: skip
