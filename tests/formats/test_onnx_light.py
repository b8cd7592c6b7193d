"""The networks that the onnx package ships: MACs by the shapes that the package infers."""

from __future__ import annotations

from pathlib import Path

import pytest

import memsim

pytestmark = pytest.mark.needs("onnx")

NETWORKS = (
    "bvlc_alexnet",
    "densenet121",
    "inception_v1",
    "inception_v2",
    "resnet50",
    "shufflenet",
    "squeezenet",
    "vgg19",
    "zfnet512",
)


@pytest.fixture(name="folder")
def _folder(needs):
    return Path(needs("onnx").__file__).parent / "backend" / "test" / "data" / "light"


def test_these_are_all_of_them(folder):
    assert [each.name for each in sorted(folder.glob("*.onnx"))] == [
        f"light_{name}.onnx" for name in NETWORKS
    ]


@pytest.mark.parametrize("name", NETWORKS)
def test_macs_and_output_are_those_of_the_onnx_package(name, folder):
    import onnx

    from benchmarks.onnx_truth import count_inferred

    network = memsim.load(folder / f"light_{name}.onnx")
    output = onnx.TensorProto.FromString((folder / f"light_{name}_output_0.pb").read_bytes())
    (found,) = (network[each].output.shape for each in network.outputs)
    assert [size for size in found if size > 1] == [size for size in output.dims if size > 1]
    assert network.macs == count_inferred(onnx.load(folder / f"light_{name}.onnx"))
