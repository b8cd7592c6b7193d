"""Completion of names on a command line; nothing is looked up before a shell asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["OF_OPTIONS", "WORDS", "complete", "complete_kinds", "complete_words", "of_option"]

Complete = Callable[[Any, Any, str], "list[CompletionItem]"]

OF_OPTIONS = {
    "machine": "machines",
    "lowering": "lowerings",
    "schedule": "schedules",
    "groups": "groups",
    "layer_order": "layer-orders",
    "order": "orders",
    "policy": "policies",
    "management": "managements",
    "allocator": "allocators",
    "library": "libraries",
    "heap": "heaps",
    "clock": "clocks",
}
"""The kind of :data:`memsim.cli.listing.KINDS` that an option names one of."""

WORDS = {
    "dtype": ("fp32", "fp16", "bf16", "int8"),
    "only": ("feature-maps", "weights"),
    "overlap": ("keep", "recompute"),
    "tile": ("auto", "whole"),
    "images": ("together", "apart"),
    "rows": ("touched", "streamed"),
    "scores": ("chip", "dram"),
    "layout": ("nchw", "nhwc"),
}
"""The words of options that choose from a few."""

WITH_FILES = ("networks", "machines")
"""Kinds for which a file may be named, too."""


def complete(kind: str) -> Complete:
    """Complete the names of a kind; where none fits, those of files.

    Examples
    --------
    >>> [item.value for item in complete("lowerings")(None, None, "eager_")]
    ['eager_cudnn', 'eager_onednn']
    >>> [item.type for item in complete("networks")(None, None, "./m")]
    ['file']
    """

    def names_of(context: Any, parameter: Any, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=line or None)
            for name, line in _named(kind).items()
            if name.startswith(incomplete)
        ]
        others = [CompletionItem(incomplete, type="file")] if kind in WITH_FILES else []
        return found or others

    return names_of


def complete_words(*words: str) -> Complete:
    """Complete one of a few words.

    Examples
    --------
    >>> [item.value for item in complete_words("csv", "json")(None, None, "j")]
    ['json']
    """

    def fitting(context: Any, parameter: Any, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(word) for word in words if word.startswith(incomplete)]

    return fitting


def of_option(name: str) -> Complete | None:
    """What completes an option of a simulation; None where it is a number or a size."""
    if name in OF_OPTIONS:
        return complete(OF_OPTIONS[name])
    return complete_words(*WORDS[name]) if name in WORDS else None


def complete_kinds(context: Any, parameter: Any, incomplete: str) -> list[CompletionItem]:
    """Complete what ``memsim list`` lists."""
    from click.shell_completion import CompletionItem

    from memsim.cli.listing import KINDS

    return [CompletionItem(kind) for kind in KINDS if kind.startswith(incomplete)]


def _named(kind: str) -> dict[str, str]:
    """What is said of each name; of machines nothing, since their files would have to be read."""
    if kind == "machines":
        from memsim.machine import machine_names

        return dict.fromkeys(machine_names(), "")
    from memsim.cli.listing import listing

    return dict(listing(kind).entries)
