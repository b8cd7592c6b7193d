"""What is said of the smallest number that keeps networks to a goal."""

from __future__ import annotations

from fractions import Fraction

from memsim.errors import Problem
from memsim.readable import format_bytes, format_rate, format_time
from memsim.results.inverse.goal import Goal
from memsim.results.inverse.smallest import CACHE, Answer, Smallest
from memsim.results.sheets.run import joules_text
from memsim.sheets.sheet import Grid, Sheet

NAMES = {"cache": "cache", "bandwidth": "bandwidth", "macs": "MAC rate"}
UNITS = {"cache": "B", "bandwidth": "B/s", "macs": "MAC/s"}
ONE = {"cache": "byte", "bandwidth": "B/s", "macs": "MAC/s"}


def smallest_sheet(found: Smallest, layers: int | None = None) -> Sheet:
    """Tell one answer in a sentence, several in a table; ``layers`` does not apply."""
    goal = goal_text(found.goal)
    what = f"{'largest' if found.is_largest else 'smallest'} {NAMES[found.over]}"
    if len(found.answers) == 1:
        (answer,) = found.answers
        return Sheet(
            f"{answer.networks[0]} on {found.machine}: the {what} for {goal} is "
            f"{number_text(found.over, answer.number)}: {_reached(found, answer)}.",
            notes=_notes(found),
        )
    rows = tuple(
        (_label(answer), *_cells(found, answer), value_text(found.goal, answer.reached))
        for answer in found.answers
    )
    columns = ("", UNITS[found.over], "", "reached")
    return Sheet(
        f"{what} of {found.machine} for {goal}",
        grids=(Grid("", columns, rows, total=2),),
        notes=_notes(found),
    )


def _cells(found: Smallest, answer: Answer) -> tuple[str, str]:
    """A number, exactly and readably."""
    if answer.number is None:
        return "none", "at best"
    return f"{answer.number:,}", _readable(found.over, answer.number)


def _reached(found: Smallest, answer: Answer) -> str:
    """What is reached, and with one less where that is another word."""
    reached = value_text(found.goal, answer.reached)
    short = reached if answer.short is None else value_text(found.goal, answer.short)
    if short == reached:
        return reached
    other = "more" if found.is_largest else "less"
    return f"{reached}, and with one {ONE[found.over]} {other} {short}"


def _label(answer: Answer) -> str:
    if answer.together == "alone":
        return answer.networks[0]
    return "each of them" if answer.together == "each" else "one after the other"


def _notes(found: Smallest) -> tuple[str, ...]:
    """What is certain of larger and of smaller numbers."""
    name, one = NAMES[found.over], ONE[found.over]
    if found.sampled:
        return (f"It is the smallest of the {len(found.sampled)} sizes looked at that does it.",)
    if found.is_largest:
        return (f"One {one} more stalls longer: a faster engine waits more, a slower one less.",)
    if found.is_certain:
        return (f"One {one} less fails; every larger {name} does it, too.",)
    all_fail = all(answer.is_first for answer in found.answers)
    smaller = ", and so does every smaller cache at which traffic changes" if all_fail else ""
    return (
        f"One byte less fails{smaller}. A larger "
        "one moves no more, but may write back just when a load is waited for: it may take longer.",
    )


def told_best(found: Smallest, answer: Answer) -> Problem:
    """What is said of a network that no number keeps to the goal."""
    if found.is_largest:
        message = f"no MAC rate keeps {answer.networks[0]} to {goal_text(found.goal)}"
        return Problem(message, hint="a larger cache or bandwidth")
    value = value_text(found.goal, answer.reached)
    at = "the cache that suits it best" if found.over == CACHE else "the largest there is"
    others = [name for key, name in NAMES.items() if key != found.over]
    hint = f"a larger {others[0]} or {others[1]}" if found.goal.is_timed else ""
    message = (
        f"no {NAMES[found.over]} keeps {answer.networks[0]} to {goal_text(found.goal)}: with {at} "
        f"it is {value}"
    )
    return Problem(message, hint=hint)


def goal_text(goal: Goal) -> str:
    """A goal in words.

    Examples
    --------
    >>> goal_text(Goal("fps", Fraction(30))), goal_text(Goal("time", Fraction(10**10)))
    ('at least 30 fps', 'at most 10.0 ms')
    """
    if goal.name == "fps":
        return f"at least {float(goal.limit):g} fps"
    return f"at most {value_text(goal, goal.limit)}"


def value_text(goal: Goal, value: float | Fraction) -> str:
    """What a goal is about, as a quantity that people read."""
    if goal.name == "fps":
        return f"{float(value):.6g} fps"
    if goal.name == "time":
        return format_time(Fraction(value))
    if goal.name == "stall":
        return f"{float(value):.2%} stalled"
    if goal.name == "within":
        return f"{float(value):.2%} above compulsory"
    if goal.name == "energy":
        return joules_text(float(value))
    return format_bytes(Fraction(value))


def number_text(over: str, number: int | None) -> str:
    """A cache, bandwidth or compute rate, exactly and readably."""
    if number is None:
        return "none"
    return f"{number:,} {UNITS[over]} ({_readable(over, number)})"


def _readable(over: str, number: int) -> str:
    if over == CACHE:
        return format_bytes(number)
    return format_rate(number, "B" if over == "bandwidth" else "MAC")
