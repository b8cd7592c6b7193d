"""Elementwise operators by name, and those that read stored tensors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.errors import InputError
from memsim.formats.architecture.file import from_text
from memsim.network.ops import OPERATORS, Shape, ShapeError
from memsim.network.ops.parametric import Parametric, PRelu, ScaleShift
from memsim.network.ops.pointwise import COMBINATIONS, FUNCTIONS

MAP = "name: t\ninput: [8, 6, 6]\nlayers:\n"


def network(layers):
    return from_text(MAP + layers)


@pytest.mark.parametrize("kind", sorted(FUNCTIONS))
def test_a_named_function_is_a_layer_and_an_activation(kind):
    layer = list(network(f"  - {kind}\n"))[-1]
    assert (layer.op.kind, layer.params, layer.macs) == (kind, 0, 0)
    assert layer.output.image == (8, 6, 6)
    net = network(f"  - conv: {{out: 4, kernel: 1, act: {kind}}}\n")
    assert [each.op.kind for each in net] == ["input", "conv", kind]
    assert len(memsim.build(net, buffer="64KiB").kernels) == 1


@pytest.mark.parametrize("kind", sorted(COMBINATIONS))
def test_a_named_combination_broadcasts(kind):
    op = OPERATORS[kind]()
    count = op.arity[0]
    shapes = (Shape((8, 1, 1)), *[Shape((8, 6, 6))] * (count - 1))
    assert op.output_shape(shapes) == (8, 6, 6)
    with pytest.raises(ShapeError):
        op.output_shape((Shape((3, 6, 6)), *shapes[1:]))


@pytest.mark.parametrize(
    ("op", "image", "learned", "stored", "tables"),
    [
        (Parametric(function="mul"), Shape((8, 6, 6)), 8, 1, ()),
        (Parametric(function="mul"), Shape((49, 8)), 8, 1, ()),
        (Parametric(function="mul", shapes=((8, 1, 1),)), Shape((8, 6, 6)), 8, 1, ()),
        (Parametric(function="mul", shapes=((1,),)), Shape((8, 6, 6)), 1, 0, ((1, 1, 1),)),
        (Parametric(function="add", shapes=((8, 6, 6),)), Shape((8, 6, 6)), 288, 0, ((8, 6, 6),)),
        (Parametric(function="add", shapes=((49, 8),)), Shape((49, 8)), 392, 0, ((49, 8),)),
        (Parametric(function="add", shapes=((6, 1),)), Shape((8, 6, 6)), 6, 0, ((1, 6, 1),)),
        (Parametric(function="add", shapes=((6, 6),)), Shape((8, 6, 6)), 36, 0, ((1, 6, 6),)),
        (
            Parametric(function="addcmul", shapes=("channel", (6, 6))),
            Shape((8, 6, 6)),
            44,
            1,
            ((1, 6, 6),),
        ),
        (PRelu(), Shape((8, 6, 6)), 8, 1, ()),
        (PRelu(slope=(1,)), Shape((8, 6, 6)), 1, 0, ((1, 1, 1),)),
        (ScaleShift(), Shape((49, 8)), 16, 2, ()),
    ],
)
def test_what_is_stored_is_so_many_numbers_per_channel_or_a_table(
    op, image, learned, stored, tables
):
    output = op.output_shape((image,))
    assert output == image
    assert op.learnable((image,), output) == learned
    assert op.stored((image,), output) == stored
    assert tuple(table.sizes for table in op.tables((image,), output)) == tables


def test_a_stored_tensor_may_be_larger_than_the_value():
    op = Parametric(function="add", shapes=((8, 6, 6),))
    assert op.output_shape((Shape((8, 1, 1)),)) == (8, 6, 6)
    last = Parametric(function="mul", shapes=((5, 1, 1, 1),)).output_shape((Shape((4, 7, 8), -1),))
    assert (last, last.channel) == ((5, 4, 7, 8), 3)


@pytest.mark.parametrize(
    ("op", "image"),
    [
        (Parametric(function="mul", shapes=((7,),)), (8, 6, 6)),
        (Parametric(function="mul", shapes=((8,),), places=(0, 1)), (8, 6, 8)),
        (Parametric(function="mul", shapes=((8,),), places=(2,)), (8, 6, 8)),
        (Parametric(function="add", shapes=("channel", (9, 1, 1))), (1, 6, 6)),
        (PRelu(slope=(3,)), (8, 6, 6)),
    ],
)
def test_what_does_not_fit_is_an_error(op, image):
    with pytest.raises(ShapeError):
        op.output_shape((Shape(image),))


def test_an_unknown_function_is_an_error_that_names_the_known_ones():
    with pytest.raises(InputError, match="no function of several tensors; one of add, mul, sub"):
        network("  - parametric: {function: frobnicate}\n")


def test_a_scale_is_fused_and_its_parameters_are_read_once():
    """8 x 3 weights and 8 factors, in fp32."""
    net = from_text(
        "name: t\ninput: [3, 6, 6]\nlayers:\n  - conv: {out: 8, kernel: 1}\n"
        "  - parametric: {function: mul}\n  - prelu\n"
    )
    program = memsim.build(net, buffer="64KiB")
    assert len(program.kernels) == 1
    assert net.params == 24 + 8 + 8
    assert program.compulsory_bytes == 4 * (3 * 36 + 8 * 36 + 24 + 8 + 8)
    traffic = memsim.run(net, cache=0, lowering="eager")
    assert traffic.by_role["weight"] == 4 * (24 + 8 + 8)


@pytest.mark.parametrize("bias", ["true", "false"])
def test_a_scale_and_shift_fold_into_a_convolution_as_a_batch_norm_does(bias):
    """What is left is the weights and a bias."""
    text = MAP + "  - conv: {{out: 4, kernel: 1, bias: {}}}\n  - {}\n  - relu\n"
    found = memsim.build(from_text(text.format(bias, "scale_shift")), buffer="64KiB")
    norm = memsim.build(from_text(text.format(bias, "batchnorm")), buffer="64KiB")
    assert found.compulsory_bytes == norm.compulsory_bytes
    assert found.kernels[0].stored == 8 + 1


@given(st.lists(st.sampled_from((1, 2, 3)), min_size=1, max_size=4), st.data())
def test_a_stored_tensor_is_aligned_as_numpy_aligns_it(sizes, data):
    import numpy as np

    image = Shape(data.draw(st.lists(st.sampled_from((1, 2, 3)), min_size=2, max_size=4)))
    op = Parametric(function="add", shapes=(tuple(sizes),))
    try:
        expected = np.broadcast_shapes(image, tuple(sizes))
    except ValueError:
        with pytest.raises(ShapeError):
            op.output_shape((image,))
        return
    output = op.output_shape((image,))
    assert output == expected
    elements = int(np.prod(sizes))
    assert op.learnable((image,), output) == elements
    tables = sum(table.elements for table in op.tables((image,), output))
    assert op.stored((image,), output) * output.box[0] + tables == elements
