"""What eager mode does not copy: PyTorch's own strides, and blocks followed by hand."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

import memsim
from memsim.network.ops.arrange import Concat
from memsim.network.ops.axes import Strides
from memsim.network.ops.conv import Conv
from memsim.network.ops.linear import Attention, Linear, MatMul
from memsim.network.ops.norm import Softmax
from memsim.network.ops.pointwise import Add, Relu
from memsim.network.ops.pool import AdaptiveAvgPool, AvgPool, MaxPool
from memsim.network.ops.shape import Upsample

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
    weight = torch.zeros(48, tensor.shape[3])
    linear = torch.nn.functional.linear
    assert Linear(out=48).takes(0, strides) == (not copies(lambda: linear(tensor, weight)))
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
    assert Attention().lays(tuple(found.shape), (strides, strides, strides)).steps == found.stride()


MAP = (2, 8, 6, 6)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("lie", [("last", "last"), ("last", "plain"), ("plain", "last")])
@pytest.mark.parametrize(
    ("op", "name"),
    [
        (Relu(), "relu"),
        (Add(), "add"),
        (Concat(), "cat"),
        (Conv(out=4, kernel=3, padding=0), "conv2d"),
        (MaxPool(kernel=2), "max_pool2d"),
        (AvgPool(kernel=2), "avg_pool2d"),
        (AdaptiveAvgPool(size=3), "adaptive_avg_pool2d"),
        (Upsample(factor=2), "interpolate"),
        (Softmax(), "softmax"),
    ],
)
def test_an_output_lies_as_torch_lays_it(op, name, lie):
    import torch

    tensors, strides = [], []
    for how in lie[: 1 if op.arity[1] == 1 else 2]:
        last = how == "last"
        format = torch.channels_last if last else torch.contiguous_format
        tensors.append(torch.zeros(MAP).contiguous(memory_format=format))
        strides.append(Strides(MAP, tensors[-1].stride()))
        assert strides[-1].channels_last == last
    further = {
        "conv2d": (torch.zeros(4, 8, 3, 3),), "max_pool2d": (2,), "avg_pool2d": (2,),
        "adaptive_avg_pool2d": (3,), "interpolate": (None, 2), "softmax": (1,), "cat": (1,),
    }.get(name, ())  # fmt: skip
    run = getattr(torch, name, None) or getattr(torch.nn.functional, name)
    found = run(tensors if name == "cat" else tensors[0], *further, *tensors[1:2] * (name == "add"))
    assert op.lays(tuple(found.shape), tuple(strides)).steps == found.stride()
    assert op.takes(0, Strides.of(MAP).permuted((0, 1, 3, 2))) == (name in ("relu", "add", "cat"))


def test_products_read_heads_where_they_lie():
    assert kernels(HEADS) == ["q", "scores", "shares"]


def test_a_product_of_several_images_copies_what_makes_no_even_batch():
    """Images are 20 x 3 x 8 elements apart, three heads 3 x 8: no batch of 2 x 3 matrices."""
    assert kernels(HEADS, batch=2) == ["q", "apart", "scores", "shares"]


@pytest.mark.parametrize("more", [
    "  - {name: other, softmax: -1, from: apart}\n",  # needs them in order
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


NORMED = """
name: normed
input: [3, 16, 16]
layers:
  - {name: stem, conv: {out: 8, kernel: 4, stride: 4, padding: 0}}
  - {name: last1, permute: [1, 2, 0]}
  - {name: norm1, layernorm: 1}
  - {name: first1, permute: [2, 0, 1]}
  - {name: conv, conv: {out: 8, kernel: 3, groups: 8, padding: 1}}
  - {name: last2, permute: [1, 2, 0]}
  - {name: norm2, layernorm: 1}
  - {name: up, linear: 16}
  - {name: gelu, gelu: {}}
  - {name: down, linear: 8}
  - {name: first2, permute: [2, 0, 1]}
  - {name: sum, add: {}, from: [first2, first1]}
  - {name: pool, maxpool: {kernel: 2, stride: 2}}
  - {name: last3, permute: [1, 2, 0]}
  - {name: norm3, layernorm: 1}
"""


def test_maps_with_channels_last_stay_so_until_a_kernel_cannot_take_them():
    """The first norm copies what the stem gives; behind it nobody has to, as in a ConvNeXt."""
    found = kernels(NORMED)
    assert [name for name in found if name.startswith(("last", "first"))] == ["last1"]


def test_what_follows_a_copy_lies_in_order_again():
    """A softmax over channels takes no map with channels last: one copy, before it."""
    found = kernels(NORMED + "  - {name: first3, permute: [2, 0, 1]}\n"
                    "  - {name: chances, softmax: 0}\n  - {name: last4, permute: [1, 2, 0]}\n"
                    "  - {name: norm4, layernorm: 1}\n")  # fmt: skip
    assert [name for name in found if name.startswith(("last", "first"))] == [
        "last1", "first3", "last4",
    ]  # fmt: skip


def test_a_scale_before_a_product_passes_strides_on():
    text = HEADS.replace("from: [apart, turned]", "from: [scaled, turned]").replace(
        "  - {name: turned, permute: [0, 2, 1]}",
        "  - {name: turned, permute: [0, 2, 1]}\n  - {name: scaled, scale: 0.5, from: apart}",
    )
    assert kernels(text) == ["q", "scaled", "scores", "shares"]
