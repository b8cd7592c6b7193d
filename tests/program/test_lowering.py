"""Lowerings: kernels by hand, what each byte is moved for, and what each lowering assumes."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.errors import SimulationError
from memsim.formats.architecture.file import from_text
from memsim.network import Network
from memsim.program import LOWERINGS, Kernel, Program, Role, build
from memsim.program.roles import operand_role, output_role, read_role, write_role
from tests.strategies import networks

# A convolution with batch norm and activation, one with a bias, a shortcut, and a concat that a
# batch norm and a convolution read.
TEXT = """
name: all
input: [16, 40, 40]
layers:
  - conv: {out: 16, kernel: 3, bn: true, act: relu}
    name: a
  - conv: {out: 16, kernel: 3, bias: true}
    name: b
  - add: a
    name: sum
  - concat: {}
    from: [sum, a]
    name: both
  - batchnorm
  - conv: {out: 8, kernel: 1}
    name: last
"""


def network() -> Network:
    return from_text(TEXT)


def kinds(kernels: tuple[Kernel, ...]) -> list[str]:
    return [kernel.op.kind for kernel in kernels]


EXPECTED = {
    "eager": ["conv", "batchnorm", "relu", "conv", "add", "concat", "batchnorm", "conv"],
    "eager_cudnn": [
        "conv", "batchnorm", "relu", "conv", "bias", "add", "concat", "batchnorm", "conv",
    ],
    "eager_onednn": [
        "reorder", "reorder", "conv", "reorder", "batchnorm", "relu",
        "reorder", "reorder", "conv", "reorder", "add", "concat", "batchnorm", "conv",
    ],
    "fused": ["conv", "conv", "concat", "batchnorm", "conv"],
    "concat_in_place": ["conv", "conv", "batchnorm", "conv"],
    "concat_free": ["conv", "conv", "conv"],
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(LOWERINGS))
def test_the_kernels_of_a_lowering(name: str) -> None:
    assert kinds(LOWERINGS[name].lower(network())) == EXPECTED[name]


def _has(kind: str) -> Callable[[tuple[Kernel, ...]], bool]:
    return lambda kernels: kind in kinds(kernels)


def _fuses(kernels: tuple[Kernel, ...]) -> bool:
    """No kernel of its own for the batch norm and the activation after the first convolution."""
    layers = next(kernel.layers for kernel in kernels if kernel.name == "a.conv")
    return layers == ("a.conv", "a.bn", "a.act")


def _writes_in_place(kernels: tuple[Kernel, ...]) -> bool:
    """No copy, and yet the batch norm after the concat is a kernel."""
    return _has("batchnorm")(kernels) and not _has("concat")(kernels)


def _applies_on_load(kernels: tuple[Kernel, ...]) -> bool:
    return any(kernel.load_work for kernel in kernels) and not _has("concat")(kernels)


TRUE_WHERE = {
    "batch norms folded, elementwise followers fused": _fuses,
    "concats read where their parts lie, batch norms and activations applied on load": (
        _applies_on_load
    ),
    "parts of concats written where the concat lies, into one concat each": _writes_in_place,
    "a convolution's bias added by a kernel of its own": _has("bias"),
    "maps and weights reordered on every call, by oneDNN": _has("reorder"),
}


@pytest.mark.parametrize("name", sorted(LOWERINGS))
def test_a_lowering_assumes_what_its_kernels_do_and_nothing_else(name: str) -> None:
    kernels = LOWERINGS[name].lower(network())
    true = {phrase for phrase, holds in TRUE_WHERE.items() if holds(kernels)}
    assert set(LOWERINGS[name].assumes) == true


@pytest.mark.parametrize("name", sorted(LOWERINGS))
def test_a_result_prints_what_its_lowering_assumes(name: str) -> None:
    assumed = memsim.run(network(), lowering=name).assumptions["assumed"]
    assert assumed[2:] == list(LOWERINGS[name].assumes)


def roles(program: Program) -> dict[tuple[str, str, bool], set[str]]:
    """Why each kernel reads and writes each tensor."""
    found: dict[tuple[str, str, bool], set[str]] = {}
    columns = zip(
        program.task_kernel[program.touch_task].tolist(),
        program.cell_tensor[program.touch_cell].tolist(),
        program.touch_write.tolist(),
        program.touch_role.tolist(),
        strict=True,
    )
    for kernel, tensor, write, role in columns:
        key = program.kernels[kernel].name, program.tensors[tensor].name, write
        found.setdefault(key, set()).add(Role(role).name)
    return found


def test_what_the_bytes_of_fused_kernels_are_moved_for() -> None:
    assert roles(build(network(), buffer=1 << 20)) == {
        ("a.conv", "input", False): {"INPUT"},
        ("a.conv", "a.conv.weight", False): {"WEIGHT"},
        ("a.conv", "a.act", True): {"ACTIVATION"},
        ("b", "a.act", False): {"ACTIVATION", "RESIDUAL"},  # as input, and for the add
        ("b", "b.weight", False): {"WEIGHT"},
        ("b", "sum", True): {"ACTIVATION"},
        ("both", "sum", False): {"CONCAT"},
        ("both", "a.act", False): {"CONCAT"},
        ("both", "both", True): {"CONCAT"},
        ("batchnorm1", "both", False): {"ACTIVATION"},
        ("batchnorm1", "batchnorm1.weight", False): {"WEIGHT"},
        ("batchnorm1", "batchnorm1", True): {"ACTIVATION"},
        ("last", "batchnorm1", False): {"ACTIVATION"},
        ("last", "last.weight", False): {"WEIGHT"},
        ("last", "last", True): {"OUTPUT"},
    }


def test_what_a_concat_without_copies_reads_is_an_activation() -> None:
    found = roles(build(network(), buffer=1 << 20, lowering="concat_free"))
    assert found["last", "sum", False] == {"ACTIVATION"}
    assert found["last", "a.act", False] == {"ACTIVATION"}
    assert found["last", "batchnorm1.weight", False] == {"WEIGHT"}


def test_the_further_operand_of_an_add_is_a_residual_even_if_it_is_the_input() -> None:
    text = "name: t\ninput: [8, 8, 8]\nlayers:\n  - relu\n  - add: input\n    name: sum\n"
    found = roles(build(from_text(text), buffer=1 << 20, lowering="eager"))
    assert found["sum", "input", False] == {"RESIDUAL"}
    assert found["sum", "relu1", False] == {"ACTIVATION"}
    assert found["relu1", "input", False] == {"INPUT"}


def test_a_concat_that_leaves_is_an_output() -> None:
    text = (
        "name: t\ninput: [8, 8, 8]\nlayers:\n  - relu\n  - concat: {}\n    from: [relu1, input]\n"
    )
    found = roles(build(from_text(text), buffer=1 << 20))
    assert found["concat1", "concat1", True] == {"OUTPUT"}
    assert found["concat1", "input", False] == {"CONCAT"}


KINDS = ("weight", "input", "activation", "output")


def test_every_role_of_a_read_and_a_write() -> None:
    reads = {(role, kind): read_role(role, kind) for role, kind in itertools.product(Role, KINDS)}
    for (role, kind), read in reads.items():
        if kind == "weight":
            assert read is Role.WEIGHT
        elif (role, kind) == (Role.ACTIVATION, "input"):
            assert read is Role.INPUT
        else:
            assert read is role
        assert write_role(role, kind) is (Role.OUTPUT if kind == "output" else role)


@given(networks(), st.sampled_from(sorted(LOWERINGS)))
def test_roles_follow_from_kernels_and_tensors(network: Network, lowering: str) -> None:
    try:
        program = build(network, buffer=1 << 16, lowering=lowering)
    except SimulationError:
        return
    kernels = {kernel.name: kernel for kernel in program.kernels}
    kind = {tensor.name: tensor.kind for tensor in program.tensors}
    for (kernel, tensor, write), why in roles(program).items():
        if kind[tensor] == "weight":
            assert why == {"WEIGHT"}
        elif write:
            copies = kernels[kernel].op.joins
            written = "OUTPUT" if kind[tensor] == "output" else "CONCAT" if copies else "ACTIVATION"
            assert why == {written}
        elif kernels[kernel].op.joins:
            assert why <= {"CONCAT", "RESIDUAL"}
        else:
            assert why <= ({"INPUT"} if kind[tensor] == "input" else {"ACTIVATION"}) | {"RESIDUAL"}
    for each in program.kernels:
        assert each.output_role is output_role(each.op)
        if each.own and not each.op.joins:
            assert each.operands[0].role is operand_role(each.op, True)
