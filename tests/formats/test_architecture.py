"""What the words of an architecture file stand for."""

from __future__ import annotations

import pytest

from memsim.errors import InputError
from memsim.formats import json_schema
from memsim.formats.architecture.file import from_text
from memsim.formats.architecture.keywords import keyword, keywords
from memsim.formats.overrides import Overrides
from memsim.network import Network
from memsim.network.ops import OPERATORS
from memsim.network.ops.pointwise import LeakyRelu


def network(layers: str, *, head: str = "", image: str = "[4, 8, 8]", **options: object) -> Network:
    text = f"name: t\ninput: {image}\n{head}\nlayers:\n{layers}\n"
    return from_text(text, "f.yaml", Overrides(**options))  # type: ignore[arg-type]


def names(net: Network) -> list[str]:
    return [layer.name for layer in net if layer.name != "input"]


def reads(net: Network, name: str) -> list[str]:
    return [tensor.name for tensor in net[name].inputs]


class TestNames:
    def test_layers_are_numbered_by_their_keyword(self):
        net = network("  - conv: 2\n  - relu\n  - conv: 3\n  - global_avgpool")
        assert names(net) == ["conv1", "relu1", "conv2", "global_avgpool1"]

    def test_a_number_that_is_taken_by_name_is_left_out(self):
        net = network("  - conv: 2\n  - {conv: 2, name: conv2}\n  - conv: 3")
        assert names(net) == ["conv1", "conv2", "conv3"]

    def test_what_comes_with_a_layer_is_named_after_it(self):
        net = network("  - {name: stem, conv: {out: 2, bn: true, act: relu}}")
        assert names(net) == ["stem.conv", "stem.bn", "stem.act"]

    def test_a_name_means_the_end_of_its_item_and_its_parts_have_names_too(self):
        net = network("  - conv: {out: 2, act: relu}\n  - add: {}\n    from: [conv1, conv1.conv]")
        assert reads(net, "add1") == ["conv1.act", "conv1.conv"]

    def test_a_name_inside_a_layer_is_local_to_it(self):
        net = network(
            "  - {name: skip, relu: {}}\n"
            "  - repeat: 2\n    layers:\n"
            "      - {name: skip, tanh: {}}\n      - add: skip\n"
            "  - add: [skip, repeat1.1.skip, repeat1.1]"
        )
        assert names(net)[1:5] == [f"repeat1.{i}.{n}" for i in (1, 2) for n in ("skip", "add1")]
        assert reads(net, "repeat1.2.add1") == ["repeat1.2.skip"] * 2
        assert reads(net, "add1") == ["repeat1.2.add1", "skip", "repeat1.1.skip", "repeat1.1.add1"]

    def test_a_name_from_around_is_visible_inside(self):
        net = network("  - {name: skip, relu: {}}\n  - repeat: 2\n    layers: [add: skip]")
        assert reads(net, "repeat1.2") == ["repeat1.1", "skip"]

    def test_a_layer_may_read_one_further_down(self):
        net = network("  - {name: a, relu: {}, from: b}\n  - {name: b, tanh: {}, from: input}")
        assert [node.name for node in net.nodes] == ["input", "a", "b"]
        assert names(net) == ["b", "a"]

    def test_previous_is_the_layer_above(self):
        net = network("  - relu\n  - {add: {}, from: [input, previous, previous]}")
        assert reads(net, "add1") == ["input", "relu1", "relu1"]


class TestInputsAndOutputs:
    def test_several_inputs_have_names(self):
        text = "name: t\ninputs: {a: [1, 2, 2], b: [3, 2, 2]}\nlayers:\n  - {concat: b, from: a}\n"
        with pytest.raises(InputError, match="given twice"):
            from_text(text)
        net = from_text(text.replace("{concat: b, from: a}", "{concat: {}, from: [a, b]}"))
        assert net.inputs == ("a", "b")
        assert net["concat1"].output.shape == (1, 4, 2, 2)

    def test_an_input_may_be_a_layer(self):
        net = from_text("name: t\nlayers: [input: [1, 2, 2], relu]")
        assert net["relu1"].inputs[0].name == "input1"
        assert from_text(
            "name: t\nlayers: [input: [1, 2, 2], relu]", overrides=Overrides(input_shape=(1, 4, 6))
        )["relu1"].output.shape == (1, 1, 4, 6)

    def test_the_sizes_of_several_inputs_go_by_their_names(self):
        text = "name: t\ninputs: {a: [1, 2, 2], b: [1, 2, 2]}\nlayers: [{concat: {}, from: [a, b]}]"

        def resized(shape, text=text):
            net = from_text(text, overrides=Overrides(input_shape=shape))
            again = from_text(text).with_options(input_shape=shape)
            assert [layer.output for layer in net] == [layer.output for layer in again]
            return [net[name].output.image for name in net.inputs]

        assert resized({"a": (3, 2, 2)}) == [(3, 2, 2), (1, 2, 2)]
        assert resized({"b": "1x4x4", "a": "2x4x4"}) == [(2, 4, 4), (1, 4, 4)]
        with pytest.raises(
            InputError, match=r"t has 2 inputs, a 1x2x2 and b 1x2x2; which is 1x4x4"
        ):
            resized((1, 4, 4))
        with pytest.raises(InputError, match=r"t has no input 'c' \(known: a, b\)"):
            resized({"c": (1, 4, 4)})
        with pytest.raises(InputError, match="a has 3 axes without the batch, such as 1x2x2; 4x4"):
            resized({"a": "4x4"})
        among = "name: t\ninput: [1, 2, 2]\nlayers: [{input: [1, 2, 2], name: b}, concat: input]"
        assert resized({"b": (2, 2, 2), "input": (4, 2, 2)}, among) == [(4, 2, 2), (2, 2, 2)]
        with pytest.raises(InputError, match="t has no input 'c'"):
            resized({"c": (2, 2, 2)}, among)

    def test_outputs_are_ends_of_items(self):
        net = network("  - conv: {out: 2, act: relu}\n  - relu", head="outputs: [conv1, relu1]")
        assert net.outputs == ("conv1.act", "relu1")


class TestShorthandAndDefaults:
    @pytest.mark.parametrize(
        ("short", "long"),
        [
            ("conv: 8", "conv: {out: 8}"),
            ("maxpool: 2", "maxpool: {kernel: 2}"),
            ("maxpool: [2, 1]", "maxpool: {kernel: [2, 1]}"),
            ("upsample: 2", "upsample: {factor: 2}"),
            ("depthwise: 5", "depthwise: {kernel: 5}"),
            ("depthwise", "depthwise: {kernel: 3, stride: 1}"),
            ("relu:", "relu: {}"),
            ("conv: {out: 8, act: none}", "conv: {out: 8}"),
            ("conv: {out: 8, kernel: [3, 3]}", "conv: {out: 8, kernel: 3}"),
            ("conv: x0.75", "conv: 3"),
            ("conv: same", "conv: 4"),
        ],
    )
    def test_a_short_form_equals_its_long_form(self, short, long):
        assert network(f"  - {short}") == network(f"  - {long}")

    def test_defaults_apply_where_a_layer_says_nothing(self):
        net = network(
            "  - conv: 8\n  - conv: {out: 8, act: none, kernel: 1}",
            head="defaults: {conv: {kernel: 3, bn: true, act: relu6}}",
        )
        assert names(net) == ["conv1.conv", "conv1.bn", "conv1.act", "conv2.conv", "conv2.bn"]
        assert (net["conv1.conv"].op.kernel, net["conv2.conv"].op.kernel) == (3, 1)

    def test_defaults_apply_inside_macros_to_what_the_file_describes(self):
        net = network("  - residual: {layers: [conv: 4]}", head="defaults: {conv: {bn: true}}")
        assert "residual1.conv1.bn" in net

    def test_concat_and_add_read_the_layer_above_and_the_named(self):
        net = network("  - relu\n  - tanh\n  - concat: [relu1, input]\n  - mul: concat1")
        assert reads(net, "concat1") == ["tanh1", "relu1", "input"]
        assert reads(net, "mul1") == ["concat1", "concat1"]

    def test_an_activation_may_have_an_attribute(self):
        net = network("  - conv: {out: 2, act: {leaky_relu: 0.2}}")
        assert net["conv1.act"].op == LeakyRelu(slope=0.2)

    def test_pre_order_puts_the_convolution_last(self):
        net = network("  - conv: {out: 2, bn: true, act: relu, order: pre}")
        assert names(net) == ["conv1.bn", "conv1.act", "conv1.conv"]

    def test_linear_and_transposed_convolutions_have_the_same_sugar(self):
        net = network("  - conv_transpose: {out: same, act: relu}\n  - flatten\n"
                      "  - linear: {out: 3, bn: true}")  # fmt: skip
        assert names(net)[-2:] == ["linear1.linear", "linear1.bn"]


class TestParameters:
    head = "parameters: {k: 3, w: 6, act: relu}\nvariants: {wide: {w: 12}, deep: {w: $k}}"

    def test_a_parameter_stands_for_a_whole_value(self):
        net = network("  - conv: {out: $w, kernel: $k, act: $act}\n  - $act", head=self.head)
        assert (net["conv1.conv"].op.out, net["conv1.conv"].op.kernel) == (6, 3)
        assert names(net) == ["conv1.conv", "conv1.act", "relu1"]

    def test_a_variant_and_the_caller_override_it(self):
        def out(**options: object) -> int:
            net = network("  - conv: $w", head=self.head, **options)
            return int(net["conv1"].output.shape[1])

        assert out(variant="wide") == 12
        assert out(variant="deep") == 3
        assert out(variant="deep", parameters={"k": 5}) == 5
        assert out(variant="wide", parameters={"w": 7}) == 7

    def test_a_default_may_hold_one(self):
        net = network("  - conv: 3", head=self.head + "\ndefaults: {conv: {kernel: $k}}")
        assert net["conv1"].op.kernel == 3


class TestRepeat:
    def test_a_single_layer_is_named_by_its_round(self):
        net = network("  - repeat: 3\n    layers: [conv: {out: 2, bn: true}]")
        assert names(net)[-2:] == ["repeat1.3.conv", "repeat1.3.bn"]
        assert reads(net, "repeat1.2.conv") == ["repeat1.1.bn"]

    def test_lists_give_a_value_for_each_round(self):
        net = network("  - repeat: {w: [2, 5], k: [1, 3]}\n    name: stage\n"
                      "    layers: [conv: {out: $w, kernel: $k}]")  # fmt: skip
        assert [(net[f"stage.{i}"].op.out, net[f"stage.{i}"].op.kernel) for i in (1, 2)] == [
            (2, 1),
            (5, 3),
        ]

    def test_the_last_value_goes_on_where_times_is_given(self):
        net = network("  - repeat: {times: 3, s: [2, 1]}\n    layers: [maxpool: $s]")
        assert net["repeat1.3"].output.shape == (1, 4, 4, 4)

    def test_inner_values_hide_outer_ones_and_may_stand_for_them(self):
        net = network(
            "  - repeat: {w: [2, 3]}\n    layers:\n"
            "      - repeat: {times: 2, v: [$w, 7], w: [8, 9]}\n"
            "        layers: [{conv: $v, name: a}, {conv: $w, name: b}]"
        )
        outs = [layer.op.out for layer in net if layer.op.kind == "conv"]
        assert outs == [2, 8, 7, 9, 3, 8, 7, 9]


class TestBlock:
    def test_a_layer_concatenates_only_where_it_reads_several(self):
        net = network("  - block: {pattern: harmonic, layers: 2, growth: 4, bn: false, act: none}")
        assert names(net) == ["block1.1", "block1.2.concat", "block1.2", "block1.concat"]
        assert reads(net, "block1.2.concat") == ["block1.1", "input"]
        assert reads(net, "block1.concat") == ["block1.1", "block1.2"]

    def test_keep_input_puts_the_input_first(self):
        def leaves(pattern: str, keep: str) -> list[str]:
            net = network(f"  - block: {{pattern: {pattern}, layers: 3, growth: 2{keep}}}")
            return [name.removesuffix(".act") for name in reads(net, "block1.concat")]

        assert leaves("dense", "") == ["input", "block1.1", "block1.2", "block1.3"]
        assert leaves("dense", ", keep_input: false") == ["block1.1", "block1.2", "block1.3"]
        assert leaves("harmonic", ", keep_input: true") == ["input", "block1.1", "block1.3"]
        assert leaves("sparse", "") == ["block1.3", "block1.2", "input"]
        assert leaves("sparse", ", keep_input: true") == ["block1.3", "block1.2", "input"]
        assert leaves("sparse", ", keep_input: false") == ["block1.3", "block1.2"]

    def test_a_bottleneck_precedes_every_layer(self):
        net = network(
            "  - block: {pattern: dense, layers: 2, growth: 2, bottleneck: 4, order: pre}"
        )
        assert names(net)[:7] == [
            "block1.1.neck.bn", "block1.1.neck.act", "block1.1.neck.conv",
            "block1.1.bn", "block1.1.act", "block1.1.conv", "block1.2.concat",
        ]  # fmt: skip
        assert net["block1.2.neck.conv"].output.shape == (1, 8, 8, 8)

    def test_separable_layers_end_in_a_depthwise_convolution_without_activation(self):
        net = network("  - block: {pattern: dense, layers: 1, growth: 6, separable: true}")
        assert names(net) == [
            "block1.1.conv", "block1.1.bn", "block1.1.act", "block1.1.dw.conv", "block1.1.dw.bn",
            "block1.concat",
        ]  # fmt: skip
        assert net["block1.1.conv"].op.kernel == 1
        assert (net["block1.1.dw.conv"].op.kernel, net["block1.1.dw.conv"].op.groups) == (3, 6)


class TestResidual:
    def test_main_branch_then_shortcut_then_sum_then_activation(self):
        net = network("  - residual: {layers: [conv: {out: 8, kernel: 3, stride: 2}]}")
        assert names(net) == [
            "residual1.conv1", "residual1.shortcut.conv", "residual1.shortcut.bn",
            "residual1.add", "residual1.act",
        ]  # fmt: skip
        assert reads(net, "residual1.add") == ["residual1.conv1", "residual1.shortcut.bn"]
        assert net["residual1.shortcut.conv"].op.stride == 2

    def test_auto_is_identity_where_the_shapes_agree(self):
        net = network("  - residual: {layers: [conv: 4], act: none}")
        assert names(net) == ["residual1.conv1", "residual1.add"]
        assert reads(net, "residual1.add") == ["residual1.conv1", "input"]

    def test_the_stride_of_the_shortcut_fits_odd_and_uneven_sizes(self):
        net = network("  - residual: {layers: [conv: {out: 4, kernel: 3, stride: [2, 3]}]}",
                      image="[4, 7, 10]")  # fmt: skip
        assert net["residual1.shortcut.conv"].op.stride == (2, 3)
        assert net["residual1.add"].output.shape == (1, 4, 4, 4)

    def test_a_shortcut_may_be_described(self):
        net = network("  - residual: {layers: [conv: 6], shortcut: [avgpool: 1, conv: 6]}")
        assert reads(net, "residual1.add") == ["residual1.conv1", "residual1.shortcut.conv1"]


def test_inverted_residuals_add_where_the_shapes_agree():
    net = network("  - inverted_residual: {out: same, repeat: 2, stride: 2}")
    assert names(net)[-9:] == [
        "inverted_residual1"[:8] + f"1.2.{part}"
        for part in (
            "expand.conv", "expand.bn", "expand.act", "dw.conv", "dw.bn", "dw.act",
            "project.conv", "project.bn", "add",
        )
    ]  # fmt: skip
    assert "inverted1.1.add" not in net


def test_squeeze_and_excitation_weighs_the_channels_before_they_are_narrowed():
    block = "{out: 4, expand: 2, act: silu, squeeze: 4}"
    net = network(f"  - inverted_residual: {block}", image="[8, 6, 6]")
    assert names(net)[-10:] == [
        f"inverted1.{part}"
        for part in (
            "dw.bn", "dw.act", "squeeze.pool", "squeeze.conv", "squeeze.act", "excite.conv",
            "excite.act", "excite.mul", "project.conv", "project.bn",
        )
    ]  # fmt: skip
    assert net["inverted1.squeeze.conv"].output.shape == (1, 2, 1, 1)  # a quarter of the input's 8
    assert net["inverted1.excite.conv"].output.shape == (1, 16, 1, 1)
    assert net["inverted1.excite.act"].op.kind == "sigmoid"
    assert reads(net, "inverted1.excite.mul") == ["inverted1.dw.act", "inverted1.excite.act"]


class TestSchema:
    def test_every_operator_and_macro_is_a_keyword(self):
        definitions = json_schema()["$defs"]
        for name in keywords():
            assert definitions[name]["description"], name
            assert set(definitions[name]["properties"]) == set(keyword(name).model.model_fields) - {
                *keyword(name).beside
            }

    def test_every_attribute_is_described(self):
        definitions = json_schema()["$defs"]
        for name in keywords():
            for attribute, schema in definitions[name]["properties"].items():
                assert schema["description"], (name, attribute)

    def test_a_new_operator_needs_no_change_here(self):
        for name, op in OPERATORS.items():
            assert (keyword(name).model is op) == ("out" not in op.model_fields)
