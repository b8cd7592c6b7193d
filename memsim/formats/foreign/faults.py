"""Errors while a foreign graph is read, told at the operator that they are about."""

from __future__ import annotations

from dataclasses import replace

from pydantic import ValidationError

from memsim.errors import InputError, Problem
from memsim.formats.foreign.records import Unsupported
from memsim.network.ops import ShapeError
from memsim.yaml.document import shown

__all__ = ["ErrorsAt"]


class ErrorsAt:
    """Errors on the way become input errors that name the record."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ShapeError):
            raise InputError(replace(self.problem, message=str(error))) from None
        if isinstance(error, Unsupported):
            message = "its tensors cannot be seen as channels, height and width of a batch"
            raise InputError(replace(self.problem, message=message)) from None
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False)[0]
            what = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
            message = f"{what or 'a number'} {shown(first['input'])} is out of range"
            raise InputError(replace(self.problem, message=message)) from None
