"""Elementwise operators of foreign graphs: every name, form and alignment that readers know."""

from __future__ import annotations

import pytest

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.onnx.rules import RULES as ONNX
from memsim.formats.foreign.records import Constant, Record
from memsim.formats.foreign.torch.rules import RULES
from memsim.formats.foreign.torch.rules.pointwise import (
    BITS,
    COMBINED,
    COMPARED,
    MODULO,
    OTHER_NAME,
    SAME_NAME,
)
from memsim.network.ops.parametric import Parametric

MAP = (1, 8, 6, 6)


def build(target, inputs="x", held=None, buffers=(), onnx=False, stated=(), batch=1, **attributes):
    """The last layer of one operator over maps x and y and tokens t."""
    importer = Importer(ONNX if onnx else RULES, exact=not onnx)
    constants = {
        name: Constant(dims, learned=name not in buffers) for name, dims in (held or {}).items()
    }
    importer.hold(constants)
    for name, dims in (("x", MAP), ("y", MAP), ("t", (1, 49, 32)), ("v", (1, 16))):
        importer.input(name, (batch, *dims[1:]))
    record = Record("r", target, tuple(inputs.split(" ")), ("r",), attributes, stated)
    importer.run([record], ["r"])
    net = importer.network("net", ["r"])
    return list(net)[-1]


@pytest.mark.parametrize("target", [*SAME_NAME, *OTHER_NAME])
def test_every_function_of_one_tensor(target):
    layer = build(target)
    assert layer.op.kind == OTHER_NAME.get(target, target)
    assert layer.output.shape == MAP


@pytest.mark.parametrize("target", [*COMBINED, *COMPARED, *MODULO, *BITS, "sub", "div", "pow"])
def test_every_function_of_several_tensors(target):
    count = 3 if target.startswith("addc") else 2
    layer = build(target, " ".join("xyx"[:count]))
    assert len(layer.inputs) == count
    assert layer.op.combines
    assert layer.output.shape == MAP


@pytest.mark.parametrize("target", [*COMPARED, *MODULO, *BITS])
def test_a_number_in_place_of_a_tensor_is_read_by_nobody(target):
    layer = build(target, "x", other=2)
    assert len(layer.inputs) == 1
    assert layer.op.activates


@pytest.mark.parametrize(
    ("value", "held", "shapes"),
    [
        ("x", (1,), ((1,),)),
        ("x", (), ((1,),)),
        ("x", (8, 1, 1), ("channel",)),
        ("x", (1, 8, 1, 1), ("channel",)),
        ("x", (6,), ((6,),)),
        ("x", (1, 1, 6, 6), ((6, 6),)),
        ("x", (1, 8, 6, 6), ((8, 6, 6),)),
        ("t", (32,), ("channel",)),
        ("t", (1, 1, 32), ("channel",)),
        ("t", (49, 1), ((49, 1),)),
        ("t", (1, 49, 32), ((49, 32),)),
        ("v", (16,), ("channel",)),
        ("v", (1, 16), ("channel",)),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("target", "kind"), [("mul", "mul"), ("add", "add"), ("sub", "sub"),
                                             ("rsub", "sub"), ("div", "div")])  # fmt: skip
def test_a_parameter_of_any_shape_on_either_side(value, held, shapes, swapped, target, kind):
    names = ["g", value] if swapped else [value, "g"]
    layer = build(target, " ".join(names), {"g": held})
    places = (0,) if swapped != (target == "rsub") else ()
    assert layer.op == Parametric(function=kind, shapes=shapes, places=places)
    count = 1
    for size in held:
        count *= size
    assert layer.params == count
    assert layer.output.image == layer.inputs[0].image


def test_a_buffer_is_read_and_not_learned():
    layer = build("mul", "x g", {"g": (8, 1, 1)}, buffers="g")
    assert (layer.params, layer.weights[0].stored) == (0, 1)


def test_a_parameter_larger_than_the_value():
    layer = build("add", "v g", {"g": (4, 16)})
    assert layer.output.shape == (1, 4, 16)
    assert (layer.op.held, layer.params) == ((((4, 16)),), 64)
    whole = build("add", "t g", {"g": (3, 1, 49, 32)})
    assert (whole.output.shape, whole.params) == ((1, 3, 1, 49, 32), 3 * 49 * 32)


def test_a_batch_shares_its_parameters():
    layer = build("mul", "x g", {"g": (1, 8, 1, 1)}, batch=4)
    assert (layer.op, layer.output.shape) == (Parametric(function="mul"), (4, 8, 6, 6))
    assert layer.params == 8


def test_a_parameter_for_each_image_of_a_batch_is_no_parameter_of_an_image():
    layer = build("mul", "x g", {"g": (4, 8, 6, 6)}, stated=((4, 8, 6, 6),), batch=4)
    assert (layer.op.kind, layer.params) == ("opaque", 4 * 8 * 36)


@pytest.mark.parametrize(
    ("target", "inputs", "held", "attributes", "kind", "reads"),
    [
        ("prelu", "x g", (8,), {}, "prelu", 1),
        ("prelu", "x g", (1,), {}, "prelu", 1),
        ("_prelu_kernel", "x g", (8, 1, 1), {}, "prelu", 1),
        ("rrelu", "x", None, {"lower": 0.1, "upper": 0.3}, "leaky_relu", 1),
        ("where", "g x y", (8, 6, 6), {}, "parametric", 2),
        ("where", "x x y", None, {}, "where", 3),
        ("where", "x y", None, {"other": 0.0}, "masked", 2),
        ("masked_fill", "x y", None, {"value": 0.0}, "masked", 2),
        ("masked_fill", "x g", (6, 6), {"value": 0.0}, "parametric", 1),
        ("lerp", "x y", None, {"weight": 0.5}, "blend", 2),
        ("lerp", "x y g", (8, 1, 1), {}, "parametric", 2),
        ("addcmul", "g x g", (8, 1, 1), {"value": 1}, "scale_shift", 1),
        ("addcmul", "g g x", (8, 1, 1), {"value": 1}, "scale_shift", 1),
        ("addcdiv", "x y x", None, {"value": 1}, "addcdiv", 3),
        ("clamp", "x y x", None, {}, "where", 3),
        ("clamp", "x y ", None, {}, "maximum", 2),
        ("clamp", "x  y", None, {}, "minimum", 2),
        ("clamp_min", "x", None, {"min": 1e-12}, "clamp", 1),
        ("clamp_max", "x", None, {"max": 4.6}, "clamp", 1),
        ("hardtanh", "x", None, {"min_val": -1.0, "max_val": 1.0}, "clamp", 1),
        ("pow", "x", None, {"exponent": 2}, "pow", 1),
        ("pow", "x", None, {"self": 10000.0}, "exp2", 1),
        ("glu", "x", None, {"dim": 1}, "gated", 2),
        ("glu", "x", None, {"dim": -1}, "gated", 2),
    ],
)
def test_forms_of_an_operator(target, inputs, held, attributes, kind, reads):
    layer = build(target, inputs, {"g": held} if held is not None else {}, **attributes)
    assert (layer.op.kind, len(layer.inputs)) == (kind, reads)
    halved = {("glu", 1): (1, 4, 6, 6), ("glu", -1): (1, 8, 6, 3)}
    assert layer.output.shape == halved.get((target, attributes.get("dim")), MAP)


def test_a_product_of_two_channels_is_a_table_of_both():
    """[8, 1, 1] of tokens is no channel of theirs."""
    layer = build("add", "t g", {"g": (8, 1, 1)})
    assert layer.output.shape == (1, 8, 49, 32)
    assert layer.params == 8


PLAIN = "Abs Neg Sign Sqrt Reciprocal Exp Log Erf Sin Cos Tan Floor Ceil Round Elu Selu Celu Mish"


@pytest.mark.parametrize("target", PLAIN.split())
def test_a_function_in_onnx_is_called_like_memsims(target):
    assert build(target, onnx=True).op.kind == target.lower()


@pytest.mark.parametrize(
    ("target", "inputs", "held", "kind", "reads"),
    [
        ("Softplus", "x", {}, "softplus", 1),
        ("ThresholdedRelu", "x", {}, "threshold", 1),
        ("Not", "x", {}, "logical_not", 1),
        ("Sub", "x y", {}, "sub", 2),
        ("Div", "y x", {}, "div", 2),
        ("Max", "x y x", {}, "maximum", 3),
        ("Mean", "x y x", {}, "average", 3),
        ("Sum", "x y g", {"g": (8, 1, 1)}, "parametric", 2),
        ("Min", "x g", {"g": (8, 6, 6)}, "parametric", 1),
        ("Pow", "x y", {}, "power", 2),
        ("Mod", "x y", {}, "remainder", 2),
        ("BitShift", "x y", {}, "bit_shift", 2),
        ("Equal", "x y", {}, "equal", 2),
        ("And", "x y", {}, "logical_and", 2),
        ("Where", "x y x", {}, "where", 3),
        ("Where", "g y x", {"g": (6, 6)}, "parametric", 2),
        ("PRelu", "x g", {"g": (8, 1, 1)}, "prelu", 1),
        ("PRelu", "x g", {"g": (1, 1, 1)}, "prelu", 1),
        ("PRelu", "x g", {"g": (8, 6, 6)}, "prelu", 1),
        ("PRelu", "x y", {}, "leak", 2),
        ("Clip", "x y", {}, "maximum", 2),
        ("Mul", "x g", {"g": (1, 8, 1, 1)}, "parametric", 1),
        ("Add", "t g", {"g": (1, 49, 32)}, "parametric", 1),
        ("Div", "g x", {"g": (8, 1, 1)}, "parametric", 1),
    ],
)
def test_operators_of_onnx(target, inputs, held, kind, reads):
    layer = build(target, inputs, held, onnx=True)
    assert (layer.op.kind, len(layer.inputs)) == (kind, reads)


def test_a_cast_to_the_type_of_another_tensor_reads_no_other_tensor():
    assert build("CastLike", "x y", onnx=True).op.kind == "input"


def chain(*rows, held, exact=False, shape=MAP):
    importer = Importer(ONNX, exact=exact)
    importer.hold({name: Constant(dims, learned=True) for name, dims in held.items()})
    importer.input("x", shape)
    records = [
        Record(out, target, tuple(i.split()), (out,), given) for target, i, out, given in rows
    ]
    importer.run(records, [rows[-1][2]])
    return importer.network("net", [rows[-1][2]])


BN = [("Mul", "c g", "m", {}), ("Add", "m b", "s", {}), ("Relu", "s", "y", {})]


def test_a_batch_norm_that_is_written_as_mul_and_add_is_one_operator_and_folds():
    """8 x 27 weights; a factor and a summand per channel."""
    import memsim

    conv = ("Conv", "x w", "c", {"pads": [1, 1, 1, 1]})
    held = {"w": (8, 3, 3, 3), "g": (1, 8, 1, 1), "b": (1, 8, 1, 1)}
    net = chain(conv, *BN, held=held, shape=(1, 3, 32, 32))
    assert [each.op.kind for each in net] == ["input", "conv", "scale_shift", "relu"]
    assert (net.macs, net.params) == (8 * 27 * 1024, 8 * 27 + 16)
    program = memsim.build(net, buffer="64KiB")
    assert [kernel.stored for kernel in program.kernels] == [27 + 1]


@pytest.mark.parametrize(
    ("held", "last"),
    [
        ({"g": (1, 8, 1, 1), "b": (1, 8, 6, 6)}, "parametric"),
        ({"g": (6,), "b": (1, 8, 1, 1)}, "parametric"),
    ],
)
def test_other_products_and_sums_stay_two_operators(held, last):
    rows = [("Mul", "x g", "m", {}), ("Add", "m b", "y", {})]
    net = chain(*rows, held=held)
    assert [each.op.kind for each in net] == ["input", "parametric", last]


def test_a_product_that_is_read_twice_stays_one():
    rows = [("Mul", "x g", "m", {}), ("Add", "m g", "s", {}), ("Add", "m s", "y", {})]
    net = chain(*rows, held={"g": (8, 1, 1)})
    assert [each.op.kind for each in net] == ["input", "parametric", "parametric", "add"]
    assert net.params == 8


def test_what_an_onnx_graph_computes_is_read_and_not_learned():
    """A grid of positions."""
    layer = build("Add", "x g", {"g": (6, 6)}, buffers="g", onnx=True)
    assert (layer.params, layer.tables[0].elements) == (0, 36)
