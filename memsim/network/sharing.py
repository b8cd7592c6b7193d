"""Sharing: whose parameters each layer of a network reads, and what is counted with which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from memsim.errors import Problem, did_you_mean
from memsim.network.layer import Layer, Node
from memsim.network.parameters import Weights

__all__ = ["fits", "share"]


@dataclass(frozen=True, slots=True)
class _Use:
    """What a layer takes from whom: the owners of its weights and of its bias, if it adds one."""

    weight: str
    bias: str | None
    turned: bool = False


def share(layers: Mapping[str, Layer], network: str) -> tuple[dict[str, Layer], list[Problem]]:
    """Find whose parameters each layer reads; layers with theirs, and what does not fit.

    Parameters
    ----------
    layers : mapping
        By name, with their tensors; ``params`` is what each would learn by itself.
    network : str
        The network's data type.

    Returns
    -------
    dict of str to Layer
        ``params`` counts only what no other layer owns, so that all layers sum up to the network.
    list of Problem
    """
    if not any(map(_shares, layers.values())):
        return {name: _alone(layer, network) for name, layer in layers.items()}, []
    problems: list[Problem] = []
    uses: dict[str, _Use] = {}
    for layer in layers.values():
        if layer.node.weights or layer.node.bias or _pieces(layer):
            uses[layer.name] = _use(layer, layers, problems)
    if problems:
        return dict(layers), problems
    readers: dict[str, list[str]] = {}
    takers: dict[str, list[str]] = {}
    for name, use in uses.items():
        readers.setdefault(use.weight, []).append(name)
        if use.bias is not None:
            takers.setdefault(use.bias, []).append(name)
    found: dict[str, Layer] = {}
    counted: dict[str, tuple[int, str]] = {}
    for name, layer in layers.items():
        weights: tuple[Weights, ...] = ()
        tables: tuple[Weights, ...] = ()
        owner = ""
        if name in uses and not layer.op.is_parameter:
            if _stored(layer):
                weights = _weights(layer, uses, readers, takers, layers, network)
            owner = uses[name].weight
            tables = _tables(layer, layers[owner], len(readers[owner]) > 1)
        params = _counted(layer, uses.get(name), counted, problems)
        if name in uses or params != layer.params:
            layer = replace(layer, weights=weights, tables=tables, weights_of=owner, params=params)
        found[name] = layer
    return found, problems


def _shares(layer: Layer) -> bool:
    """Whether a layer says anything of whose its parameters are, or what they are made of."""
    node = layer.node
    return bool(node.weights or node.bias or node.learned is not None)


def _alone(layer: Layer, network: str) -> Layer:
    """A layer with its own parameters, in a network where each layer has its own."""
    stored, tables = _stored(layer), _tables(layer, layer, False)
    if layer.op.is_parameter or not (stored or tables):
        return layer
    weights: tuple[Weights, ...] = ()
    if stored:
        weight, bias = layer.stored_as
        kinds = (weight, bias if layer.op.biased else weight)
        first = Weights.of(f"{layer.name}.weight", stored, False, kinds, network)
        weights = (replace(first, rows=stored, looked_up=True) if layer.op.looks_up else first,)
    return Layer(  # as ``replace`` does, which every layer would wait for
        layer.node, layer.inputs, layer.output, layer.macs, layer.params, weights, tables,
        layer.name, layer.stored_as,
    )  # fmt: skip


def _stored(layer: Layer) -> int:
    return layer.op.stored(layer.shapes, layer.output.image)


def _bias(layer: Layer) -> int:
    return int(layer.op.biased)


def _channels(layer: Layer) -> int:
    return layer.output.image.box[0]


def _pieces(layer: Layer) -> tuple[int, ...]:
    """The elements of what a layer stores: for its channels, and of each table."""
    if layer.op.is_parameter:
        return (layer.output.size,)
    per_channel = _stored(layer) * _channels(layer)
    tables = layer.op.tables(layer.shapes, layer.output.image)
    return (*((per_channel,) if per_channel else ()), *(table.elements for table in tables))


def _use(layer: Layer, layers: Mapping[str, Layer], problems: list[Problem]) -> _Use:
    """The owners of a layer's parameters; a problem where it cannot read those."""
    node = layer.node
    if (node.weights or node.bias) and not _pieces(layer):
        problems.append(node.problem(f"{node.op.kind} has no parameters that it could share"))
        return _Use(layer.name, None)
    owner = _root(layer, "weights", layers, problems)
    giver = layer if not node.bias else _root(layer, "bias", layers, problems)
    if owner is None or giver is None:
        return _Use(layer.name, None)
    turned = False
    if owner is not layer:
        wrong, turned = _misfit(layer, owner)
        if wrong:
            problems.append(node.problem(wrong))
    if giver is not layer:
        wrong = ""
        if not layer.op.biased:
            wrong = f"reads the bias of {giver.name!r}, but adds none"
        elif not giver.op.biased:
            hint = f"weights: {{weight: {node.bias}}} shares the weights alone"
            problems.append(node.problem(f"{giver.name!r} has no bias to share", hint))
        elif _channels(giver) != _channels(layer):
            wrong = (
                f"reads the bias of {giver.name!r}, which has {_channels(giver)} channels, "
                f"not {_channels(layer)}"
            )
        if wrong:
            problems.append(node.problem(wrong))
    return _Use(owner.name, giver.name if layer.op.biased else None, turned)


def _of_products(layer: Layer) -> bool:
    """Whether a layer's parameters are one tensor that a product may read; an unknown one's may,
    and an embedding's table."""
    return layer.op.multiplies or layer.op.kind in ("opaque", "embedding")


def _root(
    layer: Layer, what: str, layers: Mapping[str, Layer], problems: list[Problem]
) -> Layer | None:
    """The layer at the end of the chain of those that share with one another."""
    at, seen = layer, {layer.name: None}
    while True:
        name: str = getattr(at.node, what)
        if not name:
            return at
        if name not in layers:
            hint = did_you_mean(name, (each for each in layers if each != at.name))
            message = f"reads the {what} of {name!r}, which is no layer"
            if at is layer:
                problems.append(layer.node.problem(message, hint))
            return None
        if name in seen:
            circle = " -> ".join([*list(seen)[list(seen).index(name) :], name])
            message = f"layers share the {what} of one another in a circle: {circle}"
            if name == layer.name:
                problems.append(layer.node.problem(message, "one of them has to own them"))
            return None
        seen[name] = None
        at = layers[name]


def _misfit(layer: Layer, owner: Layer) -> tuple[str, bool]:
    """Why a layer cannot read another one's weights, if so; and whether it reads them turned."""
    named = f"reads the weights of {owner.name!r}"
    if not _pieces(owner):
        return f"{named}, but {owner.op.kind} has none", False
    both = _of_products(layer) and _of_products(owner)
    if layer.op.kind != owner.op.kind and not (both or owner.op.is_parameter):
        return f"{named}, a {owner.op.kind}; a {layer.op.kind} reads those of another one", False
    mine, theirs = layer.op.window, owner.op.window
    own, his = _channels(layer), _channels(owner)
    taps = (window.kernel if window else (1, 1) for window in (mine, theirs))
    needed, there = _stored(layer) - _bias(layer), _stored(owner) - _bias(owner)
    if not both or 0 in (needed, there):
        if _pieces(layer) == _pieces(owner):
            return "", False
        wanted, held = (_elements(each) for each in (layer, owner))
        return f"{named}, which are {held}; its own would be {wanted}", False
    fits = len(set(taps)) == 1
    if fits and layer.op.transposed == owner.op.transposed and (own, needed) == (his, there):
        return "", False
    grouped = any(window is not None and window.groups > 1 for window in (mine, theirs))
    height, width = mine.kernel if mine else (1, 1)
    if fits and both and not grouped:
        turned = (needed, there) == (his * height * width, own * height * width)
        if turned:
            return "", True
    return (
        f"{named}, which are {_extent(owner)}; its own would be {_extent(layer)}",
        False,
    )


def fits(layer: Layer, owner: Layer) -> bool:
    """Whether a layer can read another one's weights."""
    return not _misfit(layer, owner)[0]


def _elements(layer: Layer) -> str:
    """The parameters of a layer that is no product in words."""
    if not layer.op.tables(layer.shapes, layer.output.image):
        return _extent(layer)
    return f"{' and '.join(map(str, _pieces(layer)))} elements"


def _extent(layer: Layer) -> str:
    """The weights of a layer in words."""
    channels, each = _channels(layer), _stored(layer) - _bias(layer)
    window = layer.op.window if layer.op.multiplies else None
    if window is None:
        return f"{channels} x {each}"
    height, width = window.kernel
    return f"{channels} x {each // (height * width)} x {height} x {width}"


def _weights(
    layer: Layer,
    uses: Mapping[str, _Use],
    readers: Mapping[str, list[str]],
    takers: Mapping[str, list[str]],
    layers: Mapping[str, Layer],
    network: str,
) -> tuple[Weights, ...]:
    """The tensors that a layer reads: one, or weights and bias where they are not shared alike."""
    use = uses[layer.name]
    alike = readers[use.weight]
    name, bias = _names(layers[use.weight])[0], _bias(layer)
    weight, added = layers[use.weight].stored_as[0], layers[use.bias or use.weight].stored_as[1]
    turned = [_channels(layers[each]) for each in alike if uses[each].turned]
    whole = not turned and {uses[each].bias for each in alike} == {use.bias}
    if not bias or (whole and use.bias == use.weight and set(takers[use.weight]) == set(alike)):
        kinds = (weight, added if bias else weight)
        parts = [(name, _stored(layer), alike, kinds)]
    else:
        assert use.bias is not None
        apart = (f"{use.bias}.bias", 1, takers[use.bias], (added, added))
        parts = [(name, _stored(layer) - 1, alike, (weight, weight)), apart]
    rows = turned[0] if turned else 1  # all of them have the owner's input channels
    if not turned:  # a table that is looked up consists of rows, whoever else reads it
        rows = max(_stored(layers[each]) if layers[each].op.looks_up else 1 for each in alike)
    channels = _channels(layers[use.weight]) if use.turned else 0
    first, *rest = (
        Weights.of(each, stored, len(users) > 1, kinds, network)
        for each, stored, users, kinds in parts
    )
    if turned or rows > 1 or layer.op.looks_up:
        looked_up = layer.op.looks_up
        first = replace(first, turned=use.turned, channels=channels, rows=rows, looked_up=looked_up)
    return (first, *rest)


def _tables(layer: Layer, owner: Layer, shared: bool) -> tuple[Weights, ...]:
    """The tables that a layer reads, of itself or of another one."""
    tables = layer.op.tables(layer.shapes, layer.output.image)
    if not tables:
        return ()
    names = _names(owner)[-len(tables) :]
    return tuple(
        Weights(name, table.number, shared, sizes=table.sizes, passes=table.passes)
        for name, table in zip(names, tables, strict=True)
    )


def _names(owner: Layer) -> list[str]:
    """The names of what a layer stores, as :func:`_pieces` lists it."""
    if owner.op.is_parameter:
        return [owner.name]
    first = ["weight"] if _stored(owner) else []
    tables = range(1, 1 + len(owner.op.tables(owner.shapes, owner.output.image)))
    endings = [*first, *(f"table{number if number > 1 else ''}" for number in tables)]
    return [f"{owner.name}.{ending}" for ending in endings]


def _counted(
    layer: Layer, use: _Use | None, counted: dict[str, tuple[int, str]], problems: list[Problem]
) -> int:
    """The learned parameters that count with a layer."""
    node: Node = layer.node
    if node.learned is not None:
        return _new(node, node.learned, counted, problems)
    if use is None:
        return layer.params
    channels = _channels(layer) * _bias(layer)
    own = layer.params - channels if use.weight == layer.name else 0
    return own + (channels if use.bias == layer.name else 0)


def _new(
    node: Node,
    learned: Iterable[tuple[str, int]],
    counted: dict[str, tuple[int, str]],
    problems: list[Problem],
) -> int:
    """The elements of those that no layer before it has named."""
    total = 0
    for name, size in learned:
        if name not in counted:
            counted[name] = size, node.name
            total += size
        elif counted[name][0] != size:
            known, first = counted[name]
            message = f"{name!r} has {size} elements here and {known} in {first!r}"
            problems.append(node.problem(message))
    return total
