"""The network: order, names, cycles, outputs, metrics."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given

from memsim.errors import InputError, Problem
from memsim.network import Network, Node, Tensor
from memsim.network.metrics import moc
from memsim.network.ops.arrange import Concat
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.linear import Linear
from memsim.network.ops.pointwise import Add, Relu
from memsim.network.ops.shape import Input
from memsim.network.patterns import PATTERNS
from tests.strategies import networks

X = Node("x", Input(shape=(3, 8, 8)))


def refused(*nodes: Node, **options: object) -> list[str]:
    with pytest.raises(InputError) as error:
        Network("t", nodes, **options)  # type: ignore[arg-type]
    return [str(problem) for problem in error.value.problems]


class TestWhatIsRefused:
    def test_duplicate_and_dangling_names_and_arity_all_at_once(self):
        assert refused(
            X,
            Node("one", Relu(), ("x",), Problem("", "layers[0]", "", "f", 4, 5)),
            Node("one", Relu(), ("xx",), Problem("", "layers[1]", "", "f", 5, 5)),
            Node("two", Add(), ("x",)),
        ) == [
            "f:5:5: layers[1] (one): the name 'one' is taken (first on line 4)",
            "f:5:5: layers[1] (one): reads 'xx', which is no layer (did you mean 'x'?)",
            "two: add takes at least 2 input(s), not 1",
        ]

    def test_a_cycle_is_told_with_its_layers(self):
        [message] = refused(X, Node("a", Add(), ("x", "b")), Node("b", Relu(), ("a",)))
        assert "layers form a cycle: " in message
        assert "a -> b" in message

    def test_shapes_that_do_not_fit_are_told_once_each(self):
        big = Conv(out=3, kernel=99, padding=0)
        assert refused(
            X, Node("a", big, ("x",)), Node("b", Relu(), ("a",)), Node("c", big, ("x",))
        ) == [
            f"{name}: a kernel that reaches over 99 is larger than the padded height 8"
            for name in ("a", "c")
        ]

    def test_options(self):
        assert refused(X, dtype="fp31") == ["unknown data type 'fp31' (did you mean 'fp32'?)"]
        assert refused(X, batch=0) == ["batch is 0; it must be from 1 to 1048576"]
        assert refused() == ["network 't' has no layers"]
        assert refused(X, outputs=["y"]) == ["outputs: output 'y' is no layer (known: x)"]

    def test_a_layer_that_is_not_there(self):
        with pytest.raises(InputError, match="t has no layer 'y'"):
            Network("t", [X])["y"]


class TestWhatIsKnown:
    def test_layers_come_in_the_given_order_as_far_as_edges_allow(self):
        nodes = [Node("b", Relu(), ("a",)), X, Node("c", Relu(), ("x",)), Node("a", Relu(), ("x",))]
        assert [layer.name for layer in Network("t", nodes)] == ["x", "c", "a", "b"]

    def test_one_tensor_may_be_read_twice_by_one_layer(self):
        net = Network("t", [X, Node("c", Concat(), ("x", "x"))])
        assert list(net.graph.edges(keys=True)) == [("x", "c", 0), ("x", "c", 1)]
        assert net.readers == {"x": ("c", "c"), "c": ()}
        assert net["c"].output.shape == (1, 6, 8, 8)

    def test_the_batch_counts_in_macs_and_cio_but_not_in_parameters(self):
        nodes = [X, Node("c", Conv(out=4, kernel=3), ("x",))]
        one, three = Network("t", nodes), Network("t", nodes, batch=3)
        assert (three.macs, three.cio, three.params) == (3 * one.macs, 3 * one.cio, one.params)

    def test_the_graph_holds_layers_and_tensors(self):
        net = Network("t", [X, Node("s", Add(), ("x", "x")), Node("r", Relu(), ("s",))])
        assert {name: data["layer"] for name, data in net.graph.nodes(data=True)} == {
            name: net[name] for name in ("x", "s", "r")
        }
        edges = list(net.graph.edges(keys=True, data="tensor"))
        x, s = net["x"].output, net["s"].output
        assert edges == [("x", "s", 0, x), ("x", "s", 1, x), ("s", "r", 0, s)]

    def test_the_graph_is_frozen(self):
        with pytest.raises(nx.NetworkXError):
            Network("t", [X]).graph.add_node("y")

    def test_with_options_keeps_the_rest(self):
        net = Network("t", [X, Node("r", Relu(), ("x",))], ["x", "r"], source="s")
        same = net.with_options(batch=2, dtype="int8", input_shape=(1, 2, 3))
        assert (same.outputs, same.source, same.batch, same.dtype) == (("x", "r"), "s", 2, "int8")
        assert same["r"].output == Tensor("r", (2, 1, 2, 3), "int8")
        assert same["r"].output.nbytes == 12


class TestLimits:
    """The largest tensor, parameter set and batch, and one more."""

    def test_a_tensor_of_2_to_the_44_elements(self):
        shape = (1 << 20, 1 << 12, 1 << 12)
        assert Network("t", [Node("x", Input(shape=shape))])["x"].output.size == 1 << 44
        larger = (shape[0], shape[1], shape[2] + 1)
        for node, batch in ((Input(shape=larger), 1), (Input(shape=shape), 2)):
            with pytest.raises(InputError, match="larger than memsim simulates"):
                Network("t", [Node("x", node)], batch=batch)

    def test_2_to_the_44_parameters(self):
        x = Node("x", Input(shape=(1 << 24, 1, 1)))
        net = Network("t", [x, Node("l", Linear(out=1 << 20, bias=False), ("x",))])
        assert net.params == 1 << 44
        with pytest.raises(InputError, match="larger than memsim simulates"):
            Network("t", [x, Node("l", Linear(out=1 << 20), ("x",))])

    def test_a_batch_of_2_to_the_20(self):
        assert Network("t", [X], batch=1 << 20).batch == 1 << 20
        for batch in (0, (1 << 20) + 1):
            with pytest.raises(InputError, match="it must be from 1 to 1048576"):
                Network("t", [X], batch=batch)


class TestMetrics:
    """HarDNet, arXiv:1909.00948, eq. 1: convolutions alone, inputs and outputs in full."""

    def test_cio_counts_convolutions_plain_and_transposed(self):
        net = Network("t", [
            X,
            Node("c", Conv(out=4, kernel=3, stride=2), ("x",)),
            Node("u", ConvTranspose(out=2, kernel=2, stride=2), ("c",)),
            Node("k", Concat(), ("x", "u", "x")),
            Node("r", Relu(), ("k",)),
            Node("p", Conv(out=1), ("r",)),
        ])  # fmt: skip
        each = {layer.name: layer.cio for layer in net}
        assert each == {
            "x": 0, "c": 3 * 64 + 4 * 16, "u": 4 * 16 + 2 * 64, "k": 0, "r": 0, "p": 8 * 64 + 64,
        }  # fmt: skip
        assert net.cio == sum(each.values())

    def test_moc_of_a_1x1_is_low_where_the_channels_are_unequal(self):
        net = Network("t", [Node("x", Input(shape=(256, 5, 5))), Node("c", Conv(out=16), ("x",))])
        assert moc(net["c"]) == pytest.approx(256 * 16 / (256 + 16))
        assert moc(net["x"]) is None


class TestPatterns:
    def test_links_reach_back_to_earlier_layers_alone(self):
        for pattern in PATTERNS.values():
            for layer in range(1, 40):
                links = pattern.links(layer)
                assert links
                assert len(set(links)) == len(links)
                assert all(0 <= link < layer for link in links)
                assert all(0 <= leaf <= layer for leaf in pattern.leaves(layer))

    def test_harmonic_forgets_what_a_power_of_two_has_read(self):
        harmonic = PATTERNS["harmonic"]
        for power in (2, 4, 8, 16):
            later = {link for layer in range(power + 1, 65) for link in harmonic.links(layer)}
            assert not later & set(range(1, power))

    @pytest.mark.parametrize(
        ("pattern", "reads", "leaves"),
        [
            ("dense", [0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6]),
            ("log", [5, 4, 2], [1, 2, 3, 4, 5, 6]),
            ("sparse", [5, 4, 2], [6, 5, 3]),
            ("harmonic", [5, 4], [1, 3, 5, 6]),
        ],
    )
    def test_what_layer_6_reads_and_what_leaves_after_it(self, pattern, reads, leaves):
        assert PATTERNS[pattern].links(6) == reads
        assert PATTERNS[pattern].leaves(6) == leaves


@given(networks())
def test_layers_of_random_networks_read_what_is_written_before(network):
    written = set()
    for layer in network:
        assert {tensor.name for tensor in layer.inputs} <= written
        written.add(layer.name)
        assert layer.output.size > 0
        assert layer.macs >= 0
    assert set(network.outputs) <= written
    assert network == network.with_options()
