"""Completion of names on a command line; nothing is looked up before a shell asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["OF_OPTIONS", "complete", "complete_kinds"]

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
}
"""The kind of :data:`memsim.cli.listing.KINDS` that an option names one of."""

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
