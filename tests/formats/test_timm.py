"""Networks of timm and torchvision: parameters and MACs equal counts made without memsim.

`benchmarks/zoo.py` does the same with all families; here are small ones of many.
"""

from __future__ import annotations

import pytest

import memsim

pytestmark = [
    pytest.mark.needs("torch", "timm", "torchvision"),
    pytest.mark.xdist_group("timm"),
]

MODELS = (
    "timm:test_byobnet",
    "timm:test_efficientnet",
    "timm:test_resnet",
    "timm:starnet_s050",
    "timm:dla46x_c",
    "timm:mobilenetv3_small_050",
    "timm:ese_vovnet19b_slim_dw",
    "timm:regnetx_002",
    "timm:cs3darknet_focus_s",
    "timm:fasternet_t0",
    "timm:lcnetv2_small",
    "timm:test_convnext",
    "timm:test_nfnet",
    "timm:inception_next_atto",
    "timm:visformer_tiny",
    "timm:test_mambaout",
    "timm:resnest14d",
    "timm:skresnet18",
    "torchvision:squeezenet1_1",
    "torchvision:shufflenet_v2_x0_5",
    "torchvision:detection/fasterrcnn_mobilenet_v3_large_320_fpn.rpn.head",
)

LONG = (
    "timm:ghostnet_050",
    "timm:repvit_m1",
    "timm:swiftformer_xs",
    "timm:mobileone_s1",
    "timm:shvit_s1",
    "timm:hardcorenas_a",
    "timm:hgnetv2_b0",
    "torchvision:mnasnet0_5",
    "torchvision:detection/ssdlite320_mobilenet_v3_large.head",
)
"""Their export takes seconds; they wait for a release."""

COMPUTED = {"timm:test_nfnet": 1312}
"""Stored parameters that are gone before inference: gains that are multiplied into weights."""


@pytest.mark.parametrize(
    "model", [*MODELS, *(pytest.param(model, marks=pytest.mark.release) for model in LONG)]
)
def test_parameters_and_macs_are_those_counted_without_memsim(model):
    """And what is read of them is what the module stores, to the byte."""
    from benchmarks.zoo import make
    from benchmarks.zoo_truth import count

    module, inputs = make(model)
    network = memsim.from_torch(module, inputs)
    truth = count(module, inputs)
    assert (network.params, network.macs) == (truth.params, truth.macs)
    stored = {
        tensor.data_ptr(): tensor.numel()
        for name, tensor in module.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    eager = memsim.build(network, buffer="64MiB", lowering="eager")
    expected = sum(stored.values()) - COMPUTED.get(model, 0)
    assert eager.compulsory_weight_bytes == 4 * expected
