"""Network facts: everything the page knows of one network."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath as Path
from typing import Any

import numpy as np

from memsim.network.stages import stages
from memsim.page.feature_maps import feature_maps
from memsim.page.packed_curve import packed_curve
from memsim.page.varints import deltas, varints
from memsim.program.parts import Part, compulsory
from memsim.results.curve import CurveResult
from memsim.results.energy import joules, mac_joules

_PATH = re.compile(r"[\w.-]+(/[\w.-]+)+")

SHARES = 6
"""Parts of a knee's drop that are named; the others are only counted."""


def network_facts(result: CurveResult, label: str) -> dict[str, Any]:
    """The facts of one network: names, bounds, the packed curve, feature maps, knees.

    Parameters
    ----------
    result : CurveResult
    label : str
        What the page calls it.

    Examples
    --------
    >>> import memsim
    >>> facts = network_facts(memsim.curve("resnet18"), "resnet18")
    >>> facts["kernels"]["name"][0], facts["compulsory"]["write"]
    ('conv1.conv', 4000)
    """
    program, network = result.program, result.program.network
    machine = result.machine
    least = compulsory(program, result.only)
    names = [kernel.name for kernel in program.kernels]
    producer = {kernel.output.name: number for number, kernel in enumerate(program.kernels)}
    return {
        "label": label,
        "source": network.source,
        "input": ", ".join(
            "x".join(map(str, network[name].output.shape)) for name in network.inputs
        ),
        "batch": network.batch,
        "dtype": network.dtype,
        "macs": network.macs,
        "params": network.params,
        "cio": network.cio,
        "weight_bytes": program.weight_bytes,
        "live_bytes": int(program.live_bytes.max(initial=0)),
        "compulsory": {
            "read": least[0],
            "write": least[1],
            "weight": 0 if result.only is Part.FEATURE_MAPS else program.compulsory_weight_bytes,
        },
        "accesses": program.accesses,
        "energy": {
            "dram_pj_per_byte": machine.dram_pj_per_byte,
            "onchip_j": joules(int(program.touch_bytes.sum()), machine.onchip_pj_per_byte),
            "mac_j": mac_joules(program, machine),
            "dram": None if result.only is None else _all_traffic(result),
        },
        "kernels": {
            "name": names,
            "op": [kernel.op.kind for kernel in program.kernels],
            "layers": [len(kernel.layers) for kernel in program.kernels],
            "stages": [list(stage) for stage in stages(names)],
        },
        "tensors": {
            "name": [tensor.name for tensor in program.tensors],
            "kind": [tensor.kind for tensor in program.tensors],
            "bytes": [tensor.nbytes for tensor in program.tensors],
            "producer": [producer.get(tensor.name, -1) for tensor in program.tensors],
        },
        "curve": packed_curve(result),
        "maps": feature_maps(program),
        "knees": _knees(result),
    }


def _all_traffic(result: CurveResult) -> dict[str, str]:
    """Steps of all traffic, which energy is of whatever part is told: sizes, and how bytes fall."""
    steps = replace(result, only=None).steps
    return {
        "sizes": deltas(steps.cache_bytes),
        "bytes": varints(np.abs(np.diff(steps.dram_bytes, prepend=0))),
    }


def _knees(result: CurveResult) -> list[dict[str, Any]]:
    return [
        {
            "start": knee.start_bytes,
            "cache": knee.cache_bytes,
            "read": knee.saved_read_bytes,
            "write": knee.saved_write_bytes,
            "left": knee.dram_bytes,
            "parts": len(knee.shares),
            "shares": [[s.tensor, s.layer, s.saves, s.nbytes] for s in knee.shares[:SHARES]],
        }
        for knee in result.knees()
    ]


def labels(names: Sequence[str]) -> list[str]:
    """Short names that differ: without folders where that suffices, numbered where it must be.

    What does not look like a path stays as it is.

    Examples
    --------
    >>> labels(["patterns/log", "a/net", "b/net", "twice", "twice", "8 / 9"])
    ['log', 'a/net', 'b/net', 'twice (1)', 'twice (2)', '8 / 9']
    """
    short = [Path(name).name if _PATH.fullmatch(name) else name for name in names]
    alike = Counter(short)
    chosen = [s if alike[s] == 1 else name for s, name in zip(short, names, strict=True)]
    total, so_far = Counter(chosen), Counter[str]()
    numbered = []
    for name in chosen:
        so_far[name] += 1
        numbered.append(name if total[name] == 1 else f"{name} ({so_far[name]})")
    return numbered
