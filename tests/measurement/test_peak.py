"""The peak of memory: found in a trace by hand, and the same as what is planned."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import memsim
from memsim.errors import SimulationError
from memsim.measurement.run.peak import Peak, peak_in, peak_of
from memsim.measurement.run.runnable import prepare
from memsim.network import Network
from memsim.network.storage import executes
from memsim.sheets.formats import render
from tests.program.test_lifetimes import pairs

pytestmark = pytest.mark.needs("torch")


def memory(ts: float, address: int, nbytes: int) -> dict[str, Any]:
    return {"name": "[memory]", "ts": ts, "args": {"Addr": address, "Bytes": nbytes}}


def operator(ts: float, dur: float) -> dict[str, Any]:
    return {"name": "aten::conv2d", "cat": "cpu_op", "ts": ts, "dur": dur}


def test_what_an_operator_frees_itself_is_its_own() -> None:
    events = [
        operator(10, 10),
        operator(11, 2),  # within it: of the outermost alone is asked
        memory(11, 1, 100),
        memory(14, 2, 50),
        memory(18, 1, -100),
        operator(30, 10),
        memory(31, 1, 70),
        memory(45, 2, -50),  # freed by the program, behind the operator
    ]
    assert peak_in(events) == Peak(tensor_bytes=120, allocator_bytes=150)


def test_what_one_operator_makes_and_another_frees_is_a_tensor() -> None:
    events = [operator(10, 10), memory(11, 1, 100), operator(30, 10), memory(31, 1, -100)]
    assert peak_in(events) == Peak(100, 100)


def test_an_address_that_is_used_again_is_another_tensor() -> None:
    events = [
        memory(1, 1, 10), memory(2, 1, -10), operator(3, 9), memory(4, 1, 30), memory(5, 1, -30),
        memory(20, 1, 20), memory(21, 9, -7),
    ]  # fmt: skip
    assert peak_in(reversed(events)) == Peak(20, 30)


def test_a_trace_without_memory_has_no_peak(torch: Any) -> None:
    assert peak_in([operator(1, 1)]) == Peak(0, 0)
    with pytest.raises(SimulationError, match="tells of no allocation"):
        peak_of(lambda: None)


@pytest.fixture(name="torch")
def _torch(needs: Any) -> Any:
    return needs("torch")


def test_a_pass_of_a_module_by_hand(torch: Any) -> None:
    nn = torch.nn
    module = nn.Sequential(nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU(), nn.AvgPool2d(2))
    x = torch.zeros(1, 3, 32, 32)
    with torch.inference_mode():
        found = peak_of(lambda: module(x))
    assert found == Peak(tensor_bytes=2 * 12288, allocator_bytes=2 * 12288)


SEEN_OTHERWISE = ("flatten", "reshape", "narrow")
"""Functions that only show a tensor."""


NORMS_WITH_STATISTICS = ("group_norm", "instance_norm", "lrn", "normalize", "reduce", "rms_norm")
"""Kinds for which PyTorch allocates sums, statistics or copies of its own."""


def plain(network: Network) -> bool:
    """Whether each layer makes one tensor in PyTorch.

    Unequal padding makes one more, so do sums of three, and a maximum over all keeps its places. A
    slice that leaves the network is a copy here, and all of its source there.
    """
    if not all(executes(network[name]) for name in network.outputs):
        return False
    calls = Counter(
        node.meta["layer"]
        for node in memsim.to_torch(network).graph.nodes
        if node.op.startswith("call_")
        and getattr(node.target, "__name__", "") not in SEEN_OTHERWISE
    )
    kinds = {layer.op.kind for layer in network}
    if kinds & {*NORMS_WITH_STATISTICS}:
        return False
    return max(calls.values(), default=0) <= 1 and not kinds & {
        "adaptive_maxpool",
        "global_maxpool",
    }


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.release
@given(pairs(), st.booleans())
def test_the_plan_of_any_network_is_what_pytorch_allocates(
    pair: tuple[Network, Network], told: bool
) -> None:
    network = pair[told].with_options(batch=1, dtype="fp32")
    assume(plain(network))
    try:
        planned = memsim.memory(network, lowering="eager", machine="textbook").peak_tensor_bytes
        runnable = prepare(network, "eager")
    except SimulationError:
        return
    runnable.forward()
    if planned:
        assert peak_of(runnable.forward).tensor_bytes == planned


SLOW = ("mobilenet_v2", "vgg16", "vgg16_bn", "googlenet", "resnet18")
LONG = ("densenet121", "resnet50", "mobilenet with squeeze-and-excitation")
"""Those that wait for a release."""

MARKS = {
    **dict.fromkeys(SLOW, (pytest.mark.slow,)),
    **dict.fromkeys(LONG, (pytest.mark.release,)),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=MARKS.get(name, ()))
        for name in ("resnet18", "densenet121", "mobilenet_v2", "vgg16", "resnet50", "vgg16_bn",
                     "alexnet", "squeezenet", "googlenet", "unet", "unet, nothing in place",
                     "hardnet", "mobilenet with squeeze-and-excitation", "pre-activation resnet",
                     "feature pyramid")
    ],
)  # fmt: skip
def test_the_plan_of_a_module_as_people_write_it_is_what_pytorch_allocates(
    torch: Any, name: str
) -> None:
    from tests.measurement.written import DEVELOPED, UNSEEN

    torch.manual_seed(0)
    module, image = {**DEVELOPED, **UNSEEN}[name]().eval(), torch.zeros(1, 3, 64, 64)
    with torch.inference_mode():
        module(image)
        measured = peak_of(lambda: module(image)).tensor_bytes
    network = memsim.from_torch(module, image)
    assert memsim.memory(network, lowering="eager").peak_tensor_bytes == measured
    # The file says the same, and what measure runs holds as much.
    again = prepare(memsim.loads(memsim.dump(network)), "eager")
    again.forward()
    assert peak_of(again.forward).tensor_bytes == measured


def test_without_what_the_module_says_the_plan_is_another(torch: Any) -> None:
    from tests.measurement.written import UNSEEN

    network = memsim.from_torch(UNSEEN["hardnet"](), torch.zeros(1, 3, 64, 64))
    assert network.held
    bare = Network(network.name, network.nodes, network.outputs)
    planned = [memsim.memory(n, lowering="eager").peak_tensor_bytes for n in (network, bare)]
    assert planned[0] > planned[1]


def test_measure_tells_the_peak() -> None:
    text = "{name: n, input: [3, 32, 32], layers: [{name: a, relu: {}}, {name: b, relu: {}}]}"
    measured = memsim.measure(memsim.loads(text), "eager", runs=1)
    assert measured.peak == Peak(2 * 12288, 2 * 12288)
    assert measured.resident_bytes == 12288  # the input
    whole, first, _ = measured.rows()
    assert (whole["peak_tensor_bytes"], whole["peak_allocator_bytes"]) == (24576, 24576)
    assert whole["resident_bytes"] == 12288
    assert first["peak_tensor_bytes"] == ""
    text = " ".join(render(measured, "table").split())
    assert "24.6 kB of feature maps, 24.6 kB with what kernels need for themselves" in text
    assert "12.3 kB of weights and inputs" in text
