"""A fitted machine as a file: the base machine's text with the numbers that were found.

Every number keeps the words that stand behind it in the base file; those that were fitted say so,
with their confidence interval. What the fit was made of and how wrong it is follows as comments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

from memsim.calibration.calibration import Calibration
from memsim.calibration.fit import CONFIDENCE, Estimate
from memsim.calibration.parameters import PARAMETERS
from memsim.calibration.score import Score
from memsim.calibration.sheet import TITLES, counted
from memsim.calibration.times import NetworkTimes
from memsim.errors import InputError, Problem
from memsim.yaml import text as yaml_text
from memsim.yaml.document import Document

WIDTH = 100
"""Characters of the longest line."""

COMMENT = 26
"""Column at which comments begin, where the value leaves room."""

Key = tuple[str | int, ...]


def machine_text(calibration: Calibration, command: str) -> str:
    """The file of a fitted machine.

    Parameters
    ----------
    calibration : Calibration
        Its ``base_text`` is filled in.
    command : str
        What makes this file again.

    Returns
    -------
    str
        YAML that :func:`memsim.load_machine` reads: exactly ``calibration.machine``.

    Raises
    ------
    InputError
        If the machine to begin with was no file.
    """
    if not calibration.base_text:
        hint = "calibrate with the name or the file of a machine"
        raise InputError(Problem("the machine to begin with was no file to fill in", hint=hint))
    return "\n".join(_File(calibration, command).lines()) + "\n"


class _File:
    def __init__(self, calibration: Calibration, command: str) -> None:
        self.calibration, self.command = calibration, command
        self.base = calibration.base_text.splitlines()
        self.document: Document = yaml_text.load(calibration.base_text, "base machine")
        self.found: dict[Key, tuple[Any, Estimate]] = {}
        for name, estimate in calibration.fit.estimates.items():
            if estimate.status != "refused":
                parameter = PARAMETERS[name]
                value = parameter.written(estimate.cost, calibration.fit.base, False)
                self.found[parameter.key] = (value, estimate)

    def lines(self) -> Iterator[str]:
        yield from self._top()
        for key, value in self.document.data.items():
            line = self.document.problem((key,), "").line
            if line > 1 and not self.base[line - 2].strip():
                yield ""
            yield from self._entry((key,), value)
        yield ""
        yield from self._calibrated()
        yield ""
        yield from self._footnotes()
        yield from self._report()

    def _top(self) -> Iterator[str]:
        for line in self.base:
            if not line.startswith("#"):
                break
            yield line
        told = f"Fitted to measured times by: {self.command}"
        lines = wrap(
            told, WIDTH - 4, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
        yield from (f"# {line}" for line in lines)
        yield "# How well it fits is told at the end."

    def _calibrated(self) -> Iterator[str]:
        """What the machine was fitted to, which commands tell beside its times."""
        facts = self.calibration.calibrated
        inputs = ", ".join(f"[{', '.join(map(str, shape))}]" for shape in facts.inputs)
        entries = {
            "networks": facts.networks,
            "times": facts.times,
            "level": facts.level,
            "inputs": f"[{inputs}]",
            "batches": f"[{', '.join(map(str, facts.batches))}]",
            "dtype": facts.dtype,
            "classes": f"[{', '.join(facts.classes)}]",
            "left_out": facts.left_out,
            "worst": facts.worst,
            "family_out": facts.family_out,
            "family_worst": facts.family_worst,
            "cpu": facts.cpu,
            "vectors": facts.vectors,
            "clock": facts.clock,
        }
        notes = {
            "left_out": "mean error of a network's time by a fit that it was left out of",
            "worst": "the largest of these errors",
            "family_out": "the mean where its whole family was left out",
            "family_worst": "the largest of those errors",
        }
        yield "calibrated:               # what the numbers were fitted to, and how wrong they are"
        for name, value in entries.items():
            if value is None:
                continue
            written = name in ("cpu", "vectors", "clock")
            entry = f"  {name}: {json.dumps(value, ensure_ascii=False) if written else value}"
            yield f"{entry:<{COMMENT}}  # {notes[name]}" if name in notes else entry

    def _footnotes(self) -> Iterator[str]:
        """Comments after the last entry of the base file."""
        last = max((i for i, line in enumerate(self.base) if line.strip() and line[0] != "#"),
                   default=-1)  # fmt: skip
        notes = [line for line in self.base[last + 1 :] if line.startswith("#")]
        if notes:
            yield from notes
            yield "#"

    def _entry(self, key: Key, value: Any) -> Iterator[str]:
        indent, name = "  " * (len(key) - 1), key[-1]
        inside = {k[-1]: v for k, (v, _) in self.found.items() if k[:-1] == key}
        if not isinstance(value, Mapping) and inside:
            value = {next(iter(inside)): value}  # one rate for all classes: give it its name
        if isinstance(value, Mapping):
            yield f"{indent}{name}:"
            for part, inner in value.items():
                yield from self._entry((*key, part), inner)
            for part in inside:
                if part not in value:
                    yield from self._entry((*key, str(part)), None)
            return
        text, note = self._written(key, value)
        if key in self.found:
            fitted, estimate = self.found[key]
            if estimate.status == "fitted":
                text, note = str(fitted), _fitted(estimate)
            else:
                note = f"at its limit: {note}" if note else "at its limit"
                text = str(fitted) if estimate.name == "overhead" else text
        entry = f"{indent}{name}: {text}"
        yield f"{entry:<{COMMENT}}  # {note}" if note else entry

    def _written(self, key: Key, value: Any) -> tuple[str, str]:
        """A value and its comment as the base file has them, if they have a line of their own."""
        line = self.document.problem(key, "").line
        if 0 < line <= len(self.base):
            name = re.escape(str(key[-1]))
            pattern = rf"\s*{name}:\s+(?P<value>[^#{{]+?)\s*(?:#\s*(?P<note>.*))?"
            match = re.fullmatch(pattern, self.base[line - 1])
            if match:
                return match["value"], match["note"] or ""
        return "null" if value is None else str(value), ""

    def _report(self) -> Iterator[str]:
        calibration = self.calibration
        for name, fact in calibration.facts.items():
            lines = wrap(f"{name}: {fact}", WIDTH - 4, subsequent_indent="  ")
            yield from (f"# {line}" for line in lines)
        asked, found = calibration.fit.estimates, len(calibration.fit.fitted)
        yield f"# {found} of {len(asked)} parameters fitted to {_times(calibration)}"
        for estimate in asked.values():
            if estimate.status != "fitted":
                yield f"#   {estimate.name} {_given_up(estimate)}"
        yield "#"
        errors = {TITLES[name]: score for name, score in calibration.scores.items()}
        for name, score in calibration.kernel_scores.items():
            errors[f"kernels, {TITLES[name]}"] = score
        width = max(map(len, errors))
        yield f"# {'errors':<{width}}     MAPE    WAPE   worst  Spearman"
        for title, score in errors.items():
            yield f"# {title:<{width}}  {_score(score)}"
        yield "#"
        yield from self._classes()
        width = max(len(row.name) for row in calibration.networks)
        yield (
            f"# {'milliseconds':<{width}}  measured  simulated          left out"
            "          family out"
        )
        for row in calibration.networks:
            yield f"# {row.name:<{width}}  {_row(row)}"

    def _classes(self) -> Iterator[str]:
        """What each class of operators took, and by the fit that had seen least of it."""
        rows = self.calibration.by_class
        if not rows:
            return
        width = max(len(row.name) for row in rows)
        yield f"# {'class':<{width}}  kernels  milliseconds  simulated  unseen   WAPE"
        for row in rows:
            simulated, unseen = (100 * (each / row.measured_s - 1)
                                 for each in (row.simulated_s, row.unseen_s))  # fmt: skip
            yield (
                f"# {row.name:<{width}}  {row.kernels:7} {1e3 * row.measured_s:13.2f}"
                f"     {simulated:+5.1f}% {unseen:+6.1f}% {row.wape:6.1%}"
            )
        yield "#"


def _times(calibration: Calibration) -> str:
    networks = counted(calibration)
    return networks if calibration.level == "network" else f"the kernels of {networks}"


def _fitted(estimate: Estimate) -> str:
    parameter = PARAMETERS[estimate.name]
    told = parameter.told(estimate.cost)
    if estimate.low is None or estimate.high is None:
        return f"fitted: {told}"
    low, high = parameter.told(estimate.high), parameter.told(estimate.low)
    if estimate.name == "overhead":
        low, high = high, low
    return f"fitted: {told}, {CONFIDENCE:.0%} {low} to {high}"


def _given_up(estimate: Estimate) -> str:
    return f"{'at its limit' if estimate.status == 'limit' else 'not fitted'}: {estimate.reason}"


def _score(score: Score) -> str:
    rank = "     -" if score.spearman is None else f"{score.spearman:6.3f}"
    return f"{score.mape:7.2%} {score.wape:7.2%} {score.worst:7.2%}  {rank}"


def _row(row: NetworkTimes) -> str:
    simulated = row.simulated_s / row.measured_s - 1
    return (
        f"{1e3 * row.measured_s:8.2f} {1e3 * row.simulated_s:9.2f} {simulated:+7.1%}"
        f" {1e3 * row.left_out_s:9.2f} {row.error:+7.1%}"
        + ("" if row.family_out_s is None or row.family_error is None else
           f" {1e3 * row.family_out_s:9.2f} {row.family_error:+7.1%}")
    )  # fmt: skip
