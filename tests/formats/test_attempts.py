"""A foreign graph is seen in several ways; one of them is read."""

import pytest

from memsim import loads
from memsim.errors import InputError, SimulationError
from memsim.formats.foreign.attempts import first_known
from memsim.network import Network


def whole() -> Network:
    return loads("{name: whole, input: [3, 4, 4], layers: [{conv: 2}]}")


def partly() -> Network:
    text = "{name: partly, input: [3, 4, 4], layers: [{opaque: {op: Fft, shape: [3, 4, 4]}}]}"
    return loads(text)


def broken() -> Network:
    raise InputError("the first axes disagree")


def none() -> None:
    return None


def test_the_first_that_reads_every_operator_is_taken() -> None:
    for attempts in ([whole], [none, whole], [broken, whole], [partly, broken, whole]):
        for allowed in (False, True):
            assert first_known(attempts, allowed).name == "whole"


def test_what_reads_a_part_is_taken_only_where_that_is_allowed() -> None:
    for attempts in ([partly], [broken, partly], [none, partly, broken], [partly, broken]):
        assert first_known(attempts, allow_unknown=True).name == "partly"
    with pytest.raises(SimulationError, match="Fft"):
        first_known([partly, broken], allow_unknown=False)


def test_otherwise_the_first_fault_is_told() -> None:
    with pytest.raises(InputError, match="the first axes disagree"):
        first_known([broken, partly], allow_unknown=False)
    with pytest.raises(InputError, match="the first axes disagree"):
        first_known([broken, none], allow_unknown=True)
