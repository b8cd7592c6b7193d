"""Measure the peak memory of networks in PyTorch's eager mode, for the report of fidelity.

    python benchmarks/eager_memory.py

writes to ``memsim/validation/data`` the files ``peaks.csv`` (shipped networks, as ``memsim measure
--lowering eager`` runs them) and ``peaks_written.csv`` (modules as people write them, those of
``tests/measurement/written.py``, with what is planned for them once they are imported: that needs
PyTorch). Both say which networks were looked at while the plan was made.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

import memsim
from memsim.measurement.run.peak import peak_of
from tests.measurement.written import DEVELOPED, UNSEEN

DATA = Path(__file__).parents[1] / "memsim" / "validation" / "data"

LOOKED_AT = ("resnet18", "vgg16", "mobilenetv2", "densenet121", "hardnet68", "squeezenet1_0")

KEPT = (
    "densenet169", "efficientnet_b0", "fc_densenet56", "fc_hardnet70", "hardnet39ds", "hardnet85",
    "highway", "logdensenet103", "mobilenetv2_1_4", "resnet34", "resnet50", "sparsenet40_24",
    "ssd512_hardnet68",
)  # fmt: skip

TOLD = ("device", "cpu", "instruction set", "system", "torch", "threads", "date")

SIDE = 224

PLANNED = "memsim memory --lowering eager"


def shipped() -> tuple[Mapping[str, str], list[dict[str, Any]]]:
    facts: Mapping[str, str] = {}
    rows = []
    for split, names in (("dev", LOOKED_AT), ("test", KEPT)):
        for name in names:
            measured = memsim.measure(name, "eager", runs=1)
            assert measured.peak is not None
            facts = measured.facts
            rows.append(
                {
                    "network": name,
                    "input": "x".join(map(str, measured.input_shape)),
                    "split": split,
                    "peak_tensor_bytes": measured.peak.tensor_bytes,
                    "peak_allocator_bytes": measured.peak.allocator_bytes,
                    "resident_bytes": measured.resident_bytes,
                }
            )
    return facts, rows


def written() -> Iterator[dict[str, Any]]:
    torch.set_num_threads(1)
    for split, makers in (("dev", DEVELOPED), ("test", UNSEEN)):
        for name, make in makers.items():
            torch.manual_seed(0)
            module, image = make().eval(), torch.randn(1, 3, SIDE, SIDE)
            with torch.inference_mode():
                module(image)
                peak = peak_of(lambda module=module, image=image: module(image))
            network = memsim.from_torch(module, image, name)
            yield {
                "network": name,
                "input": f"3x{SIDE}x{SIDE}",
                "split": split,
                "peak_tensor_bytes": peak.tensor_bytes,
                "peak_allocator_bytes": peak.allocator_bytes,
                "planned_bytes": memsim.memory(network, lowering="eager").peak_tensor_bytes,
            }


def save(name: str, what: str, facts: Mapping[str, str], rows: list[dict[str, Any]]) -> None:
    text = io.StringIO()
    text.write(f"# {what}\n# method: PyTorch's profiler of memory, one pass after others\n")
    for key in TOLD:
        if key in facts:
            text.write(f"# {key}: {facts[key]}\n")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    (DATA / name).write_text(text.getvalue(), "utf-8")


SHIPPED = (
    "Peak memory of shipped networks, by memsim measure --lowering eager; dev: looked at before"
)

WRITTEN = (
    "Peak memory of modules as people write them (tests/measurement/written.py); dev: looked at "
    f"before; planned: {PLANNED}"
)

if __name__ == "__main__":
    facts, rows = shipped()
    save("peaks.csv", SHIPPED, facts, rows)
    save("peaks_written.csv", WRITTEN, facts, list(written()))
