"""How long a module's code holds its tensors: its forward pass, run without data.

A tensor's memory is free when nothing refers to it any more: no variable of ``forward``, no list
that features are collected in, no caller that passed it on. What holds what is not in a graph of
operators. So the module itself runs once, on tensors that have shapes and no elements, and after
every call it is seen which memory has gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from memsim.formats.foreign.torch.examples import Examples

__all__ = ["Calls", "freed_after", "watch_calls"]

Key = tuple[str, str]
"""A call of a PyTorch function as ``torch.export`` names it: ``("relu_2", "function.relu")``."""


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one forward pass.

    Attributes
    ----------
    order : list of key
    made : dict of key to shape
        Calls that made one tensor with memory of its own, and its shape.
    freed : dict of key to int
        By the call that made it: the number of the last call before its memory was freed.
    """

    order: list[Key] = field(default_factory=list)
    made: dict[Key, tuple[int, ...]] = field(default_factory=dict)
    freed: dict[Key, int] = field(default_factory=dict)


def freed_after(calls: Calls, nodes: Iterable[Any]) -> dict[str, str]:
    """When the memory of a graph's values is freed.

    Parameters
    ----------
    calls : Calls
    nodes : iterable of torch.fx.Node
        Of a graph of the same module, each with the ``torch_fn`` that it comes from.

    Returns
    -------
    dict of str to str
        By the name of a node that makes a tensor: the name of the last node before its memory is
        freed. Empty where graph and calls do not agree on a shape.
    """
    of_call: dict[Key, Any] = {}
    for node in nodes:
        if node.op == "call_function" and "torch_fn" in node.meta:
            of_call[node.meta["torch_fn"]] = node  # the last one, where a call makes several
    latest: list[str] = []
    for key in calls.order:
        node = of_call.get(key)
        latest.append(node.name if node is not None else latest[-1] if latest else "")
    found = {}
    for key, shape in calls.made.items():
        node = of_call.get(key)
        if node is None:
            continue
        if tuple(getattr(node.meta.get("val"), "shape", ())) != shape:
            return {}
        if key in calls.freed:
            found[node.name] = latest[calls.freed[key]]
    return found


def watch_calls(torch: Any, module: Any, examples: Examples) -> Calls:
    """Run a module on tensors without elements and see when its memory is freed.

    Parameters
    ----------
    torch : module
    module : torch.nn.Module
        In evaluation mode.
    examples : Examples

    Returns
    -------
    Calls
        None at all where the module does not run without data.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils._pytree import tree_leaves, tree_map_only

    calls = Calls()
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    positional, named = tree_map_only(
        torch.Tensor, fake.from_tensor, (examples.positional, dict(examples.named))
    )
    inputs = [each for each in tree_leaves((positional, named)) if isinstance(each, torch.Tensor)]
    watch = _watch(torch, calls, inputs)
    try:
        with fake, watch, torch.no_grad():
            results = module(*positional, **named)
    except Exception:  # whatever it raises: it has been traced, so nothing is lost but this
        return Calls()
    watch.sweep()
    del results  # what leaves the network is held by who called it
    return calls


def _result(torch: Any, func: Any, args: Any, named: Any) -> Any:
    """What a function gives, as far as its memory goes.

    For the shape of a batch norm PyTorch goes through all its steps, which takes longer than
    everything else; it is that of its input.
    """
    if func is torch.nn.functional.batch_norm:
        return torch.empty_like(args[0])
    return func(*args, **named)


def _watch(torch: Any, calls: Calls, inputs: list[Any]) -> Any:
    """A mode in which every call of a PyTorch function is noted."""
    from torch.multiprocessing.reductions import StorageWeakRef
    from torch.overrides import TorchFunctionMode

    class Watch(TorchFunctionMode):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.counts: Counter[Any] = Counter()
            self.live = {each.untyped_storage()._cdata: None for each in inputs}
            self.maker: dict[int, tuple[Key, Any]] = {}

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            self.sweep()
            self.counts[func] += 1  # as torch.export counts them
            name = getattr(func, "__name__", "")
            key = (f"{name}_{self.counts[func]}", f"{type(func).__name__}.{name}")
            result = _result(torch, func, args, kwargs or {})
            calls.order.append(key)
            self.note(key, result)
            return result

        def note(self, key: Key, result: Any) -> None:
            """Remember memory that was not there before, where it is that of one tensor."""
            several = result if isinstance(result, list | tuple) else (result,)
            for each in several:
                if not isinstance(each, torch.Tensor):
                    continue
                storage = each.untyped_storage()
                address = storage._cdata
                if address in self.live or address in self.maker:
                    continue
                self.maker[address] = (key, StorageWeakRef(storage))
                if len(several) == 1:
                    calls.made[key] = tuple(each.shape)

        def sweep(self) -> None:
            """Note what has been freed since the last call."""
            for address, (key, reference) in list(self.maker.items()):
                if reference.expired():
                    calls.freed[key] = len(calls.order) - 1
                    del self.maker[address]

    return Watch()
