"""What eager mode does not copy: PyTorch's own strides, and blocks followed by hand."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.network.ops.axes import Strides
from memsim.network.ops.linear import Attention, MatMul

SIZES = (24, 32, 40)

HEADS = """
name: heads
input: [20, 3, 8]
batch: BATCH
layers:
  - {name: q, relu: {}, from: input}
  - {name: apart, permute: [1, 0, 2]}
  - {name: turned, permute: [0, 2, 1]}
  - {name: scores, matmul: {}, from: [apart, turned]}
  - {name: shares, softmax: -1}
"""


def kernels(text: str, batch: int = 1, lowering: str = "eager") -> list[str]:
    network = memsim.loads(text.replace("BATCH", str(batch)))
    return [
        kernel.name for kernel in memsim.build(network, lowering=lowering, buffer="1MiB").kernels
    ]


@pytest.mark.needs("torch")
@given(st.data())
def test_strides_are_those_of_torch(data):
    import torch

    sizes = tuple(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    order = tuple(data.draw(st.permutations(range(len(sizes)))))
    tensor, strides = torch.zeros(sizes).permute(order), Strides.of(sizes).permuted(order)
    if data.draw(st.booleans()):
        start = data.draw(st.integers(0, tensor.shape[0] - 1))
        strides = strides.selected(0, start, tensor.shape[0], 2)
        tensor = tensor[start::2]
    assert strides.sizes == tuple(tensor.shape)
    assert strides.steps == tensor.stride()
    assert strides.in_order == tensor.is_contiguous()
    count = tensor.numel()
    first = data.draw(st.sampled_from([n for n in range(1, count + 1) if count % n == 0]))
    wanted = data.draw(st.permutations([first, count // first, 1]))
    told = strides.reshaped(tuple(wanted))
    try:
        view = tensor.view(*wanted)
    except RuntimeError:
        assert told is None
    else:
        assert told is not None
        apart = [(size, step) for size, step in zip(wanted, view.stride(), strict=True) if size > 1]
        found = zip(told.sizes, told.steps, strict=True)
        assert [(size, step) for size, step in found if size > 1] == apart


@pytest.mark.needs("torch")
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_what_kernels_take_is_what_torch_does_not_copy(batch, order):
    import torch

    axes = (0, *(axis + 1 for axis in order))
    tensor = torch.zeros(batch, *SIZES).permute(axes)
    strides = Strides.of((batch, *SIZES)).permuted(axes)
    left = torch.zeros(batch, tensor.shape[1], 48, tensor.shape[2])
    right = torch.zeros(batch, tensor.shape[1], tensor.shape[3], 48)
    product = MatMul()
    assert product.takes(0, strides) == (not copies(lambda: tensor @ right))
    assert product.takes(1, strides) == (not copies(lambda: left @ tensor))
    other = torch.zeros(tensor.shape)
    attend = torch.nn.functional.scaled_dot_product_attention
    assert Attention().takes(0, strides) == (not copies(lambda: attend(tensor, other, other)))


def copies(run) -> int:
    """How often PyTorch puts the elements of a tensor in order."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as told:
        run()
    return sum(event.name in ("aten::clone", "aten::copy_") for event in told.events())


@pytest.mark.needs("torch")
@pytest.mark.parametrize("order", [(0, 2, 1, 3), (0, 1, 2, 3), (2, 0, 1, 3), (1, 2, 0, 3)])
def test_attention_gives_its_output_the_order_of_the_queries(order):
    import torch

    query = torch.zeros(5, 6, 7, 32)[..., :16].permute(order)
    found = torch.nn.functional.scaled_dot_product_attention(query, query, query)
    strides = Strides(tuple(query.shape), query.stride())
    assert Attention().lays(tuple(found.shape), strides).steps == found.stride()


def test_products_read_heads_where_they_lie():
    assert kernels(HEADS) == ["q", "scores", "shares"]


def test_a_product_of_several_images_copies_what_makes_no_even_batch():
    """Images are 20 x 3 x 8 elements apart, three heads 3 x 8: no batch of 2 x 3 matrices."""
    assert kernels(HEADS, batch=2) == ["q", "apart", "scores", "shares"]


@pytest.mark.parametrize("more", [
    "  - {name: other, relu: {}, from: apart}\n",  # needs them in order
    "outputs: [shares, apart]\n",  # so does whoever gets the output
    "  - {name: joined, reshape: [60, 8], from: apart}\n  - {name: other, softmax: -1}\n",
])  # fmt: skip
def test_a_permute_with_another_reader_is_copied_once(more):
    assert "apart" in kernels(HEADS + more)
    assert "turned" not in kernels(HEADS + more)  # of the copy


def test_what_eager_reads_of_heads_is_by_hand():
    """Each tensor is read once by each reader: nothing is kept, each kernel is one task."""
    network = memsim.loads(HEADS.replace("BATCH", "1"))
    run = memsim.run(network, cache=0, buffer="1MiB", tile="whole", lowering="eager")
    rows, scores = 20 * 3 * 8, 3 * 20 * 20
    assert [layer.dram_bytes // 4 for layer in run.layers] == [
        2 * rows,
        2 * rows + scores,
        2 * scores,
    ]


@pytest.mark.parametrize("batch", [1, 2])
def test_what_attention_gives_lies_as_the_next_layer_reads_it(batch):
    text = (
        """
name: attended
inputs: {q: [20, 3, 8], k: [20, 3, 8], v: [20, 3, 8]}
batch: BATCH
layers:
"""
        + "".join(f"  - {{name: {x}1, permute: [1, 0, 2], from: {x}}}\n" for x in "qkv")
        + """
  - {name: attend, attention: {}, from: [q1, k1, v1]}
  - {name: back, permute: [1, 0, 2]}
  - {name: rows, reshape: [20, 24]}
  - {name: out, linear: 24}
"""
    )
    assert kernels(text, batch) == ["attend", "out"]
