"""Quantised ONNX files: the bytes are those of the integer tensors, the MACs those of the layers.

The network of most tests: 3 x 8 x 8 numbers, a convolution of four filters of 3 x 3, padded.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import memsim
from memsim.errors import InputError
from memsim.formats import dump

pytestmark = pytest.mark.needs("onnx")

MACS = 4 * 27 * 64
IN, OUT, WEIGHTS = 3 * 64, 4 * 64, 4 * 27


@pytest.fixture(name="read")
def _read(tmp_path, needs):
    """Read a model of (operator, inputs, outputs, attributes) rows; the output is ``y``."""
    onnx = needs("onnx")
    h = onnx.helper

    def read(*rows, kind=1, domains=(), **tensors):
        nodes = []
        for target, inputs, outputs, attributes in rows:
            domain, _, op = target.rpartition(".")
            nodes.append(h.make_node(op, inputs.split(","), outputs.split(), domain=domain,
                                     name=outputs.split()[0], **attributes))  # fmt: skip
        tensors = {"s": np.float32(0.1), "z": np.int8(0), "u": np.uint8(0),
                   "w8": np.ones((4, 3, 3, 3), np.int8), "b32": np.ones(4, np.int32),
                   **tensors}  # fmt: skip
        held = [onnx.numpy_helper.from_array(np.asarray(a), n) for n, a in tensors.items()]
        graph = h.make_graph(
            nodes, "g", [h.make_tensor_value_info("x", kind, (1, 3, 8, 8))],
            [h.make_tensor_value_info("y", 1, None)], held,
        )  # fmt: skip
        opsets = [h.make_opsetid("", 18), h.make_opsetid("com.microsoft", 1)]
        path = tmp_path / "q.onnx"
        path.write_bytes(h.make_model(graph, opset_imports=opsets).SerializeToString())
        return memsim.load(path)

    return read


def moved(network, lowering, **options):
    """DRAM bytes of every kernel without a cache."""
    run = memsim.run(network, cache=0, lowering=lowering, machine="textbook", **options)
    return {layer.name: layer.dram_bytes for layer in run.layers}


PADS = {"pads": [1, 1, 1, 1]}
QDQ = (
    ("QuantizeLinear", "x,s,z", "q", {}),
    ("DequantizeLinear", "q,s,z", "d", {}),
    ("DequantizeLinear", "w8,s,z", "wd", {}),
    ("DequantizeLinear", "b32,s", "bd", {}),
    ("Conv", "d,wd,bd", "c", PADS),
    ("Relu", "c", "r", {}),
    ("QuantizeLinear", "r,s,z", "q2", {}),
    ("DequantizeLinear", "q2,s,z", "y", {}),
)


def test_fused_kernels_move_the_quantised_tensors(read):
    """The convolution reads bytes, and writes the numbers that leave: nothing is between."""
    net = read(*QDQ)
    assert net.macs == MACS
    assert net["c"].stored_as == ("int8", "int32")
    assert moved(net, "fused") == {"q": 4 * IN + IN, "c": IN + WEIGHTS + 4 * 4 + 4 * OUT}
    inner = read(*QDQ[:7], ("Relu", "q2", "y", {}))
    assert moved(inner, "fused")["c"] == IN + WEIGHTS + 4 * 4 + OUT


def test_eager_kernels_quantise_and_dequantise(read):
    assert moved(read(*QDQ), "eager") == {
        "q": 4 * IN + IN,
        "d": IN + 4 * IN,
        "c": 4 * IN + WEIGHTS + 4 * 4 + 4 * OUT,
        "r": 8 * OUT,
        "q2": 4 * OUT + OUT,
        "y": OUT + 4 * OUT,
    }


def test_a_sum_that_joins_a_kernel_reads_the_bytes_of_its_other_operand(read):
    net = read(
        *QDQ[:7],
        ("DequantizeLinear", "q2,s,z", "e", {}),
        ("Sigmoid", "e", "g", {}),
        ("QuantizeLinear", "g,s,z", "q3", {}),
        ("DequantizeLinear", "q3,s,z", "f", {}),
        ("Add", "e,f", "a", {}),
        ("QuantizeLinear", "a,s,z", "y", {}),
    )
    assert moved(net, "fused") == {
        "q": 5 * IN, "c": IN + WEIGHTS + 16 + OUT, "g": 3 * OUT,
    }  # fmt: skip


def test_operators_on_whole_numbers_are_the_plain_ones(read):
    net = read(
        ("QuantizeLinear", "x,s,u", "q", {}),
        ("QLinearConv", "q,s,u,w8,s,z,s,u,b32", "c", PADS),
        ("MaxPool", "c", "p", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("com.microsoft.QLinearAdd", "p,s,u,p,s,u,s,u", "a", {}),
        ("com.microsoft.QLinearGlobalAveragePool", "a,s,u,s,u", "g", {}),
        ("Flatten", "g", "f", {}),
        ("com.microsoft.QGemm", "f,s,u,v,s,z,,s,u", "m", {}),
        ("DequantizeLinear", "m,s,u", "y", {}),
        v=np.ones((4, 5), np.int8),
    )
    assert [layer.op.kind for layer in net] == [
        "input", "quantize", "conv", "maxpool", "add", "global_avgpool", "linear", "dequantize",
    ]  # fmt: skip
    assert [layer.output.dtype for layer in net] == ["fp32", *["uint8"] * 6, "fp32"]
    assert net.macs == MACS + 20
    assert moved(net, "eager")["c"] == IN + WEIGHTS + 16 + OUT


def test_sums_of_a_dynamically_quantised_convolution_are_of_four_bytes(read):
    net = read(
        ("DynamicQuantizeLinear", "x", "q qs qz", {}),
        ("ConvInteger", "q,w8,qz", "c", PADS),
        ("Cast", "c", "f", {"to": 1}),
        ("Mul", "qs,s", "both", {}),
        ("Mul", "f,both", "y", {}),
    )
    assert net.macs == MACS
    assert moved(net, "eager") == {
        "q": 5 * IN, "c": IN + WEIGHTS + 4 * OUT, "f": 8 * OUT, "y": 8 * OUT,
    }  # fmt: skip
    assert moved(net, "fused") == {"q": 5 * IN, "c": IN + WEIGHTS + 4 * OUT}


def test_images_of_bytes_before_a_network_of_others(read):
    net = read(
        ("Cast", "x", "f", {"to": 1}),
        ("Conv", "f,w", "y", PADS),
        kind=2,
        w=np.ones((4, 3, 3, 3), np.float32),
    )
    assert net.dtype == "fp32"
    assert moved(net, "fused") == {"f": IN + 4 * IN, "y": 4 * (IN + WEIGHTS + OUT)}


def test_another_data_type_is_that_of_the_tensors_that_are_not_quantised(read):
    net = read(*QDQ).with_options(dtype="fp16")
    assert moved(net, "fused") == {"q": 2 * IN + IN, "c": IN + WEIGHTS + 4 * 4 + 2 * OUT}


def test_a_quantised_network_can_be_written_and_read(read):
    net = read(*QDQ)
    again = memsim.loads(dump(net))
    assert again.nodes == net.nodes
    assert moved(again, "fused") == moved(net, "fused")


def test_products_take_the_time_and_the_energy_of_their_data_type(read, tmp_path):
    preset = Path(memsim.__file__).with_name("machine") / "presets" / "textbook.yaml"
    rates = "macs_per_s: 1MMAC/s\n  rate_by_dtype: {fp32: 1, int8: 4}"
    machine = tmp_path / "m.yaml"
    machine.write_text(preset.read_text("utf-8").replace("macs_per_s: 0.5TMAC/s", rates), "utf-8")
    net = read(*QDQ)
    runs = {way: memsim.run(net, lowering=way, machine=machine) for way in ("eager", "fused")}
    assert {way: run.program.macs_by_dtype for way, run in runs.items()} == {
        "eager": {"fp32": MACS}, "fused": {"int8": MACS},
    }  # fmt: skip
    slow, fast = (
        next(layer.compute_ps for layer in runs[way].layers if layer.name == "c")
        for way in ("eager", "fused")
    )
    assert slow == MACS * 10**6
    assert fast == slow // 4
    energies = {way: run.totals["energy_mac_j"] for way, run in runs.items()}
    assert energies == pytest.approx({"eager": MACS * 4.6e-12, "fused": MACS * 0.3e-12})


def test_a_machine_that_computes_in_whole_numbers_alone_runs_the_fused_kernels(read):
    net = read(*QDQ)
    assert memsim.run(net, machine="edge", lowering="fused").network.macs == MACS
    with pytest.raises(InputError, match="edge computes in int8, not in fp32"):
        memsim.run(net, machine="edge", lowering="eager")


def test_what_a_convolution_moves_at_least_is_told_in_the_bytes_of_each_tensor(read):
    from memsim.engines.bounds.communication import convolution_bounds

    program = memsim.run(read(*QDQ), lowering="fused", machine="textbook").program
    (bound,) = convolution_bounds(program, 1 << 20)
    least = IN + WEIGHTS + 4 + 4 * OUT  # a bias counts as another weight
    assert (bound.itemsize, bound.compulsory_bytes) == (1, least)
    assert bound.dram_bytes <= moved(read(*QDQ), "fused")["c"]
