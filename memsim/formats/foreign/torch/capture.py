"""Capturing a PyTorch module's graph of ATen operators, without a word on standard error."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

from memsim.errors import InputError, Problem, did_you_mean
from memsim.formats.foreign.records import Line
from memsim.formats.foreign.torch.decompose import decomposed
from memsim.formats.foreign.torch.examples import Examples, fitting
from memsim.formats.foreign.torch.inline import inlined
from memsim.formats.foreign.torch.user_code import line_of_error

__all__ = ["Captured", "capture", "children_hint", "evaluated", "submodule_of"]

DEEPEST = 16
"""How far outputs may be nested in each other."""

MOST_CHILDREN = 12
"""Submodules that a hint lists."""


class Captured(NamedTuple):
    """A module's graph of ATen operators.

    Attributes
    ----------
    traced : torch.fx.GraphModule
    tensors : dict
        Path and value of the parameters, buffers and constants, by placeholder.
    program : torch.export.ExportedProgram or None
        What it was taken from; None where it was traced otherwise.
    """

    traced: Any
    tensors: dict[str, Any]
    program: Any = None

    def decomposed(self, torch: Any, names: Collection[str]) -> Captured | None:
        """The same with some operators written out, None where PyTorch cannot.

        See :func:`memsim.formats.foreign.torch.decompose.decomposed`.
        """
        if self.program is None:
            return None
        with torch.no_grad(), _quiet():
            written = decomposed(torch, self.program, names)
        return None if written is None else _captured(written)


def _captured(program: Any) -> Captured:
    return Captured(inlined(program.graph_module), _held(program), program)


def capture(torch: Any, module: Any, examples: Examples) -> Captured:
    """The graph of ATen operators, and the parameters and buffers among its placeholders.

    ``torch.export`` first; where it fails, fx with tensors that carry only shapes.

    Raises
    ------
    InputError
        If neither can: it names the user's line.
    """
    with evaluated(module), _flat_outputs(torch, module), torch.no_grad(), _quiet():
        try:
            program = torch.export.export(
                module, examples.positional, dict(examples.named), strict=False
            )
        except Exception as error:  # whatever the module raises
            export_error = error
        else:
            return _captured(program)
        try:
            return Captured(*_traced(torch, module, examples))
        except Exception as error:
            told = error if _is_own(error) else export_error
            raise _failure(torch, module, told, export_error, error) from None


def _held(program: Any) -> dict[str, Any]:
    """Parameters, buffers and constants of an exported program, by placeholder."""
    state = {**dict(program.named_parameters()), **dict(program.named_buffers())}
    signature = program.graph_signature
    held = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    lifted = {
        placeholder: program.constants[target]
        for placeholder, target in signature.inputs_to_lifted_tensor_constants.items()
    }
    tensors = {
        placeholder: (target, state.get(target, program.constants.get(target)))
        for placeholder, target in held.items()
    }
    return tensors | {placeholder: ("", tensor) for placeholder, tensor in lifted.items()}


def _traced(torch: Any, module: Any, examples: Examples) -> tuple[Any, dict[str, Any]]:
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch.utils._pytree import tree_flatten, tree_unflatten

    flat, form = tree_flatten((examples.positional, dict(examples.named)))
    places = [place for place, each in enumerate(flat) if isinstance(each, torch.Tensor)]

    def forward(*inputs: Any) -> Any:
        filled = list(flat)
        for place, tensor in zip(places, inputs, strict=True):
            filled[place] = tensor
        positional, named = tree_unflatten(filled, form)
        return module(*positional, **named)

    traced = make_fx(forward, tracing_mode="fake", pre_dispatch=True, _allow_non_fake_inputs=True)(
        *(flat[place] for place in places)
    )
    paths = {id(tensor): path for path, tensor in module.named_parameters()}
    tensors = {}
    for node in traced.graph.nodes:
        if node.op == "get_attr":
            tensor = getattr(traced, node.target, None)
            if isinstance(tensor, torch.Tensor):
                tensors[node.name] = (paths.get(id(tensor), ""), tensor)
    return traced, tensors


# -- around it ----------------------------------------------------------------------------------


@contextmanager
def evaluated(module: Any) -> Iterator[None]:
    """In evaluation mode, and afterwards as before."""
    training = {each: each.training for each in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for each, mode in training.items():
            each.training = mode


@contextmanager
def _flat_outputs(torch: Any, module: Any) -> Iterator[None]:
    """Let a module give its tensors alone, wherever in its outputs they are."""
    try:
        hook = module.register_forward_hook(
            lambda module, inputs, outputs: tuple(_tensors(torch, outputs))
        )
    except Exception:  # a scripted module takes no hooks, and gives tensors by itself
        yield
        return
    try:
        yield
    finally:
        hook.remove()


def _tensors(torch: Any, value: Any, depth: int = 0) -> Iterator[Any]:
    """The tensors in a value that a module gives, in order."""
    if isinstance(value, torch.Tensor):
        yield value
        return
    inside: list[Any] = []
    if isinstance(value, Mapping):
        inside = list(value.values())
    elif isinstance(value, list | tuple):
        inside = list(value)
    elif is_dataclass(value) and not isinstance(value, type):
        inside = [getattr(value, each.name) for each in fields(value)]
    elif hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value):
        inside = list(vars(value).values())
    if depth < DEEPEST:
        for each in inside:
            yield from _tensors(torch, each, depth + 1)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep PyTorch from telling, on the way to an error, all that it has traced so far."""
    named = [log for log in logging.root.manager.loggerDict if log.partition(".")[0] == "torch"]
    silenced = [log for log in map(logging.getLogger, named) if not log.disabled]
    for log in silenced:
        log.disabled = True
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        for log in silenced:
            log.disabled = False


# -- what went wrong ----------------------------------------------------------------------------


def _is_own(error: BaseException) -> bool:
    """Whether the module itself failed, not the tracer."""
    return not type(error).__module__.startswith("torch")


def _failure(torch: Any, module: Any, told: Exception, *errors: Exception) -> InputError:
    """What is said where a module cannot be traced, at the user's line."""
    name = type(module).__name__
    text = " ".join(f"{type(error).__name__} {error}" for error in errors)
    depends = re.search("data.?dependent", text, re.IGNORECASE)
    line = next(filter(None, map(line_of_error, (told, *errors))), None)
    if depends:
        where = f"`{line.text}`" if line else "its computation"
        message = f"{name} cannot be traced: {where} depends on the values of its input"
        return InputError(_at(line, message, children_hint(module)))
    where = f", in `{line.text}`" if line else ""
    message = f"{name} cannot be traced: {_first_line(told)}{where}"
    if isinstance(told, NotImplementedError):
        return InputError(_at(line, message, children_hint(module)))
    if re.search(r"scalar type.*(Long|Int)|'indices'|dtype.*int(64|32)", text):
        hint = "say the data type of what are numbers of things: --input NAME=128:int64"
        return InputError(_at(line, message, hint))
    fits = fitting(torch, module)
    hint = "does it run on inputs of this shape?"
    if fits is not None:
        hint = f"{hint} {fits[1]} fits its first layer, a {fits[0]}"
    return InputError(_at(line, message, hint))


def _at(line: Line | None, message: str, hint: str) -> Problem:
    if line is None:
        return Problem(message, hint=hint)
    return Problem(message, "", hint, line.file, line.number, line.column)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else "no reason given"
    return f"{type(error).__name__}: {text[:200]}"


def children_hint(module: Any) -> str:
    """What to read instead of a module whose graph depends on values: parts of it."""
    names = [name for name, child in module.named_children()]
    if not names:
        return "memsim needs a graph that follows from the input's shape"
    best = "backbone" if "backbone" in names else names[0]
    rest = f" and {len(names) - MOST_CHILDREN} more" if len(names) > MOST_CHILDREN else ""
    listed = ", ".join(names[:MOST_CHILDREN])
    return f"read a part whose graph does not: --submodule {best}; it has {listed}{rest}"


def submodule_of(module: Any, path: str) -> Any:
    """A part of a module by its dotted name.

    Raises
    ------
    InputError
        If there is none, with a did-you-mean or the parts that there are.
    """
    try:
        return module.get_submodule(path)
    except AttributeError:
        names = [name for name, _ in module.named_modules() if name]
        hint = did_you_mean(path, names)
        if not hint.startswith("did"):
            children = [name for name, _ in module.named_children()]
            hint = f"it has {', '.join(children[:MOST_CHILDREN])}" if children else "it has none"
        message = f"{type(module).__name__} has no submodule {path!r}"
        raise InputError(Problem(message, "submodule", hint)) from None
