"""What PyTorch asks of malloc in one call of an operator, read off recorded passes.

    python benchmarks/malloc_calls.py > memsim/program/library/onednn/data/calls.csv

Runs networks with the recorder of ``memsim.measurement.placement`` and writes, for one call of
each kind, malloc's calls in order, in the notation of ``memsim.program.library.onednn.process``.
Which call of which network is read is said here; that all calls of a kind are alike but for the
tensors is checked by ``--check``, which counts the different ones.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

import memsim
from memsim.measurement.placement.recorder import BUILD, BUILT, PASS, STEP, record_passes
from memsim.measurement.placement.recording import (
    CALLOC,
    FREE,
    MALLOC,
    MARK,
    MEMALIGN,
    REALLOC,
    Recording,
)
from memsim.program.library.onednn.geometry import ITEM, Geometry

AVX2 = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
}
"""Whose kernels the recorded processes run, on any processor."""

SIDES = {"fc_densenet56": 96, "fc_hardnet70": 128}
"""Pixels of a side of what goes into a network, if not..."""

SIDE = 112

PASSES = 4

MODULE = "m1 f1 m1 f1 m1 f1 m4096 "
"""How the making of a module begins."""

TENSOR = 4096
"""Bytes: in the calls below, aligned blocks of at least these are the tensors'..."""

OWN = {8216}
"""...but for these, which every call of the library makes."""

DRAWN = 1 << 18
"""Bytes of the random numbers that the weights of a layer are filled with."""

COUNTED = {"batchnorm", "maxpool"}
"""Kinds that keep a number for each channel: a scale and a shift, and where maxima lie."""

LETTERS = {MALLOC: "m", REALLOC: "m", CALLOC: "c", MEMALIGN: "a"}

BUILT_FROM = [
    ("eager", "hardnet68", "block3.6.conv", True),
    ("fused", "hardnet68", "block3.6.conv", True),
    ("fused", "fc_densenet56", "down.4.skip.3.conv", False),
]
"""Of which convolution the building is read, in which mode, and whether a batch norm is folded into
it. The making of weights is the same then and is read once."""

READ = [
    # mode, kind, network, layer, whether it is the first call
    ("fused", "conv", "hardnet68", "block1.2.conv", False),
    ("fused", "conv", "hardnet68", "block1.4.conv", True),
    ("fused", "conv.added", "resnet18", "stage.1.1.conv2.conv", False),
    ("fused", "conv.added", "resnet18", "stage.1.1.conv2.conv", True),
    ("fused", "maxpool", "hardnet68", "maxpool2", False),
    ("fused", "global_avgpool", "hardnet68", "global_avgpool1", False),
    ("fused", "linear", "hardnet68", "linear1", False),
    ("fused", "linear", "hardnet68", "linear1", True),
    ("eager", "conv.reordered", "hardnet68", "block2.1.conv", False),
    ("eager", "conv.reordered", "hardnet68", "conv2.conv", True),
    ("eager", "conv.product", "hardnet68", "block1.3.conv", False),
    ("eager", "batchnorm", "hardnet68", "conv2.bn", False),
    ("eager", "activation", "hardnet68", "conv2.act", False),
    ("eager", "add", "resnet18", "stage.1.1.add", False),
    ("eager", "maxpool", "hardnet68", "maxpool1", False),
    ("eager", "global_avgpool", "hardnet68", "global_avgpool1", False),
    ("eager", "linear", "hardnet68", "linear1", False),
    ("fused", "conv.pointwise", "densenet121", "block2.3.neck.conv", False),
    ("fused", "conv.pointwise", "densenet121", "block2.3.neck.conv", True),
    ("fused", "conv.depthwise", "mobilenetv2", "inverted4.2.dw.conv", False),
    ("fused", "conv.depthwise", "mobilenetv2", "inverted4.2.dw.conv", True),
    ("fused", "batchnorm", "densenet121", "block1.3.neck.bn", False),
    ("fused", "avgpool", "densenet121", "avgpool1", False),
    ("fused", "upsample", "fc_hardnet70", "up.4.upsample1", False),
    ("eager", "conv.reordered.plain", "hardnet68", "conv1.conv", False),
    ("eager", "conv.reordered.depthwise", "mobilenetv2", "inverted2.2.dw.conv", False),
    ("eager", "conv.reordered.depthwise", "mobilenetv2", "inverted2.2.dw.conv", True),
    ("eager", "conv.product.plain", "mobilenetv2", "inverted2.1.expand.conv", False),
    ("eager", "conv.product.plain.biased", "fc_hardnet70", "conv6", False),
    ("eager", "avgpool", "fc_hardnet70", "down.1.avgpool1", False),
    ("eager", "upsample", "fc_hardnet70", "upsample1", False),
    ("eager", "upsample.last", "fc_hardnet70", "up.4.upsample1", False),
]


def _input(network: str) -> tuple[int, int, int]:
    side = SIDES.get(network, SIDE)
    return 3, side, side


def steps(recording: Recording, number: int) -> Iterator[Recording]:
    """The parts of a pass, one for each kernel."""
    found = recording.between(PASS + number, PASS + number + 1)
    ends = np.flatnonzero((found.kind == MARK) & (found.argument == STEP))
    begin = 0
    for end in ends.tolist():
        yield Recording(*(getattr(found, name)[begin:end] for name in Recording.__slots__))
        begin = end + 1


def words(step: Recording, tensors: set[int], channels: int = 0) -> list[str]:
    """Its calls; those that free what another step made are left out.

    Blocks of ``channels`` bytes are told as those of one number for each channel.
    """
    made: dict[int, int] = {}
    found: list[str] = []
    for kind, result, size, argument in step.calls():
        if kind == FREE:
            if argument in made:
                at = made.pop(argument)
                letter = "t" if found[at] == "T" else "f"
                found.append(f"{letter}{len(found) - at}")
            continue
        made[result] = len(found)
        tensor = kind == MEMALIGN and size in tensors
        word = f"{LETTERS[kind]}{size}"
        if size == channels:
            word = {"a": "v", "m": "n"}[word[0]]
        found.append("T" if tensor else word)
    return found


def scripts(network: str, mode: str, number: int) -> dict[str, tuple[str, str]]:
    """Kind and words of each step of a pass, by the name of its kernel."""
    built = memsim.load(network).with_options(input_shape=_input(network))
    kernels = memsim.build(built, lowering=mode, buffer=1 << 20).kernels
    recording = record_passes(built, mode, PASSES)
    found = {}
    for kernel, step, steady in zip(
        kernels, steps(recording, number), steps(recording, PASSES - 1), strict=True
    ):
        sizes = set(steady.size[steady.kind == MEMALIGN].tolist())
        tensors = {size for size in sizes if size >= TENSOR} - OWN | {kernel.output.nbytes}
        counted = kernel.op.kind in COUNTED
        channels = kernel.output.image[0] * ITEM if counted else 0
        said = words(step, tensors, channels)
        if kernel is kernels[0]:  # a pass has made objects of its own before it
            said = said[next(at for at, word in enumerate(said) if word == "m16") :]
        found[kernel.name] = kernel.op.kind, " ".join(said)
    return found


def building(network: str, mode: str, layer: str, folded: bool = True) -> Iterator[tuple[str, str]]:
    """Kinds and words of what is done for a convolution while a network is made ready.

    ``norm`` and ``weights``: from the end of the weights' making of the layer before to the end of
    its own, the batch norm between them first; ``packed``: likewise of their packing, in mode
    ``fused``; ``packed.alone``: of one that no batch norm is folded into.
    """
    built = memsim.load(network).with_options(input_shape=_input(network))
    part = record_passes(built, mode, 1).between(BUILD, BUILT)
    weighted = [each for each in built if each.op.stored(each.shapes, each.output.image)
                and each.op.kind in ("conv", "linear")]  # fmt: skip
    place = [each.name for each in weighted].index(layer)
    sizes = [Geometry.of(each).weights * ITEM for each in weighted[: place + 1]]
    drawn = _frees(part, DRAWN)
    if folded:
        found = _period(part, drawn[place - 1], drawn[place], sizes[-1]).split()
        at = [" ".join(found[at:]).startswith(MODULE) for at in range(len(found))].index(True, 1)
        channels = weighted[place - 1].output.image[0] * ITEM
        yield "norm", " ".join(found[:at]).replace(f"a{channels} ", "v ")
        yield "weights", " ".join(found[at:])
    if mode == "fused":
        ends, begin, others = [], drawn[len(weighted) - 1], 2 if folded else 0
        for size in sizes:
            begin = next(at for at in _frees(part, size)[others:] if at > begin)
            ends.append(begin)
        kind = "packed" if folded else "packed.alone"
        yield kind, _period(part, ends[-2], ends[-1], sizes[-1])


def _frees(part: Recording, size: int) -> list[int]:
    """Where aligned blocks of a size are freed."""
    made, found = set(), []
    for at, (kind, result, length, argument) in enumerate(part.calls()):
        if kind == MEMALIGN and length == size:
            made.add(result)
        elif kind == FREE and argument in made:
            made.remove(argument)
            found.append(at)
    return found


def _period(part: Recording, begin: int, end: int, weights: int) -> str:
    """Words of a part of the building; ``h`` ends those of what is freed later in it."""
    made: dict[int, int] = {}
    found: list[str] = []
    for at, (kind, result, size, argument) in enumerate(part.calls()):
        if at <= begin or (at > end and kind != FREE):
            continue
        if kind in (FREE, REALLOC) and argument in made:
            was = made.pop(argument)
            if at <= end:
                found.append(f"{'t' if found[was] == 'T' else 'f'}{len(found) - was}")
            else:
                found[was] += "h"
        if kind in LETTERS:
            made[result] = len(found)
            word = f"{LETTERS[kind]}{size}"
            if kind == MEMALIGN and size == weights:
                word = "w"
            elif kind == MEMALIGN and size > weights and size != DRAWN:
                word = "T"
            found.append(word)
    return " ".join(found)


def check(network: str, mode: str) -> None:
    kinds: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for kind, text in scripts(network, mode, PASSES - 1).values():
        kinds[kind][text] += 1
    for kind, texts in kinds.items():
        print(f"{network:15} {mode:6} {kind:15} {sum(texts.values()):4} calls, "
              f"{len(texts)} different")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    os.environ.update(AVX2)
    if options.check:
        for network in ("hardnet68", "resnet18", "squeezenet1_0", "hardnet39ds"):
            for mode in ("eager", "fused"):
                check(network, mode)
        return
    import torch

    print(f"# Recorded from torch {torch.__version__} by benchmarks/malloc_calls.py.")
    print("# m, c, a: malloc, calloc, posix_memalign to 64 of so many bytes; T: a tensor's memory;")
    print("# f, t: what was made so many words ago is freed, a tensor's memory likewise;")
    print("# w: memory of the weights' size; h: freed by the next call of the kind.")
    print("# v, n: one number for each channel of the output, by posix_memalign and by malloc.")
    print("mode,kind,first,calls")
    found: dict[tuple[str, str, int], dict[str, tuple[str, str]]] = {}
    for mode, kind, network, layer, first in READ:
        key = (network, mode, 0 if first else PASSES - 1)
        if key not in found:
            found[key] = scripts(*key)
        print(f"{mode},{kind},{int(first)},{found[key][layer][1]}")
    for mode, network, layer, folded in BUILT_FROM:
        for kind, text in building(network, mode, layer, folded):
            print(f"{mode},{kind},0,{text}")


if __name__ == "__main__":
    main()
