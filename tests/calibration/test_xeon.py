"""The Xeon's presets are the fits to the runs that come along."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from memsim.calibration.calibration import calibrate
from memsim.calibration.machine_file import machine_text
from memsim.machine import load_machine
from memsim.machine.load import machine_file

pytestmark = pytest.mark.needs("scipy")


@pytest.mark.parametrize(
    ("machine", "lowering"),
    [
        ("xeon_avx512", "fused"),
        pytest.param("xeon_avx512_eager", "eager", marks=pytest.mark.release),
    ],
)
def test_the_preset_is_what_the_fit_gives(machine: str, lowering: str) -> None:
    file = f"memsim/validation/data/xeon_avx512_{lowering}.csv"
    data = resources.files("memsim.validation").joinpath("data", Path(file).name)
    fitted = calibrate(Path(str(data)), machine)
    command = f"memsim calibrate {file} --machine {machine}"
    text = machine_text(fitted, command)
    preset = machine_file(machine)
    assert preset.read_text("utf-8") == text, f"{command} -o memsim/machine/presets/{machine}.yaml"
    assert load_machine(machine) == fitted.machine
    assert fitted.unmatched == ()
    assert "PyTorch AVX512" in (fitted.calibrated.vectors or "")
