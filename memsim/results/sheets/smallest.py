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


def smallest_sheet(found: Smallest, layers: int | None = None) -> Sheet:
    """Tell one answer in a sentence, several in a table; ``layers`` does not apply."""
    goal = goal_text(found.goal)
    what = f"{'largest' if found.is_largest else 'smallest'} {NAMES[found.over]}"
    if len(found.answers) == 1:
        (answer,) = found.answers
        other = "more" if found.is_largest else "less"
        one = {"cache": "byte", "bandwidth": "B/s", "macs": "MAC/s"}[found.over]
        tight = "" if answer.short is None else (
            f"; with one {one} {other} it is {value_text(found.goal, answer.short)}"
        )  # fmt: skip
        return Sheet(
            f"{answer.networks[0]} on {found.machine}: the {what} for {goal} is "
            f"{number_text(found.over, answer.number)} "
            f"({value_text(found.goal, answer.reached)}{tight}).",
            notes=_notes(found),
        )
    rows = tuple(
        (
            _label(answer),
            number_text(found.over, answer.number),
            value_text(found.goal, answer.reached),
            "-" if answer.short is None else value_text(found.goal, answer.short),
        )
        for answer in found.answers
    )
    other = "with one more" if found.is_largest else "with one less"
    return Sheet(
        f"{what} of {found.machine} for {goal}",
        grids=(Grid("", ("", NAMES[found.over], "reached", other), rows, total=2),),
        notes=_notes(found),
    )


def _label(answer: Answer) -> str:
    if answer.together == "alone":
        return answer.networks[0]
    return "each of them" if answer.together == "each" else "one after the other"


def _notes(found: Smallest) -> tuple[str, ...]:
    if found.sampled:
        return (f"It is the smallest of the {len(found.sampled)} sizes looked at that does it.",)
    if found.is_largest:
        return ("A faster engine waits more: every smaller rate keeps to it, no larger one does.",)
    if found.is_certain:
        return (f"Every larger {NAMES[found.over]} keeps to it, too; no smaller one does.",)
    least = max(answer.none_below for answer in found.answers)
    below = f"no cache below {least:,} B does" if len(found.answers) == 1 else "one byte less fails"
    return (
        "A larger cache moves no more, but may write back just when a load is waited for, so time "
        f"need not fall with it: {below}, nor does any smaller one at which traffic changes; a "
        "larger one may take longer.",
    )


def told_best(found: Smallest, answer: Answer) -> Problem:
    """What is said of a network that no number keeps to the goal."""
    if found.is_largest:
        message = f"no MAC rate keeps {answer.networks[0]} at {goal_text(found.goal)}"
        return Problem(message, hint="a larger cache or bandwidth")
    value = value_text(found.goal, answer.reached)
    at = "the cache that suits it best" if found.over == CACHE else "the largest there is"
    others = [name for key, name in NAMES.items() if key != found.over]
    hint = f"a larger {others[0]} or {others[1]}" if found.goal.is_timed else ""
    message = (
        f"no {NAMES[found.over]} keeps {answer.networks[0]} at {goal_text(found.goal)}: with {at} "
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
    if over == CACHE:
        return f"{number:,} B ({format_bytes(number)})"
    unit = "B" if over == "bandwidth" else "MAC"
    return f"{number:,} {unit}/s ({format_rate(number, 'B' if unit == 'B' else 'MAC')})"
