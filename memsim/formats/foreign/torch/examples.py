"""Example inputs of PyTorch modules, in whatever form they are at hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from memsim.errors import InputError, Problem, did_you_mean

__all__ = ["Examples", "empty", "fitting", "parameters_of"]

FITTING: dict[str, Callable[[Any], str]] = {
    "Conv1d": lambda layer: f"{layer.in_channels}x16000",
    "Conv2d": lambda layer: f"{layer.in_channels}x224x224",
    "Conv3d": lambda layer: f"{layer.in_channels}x16x112x112",
    "Linear": lambda layer: f"{layer.in_features}",
    "Embedding": lambda layer: "128:int64",
}
"""A size of an input of one image, sound or text, by the kind of the first layer."""

LARGEST_EXAMPLE = 1 << 26
"""Elements of the largest example that is a tensor of its own; a larger one is one number seen
as often as needed, which only modules that write into their input notice."""


class Examples(NamedTuple):
    """What a module is called with.

    Attributes
    ----------
    positional : tuple
    named : dict
    """

    positional: tuple[Any, ...]
    named: dict[str, Any]

    @classmethod
    def of(cls, torch: Any, module: Any, given: Any) -> Examples:
        """What a caller gave: a tensor or a shape, several of them, or some by name.

        A tuple of numbers is a shape, the batch first; a mapping whose keys are parameters of the
        module's ``forward`` goes to them, any other is the first of them.

        Raises
        ------
        InputError
            For anything else.
        """
        make = _Maker(torch, module)
        if isinstance(given, Mapping):
            known, any_name = parameters_of(module)
            if any_name or set(given) <= set(known):
                return cls((), {str(name): make(value) for name, value in given.items()})
            if len(known) == 1:
                return cls((make(given),), {})
            wrong = [name for name in given if name not in known]
            hint = did_you_mean(str(wrong[0]), known)
            message = f"{type(module).__name__} has no input {str(wrong[0])!r}"
            raise InputError(Problem(message, hint=hint))
        if isinstance(given, list | tuple) and not _is_shape(given):
            return cls(tuple(map(make, given)), {})
        return cls((make(given),), {})


class _Maker:
    """Makes tensors of shapes, and leaves tensors, numbers and what holds them as they are."""

    def __init__(self, torch: Any, module: Any) -> None:
        self.torch, self.module = torch, module
        self.seen: set[int] = set()

    def __call__(self, value: Any) -> Any:
        if _is_shape(value):
            return empty(self.torch, self.module, tuple(value))
        if isinstance(value, Mapping):
            return {name: self(each) for name, each in value.items()}
        if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
            return type(value)(map(self, value))
        if isinstance(value, self.torch.Tensor):
            again = id(value) in self.seen
            self.seen.add(id(value))
            return value.clone() if again else value  # a tensor given twice is two inputs
        kinds = (int, float, bool, str, type(None))
        if isinstance(value, kinds) or hasattr(value, "_fields"):
            return value
        message = (
            "the example inputs must be tensors or shapes, in a tuple, a list or a dict; "
            f"not {type(value).__name__}"
        )
        raise InputError(message)


def _is_shape(value: Any) -> bool:
    """Whether a value is a shape: numbers, and at least one."""
    return isinstance(value, list | tuple) and bool(value) and all(type(n) is int for n in value)


def empty(torch: Any, module: Any, shape: tuple[int, ...], dtype: Any = None) -> Any:
    """A tensor of a shape on the module's device, of its data type where none is said."""
    first = next(module.parameters(), torch.zeros(()))
    dtype = first.dtype if dtype is None else dtype
    example = torch.zeros((), dtype=dtype, device=first.device).expand(shape)
    return example.clone() if example.numel() <= LARGEST_EXAMPLE else example


def fitting(torch: Any, module: Any) -> tuple[str, str] | None:
    """The kind of the module's first layer and an input's size that fits it, if one is known."""
    kinds = {getattr(torch.nn, name): name for name in FITTING}
    for layer in module.modules():
        for kind, name in kinds.items():
            if isinstance(layer, kind):
                return name, FITTING[name](layer)
    return None


def parameters_of(module: Any, *, needed: bool = False) -> tuple[list[str], bool]:
    """The names that a module's ``forward`` takes, and whether it takes any name at all.

    Parameters
    ----------
    module : torch.nn.Module
    needed : bool
        Leave out those that have a default.
    """
    forward: Callable[..., Any] = module.forward
    try:
        parameters = list(inspect.signature(forward).parameters.values())
    except (TypeError, ValueError):
        return ["input"], False
    plain = [
        each.name
        for each in parameters
        if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        and not (needed and each.default is not each.empty)
    ]
    if not plain and not needed:
        plain = [each.name for each in parameters if each.kind is each.VAR_POSITIONAL]
    return plain, any(each.kind is each.VAR_KEYWORD for each in parameters)
