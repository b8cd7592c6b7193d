"""Network -> ONNX -> Network is the identity, weights missing or not."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings

import memsim
from memsim.formats.foreign.onnx.read import read_onnx
from memsim.formats.overrides import Overrides
from tests.formats.onnx_writer import to_onnx
from tests.formats.plain_form import plain_form
from tests.shipped import on_shipped
from tests.strategies import networks

pytestmark = pytest.mark.needs("onnx")

UNWRITTEN = {"convnext_tiny", "shufflenetv2", "vit_tiny"}
"""Their permutes, shuffles and reshapes are none of the operators that the writer here writes."""

SHIPPED = on_shipped(but=UNWRITTEN)


def _equal(network, found):
    rows, outputs = plain_form(network)
    found_rows, found_outputs = plain_form(found)
    for mine, theirs in zip(rows, found_rows, strict=False):
        assert mine == theirs
    assert (len(rows), outputs) == (len(found_rows), found_outputs)
    assert network.batch == found.batch


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_network_makes_the_round_trip(name, tmp_path):
    network = memsim.load(name)
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(network).SerializeToString())
    found = memsim.load(path)
    _equal(network, found)
    assert (found.params, found.macs, found.cio) == (network.params, network.macs, network.cio)
    assert found.name == "model"


UNWRITTEN = {"group_norm", "instance_norm", "log_softmax", "lrn", "normalize", "reduce", "rms_norm"}
"""Kinds that the writer of these tests does not write; they have tests of their own."""


@given(network=networks(most_layers=8))
@settings(max_examples=100, suppress_health_check=[HealthCheck.filter_too_much])
def test_random_networks_make_the_round_trip(network, tmp_path_factory):
    kinds = {layer.op.kind for layer in network}
    assume(not kinds & UNWRITTEN)
    assume(not any(kind.startswith("adaptive") for kind in kinds))
    assume(set(network.inputs) & set(network.outputs) == set())  # ONNX outputs are computed
    path = tmp_path_factory.mktemp("random") / "model.onnx"
    path.write_bytes(to_onnx(network).SerializeToString())
    _equal(network, memsim.load(path))


def test_a_dynamic_batch_is_one_and_can_be_chosen(tmp_path):
    network = memsim.load("resnet18")
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(network, batch="N").SerializeToString())
    _equal(network, memsim.load(path))
    assert memsim.load(path, batch=4).macs == 4 * network.macs


def test_another_input_size_changes_every_shape(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(memsim.load("fc_hardnet68")).SerializeToString())
    shape = (3, 64, 96)
    _equal(memsim.load("fc_hardnet68", input_shape=shape), memsim.load(path, input_shape=shape))


@pytest.mark.needs("torch")
def test_a_file_that_pytorch_exports(tmp_path):
    import torch

    from memsim.formats.module.module import example_inputs

    network = memsim.load("hardnet39ds", input_shape=(3, 64, 64))
    module, path = memsim.to_torch(network), tmp_path / "hardnet.onnx"
    for parameter in module.parameters():  # of equal ones the exporter would store one alone
        torch.nn.init.uniform_(parameter)
    with pytest.warns(DeprecationWarning, match="legacy"):
        torch.onnx.export(module, example_inputs(network), path, dynamo=False)
    found = read_onnx(path, Overrides())
    # Every batch norm is folded into a bias.
    kinds = [layer.op.kind for layer in network if layer.op.kind not in ("batchnorm", "dropout")]
    assert [layer.op.kind for layer in found] == kinds
    convolutions = [layer.op for layer in found if layer.op.kind == "conv"]
    assert all(op.bias for op in convolutions)
    assert (found.macs, found.cio) == (network.macs, network.cio)
    statistics = sum(layer.params // 2 for layer in network if layer.op.kind == "batchnorm")
    assert found.params == network.params - statistics
