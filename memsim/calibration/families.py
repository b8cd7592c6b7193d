"""Families of networks: what is left out together when a fit is asked about something new."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from memsim.files import read_table


@cache
def families() -> Mapping[str, str]:
    """The family of every network that comes along; ``data/families.csv`` says what one is."""
    return {row["network"]: row["family"] for row in read_table("memsim.calibration", "families")}


def family_of(network: str) -> str:
    """The family of a network; a network that does not come along is a family of its own.

    Parameters
    ----------
    network : str
        A shipped name, or a file.

    Examples
    --------
    >>> family_of("fc_densenet56"), family_of("densenet201"), family_of("mine.yaml")
    ('densenet', 'densenet', 'mine.yaml')
    """
    return families().get(network, network)
