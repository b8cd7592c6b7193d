"""Feature maps as the page carries them: who writes and reads them, what is live when."""

from __future__ import annotations

from typing import Any

from memsim.program.lives import USES, Lives, most_live
from memsim.program.program import Program


def feature_maps(program: Program) -> dict[str, Any]:
    """The life of every feature map, counted in kernels, and the live bytes of every kernel.

    Returns
    -------
    dict
        ``tensor``, ``born``, ``consumed`` and ``dead`` of each feature map: indices of the tensor,
        of the kernel that writes it (or first reads it), and of its first and its last reader;
        ``copy`` where a concat writes it; ``live``: for each use, bytes at the fullest task of
        each kernel.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> maps = feature_maps(program)
    >>> program.tensors[maps["tensor"][1]].name, maps["born"][1], maps["dead"][1]
    ('conv1.act', 0, 1)
    """
    lives, live = Lives.of(program), most_live(program)
    number = {tensor.name: index for index, tensor in enumerate(program.tensors)}
    return {
        "tensor": [number[name] for name in lives.names],
        "born": lives.born.tolist(),
        "consumed": lives.consumed.tolist(),
        "dead": lives.dead.tolist(),
        "copy": [int(copied) for copied in lives.copies],
        "live": {use: live[:, column].tolist() for column, use in enumerate(USES)},
    }
