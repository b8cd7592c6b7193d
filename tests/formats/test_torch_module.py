"""Network -> PyTorch -> Network is the identity, and PyTorch counts what memsim counts."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given, settings

import memsim
from memsim.errors import InputError
from memsim.formats.module.module import example_inputs
from memsim.network import Network, Node
from memsim.network.ops import OPERATORS
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.opaque import Opaque
from memsim.network.ops.pointwise import Scale
from memsim.network.ops.pool import AvgPool, MaxPool
from memsim.network.ops.shape import Input, Upsample
from tests.formats.plain_form import plain_form
from tests.shipped import on_shipped
from tests.strategies import networks

pytestmark = pytest.mark.needs("torch")

SHIPPED = on_shipped()

RUN = ["resnet18", "hardnet39ds", "fc_hardnet68", "mobilenetv2", "squeezenet1_0"]
"""Networks of every kind that also run, on a small input."""

SMALL = (3, 64, 64)


@pytest.fixture(autouse=True, scope="module")
def _quiet():
    """Not a line per tensor that is traced: pytest would keep them all."""
    trace = logging.getLogger("torch.__trace")
    trace.disabled, before = True, trace.disabled
    yield
    trace.disabled = before


def _parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def _torch_macs(network, module, inputs):
    """Half of what PyTorch counts as FLOPs; on the meta device nothing is computed."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        outputs = module.to("meta")(*(x.to("meta") for x in inputs))
    total = counter.get_total_flops()
    assert total % 2 == 0
    return total // 2, outputs if isinstance(outputs, tuple) else (outputs,)


def _equal(network, found):
    rows, outputs = plain_form(network)
    found_rows, found_outputs = plain_form(found)
    for mine, theirs in zip(rows, found_rows, strict=False):
        assert mine == theirs
    assert (len(rows), outputs) == (len(found_rows), found_outputs)
    assert network.batch == found.batch
    assert found.dtype == ("fp32" if network.dtype == "int8" else network.dtype)


@pytest.mark.parametrize("name", on_shipped(but={"vit_tiny"}))
def test_the_laws_hold_on_every_shipped_network(name):
    # Of vit_tiny the file says -1 for an axis, and the graph how long it is.
    network = memsim.load(name)
    module = memsim.to_torch(network)
    inputs = example_inputs(network)
    assert _parameters(module) == network.params
    found = memsim.from_torch(module, inputs)
    _equal(network, found)
    assert (found.params, found.macs, found.cio) == (network.params, network.macs, network.cio)
    macs, outputs = _torch_macs(network, module, inputs)
    assert macs == network.macs
    shapes = [network[output].output.shape for output in network.outputs]
    assert [tuple(output.shape) for output in outputs] == shapes


@pytest.mark.parametrize("name", RUN)
def test_a_forward_pass_gives_finite_numbers(name, needs):
    torch = needs("torch")
    network = memsim.load(name, input_shape=SMALL, batch=2)
    module = memsim.to_torch(network)
    with torch.no_grad():
        output = module(torch.ones(2, *SMALL))
    assert tuple(output.shape) == network[network.outputs[0]].output.shape
    assert torch.isfinite(output).all()
    assert output.std() > 0


@given(networks(most_layers=7))
@settings(max_examples=40)
def test_the_laws_hold_on_random_networks(network):
    import torch

    module = memsim.to_torch(network)
    inputs = example_inputs(network)
    assert _parameters(module) == network.params
    with torch.no_grad():
        outputs = module(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    shapes = [network[output].output.shape for output in network.outputs]
    assert [tuple(output.shape) for output in outputs] == shapes
    macs, _ = _torch_macs(network, module, inputs)
    assert macs == network.macs
    _equal(network, memsim.from_torch(memsim.to_torch(network), inputs))


def _one(op, *others, shape=(8, 9, 7)):
    nodes = [Node("x", Input(shape=shape))]
    for number, each in enumerate((op, *others)):
        nodes.append(Node(f"l{number}", each, (nodes[-1].name,) * max(1, each.arity[0])))
    return Network("one", nodes)


ODD = {
    "a convolution padded unequally": Conv(out=4, kernel=3, padding=(0, 1, 2, 1)),
    "a 'valid' convolution": Conv(out=4, kernel=(3, 1), padding="valid", stride=2),
    "an even 'same' convolution": Conv(out=4, kernel=(2, 4), dilation=2),
    "a transposed convolution cut unequally": ConvTranspose(
        out=4, kernel=3, stride=2, padding=(1, 0, 0, 1), output_padding=1
    ),
    "a transposed convolution with a wide end": ConvTranspose(
        out=4, kernel=2, stride=1, output_padding=(2, 0), groups=4
    ),
    "a maximum padded unequally": MaxPool(kernel=3, stride=2, padding=(0, 0, 1, 1)),
    "a mean padded unequally, rounded up": AvgPool(
        kernel=3, stride=2, padding=(1, 0, 0, 1), ceil_mode=True
    ),
    "a maximum rounded up": MaxPool(kernel=2, stride=2, ceil_mode=True),
    "a resize by two factors": Upsample(factor=(1, 3), mode="bilinear"),
    "a resize from corner to corner": Upsample(
        size=9, mode="bilinear", coordinates="align_corners"
    ),
    "a factor": Scale(factor=0.5),
    "a shift": Scale(shift=3),
    "a complement": OPERATORS["complement"](),
}


@pytest.mark.parametrize("what", ODD)
def test_odd_layers_make_the_round_trip(what):
    network = _one(ODD[what], OPERATORS["relu"]())
    inputs = example_inputs(network)
    module = memsim.to_torch(network)
    assert tuple(module(*inputs).shape) == network["l1"].output.shape
    _equal(network, memsim.from_torch(module, inputs))


def test_every_operator_can_be_built():
    from memsim.formats.module.layers import LAYERS

    converting = {"cast", "quantize", "dynamic_quantize", "dequantize"}
    assert set(LAYERS) == set(OPERATORS) - {"input"} - converting


def test_a_network_of_several_data_types_cannot_be_built():
    network = memsim.loads("{name: n, input: [3, 8, 8], layers: [quantize: {}]}")
    with pytest.raises(InputError, match="has a data type of its own; a module is"):
        memsim.to_torch(network)


def test_a_resize_that_pytorch_does_not_have_cannot_be_built():
    with pytest.raises(InputError) as error:
        memsim.to_torch(_one(Upsample(factor=2, mode="bilinear", coordinates="asymmetric")))
    assert str(error.value) == (
        "l0: resizes with coordinates 'asymmetric', which PyTorch does not have (half_pixel or "
        "align_corners)"
    )


def test_what_is_not_known_cannot_be_built():
    with pytest.raises(InputError, match="l0: stands for Einsum, which memsim does not know"):
        memsim.to_torch(_one(Opaque(op="Einsum", shape=(1, 1, 1))))


def test_parameters_are_named_like_the_layers():
    module = memsim.to_torch(memsim.load("hardnet68"))
    names = dict(module.named_parameters())
    assert tuple(names["block1.1.conv.weight"].shape) == (14, 64, 3, 3)
    assert module.meta["layers"]["block1.1.conv"] == "block1.1.conv"


def test_names_that_python_or_pytorch_uses_are_changed():
    hostile = ["a", "a.weight", "class", "forward", "training", "1", "ä b", "a..c", "x.y", "x", "$"]
    nodes = [Node("in", Input(shape=(2, 4, 4)))]
    for name in hostile:
        nodes.append(Node(name, Conv(out=2), (nodes[-1].name,)))
    network = Network("hostile", nodes)
    module = memsim.to_torch(network)
    assert list(module.meta["layers"]) == hostile
    assert _parameters(module) == network.params
    _equal(network, memsim.from_torch(module, example_inputs(network)))


def test_weights_are_the_same_every_time_and_differ_from_each_other():
    network = memsim.load("squeezenet1_0", input_shape=SMALL)
    first, second = (memsim.to_torch(network).state_dict() for _ in range(2))
    assert all(first[key].equal(second[key]) for key in first)
    weight = next(iter(first.values()))
    assert len(set(weight.flatten().tolist())) > 0.99 * weight.numel()


def test_the_module_survives_a_pickle(needs):
    import pickle

    torch = needs("torch")
    network = _one(Conv(out=4, kernel=3, padding=(0, 1, 2, 1)), Scale(factor=2))
    module = memsim.to_torch(network)
    copy = pickle.loads(pickle.dumps(module))
    x = torch.ones(1, 8, 9, 7)
    assert copy(x).equal(module(x))
