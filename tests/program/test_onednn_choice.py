"""Which of oneDNN's kernels run a convolution: as the library itself says."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from memsim.program.library.onednn import LIBRARIES, choice
from memsim.program.library.onednn.geometry import Geometry
from memsim.program.library.onednn.processor import AVX, AVX2, AVX512, InstructionSet, Processor

VECTORS: dict[str, InstructionSet] = {each.name: each for each in (AVX, AVX2, AVX512)}

FLAGS = {"AVX2": "avx2", "AVX512_CORE": "avx512f"}
"""``ONEDNN_MAX_CPU_ISA`` and what a processor needs for it."""

SHAPES = [
    (3, 64, 112, 7, 2, 3, 1), (64, 64, 28, 3, 1, 1, 1), (64, 128, 28, 3, 2, 1, 1),
    (64, 128, 28, 1, 2, 0, 1), (256, 64, 14, 1, 1, 0, 1), (296, 134, 14, 3, 1, 1, 1),
    (96, 96, 28, 3, 1, 1, 96), (102, 102, 14, 3, 2, 1, 102), (10, 18, 28, 3, 1, 1, 1),
    (512, 512, 7, 3, 1, 1, 1), (960, 320, 7, 1, 1, 0, 1), (64, 40, 180, 3, 1, 1, 1),
]  # fmt: skip
"""Input and output channels, rows, kernel, stride, padding, groups."""

RUN = """
import json, sys, torch
torch.set_num_threads(1)
ops, last = torch.ops.mkldnn, torch.channels_last
for ic, oc, size, k, s, p, g in json.loads(sys.argv[1]):
    conv = torch.nn.Conv2d(ic, oc, k, s, p, groups=g, bias=False)
    image = torch.zeros(1, ic, size, size)
    where = [[p, p], [s, s], [1, 1], g]
    weight = conv.weight.detach().contiguous(memory_format=last)
    packed = ops._reorder_convolution_weight(weight, *where, [1, ic, size, size])
    with torch.inference_mode(), torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
        ops._convolution_pointwise(
            image.contiguous(memory_format=last), packed, None, *where, "relu", [], "")
        conv(image)
"""


def geometry(problem: str) -> Geometry:
    """A shape as the library writes it, such as ``g96mb1_ic96oc96_ih28oh28kh3sh1dh0ph1_...``."""
    n = {name: int(value) for name, value in re.findall(r"([a-z]+)(\d+)", problem)}
    groups = n.get("g", 1)
    return Geometry(
        n["ic"] // groups, n["oc"] // groups, n["ih"], n["iw"], n["oh"], n["ow"], n["kh"], n["kw"],
        n["sh"], n["sw"], n["dh"] + 1, n["dw"] + 1, n["ph"], n["pw"], groups,
    )  # fmt: skip


def chosen(mode: str, shape: Geometry, processor: Processor, after: str) -> tuple[str, str]:
    found: choice.Packed | choice.Reordered = (
        choice.packed(shape, processor, after=after)
        if mode == "fused"
        else choice.reordered(shape, processor)
    )
    return found.implementation, found.layout


def test_the_kernels_and_layouts_are_those_that_the_library_told() -> None:
    text = (Path(__file__).parent / "onednn_choices.csv").read_text("utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    assert len(rows) > 300
    assert {row["vectors"] for row in rows} == set(VECTORS)
    for row in rows:
        processor = Processor(48 * 1024, 2048 * 1024, VECTORS[row["vectors"]])
        found = chosen(row["mode"], geometry(row["problem"]), processor, row["after"])
        assert found == (row["implementation"], row["weights"]), row


@pytest.mark.needs("torch")
@pytest.mark.parametrize("most", ["AVX2", "AVX512_CORE", "AVX"])
def test_the_kernels_and_layouts_are_those_that_the_library_tells_here(most: str) -> None:
    """The processor at hand: its own caches decide."""
    flags = set(Path("/proc/cpuinfo").read_text().split())
    if FLAGS.get(most, "avx") not in flags:
        pytest.skip(f"this processor has no {FLAGS[most]}")
    first, second = caches()
    vectors = {"AVX": AVX, "AVX2": AVX2, "AVX512_CORE": AVX512}[most]
    processor = Processor(first, second if vectors is AVX512 else 2048 * 1024, vectors)
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": most, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(SHAPES)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = []
    for line in done.stdout.splitlines():
        fields = line.split(",")
        if "exec" in fields[:5] and fields[5] == "convolution":
            layout = re.search(r"wei:\S*?blocked:(\w+)", fields[8])
            assert layout is not None
            mode = "fused" if fields[7] == "forward_inference" else "eager"
            told.append((mode, fields[6], layout[1], fields[11]))
    assert len(told) > len(SHAPES)  # small ones and 1x1 ones do not come here in eager mode
    for mode, implementation, layout, problem in told:
        after = "relu" if mode == "fused" else ""
        found = chosen(mode, geometry(problem), processor, after)
        assert found == (implementation, layout), problem


def caches() -> tuple[int, int]:
    """Bytes of this processor's first and second level per core."""
    found = {}
    for folder in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        if (folder / "type").read_text().strip() in ("Data", "Unified"):
            size = (folder / "size").read_text().strip()
            assert size.endswith("K")
            found[int((folder / "level").read_text())] = int(size[:-1]) * 1024
    if not {1, 2} <= set(found):
        pytest.skip("the system does not tell this processor's caches")
    return found[1], found[2]


def test_a_library_blocks_for_its_processor() -> None:
    shape = Geometry(296, 134, 14, 14, 14, 14, 3, 3, top=1, left=1)
    layouts = {name: choice.packed(shape, LIBRARIES[name].processor).layout for name in LIBRARIES}
    assert layouts == {
        "onednn-avx2": "Acdb24a", "onednn-avx512": "Acdb48a", "onednn-avx": "ABcd8b8a",
    }  # fmt: skip
