"""Several networks of one command, which are told apart by where they come from."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING

from memsim.progress import counted

if TYPE_CHECKING:
    from memsim.cli.options import Chosen
    from memsim.network.graph import Network


def load_all(chosen: Sequence[Chosen]) -> list[Network]:
    """Load networks; those that call themselves alike are told apart by their files.

    Raises
    ------
    InputError
        As loading one does.
    """
    loaded = [each.load() for each in counted(chosen, "networks read")]
    told = apart([network.name for network in loaded], [each.name for each in chosen])
    for number, (network, name) in enumerate(zip(loaded, told, strict=True)):
        if network.name != name:
            loaded[number] = copy(network)
            loaded[number].name = name
    return loaded


def apart(names: Sequence[str], sources: Sequence[str]) -> list[str]:
    """Names, with so much of the source's path behind each as is needed to tell it from others.

    Names of the same source stay alike, as does a name that is its source.

    Examples
    --------
    >>> apart(["net", "other", "net"], ["a/net.yaml", "other", "b/net.yaml"])
    ['net (a/net.yaml)', 'other', 'net (b/net.yaml)']
    >>> apart(["resnet18", "resnet18"], ["resnet18", "nets/mine.yaml"])
    ['resnet18', 'resnet18 (mine.yaml)']
    >>> apart(["net", "net"], ["net.yaml", "net.yaml"])
    ['net', 'net']
    """
    sources = [source.replace(os.sep, "/") for source in sources]
    several = Counter(name for name, _ in set(zip(names, sources, strict=True)))
    told = []
    for name, source in zip(names, sources, strict=True):
        if several[name] == 1 or name == source:
            told.append(name)
            continue
        rivals = {
            other for named, other in zip(names, sources, strict=True)
            if named == name and other != source
        }  # fmt: skip
        told.append(f"{name} ({_shortest(source, rivals)})")
    return told


def _shortest(source: str, rivals: set[str]) -> str:
    """The end of a path, by whole folders, with which no other path ends."""
    parts = source.split("/")
    for count in range(1, len(parts)):
        end = "/".join(parts[-count:])
        if not any(rival == end or rival.endswith(f"/{end}") for rival in rivals):
            return end
    return source
