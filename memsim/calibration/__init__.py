"""Machines fitted to measured times, and how wrong they are."""

from memsim.calibration.calibration import Calibration, calibrate, calibrate_published
from memsim.calibration.published import PUBLISHED
from memsim.calibration.runs import Run, RunSet, read_runs
from memsim.calibration.score import Score
from memsim.calibration.times import NetworkTimes

__all__ = [
    "PUBLISHED",
    "Calibration",
    "NetworkTimes",
    "Run",
    "RunSet",
    "Score",
    "calibrate",
    "calibrate_published",
    "read_runs",
]
