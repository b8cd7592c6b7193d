"""Explanations: why a network moves what it moves, and what to change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from memsim.explanations.next_size import NextSize, next_size
from memsim.explanations.question import Question
from memsim.explanations.refetched import Refetched, refetched
from memsim.explanations.trying import Tried, try_all
from memsim.program.kernel import Cause, Role
from memsim.program.parts import Part, chosen
from memsim.results.configuration import identity
from memsim.results.details.figures import Figures
from memsim.results.run import Result
from memsim.sheets.facts import Facts

__all__ = ["Explanation"]

SCHEMA = "memsim.explanation/1"


@dataclass(frozen=True)
class Explanation(Facts):
    """Why one network moves what it moves on one machine, and what to change.

    Attributes
    ----------
    question : Question
    result : Result
        What its run tells.

    Examples
    --------
    >>> import memsim
    >>> explanation = memsim.explain("resnet18", machine="edge", cache="256KiB")
    >>> first = explanation.tried.items[0]
    >>> first.saves.dram_bytes == explanation.figures.dram_bytes - first.alone.dram_bytes
    True
    """

    laid_out_by: ClassVar[str] = "memsim.explanations.sheet:explanation_sheet"

    question: Question
    result: Result

    @property
    def command(self) -> str:
        """The command that makes the run that is explained."""
        return self.question.command()

    @cached_property
    def figures(self) -> Figures:
        """The totals of the run."""
        return Figures.of(self.result, self.command)

    @cached_property
    def by_part_and_cause(self) -> dict[str, dict[str, int]]:
        """DRAM bytes of weights and of feature maps: compulsory, and avoidable by a larger cache.

        All that is not compulsory is the cache's doing.
        """
        told: dict[str, dict[str, int]] = {}
        for part in Part:
            sums = chosen(self.result.moved, part).sum(axis=(0, 1))
            least = int(sums[Cause.COMPULSORY])
            told[part.value] = {"compulsory": least, "avoidable": int(sums.sum()) - least}
        return told

    @property
    def concat_bytes(self) -> int:
        """DRAM bytes of reads and writes that copy concats."""
        return self.result.by_role[Role.CONCAT.name.lower()]

    @cached_property
    def fetched_again(self) -> tuple[Refetched, ...]:
        """Every tensor that is fetched again, the one with most such traffic first."""
        return refetched(self.result)

    @cached_property
    def next_size(self) -> NextSize | None:
        """The next useful cache size."""
        return next_size(self.question, self.result)

    @cached_property
    def tried(self) -> Tried:
        """What could be otherwise, and what that saves."""
        return try_all(self.question, self.result)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.explanation/1"``.

        Every ``command`` makes the run that the figures beside it are of.
        """
        network, tried = self.result.network, self.tried
        return {
            "schema": SCHEMA,
            "network": {"name": network.name, "source": network.source},
            "config": self.result.config,
            "accuracy": self.result.accuracy.to_dict(),
            "run": self.figures.to_dict(),
            "by_part_and_cause": self.by_part_and_cause,
            "by_role": self.result.by_role,
            "fetched_again": [each.to_dict() for each in self.fetched_again],
            "next_cache": self.next_size.to_dict() if self.next_size else None,
            "counterfactuals": [item.to_dict() for item in tried.items],
            "saving_nothing": [item.to_dict() for item in tried.idle],
            "not_possible": dict(tried.failed),
            "runs": tried.runs,
            "not_tried": tried.left,
        }

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per counterfactual, those that save nothing last."""
        said = identity(self.result.config, self.result.network.name)
        rows = []
        for item in (*self.tried.items, *self.tried.idle):
            saves, adds = item.saves.to_dict(), item.adds.to_dict() if item.adds else {}
            rows.append(
                {
                    "kind": item.kind,
                    "what": item.change.what,
                    "asks_for": item.asks_for,
                    **{f"saves_{name}": value for name, value in saves.items()},
                    **{f"adds_{name}": adds.get(name) for name in saves},
                    "command": item.alone.command,
                    **said,
                }
            )
        return rows
