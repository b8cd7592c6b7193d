"""What memsim predicts beside what was measured.

A check is a function in a file of this package, and a line below; the report has them in order.
"""

from memsim.validation import cpu_times, eager_memory, other_gpu, published_times
from memsim.validation.check import CHECKS, Check, CheckRow, Claim
from memsim.validation.record import Fidelity, fidelity
from memsim.validation.rule import Rules, rules
from memsim.validation.traffic import series

for _name, _check in (
    ("gtx1080", published_times.gtx1080),
    ("titan_v", published_times.titan_v),
    ("jetson_nano", published_times.jetson_nano),
    ("gtx1080ti", other_gpu.gtx1080ti),
    *cpu_times.checks(),
    *series.checks(),
    *eager_memory.checks(),
):
    CHECKS.add(_name, _check)

__all__ = ["CHECKS", "Check", "CheckRow", "Claim", "Fidelity", "Rules", "fidelity", "rules"]
