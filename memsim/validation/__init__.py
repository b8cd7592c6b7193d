"""What memsim predicts beside what was measured.

A check is a function in a file of this package, and a line below; the report has them in order.
"""

from memsim.validation import cpu_times, other_gpu, published_times, pytorch_traffic
from memsim.validation.check import CHECKS, Check, CheckRow, Claim
from memsim.validation.record import Fidelity, fidelity
from memsim.validation.rule import Rules, rules

for _name, _check in (
    ("gtx1080", published_times.gtx1080),
    ("titan_v", published_times.titan_v),
    ("jetson_nano", published_times.jetson_nano),
    ("gtx1080ti", other_gpu.gtx1080ti),
    *cpu_times.checks(),
    ("traffic_fused", pytorch_traffic.fused),
    ("traffic_fused_small", pytorch_traffic.fused_small),
    ("traffic_eager", pytorch_traffic.eager),
    ("traffic_eager_small", pytorch_traffic.eager_small),
    ("traffic_reads", pytorch_traffic.reads),
    ("traffic_writes", pytorch_traffic.writes),
    ("traffic_another", pytorch_traffic.another),
):
    CHECKS.add(_name, _check)

__all__ = ["CHECKS", "Check", "CheckRow", "Claim", "Fidelity", "Rules", "fidelity", "rules"]
