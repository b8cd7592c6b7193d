"""ZigZag, a design-space explorer: an ONNX graph, and for each layer the best mapping it finds.

``prepare GRAPH FOLDER`` writes the ONNX file, ``run FOLDER CACHE`` searches mappings for each
convolution and matrix product and leaves ``result.json``. Runs in an environment of its own, see
requirements-zigzag.txt.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

MODEL = "network.onnx"
HARDWARE = "edge_tpu_like"
"""ZigZag's own description: 2 MiB for inputs and outputs, 32 KiB for weights, 1,024 MACs."""


def prepare(graph: dict[str, Any], folder: Path) -> None:
    """Write the network as ONNX with shapes; parameters are inputs without values."""
    import onnx
    from onnx import helper

    shapes: dict[str, list[int]] = {}
    nodes, inputs, values = [], [], []

    def declare(name: str, shape: list[int]) -> Any:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    for operator in graph["operators"]:
        name, kind = operator["name"], operator["kind"]
        shape = shapes[name] = [1, *operator["shape"]]
        if kind == "input":
            inputs.append(declare(name, shape))
            continue
        sources, outputs, attributes = list(operator["inputs"]), [name], {}
        if operator.get("activation"):
            outputs = [f"{name}.sum"]
        if kind in ("conv", "maxpool"):
            attributes = {
                "kernel_shape": operator["kernel"],
                "strides": operator["stride"],
                "pads": operator["padding"],
            }
        if kind == "conv":
            weight = [shape[1], shapes[sources[0]][1], *operator["kernel"]]
            inputs.append(declare(f"{name}.weight", weight))
            sources.append(f"{name}.weight")
        elif kind == "linear":
            flat = f"{name}.flat"
            nodes.append(helper.make_node("Flatten", sources, [flat], name=flat))
            values.append(declare(flat, [1, shapes[sources[0]][1]]))
            inputs.append(declare(f"{name}.weight", [shapes[sources[0]][1], shape[1]]))
            sources, shape = [flat, f"{name}.weight"], [1, shape[1]]
            shapes[name] = shape
        elif kind == "concat":
            attributes = {"axis": 1}
        nodes.append(helper.make_node(TYPES[kind], sources, outputs, name=name, **attributes))
        values.append(declare(outputs[0], shape))
        if operator.get("activation"):
            nodes.append(helper.make_node("Relu", outputs, [name], name=f"{name}.act"))
            values.append(declare(name, shape))
    last = values.pop()
    onnx_graph = helper.make_graph(nodes, graph["name"], inputs, [last], value_info=values)
    onnx.save(helper.make_model(onnx_graph), str(folder / MODEL))


TYPES = {
    "conv": "Conv",
    "maxpool": "MaxPool",
    "global_avgpool": "GlobalAveragePool",
    "add": "Add",
    "concat": "Concat",
    "linear": "Gemm",
}


def run(folder: Path, cache: int, locality: bool) -> None:
    """Search mappings on ZigZag's description with an SRAM of so many bytes."""
    import yaml
    import zigzag
    from zigzag.api import get_hardware_performance_zigzag

    home = Path(zigzag.__file__).parent / "inputs"
    hardware = yaml.safe_load((home / "hardware" / f"{HARDWARE}.yaml").read_text())
    hardware["memories"]["sram_2MB"]["size"] = 8 * cache
    (folder / "hardware.yaml").write_text(yaml.safe_dump(hardware, sort_keys=False))
    _, _, results = get_hardware_performance_zigzag(
        workload=str(folder / MODEL),
        accelerator=str(folder / "hardware.yaml"),
        mapping=str(home / "mapping" / f"{HARDWARE}.yaml"),
        opt="energy",
        dump_folder=str(folder / "dump"),
        loma_show_progress_bar=False,
        exploit_data_locality=locality,
    )
    layers = {evaluation.layer.name: dram(evaluation) for evaluation, _ in results[0][1]}
    total = {
        way: sum(moved[way] for operands in layers.values() for moved in operands.values())
        for way in ("read", "written")
    }
    (folder / "result.json").write_text(json.dumps({**total, "layers": layers}, indent=1))


def dram(evaluation: Any) -> dict[str, dict[str, int]]:
    """Bytes that each operand of a layer moves at the memory called dram, if it has one."""
    from zigzag.mapping.data_movement import DataDirection

    ways = {"read": DataDirection.RD_OUT_TO_LOW, "written": DataDirection.WR_IN_BY_LOW}
    found = {}
    for operand, levels in evaluation.memory_word_access.items():
        memory_operand = evaluation.memory_operand_links.layer_to_mem_op(operand)
        memory = evaluation.accelerator.get_memory_level(memory_operand, len(levels) - 1)
        if memory.name == "dram":
            word = {way: memory.get_max_bandwidth(memory_operand, to) for way, to in ways.items()}
            found[str(operand)] = {
                way: levels[-1].get(to) * (word[way] or 0) // 8 for way, to in ways.items()
            }
    return found


if __name__ == "__main__":
    command, first, second, *mode = sys.argv[1:]
    if command == "prepare":
        prepare(json.loads(Path(first).read_text()), Path(second))
    else:
        run(Path(first), int(second), mode == ["locality"])
