"""The images of a batch: whether a module runs each of them by itself, and one of them alone."""

from __future__ import annotations

from typing import Any

from memsim.formats.foreign.torch.examples import Examples

__all__ = ["apart", "batch_of", "one_image"]

ATTENTION = "scaled_dot_product_attention"


def batch_of(torch: Any, examples: Examples) -> int:
    """The first axis of the first tensor among examples; 1 if that has none."""
    for each in _flat(torch, examples):
        if isinstance(each, torch.Tensor):
            return int(each.shape[0]) if each.ndim else 1
    return 1


def one_image(torch: Any, examples: Examples) -> Examples:
    """Examples with the first of the images alone, in every tensor whose first axis is theirs."""
    from torch.utils._pytree import tree_map

    batch = batch_of(torch, examples)

    def first(value: Any) -> Any:
        held = isinstance(value, torch.Tensor) and value.ndim and value.shape[0] == batch
        return value[:1] if held else value

    positional, named = tree_map(first, (examples.positional, dict(examples.named)))
    return Examples(positional, named)


def _flat(torch: Any, examples: Examples) -> list[Any]:
    from torch.utils._pytree import tree_flatten

    flat: list[Any] = tree_flatten((examples.positional, dict(examples.named)))[0]
    return flat


def apart(torch: Any, batch: int, together: Any, single: Any) -> bool:
    """Whether a module runs each image by itself, as two traces of it tell.

    It does if both go through the same operators, and whatever comes from the images is so many
    times larger; attention, whose scores are not seen, must not go across them.

    Parameters
    ----------
    batch : int
        Images of the first trace; the second has one.
    together, single : torch.fx.GraphModule
    """
    pairs = [list(each.graph.nodes) for each in (together, single)]
    if len(pairs[0]) != len(pairs[1]):
        return False
    of_images: set[str] = set()
    for node, alone in zip(*pairs, strict=True):
        if (node.op, node.name) != (alone.op, alone.name):
            return False
        sizes = list(zip(_sizes(torch, node), _sizes(torch, alone), strict=True))
        if all(several == batch * one for several, one in sizes):
            of_images.add(node.name)
        elif any(several != one for several, one in sizes):
            return False
        elif any(each.name in of_images for each in node.all_input_nodes):
            return False  # something of all images together
        if ATTENTION in str(node.target) and _across(node, alone):
            return False
    return True


def _sizes(torch: Any, node: Any) -> list[int]:
    """Elements of each tensor that a node writes."""
    value = node.meta.get("val")
    values = value if isinstance(value, list | tuple) else (value,)
    return [each.numel() for each in values if isinstance(each, torch.Tensor)]


def _across(node: Any, alone: Any) -> bool:
    """Whether attention's tokens or channels are more with more images."""
    shapes = [each.args[0].meta["val"].shape for each in (node, alone)]
    return bool(shapes[0][-2:] != shapes[1][-2:])
