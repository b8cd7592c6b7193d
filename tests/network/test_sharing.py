"""Layers that read the parameters of others: counted once, and only where they fit."""

from __future__ import annotations

import pytest

import memsim
from memsim.errors import InputError
from memsim.formats import dump
from memsim.network import Network, Node
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.linear import Linear
from memsim.network.ops.pointwise import BatchNorm, Relu
from memsim.network.ops.shape import Input

SHARED = """
name: shared
input: [8, 16, 16]
layers:
  - {name: a, conv: {out: 8, kernel: 3, bn: true, act: relu}}
  - {name: b, conv: {out: 8, kernel: 3, bn: true, act: relu}, weights: a}
  - {name: c, conv: {out: 8, kernel: 3, bn: true}, weights: a.conv}
  - {name: d, conv: {out: 8, kernel: 3, bias: true}, weights: {weight: a}}
"""
X = Node("x", Input(shape=(8, 16, 16)))
A = Node("a", Conv(out=8, kernel=3), ("x",))


def params(network: Network) -> dict[str, int]:
    return {layer.name: layer.params for layer in network if layer.params}


def message(*nodes: Node) -> str:
    with pytest.raises(InputError) as error:
        Network("n", nodes)
    return str(error.value)


class TestCounting:
    def test_what_two_layers_read_counts_once(self):
        # 8 x 8 x 3 x 3 weights; two batch norms of 2 x 8, of which b's is a's; a bias of 8.
        network = memsim.loads(SHARED)
        assert params(network) == {"a.conv": 576, "a.bn": 16, "c.bn": 16, "d": 8}
        assert network.params == 576 + 2 * 16 + 8

    def test_each_layer_says_which_tensors_it_reads(self):
        network = memsim.loads(SHARED)
        names = [weights.name for weights in network["d"].weights]
        assert names == ["a.conv.weight", "d.bias"]
        assert (network["d"].weights_of, network["d"].bias_of) == ("a.conv", "d")
        assert network["b.bn"].weights_of == "a.bn"
        assert network["a.act"].weights == ()

    def test_it_counts_with_its_owner_wherever_that_is_listed(self):
        b = Node("b", Conv(out=8, kernel=3), ("x",), weights="a")
        assert params(Network("n", [X, b, A])) == {"a": 576}

    def test_a_chain_of_owners_ends_at_the_first(self):
        b = Node("b", Conv(out=8, kernel=3), ("x",), weights="a")
        c = Node("c", Conv(out=8, kernel=3), ("x",), weights="b")
        assert Network("n", [X, A, b, c])["c"].weights_of == "a"

    def test_a_bias_alone_can_be_shared(self):
        a = Node("a", Conv(out=8, kernel=3, bias=True), ("x",))
        b = Node("b", Conv(out=8, kernel=1, bias=True), ("x",), bias="a")
        network = Network("n", [X, a, b])
        assert params(network) == {"a": 584, "b": 64}
        assert [each.name for each in network["a"].weights] == ["a.weight", "a.bias"]
        assert [each.name for each in network["b"].weights] == ["b.weight", "a.bias"]

    def test_a_decoder_may_multiply_by_the_transpose(self):
        x = Node("x", Input(shape=(16, 1, 1)))
        encoder = Node("e", Linear(out=4, bias=False), ("x",))
        decoder = Node("d", Linear(out=16), ("e",), weights="e")
        network = Network("n", [x, encoder, decoder])
        assert params(network) == {"e": 64, "d": 16}
        assert network["d"].weights[0].turned

    def test_a_transposed_convolution_reads_those_of_a_convolution_turned(self):
        up = Node("up", ConvTranspose(out=8, kernel=3), ("a",), weights="a")
        a = Node("a", Conv(out=4, kernel=3), ("x",))
        network = Network("n", [X, a, up])
        assert network.params == 4 * 8 * 9

    def test_computed_weights_count_what_they_are_computed_from(self):
        learned = (("w", 576), ("gain", 8))
        a = Node("a", Conv(out=8, kernel=3), ("x",), learned=learned)
        b = Node("b", Conv(out=8, kernel=3), ("a",), learned=(("w", 576), ("other", 8)))
        c = Node("c", Conv(out=8, kernel=3), ("b",), weights="a")
        assert params(Network("n", [X, a, b, c])) == {"a": 584, "b": 8}

    def test_constants_are_not_learned(self):
        a = Node("a", Conv(out=8, kernel=3), ("x",), learned=())
        assert Network("n", [X, a]).params == 0


class TestMisfits:
    def test_an_owner_that_is_no_layer(self):
        b = Node("b", Conv(out=8, kernel=3), ("x",), weights="aa")
        assert message(X, A, b) == (
            "b: reads the weights of 'aa', which is no layer (did you mean 'a'?)"
        )

    def test_other_shapes(self):
        b = Node("b", Conv(out=4, kernel=3), ("x",), weights="a")
        assert message(X, A, b) == (
            "b: reads the weights of 'a', which are 8 x 8 x 3 x 3; its own would be 4 x 8 x 3 x 3"
        )

    def test_as_many_taps_of_another_window(self):
        b = Node("b", Conv(out=8, kernel=(1, 9)), ("x",), weights="a")
        assert message(X, A, b).endswith("8 x 8 x 3 x 3; its own would be 8 x 8 x 1 x 9")

    def test_another_kind_of_layer(self):
        b = Node("b", BatchNorm(), ("a",), weights="a")
        assert message(X, A, b) == (
            "b: reads the weights of 'a', a conv; a batchnorm reads those of another one"
        )

    def test_layers_without_parameters(self):
        relu = Node("r", Relu(), ("a",), weights="a")
        assert message(X, A, relu) == "r: relu has no parameters that it could share"
        b = Node("b", Conv(out=8, kernel=3), ("r",), weights="r")
        assert message(X, A, Node("r", Relu(), ("a",)), b) == (
            "b: reads the weights of 'r', but relu has none"
        )

    def test_a_circle(self):
        a = Node("a", Conv(out=8, kernel=3), ("x",), weights="b")
        b = Node("b", Conv(out=8, kernel=3), ("x",), weights="a")
        assert "layers share the weights of one another in a circle: a -> b -> a" in message(
            X, a, b
        )

    def test_a_bias_that_is_not_there(self):
        b = Node("b", Conv(out=8, kernel=3, bias=True), ("x",), weights="a", bias="a")
        assert message(X, A, b) == (
            "b: 'a' has no bias to share (weights: {weight: a} shares the weights alone)"
        )
        c = Node("c", Conv(out=8, kernel=3), ("x",), bias="a")
        biased = Node("a", Conv(out=8, kernel=3, bias=True), ("x",))
        assert message(X, biased, c) == "c: reads the bias of 'a', but adds none"
        d = Node("d", Conv(out=4, kernel=3, bias=True), ("x",), bias="a")
        assert message(X, biased, d) == ("d: reads the bias of 'a', which has 8 channels, not 4")

    def test_one_name_for_two_sizes(self):
        a = Node("a", Conv(out=8, kernel=3), ("x",), learned=(("w", 576),))
        b = Node("b", Conv(out=8, kernel=3), ("a",), learned=(("w", 8),))
        assert message(X, a, b) == "b: 'w' has 8 elements here and 576 in 'a'"


class TestFiles:
    def test_a_dump_says_who_shares_what(self):
        network = memsim.loads(SHARED)
        text = dump(network)
        assert "{name: b.conv, conv: {out: 8, kernel: 3}, from: a.act, weights: a.conv}" in text
        assert "{name: b.bn, batchnorm: {}, from: b.conv, weights: a.bn}" in text
        assert "from: c.bn, weights: {weight: a.conv}}" in text
        assert memsim.loads(text) == network

    def test_learned_is_written_and_read_back(self):
        learned = (("w", 576), ("a gain", 8))
        network = Network("n", [X, Node("a", Conv(out=8, kernel=3), ("x",), learned=learned)])
        assert 'learned: {w: 576, "a gain": 8}}' in dump(network)
        assert memsim.loads(dump(network)) == network

    def test_what_a_block_stands_for_is_shared_layer_by_layer(self):
        network = memsim.loads(
            "{name: n, input: [8, 9, 9], layers: ["
            "{name: one, block: {pattern: dense, layers: 2, growth: 4}}, "
            "{name: two, conv: {out: 8, kernel: 1}}, "
            "{name: again, block: {pattern: dense, layers: 2, growth: 4}, weights: one}]}"
        )
        owned = {layer.name for layer in network if layer.params}
        assert not any(name.startswith("again") for name in owned)
        assert {"one.1.conv", "two"} <= owned

    def test_a_repeat_reads_the_same_weights_in_each_step(self):
        network = memsim.loads(
            "{name: n, input: [8, 9, 9], layers: [{name: a, conv: {out: 8, kernel: 3, bn: true}}, "
            "{repeat: 3, layers: [{conv: {out: 8, kernel: 3, bn: true}, weights: a}]}]}"
        )
        assert network.params == 592

    @pytest.mark.parametrize(
        ("item", "told"),
        [
            ("conv: {out: 8, kernel: 3}, weights: b", "there is no layer 'b' (known: a, input, x)"),
            ("conv: {out: 8, kernel: 3}, weights: 3", "expected the name of a layer, not 3 "
             "(such as 'weights: conv1', or 'weights: {weight: conv1, bias: conv2}')"),
            ("conv: {out: 8, kernel: 3}, weights: {w: a}", "unknown key 'w' (weight or bias)"),
            ("conv: {out: 8, kernel: 3}, weight: a",
             "unknown key 'weight' (did you mean 'weights'?)"),
            ("relu: {}, weights: a", "'a' has no relu whose weight 'x' could read"),
            ("conv: {out: 8, kernel: 3}, learned: 9", "expected parameters with their sizes, not 9 "
             "(such as 'learned: {weight: 216, gain: 8}')"),
            ("conv: {out: 8, kernel: 3}, learned: {w: many}",
             "expected a number of elements, not 'many'"),
            ("conv: {out: 8, kernel: 3, bn: true}, learned: {w: 576}",
             "learned is of one layer, and 'x' has 2 (memsim expand shows them)"),
        ],
    )  # fmt: skip
    def test_errors_say_what_and_where(self, item: str, told: str):
        text = (
            "name: n\ninput: [8, 9, 9]\nlayers:\n"
            "  - {name: a, conv: {out: 8, kernel: 3, bn: true}}\n"
            f"  - {{name: x, {item}}}\n"
        )
        with pytest.raises(InputError) as error:
            memsim.loads(text)
        assert str(error.value).startswith("<text>:5:")
        assert str(error.value).endswith(told)
