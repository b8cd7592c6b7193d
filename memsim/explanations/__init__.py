"""What moves, why, and what to change: sentences and counterfactuals, each figure by a run."""

from memsim.explanations.explanation import Explanation
from memsim.explanations.ladder import bounds
from memsim.explanations.verb import explain

__all__ = ["Explanation", "bounds", "explain"]
