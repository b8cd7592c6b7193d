"""Options that may be given once: of two values one would be lost without a word."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from memsim.errors import InputError, Problem

__all__ = ["Once", "once"]


class Once(click.Option):
    """An option with one value, which refuses a second one instead of forgetting the first."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        super().add_to_parser(_Gathering(parser), ctx)  # type: ignore[arg-type]  # all it asks

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        given = opts.get(str(self.name))
        if isinstance(given, list):
            if len(given) > 1:
                raise InputError(self._problem(given))
            opts = {**opts, str(self.name): given[0]}
        return super().handle_parse_result(ctx, opts, args)

    def _problem(self, given: list[Any]) -> Problem:
        path = max(self.opts, key=len)
        if self.is_flag and not self.secondary_opts:
            return Problem(f"is given {len(given)} times", path=path, hint="once is enough")
        names = {True: path, False: max([*self.secondary_opts, ""], key=len)}
        told = [names[value] if self.is_flag else repr(value) for value in given]
        return Problem(f"takes one value, and is given {' and '.join(told)}", path=path)


class _Gathering:
    """A parser to which an option is added as one whose values are gathered in a list."""

    def __init__(self, parser: Any) -> None:
        self.parser = parser

    def add_option(self, *, action: str, **how: Any) -> None:
        self.parser.add_option(action=action.replace("store", "append"), **how)


once = partial(click.option, cls=Once)
"""As :func:`click.option`, for an option that may be given once."""
