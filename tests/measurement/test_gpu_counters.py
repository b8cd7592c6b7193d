"""Counting a GPU's DRAM bytes: what is run, in which ranges, and what is made of the table."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

import memsim
from memsim.errors import SimulationError
from memsim.measurement.counters import gpu_counters
from memsim.measurement.counters.counted_pass import count

TABLE = """\
"ID","Kernel Name","thread Domain:Push/Pop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg",\
"dram__bytes_read.sum","dram__bytes_write.sum"
"","","","byte","byte"
"0","f","1  ""<default domain>:conv1.conv:none:none:none:none:none:none"" ","1,024","64"
"1","g","1  ""<default domain>:conv1.conv:none:none:none:none:none:none"" ","32","0"
"""


class Recorder:
    """A stand-in for ``torch.cuda`` that notes what is called."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.nvtx = SimpleNamespace(
            range_push=lambda name: self.calls.append(f"push {name}"),
            range_pop=lambda: self.calls.append("pop"),
        )
        self.profiler = SimpleNamespace(
            start=lambda: self.calls.append("start"), stop=lambda: self.calls.append("stop")
        )

    def synchronize(self) -> None:
        self.calls.append("synchronize")


def test_the_counted_pass_has_a_range_per_kernel_and_nothing_else_is_counted() -> None:
    cuda = Recorder()

    def forward(after=None) -> None:
        for kernel in ("a", "b"):
            cuda.calls.append(f"run {kernel}")
            if after is not None:
                after()

    steps = [SimpleNamespace(kernel=SimpleNamespace(name=name)) for name in ("a", "b")]
    count(SimpleNamespace(forward=forward, steps=steps), cuda, warm_up=1)
    assert cuda.calls == [
        "run a", "run b", "synchronize", "start", "push a", "run a", "pop", "push b", "run b",
        "pop", "push after the last kernel", "pop", "synchronize", "stop",
    ]  # fmt: skip


def test_ncu_is_run_on_the_network_and_its_table_is_summed_by_kernel(monkeypatch) -> None:
    def ncu(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        assert command[0] == "/opt/ncu"
        assert options["env"]["LC_ALL"] == "C"
        job = json.loads(Path(command[-1]).read_text())
        assert job["lowering"] == "eager"
        assert memsim.load(Path(job["network"])).macs == memsim.load("resnet18").macs
        Path(command[command.index("--log-file") + 1]).write_text(TABLE)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(gpu_counters.subprocess, "run", ncu)
    found = gpu_counters.dram_bytes(memsim.load("resnet18"), "eager", "/opt/ncu")
    assert found == {"conv1.conv": (1056, 64)}


def test_ncu_that_writes_nothing_is_an_error_with_its_last_words(monkeypatch) -> None:
    def ncu(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 9, "", "hello\nno such device\n")

    monkeypatch.setattr(gpu_counters.subprocess, "run", ncu)
    with pytest.raises(SimulationError) as error:
        gpu_counters.dram_bytes(memsim.load("resnet18"), "eager", "ncu")
    assert str(error.value) == (
        "--device: ncu failed (exit code 9): no such device (--no-counters leaves it out)"
    )
