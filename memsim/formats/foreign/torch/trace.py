"""A traced PyTorch graph as plain data: the thin part that needs PyTorch.

``torch.export`` gives a graph of ATen operators; here it becomes plain records. What the
operators mean is said in :mod:`memsim.formats.foreign.torch.rules`, which do not know PyTorch.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from memsim.errors import InputError, Problem
from memsim.formats.foreign.records import Constant, Dims, Record
from memsim.formats.foreign.torch.capture import children_hint
from memsim.formats.foreign.torch.user_code import line_of_trace

if TYPE_CHECKING:
    pass

__all__ = ["Graph"]

PARTS = ("slice", "select", "narrow")
"""Operators that show a part of a tensor, which what is written over the part changes."""

CHOOSING = ("torchvision::nms",)
"""Operators that keep some of the boxes that are their first operand."""

MOST_VALUES = 1 << 16
"""Whole numbers of a constant that are read."""

DTYPES = {"float16": "fp16", "bfloat16": "bf16", "int8": "int8"}
"""Data types by PyTorch's name; everything else counts as fp32."""


class Graph:
    """An ATen graph as plain data.

    Attributes
    ----------
    records, constants, inputs, outputs
        What :class:`Importer` takes.
    dtype : str
    """

    def __init__(self, torch: Any, module: Any, traced: Any, tensors: dict[str, Any]) -> None:
        self.torch = torch
        self.module = module
        self.records: list[Record] = []
        self.constants: dict[str, Constant] = {}
        self.inputs: list[tuple[str, Dims]] = []
        self.outputs: list[str] = []
        self.dtype = "fp32"
        self._current: dict[str, str] = {}
        self._behind: list[tuple[str, Any, str]] = []
        self._tensors = tensors
        self._most: dict[Any, int] = {}  # by the symbol of a size
        self._named: dict[object, str] = {}  # a tensor may have several names
        for node in traced.graph.nodes:
            getattr(self, f"_{node.op}")(node)

    def _placeholder(self, node: Any) -> None:
        value = node.meta.get("val")
        if node.name in self._tensors:
            self._get_attr(node)
        elif isinstance(value, self.torch.Tensor):
            self.inputs.append((node.name, self._dims(node, value)))
            self.dtype = DTYPES.get(str(value.dtype).removeprefix("torch."), self.dtype)

    def _get_attr(self, node: Any) -> None:
        path, tensor = self._tensors.get(node.name, ("", None))
        if tensor is not None:
            learned = isinstance(tensor, self.torch.nn.Parameter)
            identity = self._identity(tensor, path or node.name)
            values = self._values(tensor)
            self.constants[node.name] = Constant(tuple(tensor.shape), values, learned, identity)

    def _values(self, tensor: Any) -> Any:
        """The elements of a small constant that may be numbers of places."""
        kinds = (self.torch.int64, self.torch.int32)
        fake = self.torch._subclasses.FakeTensor
        if tensor.dtype not in kinds or tensor.numel() > MOST_VALUES or isinstance(tensor, fake):
            return None
        return None if tensor.is_meta else tensor.detach().cpu().numpy()

    def _identity(self, tensor: Any, name: str) -> str:
        """The first name of a tensor; a buffer may be a view of a parameter, which has one."""
        memory = (tensor.untyped_storage()._cdata, tensor.storage_offset(), tensor.numel())
        if isinstance(tensor, self.torch.nn.Parameter):
            self._named.setdefault(memory, name)
            return self._named.setdefault(id(tensor), name)
        return self._named.get(memory) or self._named.setdefault(id(tensor), name)

    def _output(self, node: Any) -> None:
        results: list[Any] = []
        self.torch.fx.node.map_arg(node.args, results.append)
        self.outputs = [
            self._name(each)
            for each in results
            if isinstance(each.meta.get("val"), self.torch.Tensor)
            and each.name not in self.constants
        ]

    def _call_module(self, node: Any) -> None:
        raise InputError(Problem("calls a module that was not traced", path=f"{node.target}"))

    def _call_method(self, node: Any) -> None:
        raise InputError(Problem("calls a method that was not traced", path=f"{node.target}"))

    def _call_function(self, node: Any) -> None:
        value = node.meta.get("val")
        values = value if isinstance(value, list | tuple) else (value,)
        if not any(isinstance(each, self.torch.Tensor) for each in values):
            return  # a check or a size: not a tensor
        shapes = tuple(
            self._dims(node, each) if isinstance(each, self.torch.Tensor) else None
            for each in values
        )
        outputs = tuple(f"{node.name}:{i}" if i else node.name for i in range(len(shapes)))
        outputs = tuple(
            name if shape is not None else "" for name, shape in zip(outputs, shapes, strict=True)
        )
        if _onto_itself(node):
            self._current[node.name] = self._name(node.args[1])
            return
        if node.target is operator.getitem:
            if not node.users:
                return  # such as the places of a pool's maxima
            source, index = node.args
            inputs: tuple[str, ...] = (f"{source.name}:{index}" if index else source.name,)
            record = Record(node.name, "getitem", inputs, outputs, {}, shapes)
        else:
            record = self._operator(node, outputs, shapes)
        self.records.append(record)
        self._put_back()

    def _operator(self, node: Any, outputs: tuple[str, ...], shapes: tuple[Any, ...]) -> Record:
        line = line_of_trace(node.meta.get("stack_trace"))
        schema = getattr(node.target, "_schema", None)
        if schema is None:
            operands: list[Any] = []
            self.torch.fx.node.map_arg((node.args, node.kwargs), operands.append)
            target = getattr(node.target, "__name__", str(node.target))
            names = tuple(self._name(each) for each in operands)
            return Record(node.name, target, names, outputs, {}, shapes, line=line)
        space, _, target = schema.name.partition("::")
        # An in-place operator's input is from here on what it has written.
        in_place = target.endswith("_") and not target.endswith("__")
        inputs: list[str] = []
        attributes: dict[str, Any] = {}
        for position, argument in enumerate(schema.arguments):
            if position < len(node.args):
                value = node.args[position]
            else:
                default = argument.default_value if argument.has_default_value() else None
                value = node.kwargs.get(argument.name, default)
            if isinstance(value, self.torch.fx.Node):
                if isinstance(value.meta.get("val"), self.torch.Tensor) or value.op == "get_attr":
                    inputs.append(self._name(value))
            elif _nodes(self.torch, value):
                inputs += ["" if each is None else self._name(each) for each in value]
            elif value is None and str(argument.type) == "Optional[Tensor]":
                inputs.append("")
            else:
                attributes[argument.name] = value
        target = target[:-1] if in_place else target
        scope = self._scope(node, inputs)
        record = Record(
            node.name,
            target if space == "aten" else schema.name,
            tuple(inputs),
            outputs,
            attributes,
            shapes,
            scope,
            line=line,
            in_place=in_place,
        )
        if in_place and inputs:
            self._written(node)
            for old, new in list(self._current.items()):
                if new == inputs[0]:
                    self._current[old] = node.name
            self._current[inputs[0]] = node.name
        return record

    def _written(self, node: Any) -> None:
        """Note that what is written over a part of a tensor changes the tensor.

        The part lies within it: from here on the tensor is what a copy with the part in its place
        would be. That record comes behind the one that writes.
        """
        part, now = node.args[0], node.name
        while getattr(part.target, "_schema", None) is not None and part.args:
            name = part.target._schema.name.rpartition("::")[2]
            whole = part.args[0]
            if name not in PARTS or not isinstance(whole, self.torch.fx.Node):
                return
            self._behind.append((f"{node.name}.into.{whole.name}", whole, now))
            now = self._behind[-1][0]
            part = whole

    def _put_back(self) -> None:
        """Add the records of parts that were written over."""
        for name, whole, part in self._behind:
            shape = self._dims(whole, whole.meta["val"])
            held = self._name(whole)
            self.records.append(
                Record(name, "slice_scatter", (held, part), (name,), {}, (shape,), scope=name)
            )
            for old, new in list(self._current.items()):
                if new == held:
                    self._current[old] = name
            self._current[held] = name
            self._current[whole.name] = name
        self._behind.clear()

    def _dims(self, node: Any, value: Any) -> Dims:
        """A tensor's shape.

        Raises
        ------
        InputError
            If it depends on the data.
        """
        self._bound(node)
        shape = tuple(map(self._size, value.shape))
        if not all(type(size) is int for size in shape):
            line = line_of_trace(node.meta.get("stack_trace"))
            where = f": `{line.text}`" if line else ""
            message = f"writes a tensor whose shape depends on the data{where}"
            record = Record(node.name, str(node.target), (), (), line=line)
            raise InputError(record.problem(message, children_hint(self.module)))
        return shape

    def _bound(self, node: Any) -> None:
        """Note how many boxes an operator that chooses some of them keeps at most: all."""
        if getattr(getattr(node.target, "_schema", None), "name", "") not in CHOOSING:
            return
        kept, most = node.meta["val"].shape[0], self._size(node.args[0].meta["val"].shape[0])
        if type(kept) is not int and type(most) is int:
            self._most[kept.node.expr] = most

    def _size(self, size: Any) -> Any:
        """A size, which is the largest that can be where it is known how many boxes that are."""
        if type(size) is int or not self._most:
            return size
        found = size.node.expr.subs(self._most)
        return int(found) if found.is_Integer else size

    def _name(self, node: Any) -> str:
        name: str = node.name
        return self._current.get(name, name)

    def _scope(self, node: Any, inputs: list[str]) -> str:
        """The path of the module that the operator belongs to, or that holds its weight."""
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        if stack:
            path, kind = stack[-1]
            kind = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
            if kind.startswith("torch.nn.modules."):
                return str(path)
            return f"{path}.{node.name}" if path else str(node.name)
        for name in inputs:
            path, _ = self._tensors.get(name, ("", None))
            if path:
                return str(path).rpartition(".")[0] or node.name
        return str(node.name)


def _onto_itself(node: Any) -> bool:
    """Whether a part is copied onto itself, as Python does behind ``x[part] += y``."""
    if getattr(getattr(node.target, "_schema", None), "name", "") != "aten::copy_":
        return False
    target, source = node.args[:2]
    while getattr(getattr(source.target, "_schema", None), "name", "").endswith("_"):
        source = source.args[0]  # what wrote in place is what it wrote over
    same = (target.op, target.target, target.args) == (source.op, source.target, source.args)
    return bool(same and target.op == "call_function")


def _nodes(torch: Any, argument: Any) -> bool:
    """Whether an argument is a list of tensors."""
    return (
        isinstance(argument, list | tuple)
        and any(isinstance(each, torch.fx.Node) for each in argument)
        and all(
            each is None
            or (isinstance(each, torch.fx.Node) and isinstance(each.meta.get("val"), torch.Tensor))
            for each in argument
        )
    )
