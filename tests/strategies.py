"""Random networks for property tests: small, valid, with every kind of layer and edge."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from hypothesis import strategies as st

from memsim.network import DTYPES, Network, Node
from memsim.network.ops import OPERATORS, Operator, Shape, ShapeError
from memsim.network.ops.arrange import Flatten, Slice
from memsim.network.ops.base import pair
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.linear import Linear
from memsim.network.ops.norm import (
    GroupNorm,
    InstanceNorm,
    LocalResponseNorm,
    Normalize,
    Reduce,
    Softmax,
)
from memsim.network.ops.pointwise import BatchNorm
from memsim.network.ops.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, MaxPool
from memsim.network.ops.shape import Dropout, Identity, Input, Upsample

Draw = st.DrawFn

SAME_OR_VALID: tuple[Literal["same", "valid"], ...] = ("same", "valid")
MODES: tuple[Literal["nearest", "bilinear"], ...] = ("nearest", "bilinear")
COORDINATES: tuple[Literal["align_corners"] | None, ...] = (None, "align_corners")

ACTIVATIONS = (
    "relu", "relu6", "leaky_relu", "sigmoid", "tanh", "silu", "hardswish", "hardsigmoid", "gelu",
)  # fmt: skip


@dataclass
class Sketch:
    """A network while it is drawn: its nodes and their shapes."""

    most_channels: int
    most_size: int
    nodes: list[Node] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)

    def add(self, op: Operator, *inputs: str, **owners: str) -> str | None:
        """Append a layer; None where the operator or the size limits refuse it."""
        try:
            shape = op.output_shape(tuple(self.shapes[name] for name in inputs))
        except ShapeError:
            return None
        channels, height, width = shape
        if channels > 4 * self.most_channels or max(height, width) > 2 * self.most_size:
            return None
        name = f"{op.kind}{len(self.nodes)}"
        self.nodes.append(Node(name, op, inputs, **owners))
        self.shapes[name] = shape
        return name

    def pick(self, draw: Draw) -> str:
        """Any tensor; the latest where an example is shrunk."""
        return draw(st.sampled_from(list(self.shapes)[::-1]))

    def alike(self, fits: Callable[[Shape], bool]) -> list[str]:
        """The tensors whose shape fits, latest first."""
        return [name for name in list(self.shapes)[::-1] if fits(self.shapes[name])]


def _pairs(values: st.SearchStrategy[int]) -> st.SearchStrategy[int | tuple[int, int]]:
    return values | st.tuples(values, values)


def _conv(draw: Draw, sketch: Sketch) -> str | None:
    source = sketch.pick(draw)
    channels = sketch.shapes[source][0]
    divisors = [g for g in range(1, channels + 1) if channels % g == 0]
    groups = draw(st.sampled_from(divisors))
    multiple = draw(st.integers(1, max(1, sketch.most_channels // groups)))
    return sketch.add(
        Conv(
            out=groups * multiple,
            kernel=draw(_pairs(st.integers(1, 3))),
            stride=draw(_pairs(st.integers(1, 2))),
            dilation=draw(st.sampled_from([1, 1, 2])),
            groups=groups,
            bias=draw(st.booleans()),
            padding=draw(
                st.sampled_from(SAME_OR_VALID)
                | st.integers(0, 2)
                | st.tuples(*[st.integers(0, 2)] * 4)
            ),
        ),
        source,
    )


def _depthwise(draw: Draw, sketch: Sketch) -> str | None:
    source = sketch.pick(draw)
    channels = sketch.shapes[source][0]
    stride = draw(st.integers(1, 2))
    return sketch.add(Conv(out=channels, kernel=3, stride=stride, groups=channels), source)


def _conv_bn_act(draw: Draw, sketch: Sketch) -> str | None:
    """The chain that a compiler fuses, sometimes with its parts in DenseNet's order."""
    out = draw(st.integers(1, sketch.most_channels))
    act = OPERATORS[draw(st.sampled_from(ACTIVATIONS))]()
    chain: list[Operator] = [Conv(out=out, kernel=draw(st.sampled_from([1, 3]))), BatchNorm(), act]
    if draw(st.booleans()):
        chain = [*chain[1:], chain[0]]
    last: str | None = sketch.pick(draw)
    for op in chain:
        last = sketch.add(op, last) if last else None
    return last


def _transposed(draw: Draw, sketch: Sketch) -> str | None:
    kernel = draw(st.integers(1, 3))
    op = ConvTranspose(
        out=draw(st.integers(1, sketch.most_channels)),
        kernel=kernel,
        stride=draw(st.integers(1, 2)),
        padding=draw(st.integers(0, (kernel - 1) // 2)),
    )
    return sketch.add(op, sketch.pick(draw))


def _pool(draw: Draw, sketch: Sketch) -> str | None:
    kernel = draw(_pairs(st.integers(1, 3)))
    op = draw(st.sampled_from([MaxPool, AvgPool]))(
        kernel=kernel,
        stride=draw(st.none() | _pairs(st.integers(1, 2))),
        padding=draw(st.integers(0, min(pair(kernel)) // 2)),
        ceil_mode=draw(st.booleans()),
    )
    return sketch.add(op, sketch.pick(draw))


def _adaptive(draw: Draw, sketch: Sketch) -> str | None:
    op = draw(st.sampled_from([AdaptiveAvgPool, AdaptiveMaxPool]))
    return sketch.add(op(size=draw(_pairs(st.integers(1, 4)))), sketch.pick(draw))


def _global(draw: Draw, sketch: Sketch) -> str | None:
    kind = draw(st.sampled_from(["global_avgpool", "global_maxpool"]))
    return sketch.add(OPERATORS[kind](), sketch.pick(draw))


def _classifier(draw: Draw, sketch: Sketch) -> str | None:
    source = sketch.pick(draw)
    if math.prod(sketch.shapes[source][1:]) > 1:
        squeeze = draw(st.sampled_from([Flatten(), OPERATORS["global_avgpool"]()]))
        source = sketch.add(squeeze, source) or ""
    return sketch.add(Linear(out=draw(st.integers(1, 8))), source) if source else None


def _pointwise(draw: Draw, sketch: Sketch) -> str | None:
    kind = draw(st.sampled_from(["batchnorm", *ACTIVATIONS]))
    return sketch.add(OPERATORS[kind](), sketch.pick(draw))


def _combine(draw: Draw, sketch: Sketch) -> str | None:
    """Add or mul, of one tensor with itself if need be, sometimes with a broadcast 1x1 map."""
    source = sketch.pick(draw)
    shape = sketch.shapes[source]
    broadcast = draw(st.booleans())
    others = sketch.alike(lambda s: s == shape or (broadcast and s == (shape[0], 1, 1)))
    operands = draw(st.lists(st.sampled_from(others), min_size=1, max_size=2))
    return sketch.add(OPERATORS[draw(st.sampled_from(["add", "mul"]))](), source, *operands)


def _concat(draw: Draw, sketch: Sketch) -> str | None:
    """One to four tensors of one size, the same one twice among them."""
    source = sketch.pick(draw)
    size = sketch.shapes[source][1:]
    others = sketch.alike(lambda s: s[1:] == size)
    operands = draw(st.lists(st.sampled_from(others), max_size=3))
    return sketch.add(OPERATORS["concat"](), source, *operands)


def _slice(draw: Draw, sketch: Sketch) -> str | None:
    source = sketch.pick(draw)
    channels = sketch.shapes[source][0]
    start = draw(st.integers(0, channels - 1))
    stop = draw(st.none() | st.integers(start + 1, channels))
    return sketch.add(Slice(start=start, stop=stop), source)


def _upsample(draw: Draw, sketch: Sketch) -> str | None:
    mode = draw(st.sampled_from(MODES))
    lie = draw(st.sampled_from(COORDINATES)) if mode == "bilinear" else None
    if draw(st.booleans()):
        op = Upsample(factor=draw(_pairs(st.integers(1, 2))), mode=mode, coordinates=lie)
    else:
        size = draw(_pairs(st.integers(1, sketch.most_size)))
        op = Upsample(size=size, mode=mode, coordinates=lie)
    return sketch.add(op, sketch.pick(draw))


NORMS: tuple[Operator, ...] = (
    GroupNorm(groups=1),
    GroupNorm(groups=2, shift=False),
    InstanceNorm(scale=True),
    LocalResponseNorm(size=3),
    Normalize(axes=(0,)),
    Reduce(function="max", axes=(0,)),
    Reduce(function="mean", axes=(1,)),
    Reduce(function="var", axes=(-1,)),
)
"""What reads whole channels, rows or maps."""


def _other(draw: Draw, sketch: Sketch) -> str | None:
    op = draw(st.sampled_from([Identity(), Dropout(rate=0.1), Softmax(), Flatten(), *NORMS]))
    return sketch.add(op, sketch.pick(draw))


def _again(draw: Draw, sketch: Sketch) -> str | None:
    """A layer that reads the parameters of another one, or the weights alone, or them turned."""
    holding = [node for node in sketch.nodes if type(node.op).stored is not Operator.stored]
    if not holding:
        return None
    owner = draw(st.sampled_from(holding[::-1]))
    source, op = sketch.shapes[owner.inputs[0]], owner.op
    owners = {"weights": owner.name}
    if isinstance(op, Linear):
        turned = Linear(out=source[0], bias=draw(st.booleans()))
        others = sketch.alike(lambda s: s == (op.out, 1, 1))
        if others and draw(st.booleans()):
            return sketch.add(turned, draw(st.sampled_from(others)), **owners)
    elif isinstance(op, Conv):
        op = op.model_copy(update={"bias": draw(st.booleans())})
    if op.biased and owner.op.biased and draw(st.booleans()):
        owners["bias"] = owner.name
    flat = isinstance(op, Linear)
    fitting = sketch.alike(lambda s: s[0] == source[0] and (not flat or s[1:] == (1, 1)))
    added = sketch.add(op, draw(st.sampled_from(fitting)), **owners)
    if added and op.multiplies and draw(st.booleans()):  # norms of their own, the same, or none
        norms = [n.name for n in holding if n.op.folds and sketch.shapes[n.name][0] == op.out]
        name = draw(st.sampled_from(["", *norms]))
        sketch.add(BatchNorm(), added, weights=name)
    return added


MOVES: tuple[Callable[[Draw, Sketch], str | None], ...] = (
    _conv, _conv_bn_act, _pointwise, _concat, _combine, _pool, _depthwise, _slice, _upsample,
    _transposed, _adaptive, _global, _classifier, _other,
    _again,
)  # fmt: skip


@st.composite
def networks(
    draw: Draw,
    *,
    most_layers: int = 10,
    most_channels: int = 8,
    most_size: int = 9,
    most_inputs: int = 2,
    most_batch: int = 2,
    shuffle: bool = False,
) -> Network:
    """Small valid networks: random DAGs of every operator.

    Convolutions are strided, grouped, dilated and asymmetric; tensors are read several times,
    by one layer too; some layers are read by nobody; outputs are sometimes chosen and may be
    read inside the network as well.

    Parameters
    ----------
    most_layers : int
        Number of moves; a move adds at most three layers.
    most_channels, most_size : int
        Sizes of inputs and convolutions (a concat or an upsampling may exceed them).
    most_inputs, most_batch : int
    shuffle : bool
        List the nodes in any order, not only in an order in which they can be executed.
    """
    sketch = Sketch(most_channels, most_size)
    for _ in range(draw(st.integers(1, most_inputs))):
        channels = draw(st.integers(1, most_channels))
        height, width = (draw(st.integers(1, most_size)) for _ in range(2))
        sketch.add(Input(shape=(channels, height, width)))
    for move in draw(st.lists(st.sampled_from(MOVES), min_size=1, max_size=most_layers)):
        move(draw, sketch)
    names = [node.name for node in sketch.nodes]
    outputs = draw(st.none() | st.lists(st.sampled_from(names), min_size=1, unique=True))
    return Network(
        "random",
        draw(st.permutations(sketch.nodes)) if shuffle else sketch.nodes,
        outputs,
        dtype=draw(st.sampled_from(list(DTYPES))),
        batch=draw(st.integers(1, most_batch)),
    )


def modelled(network: Network) -> bool:
    """Whether a library's kernels are modelled for all of a network."""
    from memsim.errors import SimulationError
    from memsim.program.library.modelled import refuse_unmodelled

    try:
        refuse_unmodelled(network.with_options(batch=1, dtype="fp32"))
    except SimulationError:
        return False
    return True
