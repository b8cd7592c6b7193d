"""The edit ``drop=LAYER..READER``: a link less."""

from __future__ import annotations

from dataclasses import replace

from memsim.errors import InputError, Problem, did_you_mean
from memsim.network.graph import Network
from memsim.network.layer import Layer
from memsim.network.ops.pointwise import Add
from memsim.network.ops.shape import Identity

__all__ = ["can_lose_one", "dropped"]


def can_lose_one(layer: Layer) -> bool:
    """Whether a layer still means something with one input less: a concat, or a sum."""
    return (layer.op.joins or isinstance(layer.op, Add)) and len(set(layer.node.inputs)) > 1


def dropped(network: Network, where: str) -> Network:
    """A network in which a concat or a sum reads one layer less.

    What is left of a concat has fewer channels, and so have the weights of those that read it.
    What reads one tensor alone afterwards hands it on. Layers that only led to the lost link go.

    Parameters
    ----------
    network : Network
    where : str
        ``LAYER..READER``.

    Raises
    ------
    InputError
        If there is no such link, or the layers do not fit together without it.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("resnet18")
    >>> dropped(network, "maxpool1..stage.1.1.add")["stage.1.1.add"].op.kind
    'identity'
    >>> dropped(network, "maxpool1..linear1")
    Traceback (most recent call last):
    memsim.errors.InputError: --edit: linear1 does not read maxpool1 (it reads global_avgpool1)
    """
    name, dots, reader = where.partition("..")
    if not dots:
        raise _wrong(f"{where!r} is no link", "such as drop=conv1..add1")
    for each in (name, reader):
        if each not in network:
            hint = did_you_mean(each, (layer.name for layer in network))
            raise _wrong(f"{network.name} has no layer {each!r}", hint)
    join = network[reader]
    if name not in join.node.inputs:
        message = f"{reader} does not read {name}"
        raise _wrong(message, f"it reads {', '.join(dict.fromkeys(join.node.inputs))}")
    if not can_lose_one(join):
        message = f"{reader} cannot lose an input: only a concat or a sum of several layers can"
        raise _wrong(message, "")
    left = tuple(source for source in join.node.inputs if source != name)
    op = join.op if len(left) > 1 else Identity()
    node = replace(join.node, op=op, inputs=left)
    nodes = [node if each.name == reader else each for each in network.nodes]
    edited = network.with_nodes(nodes)
    lost = network.needed - edited.needed - set(network.inputs)
    if not lost:
        return edited
    kept = [each for each in nodes if each.name not in lost]
    held = {one: until for one, until in network.held.items() if not {one, until} & lost}
    return network.with_nodes(kept, held=held)


def _wrong(message: str, hint: str) -> InputError:
    return InputError(Problem(message, "--edit", hint))
