"""The keywords of architecture files: every operator and every macro, each with its model.

The models are the schema: they validate, and the JSON Schema is made from them. Those of
operators that learn ``out`` channels are derived here, on first use: they accept ``out: same``
and may bring a batch norm and an activation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, cast

from pydantic import BaseModel, Field, ValidationError, create_model

from memsim.formats.architecture.fields import OUT, Channels, Finish, channels
from memsim.formats.architecture.macros import MACROS, FeatureMap, Macro, Site
from memsim.formats.architecture.macros.convolve import convolve
from memsim.network.ops import OPERATORS, Operator
from memsim.yaml.faults import Fault, faults

__all__ = ["Keyword", "keyword", "keywords"]


@dataclass(frozen=True)
class Keyword:
    """What a keyword of an architecture file stands for.

    Attributes
    ----------
    name : str
    model : type of BaseModel
        Validates what is written behind the keyword.
    op : type of Operator or None
        The operator; None for a macro.
    label : str
        What layers are named after where the file does not name them.
    shorthand : str or None
        The attribute that a value without a mapping stands for.
    beside : tuple of str
        Attributes that are written next to the keyword.
    nested : tuple of str
        Attributes that hold layers.
    fewest, most : int or None
        Number of inputs.
    """

    name: str
    model: type[BaseModel]
    op: type[Operator] | None
    label: str
    shorthand: str | None
    beside: tuple[str, ...]
    nested: tuple[str, ...]
    fewest: int
    most: int | None

    @property
    def names_inputs(self) -> bool:
        """Whether a bare name or list of names behind the keyword is what it reads too."""
        return self.most is None and self.shorthand is None

    def parse(self, body: dict[str, Any], text: str | None = None) -> BaseModel | list[Fault]:
        """Validate a mapping of attributes, given its JSON too; the faults where it is wrong.

        JSON is the strict reading that fits YAML: lists are lists, words are no numbers.
        """
        try:
            return self.model.model_validate_json(text or json.dumps(body), strict=True)
        except ValidationError as error:
            return [self._told(each) for each in faults(error, body, self.model, self.name)]

    def _told(self, found: Fault) -> Fault:
        """Where there is no ``inplace``, why, and where it can stand."""
        if found.path != ("inplace",) or "inplace" in self.model.model_fields:
            return found
        if self.op is None or "act" in self.model.model_fields:
            hint = "its activation can: act: {relu: {inplace: true}}"
        else:
            hint = "activations, add, mul and scale can"
        return Fault(found.path, f"{self.name} cannot write over its input", hint)

    def build(self, model: BaseModel, site: Site, sources: Sequence[FeatureMap]) -> FeatureMap:
        """Append the layers of a validated item and return what leaves them."""
        if isinstance(model, Macro):
            return model.build(site, *sources)
        if self.op is None or self.model is self.op:
            return site.add("", cast(Operator, model), *sources)
        attributes = {name: getattr(model, name) for name in self.op.model_fields}
        if not isinstance(attributes["out"], int):
            attributes["out"] = channels(attributes["out"], site.shape(sources[0]).box[0])
        op = site.make(self.op, **attributes)
        return convolve(site, "", op, cast(Finish, model), *sources)


def keywords() -> tuple[str, ...]:
    """Every keyword.

    Examples
    --------
    >>> {"conv", "block", "repeat"} <= set(keywords())
    True
    """
    return (*OPERATORS, *MACROS)


@cache
def keyword(name: str) -> Keyword:
    """Look a keyword up; its model is made on the first call.

    Examples
    --------
    >>> conv = keyword("conv")
    >>> conv.shorthand, sorted(set(conv.model.model_fields) - set(conv.op.model_fields))
    ('out', ['act', 'bn', 'order'])
    """
    if name in MACROS:
        macro = MACROS[name]
        return Keyword(
            name,
            macro,
            None,
            macro.label or name,
            macro.shorthand,
            macro.beside,
            macro.nested,
            1,
            1,
        )
    op = OPERATORS[name]
    model: type[BaseModel] = op
    if "out" in op.model_fields:
        model = create_model(
            f"{op.__name__}Layer",
            __base__=(Finish, op),
            __doc__=op.__doc__,
            out=(Annotated[Channels, Field(description=OUT)], ...),
        )
    return Keyword(name, model, op, name, op.shorthand, (), (), *op.arity)
