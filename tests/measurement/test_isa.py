"""The instruction set that kernels use."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from memsim.measurement.probe.isa import NEEDS, instruction_set, onednn_isa
from memsim.measurement.probe.processor import flags

AVX2 = {"sse4_1", "avx", "avx2", "fma"}
AVX512 = AVX2 | {"avx512f", "avx512bw", "avx512vl", "avx512dq"}


@pytest.mark.parametrize(
    ("has", "environment", "expected"),
    [
        (set(), {}, ""),
        (AVX2, {}, "AVX2"),
        (AVX2 - {"fma"}, {}, "AVX"),
        (AVX2 | {"avx_vnni"}, {}, "AVX2_VNNI"),
        (AVX512, {}, "AVX512_CORE"),
        (AVX512 | {"avx512_vnni"}, {}, "AVX512_CORE_VNNI"),
        (AVX512, {"ONEDNN_MAX_CPU_ISA": "avx512_core_amx"}, "AVX512_CORE"),
        (AVX512, {"ONEDNN_MAX_CPU_ISA": "AVX2"}, "AVX2"),
        (AVX512, {"DNNL_MAX_CPU_ISA": "AVX"}, "AVX"),
        (AVX512, {"ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX"}, "AVX2"),
        (AVX512, {"ONEDNN_MAX_CPU_ISA": "nonsense"}, "AVX512_CORE"),
        ({flag for each in NEEDS.values() for flag in each}, {}, "AVX512_CORE_AMX"),
    ],
)
def test_the_highest_set_that_it_has_and_may_use(has, environment, expected):
    assert onednn_isa(has, environment) == expected


def test_what_caps_is_told():
    told = instruction_set("AVX2", AVX512, {"ONEDNN_MAX_CPU_ISA": "AVX2", "HOME": "/"})
    assert told == "PyTorch AVX2, oneDNN AVX2; ONEDNN_MAX_CPU_ISA=AVX2"
    assert instruction_set("DEFAULT", ()).startswith("PyTorch DEFAULT, oneDNN unknown")


@pytest.mark.needs("torch")
def test_capped_to_avx2_the_library_runs_avx2():
    """What oneDNN says of itself, in a process of its own, since it reads the cap once."""
    if not flags() >= AVX2:
        pytest.skip("needs AVX2")
    program = (
        "import torch\n"
        "with torch.no_grad():\n"
        "    image = torch.ones(1, 64, 56, 56).to(memory_format=torch.channels_last)\n"
        "    torch.nn.functional.conv2d(image, torch.ones(64, 64, 3, 3))\n"
    )
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "ONEDNN_VERBOSE": "1"}
    told = subprocess.run([sys.executable, "-c", program], env=environment, check=True,
                          capture_output=True, text=True).stdout  # fmt: skip
    (line,) = (line for line in told.splitlines() if "cpu,isa:" in line)
    assert line.endswith("isa:Intel AVX2")
