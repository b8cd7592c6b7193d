"""CIO and its accounting, MoC: decided from the graph, by hand where it matters."""

from __future__ import annotations

import pytest

from memsim.errors import InputError
from memsim.formats.architecture.file import from_text
from memsim.network import Network
from memsim.network.metrics import Accounting, cio, depthwise_downsamplings, transitions_down
from memsim.network.moc import MocDistribution

ONCE = Accounting(transition_down="once")
LEFT_OUT = Accounting(depthwise_downsampling="left_out")


def network(*layers: str) -> Network:
    items = "".join(f"  - {layer}\n" for layer in layers)
    return from_text(f"name: t\ninput: [4, 8, 8]\nlayers:\n{items}")


def names(found) -> list[str]:
    return [layer.name for layer in found]


class TestTransitionDown:
    def test_it_is_counted_with_what_it_reads_alone(self):
        net = network("conv: 8", "maxpool: 2")
        assert cio(net) == (4 + 8) * 64
        assert cio(net, ONCE) == 4 * 64

    @pytest.mark.parametrize(
        "between",
        ["batchnorm", "relu", "dropout", "identity"],
    )
    def test_it_reaches_its_pooling_through_what_only_changes_values(self, between):
        assert names(transitions_down(network("conv: 8", between, "avgpool: 2"))) == ["conv1"]

    @pytest.mark.parametrize(
        ("convolution", "after"),
        [
            ("conv: {out: 8, kernel: 3}", "maxpool: 2"),  # no 1x1
            ("conv: {out: 8, stride: 2}", "maxpool: 2"),  # halves by itself
            ("conv: 8", "maxpool: {kernel: 3, stride: 1, padding: 1}"),  # keeps the resolution
            ("conv: 8", "maxpool: {kernel: 2, stride: [1, 2]}"),  # halves the width alone
            ("conv: 8", "conv: 8"),  # no pooling
            ("conv: 8", "global_avgpool"),  # no step down but the end
        ],
    )
    def test_other_convolutions_are_none(self, convolution, after):
        assert names(transitions_down(network(convolution, after))) == []

    def test_one_that_another_layer_reads_too_is_none(self):
        net = network("conv: 8", "maxpool: 2", "{conv: 8, from: conv1}")
        assert names(transitions_down(net)) == []

    def test_one_that_leaves_the_network_is_none(self):
        assert names(transitions_down(network("conv: 8"))) == []

    def test_two_poolings_are_one_step_down(self):
        net = network("conv: 8", "maxpool: 2", "{avgpool: 2, from: conv1}")
        assert names(transitions_down(net)) == ["conv1"]


class TestDepthwiseDownsampling:
    def test_it_is_left_out_whole(self):
        net = network("conv: 8", "depthwise: {stride: 2}")
        assert cio(net) - cio(net, LEFT_OUT) == 8 * 64 + 8 * 16

    def test_without_a_stride_or_depth_it_is_counted(self):
        net = network("depthwise", "conv: {out: 8, groups: 2, stride: 2}")
        assert names(depthwise_downsamplings(net)) == []


class TestAccounting:
    def test_it_reads_what_it_writes(self):
        for accounting in (Accounting(), ONCE, LEFT_OUT, Accounting("once", "left_out")):
            text = str(accounting)
            assert Accounting.parse("" if text == "eq. 1" else text) == accounting

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                "transitions=once",
                "unknown accounting 'transitions' (did you mean 'transition_down'?)",
            ),
            ("transition_down=onc", "unknown transition_down 'onc' (did you mean 'once'?)"),
            ("transition_down", "unknown transition_down '' (known: both, once)"),
        ],
    )  # fmt: skip
    def test_what_it_cannot_read(self, text, message):
        with pytest.raises(InputError) as error:
            Accounting.parse(text)
        assert str(error.value) == message


def test_moc_is_distributed_over_convolutions():
    found = MocDistribution.of(network("conv: 4", "conv: {out: 4, kernel: 3}", "relu"))
    assert found.percentiles[50] == (2 + 18) / 2
    assert (found.low_layers, found.low_macs) == (2, 1)


def test_moc_of_no_convolution():
    found = MocDistribution.of(network("relu"))
    assert (set(found.percentiles.values()), found.low_layers, found.low_macs) == ({0}, 0, 0)


@pytest.mark.parametrize(("channels", "low"), [(59, 1), (60, 0), (61, 0)])
def test_moc_is_low_below_30_and_not_at_30(channels, low):
    # A 1x1 convolution that keeps its channels has half of them as its MoC.
    text = f"name: t\ninput: [{channels}, 2, 2]\nlayers:\n  - conv: {channels}\n"
    found = MocDistribution.of(from_text(text))
    assert (found.low_layers, found.low_macs) == (low, low)


def test_the_share_of_low_macs_is_of_all_convolutions():
    net = network("conv: 60", "conv: 60", "conv: 4")
    found = MocDistribution.of(net)  # 4 to 60: 3.75; 60 to 60: 30; 60 to 4: 3.75
    assert found.low_layers == 2
    assert found.low_macs == pytest.approx(480 / (480 + 3600))
    assert found.to_dict()["layers_below_30"] == 2
    assert found.to_dict()["percentile_10"] == pytest.approx(3.75)
