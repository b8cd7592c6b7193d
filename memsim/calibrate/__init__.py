"""Machines fitted to measured times, and how wrong they are."""

from memsim.calibrate.calibration import Calibration, calibrate, calibrate_published
from memsim.calibrate.published import PUBLISHED
from memsim.calibrate.runs import Run, RunSet, read_runs
from memsim.calibrate.score import Score

__all__ = [
    "PUBLISHED",
    "Calibration",
    "Run",
    "RunSet",
    "Score",
    "calibrate",
    "calibrate_published",
    "read_runs",
]
