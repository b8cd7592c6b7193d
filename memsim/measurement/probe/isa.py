"""The instruction set that kernels use: what the processor has, as far as it is not capped."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

NEEDS: dict[str, tuple[str, ...]] = {
    "SSE41": ("sse4_1",),
    "AVX": ("avx",),
    "AVX2": ("avx2", "fma"),
    "AVX2_VNNI": ("avx_vnni",),
    "AVX512_CORE": ("avx512f", "avx512bw", "avx512vl", "avx512dq"),
    "AVX512_CORE_VNNI": ("avx512_vnni",),
    "AVX512_CORE_BF16": ("avx512_bf16",),
    "AVX512_CORE_FP16": ("avx512_fp16",),
    "AVX512_CORE_AMX": ("amx_tile", "amx_int8", "amx_bf16"),
}
"""oneDNN's instruction sets, each above the one before, and the flags that it needs beside them.

From oneDNN's documentation, "CPU Dispatcher Control". ``AVX2_VNNI`` is no step on the way to the
sets of AVX-512, which do not need it.
"""

CAPS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
"""Variables that cap it; the first that is set counts."""


def onednn_isa(flags: Collection[str], environment: Mapping[str, str] = os.environ) -> str:
    """The highest of oneDNN's instruction sets that it may use here; empty where there is none.

    Parameters
    ----------
    flags : collection of str
        Of the processor, as ``/proc/cpuinfo`` names them.
    environment : mapping

    Examples
    --------
    >>> flags = "sse4_1 avx avx2 fma avx512f avx512bw avx512vl avx512dq".split()
    >>> onednn_isa(flags, {}), onednn_isa(flags, {"ONEDNN_MAX_CPU_ISA": "avx2"})
    ('AVX512_CORE', 'AVX2')
    >>> onednn_isa(["sse4_1", "avx"], {"ONEDNN_MAX_CPU_ISA": "AVX2"})
    'AVX'
    """
    cap = next((environment[name].upper() for name in CAPS if environment.get(name)), "")
    order = list(NEEDS)
    most = order.index(cap) if cap in NEEDS else len(order) - 1
    best = ""
    for name, needed in list(NEEDS.items())[: most + 1]:
        if all(flag in flags for flag in needed):
            best = name
        elif name != "AVX2_VNNI":
            break
    return best


def caps(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that cap the instruction sets of PyTorch and oneDNN, where they are set."""
    named = (*CAPS, "ATEN_CPU_CAPABILITY")
    return {name: environment[name] for name in named if environment.get(name)}


def instruction_set(
    torch: str, flags: Collection[str], environment: Mapping[str, str] = os.environ
) -> str:
    """What PyTorch and oneDNN use, and what caps them.

    Examples
    --------
    >>> instruction_set("AVX2", ["sse4_1", "avx", "avx2", "fma"], {"ATEN_CPU_CAPABILITY": "avx2"})
    'PyTorch AVX2, oneDNN AVX2; ATEN_CPU_CAPABILITY=avx2'
    """
    told = ", ".join(f"{name}={value}" for name, value in caps(environment).items())
    isa = onednn_isa(flags, environment)
    return f"PyTorch {torch}, oneDNN {isa or 'unknown'}" + (f"; {told}" if told else "")
