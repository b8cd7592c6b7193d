"""Operators of ONNX that stand for several: what each is made of, its work and its parameters.

The right values are counted by hand from the definitions: MACs of products from their sizes,
parameters from the tensors that a file stores.
"""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

import memsim

pytestmark = pytest.mark.needs("onnx")

MS = "com.microsoft"


def load(folder, nodes, inputs, weights=(), outputs=("y",), shapes=(), numbers=(),
         opset=23, **options):  # fmt: skip
    """The network of a file of nodes ``(operator, inputs, outputs, attributes)``."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    made = []
    for target, reads, writes, attributes in nodes:
        domain, _, kind = target.rpartition(".")
        made.append(helper.make_node(kind, reads.split(" "), writes.split(" "), domain=domain,
                                     **attributes))  # fmt: skip
        for at, name in enumerate(made[-1].input):
            made[-1].input[at] = "" if name == "-" else name
        for at, name in enumerate(made[-1].output):
            made[-1].output[at] = "" if name == "-" else name
    held = [TensorProto(name=name, dims=dims, data_type=1) for name, dims in dict(weights).items()]
    held += [numpy_helper.from_array(np.array(value), name)
             for name, value in dict(numbers).items()]  # fmt: skip
    graph = helper.make_graph(
        made, "g",
        [helper.make_tensor_value_info(name, 1, dims) for name, dims in dict(inputs).items()],
        [helper.make_tensor_value_info(name, 1, None) for name in outputs],
        held,
        value_info=[helper.make_tensor_value_info(name, 1, d) for name, d in dict(shapes).items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", opset)]
    opsets += [helper.make_opsetid(each, 1) for each in (MS, f"{MS}.nchwc", "ai.onnx.preview")]
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets), path)
    return memsim.load(path, **options)


def work_kinds(network):
    """Kinds of the layers that compute or move, in order."""
    return [each.op.kind for each in network if not (each.op.is_input or each.op.view)]


def shape_of(network, name):
    """A shape without the axes of size 1, which a network may have more of."""
    return tuple(size for size in network[name].output.shape if size > 1)


# -- attention ----------------------------------------------------------------------------------

HEADS = {"q": (1, 6, 4, 8), "k": (1, 3, 10, 8), "v": (1, 3, 10, 5)}
"""Six heads of four queries, that share three heads of ten keys."""

ATTENTION_MACS = 6 * 4 * 10 * (8 + 5)


@pytest.mark.parametrize(
    ("reads", "more", "attributes"),
    [
        ("q k v", {}, {}),
        ("q k v", {}, {"is_causal": 1, "scale": 0.1, "softcap": 2.0}),
        ("q k v m", {"m": (4, 10)}, {}),
        ("q k v m", {"m": (1, 6, 4, 10)}, {}),
        ("q k v", {}, {"preview": True}),
    ],
)
def test_attention_is_one_kernel(tmp_path, reads, more, attributes):
    preview = attributes.pop("preview", False) if "preview" in attributes else False
    target = "ai.onnx.preview.FlexAttention" if preview else "Attention"
    network = load(tmp_path, [(target, reads, "y", attributes)], HEADS | more)
    assert work_kinds(network) == ["attention"]
    assert (network.macs, network.params) == (ATTENTION_MACS, 0)
    assert shape_of(network, network.outputs[0]) == (6, 4, 5)


def test_attention_of_tokens_and_channels_turns_them_into_heads_and_back(tmp_path):
    inputs = {"q": (1, 4, 48), "k": (1, 10, 24), "v": (1, 10, 15)}
    heads = {"q_num_heads": 6, "kv_num_heads": 3}
    network = load(tmp_path, [("Attention", "q k v", "y", heads)], inputs)
    assert work_kinds(network) == ["permute"] * 3 + ["attention", "permute"]
    assert network.macs == ATTENTION_MACS
    assert shape_of(network, network.outputs[0]) == (4, 30)


def test_keys_and_values_from_before_are_joined_and_given(tmp_path):
    past = {"pk": (1, 3, 2, 8), "pv": (1, 3, 2, 5)}
    node = ("Attention", "q k v - pk pv", "y nk nv", {})
    network = load(tmp_path, [node], HEADS | past, outputs=("y", "nk", "nv"))
    assert work_kinds(network) == ["concat", "concat", "attention"]
    assert [shape_of(network, name) for name in network.outputs] == [
        (6, 4, 5), (3, 12, 8), (3, 12, 5),
    ]  # fmt: skip
    assert network.macs == 6 * 4 * 12 * 13


@pytest.mark.parametrize("mode", range(4))
def test_scores_that_somebody_reads_are_tensors(tmp_path, mode):
    node = ("Attention", "q k v m", "y - - s", {"qk_matmul_output_mode": mode, "softcap": 2.0})
    network = load(tmp_path, [node], HEADS | {"m": (4, 10)}, outputs=("y", "s"))
    assert work_kinds(network) == ["permute", "matmul", "tanh", "add", "softmax", "matmul"]
    assert network.macs == ATTENTION_MACS
    assert shape_of(network, network.outputs[1]) == (6, 4, 10)
    written = {"matmul": 0, "tanh": 1, "add": 2, "softmax": 3}
    source = network[network.outputs[1]]
    while source.op.view:
        source = network[source.inputs[0].name]
    assert written[source.op.kind] == mode


def test_attention_with_its_projections(tmp_path):
    weights = {"w": (16, 12 + 12 + 20), "b": (44,)}
    node = (f"{MS}.Attention", "x w b", "y", {"num_heads": 4, "qkv_hidden_sizes": [12, 12, 20]})
    network = load(tmp_path, [node], {"x": (1, 7, 16)}, weights)
    assert network.macs == 7 * 16 * 44 + 4 * 7 * 7 * (3 + 5)
    assert network.params == 16 * 44 + 44
    assert shape_of(network, network.outputs[0]) == (7, 20)


PACKED = {
    "apart": ("q k v", {"q": (1, 7, 24), "k": (1, 9, 24), "v": (1, 9, 24)}, 9),
    "keys with values": ("q kv", {"q": (1, 7, 24), "kv": (1, 9, 4, 2, 6)}, 9),
    "all in one": ("qkv", {"qkv": (1, 7, 4, 3, 6)}, 7),
    "with biases": ("q k v b", {"q": (1, 7, 24), "k": (1, 9, 24), "v": (1, 9, 24)}, 9),
    "masked": ("q k v - m", {"q": (1, 7, 24), "k": (1, 9, 24), "v": (1, 9, 24), "m": (1, 9)}, 9),
}


@pytest.mark.parametrize("form", PACKED)
def test_attention_of_heads_that_are_packed(tmp_path, form):
    reads, inputs, keys = PACKED[form]
    weights = {"b": (72,)} if form == "with biases" else {}
    node = (f"{MS}.MultiHeadAttention", reads, "y", {"num_heads": 4})
    network = load(tmp_path, [node], inputs, weights)
    assert network.macs == 4 * 7 * keys * 12
    assert network.params == (72 if weights else 0)
    assert shape_of(network, network.outputs[0]) == (7, 24)
    assert {*network.inputs} == {*inputs}


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("size", [0, 4])
def test_a_rotary_embedding_moves_and_multiplies(tmp_path, interleaved, size):
    half = (size or 8) // 2
    inputs = {"x": (1, 3, 5, 8), "c": (1, 5, half), "s": (1, 5, half)}
    about = {"interleaved": interleaved, "rotary_embedding_dim": size}
    network = load(tmp_path, [("RotaryEmbedding", "x c s", "y", about)], inputs)
    kinds = work_kinds(network)
    assert kinds.count("mul") == 4
    assert kinds.count("concat") == (2 if size else 1)
    assert shape_of(network, network.outputs[0]) == (3, 5, 8)


# -- fused operators ----------------------------------------------------------------------------

IMAGE, LAST, TOKENS = {"x": (1, 8, 6, 6)}, {"x": (1, 6, 6, 8)}, {"x": (1, 5, 8)}
KERNEL = {"w": (4, 8, 3, 3), "b": (4,)}
SAME = {"pads": [1, 1, 1, 1]}
CONV_MACS = 4 * 8 * 9 * 36

FUSED = {
    "FusedConv": (IMAGE, KERNEL, "x w b", {"activation": "Relu", **SAME},
                  "conv relu", CONV_MACS, 292, (4, 6, 6)),
    "FusedConv that adds": (
        IMAGE | {"z": (1, 4, 6, 6)}, KERNEL, "x w b z",
        {"activation": "LeakyRelu", "activation_params": [0.125], **SAME},
        "conv add leaky_relu", CONV_MACS, 292, (4, 6, 6)),
    "FusedConv in bounds": (
        IMAGE, {"w": (4, 8, 3, 3)}, "x w",
        {"activation": "Clip", "activation_params": [0.0, 6.0], **SAME},
        "conv relu6", CONV_MACS, 288, (4, 6, 6)),
    "NhwcFusedConv": (LAST, KERNEL, "x w b", {"activation": "Relu", **SAME},
                      "permute conv relu permute", CONV_MACS, 292, (6, 6, 4)),
    "NhwcConv": (LAST, {"w": (4, 3, 3, 8), "b": (4,)}, "x w b", SAME,
                 "permute conv permute", CONV_MACS, 292, (6, 6, 4)),
    "NhwcMaxPool": (LAST, {}, "x", {"kernel_shape": [2, 2], "strides": [2, 2]},
                    "permute maxpool permute", 0, 0, (3, 3, 8)),
    "QLinearConv": (LAST, KERNEL | {"s": (), "z": ()}, "x s z w s z s z b",
                    {"channels_last": 1, **SAME},
                    "permute conv permute", CONV_MACS, 292, (6, 6, 4)),
    "QLinearGlobalAveragePool": (LAST, {"s": (), "z": ()}, "x s z s z", {"channels_last": 1},
                                 "permute global_avgpool", 0, 0, (8,)),
    "QLinearWhere": (IMAGE | {"c": (1, 8, 6, 6), "v": (1, 8, 6, 6)}, {"s": (), "z": ()},
                     "c x s z v s z s z", {}, "where", 0, 0, (8, 6, 6)),
    "nchwc.Conv": (IMAGE, KERNEL, "x w b", {"activation": "Sigmoid", **SAME},
                   "conv sigmoid", CONV_MACS, 292, (4, 6, 6)),
    "nchwc.ReorderOutput": (IMAGE, {}, "x", {"channels": 6}, "scale slice", 0, 0, (6, 6, 6)),
    "SkipLayerNormalization": (
        TOKENS | {"s": (1, 5, 8)}, {"g": (8,), "t": (8,), "b": (8,)}, "x s g t b", {},
        "parametric add layernorm", 0, 24, (5, 8)),
    "SkipSimplifiedLayerNormalization": (
        TOKENS | {"s": (1, 5, 8)}, {"g": (8,)}, "x s g", {}, "add rms_norm", 0, 8, (5, 8)),
    "GroupNorm": (LAST, {"g": (8,), "t": (8,)}, "x g t", {"groups": 2, "activation": 1},
                  "permute group_norm silu permute", 0, 16, (6, 6, 8)),
    "SkipGroupNorm": (
        IMAGE | {"s": (1, 8)}, {"g": (8,), "t": (8,)}, "x g t s",
        {"groups": 2, "activation": 0, "channels_last": 0},
        "add group_norm", 0, 16, (8, 6, 6)),
    "FusedMatMul": (TOKENS | {"k": (1, 7, 8)}, {}, "x k", {"transB": 1},
                    "permute matmul", 5 * 7 * 8, 0, (5, 7)),
    "TransposeMatMul": (TOKENS, {"w": (3, 8)}, "x w", {"transB": 1}, "linear", 120, 24, (5, 3)),
    "FusedGemm": ({"x": (1, 8)}, {"w": (8, 3), "b": (3,)}, "x w b", {"activation": "Tanh"},
                  "linear tanh", 24, 27, (3,)),
    "GemmFastGelu": (TOKENS, {"w": (8, 3), "b": (3,)}, "x w b", {}, "linear gelu", 120, 27, (5, 3)),
    "BiasGelu": (TOKENS, {"b": (8,)}, "x b", {}, "parametric gelu", 0, 8, (5, 8)),
    "FastGelu": (TOKENS, {}, "x", {}, "gelu", 0, 0, (5, 8)),
    "FastGelu with a bias": (TOKENS, {"b": (8,)}, "x b", {}, "parametric gelu", 0, 8, (5, 8)),
    "BiasSoftmax": (TOKENS | {"m": (1, 1, 8)}, {}, "x m", {"axis": 2}, "add softmax", 0, 0, (5, 8)),
    "BiasAdd": (TOKENS | {"s": (1, 5, 8)}, {"b": (8,)}, "x b s", {},
                "parametric add", 0, 8, (5, 8)),
    "BiasSplitGelu": (TOKENS, {"b": (8,)}, "x b", {},
                      "parametric slice slice gelu mul", 0, 8, (5, 4)),
    "MulInteger": (TOKENS | {"k": (1, 5, 8)}, {"z": ()}, "x z k z", {}, "mul", 0, 0, (5, 8)),
    "CausalConvWithState": (
        {"x": (1, 8, 10), "p": (1, 8, 3)}, {"w": (8, 1, 4)}, "x w - p", {"activation": "silu"},
        "concat conv silu", 8 * 4 * 10, 32, (8, 10)),
}  # fmt: skip


@pytest.mark.parametrize("form", FUSED)
def test_a_fused_operator_is_what_its_parts_are(tmp_path, form):
    inputs, weights, reads, attributes, kinds, macs, params, shape = FUSED[form]
    node = (f"{MS}.{form.split()[0]}", reads, "y", attributes)
    network = load(tmp_path, [node], inputs, weights)
    assert work_kinds(network) == kinds.split()
    assert (network.macs, network.params) == (macs, params)
    assert shape_of(network, network.outputs[0]) == shape
    assert {*network.inputs} == {*inputs}


def test_the_sum_before_a_norm_may_be_read_as_well(tmp_path):
    node = (f"{MS}.SkipLayerNormalization", "x s g t", "y - - z", {})
    inputs = TOKENS | {"s": (1, 5, 8)}
    network = load(tmp_path, [node], inputs, {"g": (8,), "t": (8,)}, outputs=("y", "z"))
    assert [network[name].op.kind for name in network.outputs] == ["layernorm", "add"]


def test_embeddings_and_their_norm(tmp_path):
    weights = {"w": (100, 8), "p": (20, 8), "s": (2, 8), "g": (8,), "t": (8,)}
    node = (f"{MS}.EmbedLayerNormalization", "x k w p s g t", "y", {})
    network = load(tmp_path, [node], {"x": (1, 5), "k": (1, 5)}, weights)
    assert work_kinds(network) == ["embedding", "parametric", "embedding", "add", "layernorm"]
    assert network.params == sum(map(prod, weights.values()))
    assert shape_of(network, network.outputs[0]) == (5, 8)


# -- products -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "weights", "attributes", "kinds", "params"),
    [
        ({"a": (8, 5)}, {"b": (8, 3)}, {"transA": 1}, "permute linear", 24),
        ({"a": (5, 8)}, {"b": (3, 8), "c": (3,)}, {"transB": 1}, "linear", 27),
        ({"a": (5, 8)}, {"b": (8, 3), "c": (5, 3)}, {}, "linear parametric", 39),
        ({"a": (5, 8), "b": (8, 3)}, {}, {}, "matmul", 0),
        ({"a": (8, 5), "b": (3, 8), "c": (5, 3)}, {}, {"transA": 1, "transB": 1},
         "permute permute matmul add", 0),
        ({"b": (8, 3)}, {"a": (5, 8), "c": (3,)}, {}, "matmul parametric", 43),
    ],
)  # fmt: skip
def test_a_gemm_of_any_operands(tmp_path, inputs, weights, attributes, kinds, params):
    reads = "a b c" if "c" in {**inputs, **weights} else "a b"
    network = load(tmp_path, [("Gemm", reads, "y", attributes)], inputs, weights)
    assert [kind for kind in work_kinds(network) if kind != "parameter"] == kinds.split()
    assert (network.macs, network.params) == (5 * 8 * 3, params)
    assert shape_of(network, network.outputs[0]) == (5, 3)


# -- other forms --------------------------------------------------------------------------------

FORMS = {
    "SwiGLU": (TOKENS | {"k": (1, 5, 8)}, {}, "x k", {}, "silu mul", (5, 8)),
    "ThresholdedRelu": (TOKENS, {}, "x", {"alpha": 0.5}, "threshold", (5, 8)),
    "Hardmax": (TOKENS, {}, "x", {}, "chosen", (5, 8)),
    "ReverseSequence": (
        {"x": (1, 9, 8)}, {"n": [9]}, "x n", {"batch_axis": 0, "time_axis": 1},
        "gather_elements", (9, 8)),
    "CenterCropPad": (IMAGE, {"n": [4, 9]}, "x n", {"axes": [2, 3]}, "slice pad", (8, 4, 9)),
    "Resize": (
        IMAGE, {"r": [0.0, 0.0, 0.2, 0.25, 1.0, 1.0, 0.6, 0.75], "n": [1, 8, 3, 12]}, "x r - n",
        {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize"},
        "slice slice upsample", (8, 3, 12)),
}  # fmt: skip


@pytest.mark.parametrize("target", FORMS)
def test_operators_that_move_and_choose(tmp_path, target):
    inputs, numbers, reads, attributes, kinds, shape = FORMS[target]
    network = load(tmp_path, [(target, reads, "y", attributes)], inputs, numbers=numbers)
    assert work_kinds(network) == kinds.split()
    assert shape_of(network, network.outputs[0]) == shape


def test_a_resized_part_reads_the_rows_that_its_pixels_lie_between(tmp_path):
    """Rows 0.2 * 5 = 1 to 0.6 * 5 = 3, columns 0.25 * 5 = 1.25 to 0.75 * 5 = 3.75 of six each."""
    inputs, numbers, reads, attributes, *_ = FORMS["Resize"]
    network = load(tmp_path, [("Resize", reads, "y", attributes)], inputs, numbers=numbers)
    cuts = [layer.op for layer in network if layer.op.kind == "slice"]
    assert [(cut.start, cut.stop) for cut in cuts] == [(1, 4), (1, 5)]


def test_the_mask_of_a_dropout_drops_nothing(tmp_path):
    nodes = [("Dropout", "x", "a m", {}), ("Where", "m a x", "y", {})]
    network = load(tmp_path, nodes, TOKENS)
    assert [each.op.kind for each in network][-1] == "parametric"


def test_parts_of_no_elements_are_nothing(tmp_path):
    nodes = [
        ("Split", "x n", "a b", {"axis": 2}), ("Mul", "b b", "c", {}),
        ("Concat", "a c", "y", {"axis": 2}), ("Relu", "y", "z", {}),
    ]  # fmt: skip
    network = load(tmp_path, nodes, TOKENS, numbers={"n": [8, 0]}, outputs=("z",))
    assert work_kinds(network) == ["slice", "relu"]
    assert shape_of(network, "z") == (5, 8)


def test_slopes_of_an_old_prelu_are_one_for_each_channel(tmp_path):
    node = ("PRelu", "x s", "y", {})
    network = load(tmp_path, [node], {"x": (1, 8, 6, 5)}, {"s": (8,)}, opset=6)
    assert [layer.op.kind for layer in network][-1] == "prelu"
    assert network.params == 8


def test_an_input_without_elements_is_told(tmp_path):
    with pytest.raises(memsim.InputError, match="has the shape 0x8, of no elements"):
        load(tmp_path, [("Relu", "x", "y", {})], {"x": (0, 8)})


# -- what is no such form -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "node",
    [
        ("Attention", "x x x", "y", {}),  # without a number of heads
        (f"{MS}.MultiHeadAttention", "x k k b", "y", {"num_heads": 3}),  # 8 channels, 3 heads
        (f"{MS}.FusedMatMul", "x k", "y", {"transBatchA": 1}),
    ],
)
def test_what_is_not_understood_leaves_nothing_behind(tmp_path, node):
    """An operator is one unknown layer, and what was tried of it is gone."""
    inputs = {"x": (1, 5, 8), "k": (1, 8, 8)}
    nodes = [node, ("Relu", "y", "z", {})]
    network = load(
        tmp_path, nodes, inputs, {"b": (24,)}, ("z",), {"y": (1, 5, 8)}, allow_unknown=True
    )
    assert work_kinds(network) == ["opaque", "relu"]
    assert not network.left_out


@pytest.mark.parametrize(("writes", "count", "sizes"), [("y b c -", 3, (6,)), ("y b c d", 2, (7,))])
def test_a_split_whose_count_is_not_that_of_its_outputs(tmp_path, writes, count, sizes):
    """The ``onnx`` package ends the process where it is asked for the shapes of one."""
    node = ("Split", "x", writes, {"num_outputs": count})
    outputs = tuple(each for each in writes.split() if each != "-")
    network = load(tmp_path, [node], {"x": sizes}, outputs=outputs, opset=18)
    assert sum(network[name].output.size for name in network.outputs) == sizes[0]
