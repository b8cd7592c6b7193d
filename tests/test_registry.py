"""A registry: a mapping that refuses doubles and helps with misspellings."""

from __future__ import annotations

import pytest

from memsim.errors import InputError
from memsim.registry import Registry


@pytest.fixture
def colours() -> Registry[int]:
    registry: Registry[int] = Registry("colour")
    registry.add("red", 1)
    registry.add("green", 2)
    return registry


def test_it_is_a_mapping_in_order_of_registration(colours):
    assert list(colours) == ["red", "green"]
    assert dict(colours) == {"red": 1, "green": 2}
    assert len(colours) == 2
    assert "red" in colours
    assert "blue" not in colours
    assert colours.get("red") == 1


def test_what_is_added_later_is_made_once_when_it_is_asked_for(colours):
    made = []
    colours.add_later("blue", lambda: made.append(3) or 3)
    assert list(colours) == ["red", "green", "blue"]
    assert not made
    assert (colours["blue"], colours.get("blue"), dict(colours)["blue"]) == (3, 3, 3)
    assert made == [3]


def test_a_decorator_registers_and_returns_the_part():
    shapes: Registry[type] = Registry("shape")

    @shapes.register("square")
    class Square:
        pass

    assert shapes["square"] is Square


def test_a_second_registration_is_a_bug_and_changes_nothing(colours):
    with pytest.raises(ValueError, match="colour 'red' is registered twice"):
        colours.add("red", 3)
    assert colours["red"] == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rad", "unknown colour 'rad' (did you mean 'red'?)"),
        ("zzz", "unknown colour 'zzz' (known: green, red)"),
        (3, "unknown colour '3' (known: green, red)"),
        (["red"], """unknown colour "['red']" (did you mean 'red'?)"""),
    ],
)
def test_an_unknown_name_is_an_input_error_that_helps(colours, name, message):
    with pytest.raises(InputError) as caught:
        colours[name]
    assert str(caught.value) == message
