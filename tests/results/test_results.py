"""Results: sums, names, what notebooks see."""

from __future__ import annotations

import importlib
import pickle
import pkgutil

import pytest

import memsim
from memsim.network import Network, Node
from memsim.network.ops.conv import Conv
from memsim.network.ops.shape import Input
from memsim.sheets.formats import render


@pytest.fixture(scope="module")
def result() -> memsim.Result:
    return memsim.run("resnet18", machine="textbook", cache="256KiB", lowering="eager")


def test_rows_roles_and_causes_sum_to_the_totals(result: memsim.Result) -> None:
    """Law 8."""
    layers = result.layers
    assert sum(layer.dram_read_bytes for layer in layers) == result.dram_read_bytes
    assert sum(layer.dram_write_bytes for layer in layers) == result.dram_write_bytes
    assert sum(layer.time_ps for layer in layers) == result.time_ps
    assert sum(layer.macs for layer in layers) == result.network.macs
    assert sum(layer.cio_elements for layer in layers) == result.network.cio
    for split in ("by_role", "by_cause"):
        whole = getattr(result, split)
        assert sum(whole.values()) == result.dram_bytes
        for name, amount in whole.items():
            assert sum(getattr(layer, split)[name] for layer in layers) == amount
    assert result.traffic.tensor_traffic.sum() == result.dram_bytes


def test_a_layer_that_computes_does_not_wait(result: memsim.Result) -> None:
    for layer in result.layers:
        waits = layer.time_ps - layer.compute_ps
        assert (layer.bound == "compute") == (10 * waits < layer.time_ps)
        assert (layer.bound == "memory") == (2 * waits >= layer.time_ps)


def test_result_survives_pickling(result: memsim.Result) -> None:
    again = pickle.loads(pickle.dumps(result))
    assert again.to_dict() == result.to_dict()


def test_names_are_escaped_in_html_and_markdown() -> None:
    nodes = [Node("x", Input(shape=(3, 8, 8))), Node("<script>|", Conv(out=4, kernel=3), ("x",))]
    result = memsim.run(Network("<b>evil</b>", nodes))
    html = result._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    markdown = render(result, "md")
    assert "\\<script\\>\\|" in markdown


@pytest.mark.needs("pandas")
def test_dataframe(result: memsim.Result) -> None:
    frame = result.to_dataframe()
    assert frame["dram_bytes"].sum() == result.dram_bytes
    assert len(frame) == len(result.layers)


def test_every_public_name_is_there_and_documented() -> None:
    for name in memsim.__all__:
        assert ">>>" in (getattr(memsim, name).__doc__ or ""), f"{name} has no example"
    assert set(memsim.__all__) <= set(dir(memsim))
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        memsim.runn  # noqa: B018


@pytest.mark.parametrize("package", ["memsim", "memsim.formats", "memsim.simulate"])
def test_no_lazy_name_is_a_module_of_its_package(package: str) -> None:
    """Importing the module would put it in the name's place."""
    module = importlib.import_module(package)
    modules = {info.name for info in pkgutil.iter_modules(module.__path__)}
    assert not modules & set(module.__all__)


def test_fixed_point_of_a_single_convolution() -> None:
    """By hand: 3x8x8 fp32 in, 4 filters of 3x3, one task; 25.6 GB/s, 100 ns, 0.5 TMAC/s."""
    nodes = [Node("x", Input(shape=(3, 8, 8))), Node("c", Conv(out=4, kernel=3), ("x",))]
    result = memsim.run(Network("one", nodes), machine="textbook")
    assert result.dram_read_bytes == 4 * (3 * 64 + 4 * 27) == 1200
    assert result.dram_write_bytes == 4 * 256
    load = 19 * 2500  # 19 bursts of 64 B at 25.6 B/ns
    compute = 4 * 27 * 64 * 2  # 2 ps a MAC
    store = 16 * 2500
    assert result.time_ps == load + 100_000 + compute + store
