"""What runs in PyTorch is the network, kernel by kernel."""

from __future__ import annotations

import pytest

import memsim
from memsim.errors import InputError, SimulationError
from memsim.formats.module.module import to_torch
from memsim.measurement.run.runnable import MEASURABLE, prepare
from memsim.program.lowering import LOWERINGS

NETWORKS = (
    "resnet18",
    "mobilenetv2",
    "squeezenet1_0",
    pytest.param("densenet121", marks=pytest.mark.release),
    "hardnet39ds",
    "fc_hardnet70",
)

ODD = """\
name: odd
input: [3, 20, 20]
layers:
  - {conv: {out: 16, kernel: 3, bias: true}, name: stem}
  - {hardswish: {}, name: act}
  - {conv: {out: 16, kernel: 3, padding: 1}, name: two, from: act}
  - {batchnorm: {}, name: norm}
  - {leaky_relu: 0.1, name: leak}
  - {add: {}, name: sum, from: [act, leak]}
  - {sigmoid: {}, name: gate}
  - {mul: {}, name: product, from: [gate, sum]}
  - {conv_transpose: {out: 8, kernel: 2, stride: 2}, name: up}
  - {batchnorm: {}, name: upnorm}
  - {relu: {}, name: upact}
  - {global_avgpool: {}, name: pool}
  - {dropout: 0.5, name: drop}
  - {linear: 10, name: top}
"""


def small(name: str, size: int = 64) -> memsim.Network:
    return memsim.load(name, input_shape=(3, size, size))


def same_as_the_module(network: memsim.Network, lowering: str, error: float) -> None:
    import torch

    runnable = prepare(network, lowering)
    module = to_torch(network)
    with torch.inference_mode():
        wanted = module(*runnable.images.values())
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    for one, other in zip(runnable.forward(), wanted, strict=True):
        assert one.shape == other.shape
        assert (one - other).abs().max() <= error * other.abs().max()


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", NETWORKS)
def test_eager_steps_compute_exactly_what_the_module_does(name: str) -> None:
    same_as_the_module(small(name), "eager", 0)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", NETWORKS)
def test_fused_steps_compute_what_the_module_does_but_for_rounding(name: str) -> None:
    same_as_the_module(small(name), "fused", 1e-5)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("lowering", MEASURABLE)
def test_what_cannot_be_fused_is_run_all_the_same(lowering: str, tmp_path) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(ODD)
    same_as_the_module(memsim.load(file), lowering, 1e-5)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("lowering", MEASURABLE)
def test_there_is_a_step_for_each_kernel_in_the_kernels_order(lowering: str) -> None:
    network = small("densenet121", 32)
    names = [step.kernel.name for step in prepare(network, lowering).steps]
    assert names == [kernel.name for kernel in LOWERINGS[lowering].lower(network)]


@pytest.mark.needs("torch")
@pytest.mark.parametrize("lowering", MEASURABLE)
def test_every_value_dies_after_its_last_reader_and_results_stay(lowering: str) -> None:
    runnable = prepare(small("hardnet39ds", 32), lowering)
    alive = set(runnable.images)
    for step in runnable.steps:
        assert set(step.inputs) <= alive
        alive |= set(step.outputs)
        alive -= set(step.dead)
    assert len(alive) == len(runnable.forward())
    last = {name: n for n, step in enumerate(runnable.steps) for name in step.inputs}
    for number, step in enumerate(runnable.steps):
        assert all(last.get(name, number) == number for name in step.dead)


@pytest.mark.needs("torch")
def test_a_batch_norm_is_gone_and_an_activation_is_part_of_its_convolution() -> None:
    import torch

    fused = prepare(small("resnet18", 32), "fused")
    first = next(step for step in fused.steps if step.kernel.name == "stage.1.1.conv1.conv")
    parts = [getattr(part, "kind", "") for part in first.call.__self__.children()]
    assert parts == ["PackedConv"] or not torch.backends.mkldnn.is_available()


@pytest.mark.needs("torch")
def test_the_same_subject_gives_the_same_results_again() -> None:
    runnable = prepare(small("squeezenet1_0"), "fused")
    (one,), (two,) = runnable.forward(), runnable.forward()
    assert bool((one == two).all())


@pytest.mark.needs("torch")
def test_what_cannot_be_measured_says_why() -> None:
    network = small("resnet18")
    for lowering, text in (
        ("concat_free", "lowering 'concat_free' cannot be measured (PyTorch runs eager and fused)"),
        ("fussed", "lowering 'fussed' cannot be measured (did you mean 'fused'?)"),
    ):
        with pytest.raises(InputError) as error:
            prepare(network, lowering)
        assert str(error.value) == text
    with pytest.raises(InputError, match=r"unknown device 'gpu' \(did you mean 'cpu'\?\)"):
        prepare(network, device="gpu")
    with pytest.raises(SimulationError, match="no int8 convolution"):
        prepare(memsim.load("resnet18", dtype="int8"))


@pytest.mark.needs("torch")
def test_cuda_that_is_not_there_is_an_error() -> None:
    import torch

    if torch.cuda.is_available():
        prepare(small("resnet18"), device="cuda").forward()
    else:
        with pytest.raises(InputError, match="--device: this PyTorch sees no CUDA device"):
            prepare(small("resnet18"), device="cuda")
