"""Cache sizes on a command line: one, a list, or a range, as a sweep takes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import click

from memsim.cli.once import once
from memsim.errors import InputError, Problem
from memsim.sheets.facts import Facts
from memsim.sheets.several import Several

__all__ = ["at_sizes", "one_size", "sizes_in", "sizes_option"]

MOST = 1000
"""Sizes that a command answers for, one after the other."""

TAKE_MANY = "memsim run, compare and curve take several"

Layout = str


def sizes_option(told: str, default: str = "") -> Callable[[Callable[..., Any]], Any]:
    """The option ``--cache`` of a command whose answer is of many sizes anyway.

    The command gets ``sizes``, a list of words, empty where none is given.
    """
    return once(
        "--cache",
        "sizes",
        metavar="SIZES",
        help=f"{told}, such as 512KiB,2MiB or 64KiB:8MiB:log2.{default}",
        callback=lambda context, option, text: [] if text is None else sizes_in(text),
    )


def several(text: str) -> bool:
    """Whether a text says several sizes, or tries to.

    Examples
    --------
    >>> several("64KiB:1MiB:log2"), several("64KiB..1MiB"), several("1e-3"), several("-1")
    (True, True, False, False)
    """
    return bool(re.search(r"[,:\u2013\u2026]|\.\.|\bto\b|[^eE\s]\s*-", text.strip()))


def sizes_in(text: str) -> list[str]:
    """The sizes of a list or a range, ascending, each as it may be written.

    Raises
    ------
    InputError
        If one is no size or is there twice, and for a range that is none or is too long.

    Examples
    --------
    >>> sizes_in("2MB, 512KiB"), sizes_in("64KiB:256KiB:log2"), sizes_in("0")
    (['512KiB', '2MB'], ['64KiB', '128KiB', '256KiB'], ['0'])
    >>> sizes_in("1MiB,1024KiB")
    Traceback (most recent call last):
    memsim.errors.InputError: cache: 1048576 is there twice (once is enough)
    """
    if not several(text):
        return [text] if text.strip() else []
    from memsim.readable import format_size
    from memsim.sweeps.axis import axis
    from memsim.sweeps.ranges import parts
    from memsim.units import parse_bytes

    values = axis("cache", text).values
    if len(values) > MOST:
        message = f"says {len(values):,} sizes, and a command answers for {MOST:,} at most"
        raise InputError(Problem(message, path="cache", hint="memsim sweep takes more"))
    words = {parse_bytes(word): word for word in parts(text) if word and ":" not in word}
    return [words.get(value, format_size(value)) for value in values]


def one_size(text: str, command: str, hint: str = TAKE_MANY) -> str:
    """The size of a command that can be asked at one alone.

    Raises
    ------
    InputError
        For several, with the command that takes them.

    Examples
    --------
    >>> one_size("1MiB,2MiB", "trace")
    Traceback (most recent call last):
    memsim.errors.InputError: cache: '1MiB,2MiB' is several sizes, and memsim trace takes one \
(memsim run, compare and curve take several)
    """
    if several(text):
        message = f"{text[:60]!r} is several sizes, and memsim {command} takes one"
        raise InputError(Problem(message, path="cache", hint=hint))
    return text


def at_sizes(
    ask: Callable[..., Facts], options: Mapping[str, Any], layout: Layout | None = None
) -> Facts:
    """The answer of a verb at the one cache size of its options, or at each of several.

    Parameters
    ----------
    ask : callable
        The verb: (**options) -> facts.
    options : mapping
        ``cache`` may be a list of sizes.
    layout : str, optional
        Of several answers: see :class:`memsim.sheets.several.Several`.
    """
    sizes = options.get("cache")
    if not isinstance(sizes, list):
        return ask(**options)
    answers = []
    for size in sizes:
        answers.append(ask(**{**options, "cache": size}))
    return Several(tuple(answers), tuple(f"cache {size}" for size in sizes), layout)


def checked(options: Mapping[str, Any]) -> None:
    """Find out before any work whether the machine can have each of several sizes."""
    sizes = options.get("cache")
    if not isinstance(sizes, list):
        return
    from memsim.engines.cache.managements import MANAGEMENTS
    from memsim.machine import DEFAULT_MACHINE
    from memsim.machine.machine import Overrides
    from memsim.simulate.preparation import machine_of

    machine = machine_of(options.get("machine") or DEFAULT_MACHINE)
    for size in sizes:
        told = {**options, "cache": size}
        changes = {name: told[name] for name in Overrides.__annotations__ if name in told}
        cache = machine.with_overrides(**changes).cache
        MANAGEMENTS[cache.management].check(cache)


def command_name() -> str:
    """The command that is run."""
    context = click.get_current_context(silent=True)
    return (context.info_name or "") if context is not None else ""
