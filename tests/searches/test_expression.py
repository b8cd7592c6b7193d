"""Expressions over facts: their values, their units, and where they are wrong."""

from __future__ import annotations

from fractions import Fraction

import pytest

from memsim.errors import InputError
from memsim.searches.expression import Fact, condition, expression

KNOWN = {"dram_bytes": "B", "time_s": "s", "energy_j": "J", "macs": ""}
FACTS = {
    Fact("dram_bytes"): 100, Fact("dram_bytes", 2 << 20): 60, Fact("time_s"): 0.5,
    Fact("energy_j"): 0.25, Fact("macs"): 7,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("macs", 7),
        ("dram_bytes at 2MiB", 60),
        ("dram_bytes - dram_bytes at 2MiB", 40),
        ("2 * macs + 3", 17),
        ("2 * (macs + 3)", 20),
        ("macs - 3 - 2", 2),
        ("8 / 4 / 2", 1),
        ("-macs * 2", -14),
        ("1.5k", 1500),
        ("2MiB", 2 << 20),
        ("10ms", Fraction(1, 100)),
        ("5mJ", Fraction(1, 200)),
        ("1.9GMAC", 1_900_000_000),
        ("50% * dram_bytes", 50),
        ("1e3", 1000),
        ("energy_j*time_s", 0.125),
    ],
)
def test_values(text: str, value: float) -> None:
    assert expression(text, KNOWN).of(FACTS) == value


@pytest.mark.parametrize(
    ("text", "excess"),
    [("macs <= 5", 2), ("macs >= 5", -2), ("dram_bytes at 2MiB <= 0.5 * dram_bytes", 10)],
)
def test_how_far_a_condition_is_from_holding(text: str, excess: float) -> None:
    assert condition(text, KNOWN).excess(FACTS) == excess


def test_the_facts_that_must_be_found() -> None:
    found = condition("dram_bytes at 1MiB + dram_bytes <= macs", {**KNOWN, "macs": "B"})
    assert found.facts == {Fact("dram_bytes", 1 << 20), Fact("dram_bytes"), Fact("macs")}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "'' is no expression (dram_bytes at 2MiB)"),
        ("dram_byts", "'dram_byts', at 1: unknown fact 'dram_byts' (did you mean 'dram_bytes'?)"),
        ("macs macs", "'macs macs', at 6: 'macs' is one too many (an operator between two parts)"),
        ("2 *", "'2 *', at 4: something is missing (a fact or a number)"),
        ("(macs", "'(macs', at 6: expected ) (such as macs <= 1.9G)"),
        ("macs at", "'macs at', at 8: expected the size of a cache (such as at 2MiB)"),
        ("macs at 2MX", "2MX"),
        ("3 parsecs", "'3 parsecs', at 3: 'parsecs' is one too many"),
        ("3parsecs", "'3parsecs', at 1: unknown unit 'parsecs' (such as 2MiB, 1.9G, 10ms, 5mJ)"),
        ("macs # 2", "'macs # 2', at 6: '#' means nothing here"),
        ("dram_bytes + time_s", "'dram_bytes + time_s': bytes and seconds do not compare"),
        ("* 2", "'* 2', at 1: '*' means nothing here (a fact or a number)"),
        ("__import__(2)", "'__import__(2)', at 1: unknown fact '__import__'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        expression(text, KNOWN)
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["macs < 3", "macs", "macs == 3", "macs <= time_s <= 3"])
def test_a_condition_has_one_sign(text: str) -> None:
    with pytest.raises(InputError):
        condition(text, KNOWN)
