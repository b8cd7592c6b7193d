"""Operators of PyTorch that are made of others, or go by a name of their own: MACs and shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import memsim

Case = tuple[Callable[..., Any], list[tuple[int, ...]]]


def forms() -> dict[str, Case]:
    """What is called, and the shapes of its operands."""
    import torch
    from torch import nn
    from torch.nn import functional

    one = [(1, 6, 4), (1, 4, 5)]
    return {
        "baddbmm": (lambda a, b, c: torch.baddbmm(a, b, c, beta=0.5), [(1, 6, 5), *one]),
        "addmm with a computed bias": (torch.addmm, [(4, 6), (4, 5), (5, 6)]),
        "outer": (lambda a, b: torch.outer(a[0], b[0]), [(1, 4), (1, 5)]),
        "tensordot": (lambda a, b: torch.tensordot(a, b, dims=([2], [1])), one),
        "linear of a map": (lambda a, b: functional.linear(a, b[0].T), one),
        "linear of a row": (nn.Linear(4, 3), [(4,)]),
        "einsum with dots": (lambda a, b: torch.einsum("...ij,...jk->...ik", a, b), one),
        "einsum without an arrow": (lambda a, b: torch.einsum("bij,cjk", a, b), one),
        "einsum that turns": (lambda a: torch.einsum("bij->bji", a), [(1, 6, 4)]),
        "einsum that sums": (lambda a: torch.einsum("bij->bi", a), [(1, 6, 4)]),
        "einsum of three": (
            lambda a, b, c: torch.einsum("bij,bjk,bkl->bil", a, b, c), [*one, (1, 5, 3)]
        ),
        "multi_dot": (
            lambda a, b, c: torch.linalg.multi_dot([a[0], b[0], c[0]]), [*one, (1, 5, 3)]
        ),
        "variance": (lambda a: torch.var(a, 1, correction=2), [(1, 6, 4)]),
        "number of what is not zero": (lambda a: torch.linalg.vector_norm(a, 0, 1), [(1, 6, 4)]),
        "norm of order 3": (lambda a: torch.linalg.vector_norm(a, 3, 1), [(1, 6, 4)]),
        "median": (lambda a: a.median(1)[0], [(1, 6, 4)]),
        "nansum": (lambda a: a.nansum(1), [(1, 6, 4)]),
        "cosine similarity": (nn.CosineSimilarity(), [(1, 8, 4), (1, 8, 4)]),
        "pairwise distance": (nn.PairwiseDistance(), [(1, 8), (1, 8)]),
        "kron": (torch.kron, [(1, 2, 3), (1, 3, 2)]),
        "cross": (lambda a, b: torch.linalg.cross(a, b, dim=1), [(1, 3, 4), (1, 3, 4)]),
        "differences": (lambda a: a.diff(dim=1), [(1, 4, 4)]),
        "trapezoids": (lambda a: torch.trapezoid(a, dim=1), [(1, 4, 4)]),
        "a quarter turn": (lambda a: a.rot90(1, (2, 3)), [(1, 3, 4, 5)]),
        "renorm": (lambda a: a.renorm(2, 1, 1.0), [(1, 3, 4, 5)]),
        "largest so far": (lambda a: a.cummax(1)[0], [(1, 4, 4)]),
        "histogram": (lambda a: torch.histc(a, 10), [(1, 4, 4)]),
        "nothing before": (lambda a: torch.cat([a[:, :0], a], 1), [(1, 4, 4)]),
        "nothing at all above": (lambda a: a.triu(9), [(1, 4, 4)]),
    }  # fmt: skip


NAMES = (
    "baddbmm", "addmm with a computed bias", "outer", "tensordot", "linear of a map",
    "linear of a row", "einsum with dots", "einsum without an arrow", "einsum that turns",
    "einsum that sums", "einsum of three", "multi_dot", "variance", "number of what is not zero",
    "norm of order 3", "median", "nansum", "cosine similarity", "pairwise distance", "kron",
    "cross", "differences", "trapezoids", "a quarter turn", "renorm", "largest so far",
    "histogram", "nothing before", "nothing at all above",
)  # fmt: skip


def read(called: Callable[..., Any], shapes: list[tuple[int, ...]]) -> tuple[Any, int, int, Any]:
    """The network, and the MACs, the parameters and the output that PyTorch tells."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    class Module(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.called = called

        def forward(self, *inputs):
            return self.called(*inputs)

    module = Module().eval()
    example = tuple(torch.randn(shape) for shape in shapes)
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        output = module(*example)
    params = sum(each.numel() for each in module.parameters())
    return memsim.from_torch(module, example), counted.get_total_flops() // 2, params, output


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", NAMES)
def test_macs_are_what_pytorch_counts(name: str) -> None:
    network, macs, params, output = read(*forms()[name])
    assert (network.macs, network.params) == (macs, params)
    found = network[network.outputs[0]].output
    assert found.size == output.numel()
    assert tuple(size for size in found.shape if size > 1) == tuple(
        size for size in output.shape if size > 1
    )


@pytest.mark.needs("torch")
def test_every_form_is_named() -> None:
    assert {*forms()} == {*NAMES}


@pytest.mark.needs("torch")
def test_distances_are_counted_as_the_product_they_are_made_of() -> None:
    import torch

    network, _, _, _ = read(torch.cdist, [(1, 6, 4), (1, 5, 4)])
    assert network.macs == 6 * 5 * 4
    assert network[network.outputs[0]].output.shape == (1, 6, 5)


@pytest.mark.needs("torch")
def test_a_bilinear_layer_multiplies_with_all_its_weights() -> None:
    import torch

    network, _, params, _ = read(torch.nn.Bilinear(8, 6, 4), [(1, 3, 8), (1, 3, 6)])
    assert network.params == params == 4 * 8 * 6 + 4
    assert network.macs == 3 * 4 * 6 * 8 + 3 * 4 * 6
    assert network[network.outputs[0]].output.shape == (1, 3, 4)


@pytest.mark.needs("torch")
@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
@pytest.mark.parametrize("both", [False, True])
def test_a_recurrent_layer_is_its_products_step_by_step(kind: str, gates: int, both: bool) -> None:
    """Its first state is zero, and multiplied all the same: kernels do."""
    import torch

    steps, wide, hidden, ways = 5, 8, 16, 2 if both else 1
    layer = getattr(torch.nn, kind)(wide, hidden, batch_first=True, bidirectional=both)
    network, _, params, _ = read(layer, [(1, steps, wide)])
    assert network.params == params
    assert network.macs == ways * steps * gates * hidden * (wide + hidden)
    run = memsim.run(network, cache="1MiB", lowering="fused")
    assert run.by_role["weight"] == 4 * params
