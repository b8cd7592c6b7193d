"""Families: every shipped network has one, and nothing else has."""

from __future__ import annotations

import memsim
from memsim.calibration.families import families, family_of
from memsim.calibration.published import PUBLISHED


def test_every_network_that_comes_along_has_a_family() -> None:
    assert set(families()) == {entry.name for entry in memsim.names()}


def test_a_segmentation_network_belongs_to_what_it_is_built_of() -> None:
    assert family_of("fc_hardnet84") == family_of("hardnet39ds") == "hardnet"
    assert family_of("fc_sparsenet_ref100") != family_of("logdensenet103")


def test_published_times_are_of_several_families() -> None:
    """Else none of them could be left out."""
    for name in PUBLISHED:
        found = {family_of(run.network) for run in PUBLISHED[name].runs().runs}
        assert len(found) >= 2, name
        assert found <= set(families().values())
