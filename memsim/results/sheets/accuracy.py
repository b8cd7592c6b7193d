"""What is said of how far a time can be trusted."""

from __future__ import annotations

from memsim.results.accuracy import Accuracy


def accuracy(known: Accuracy, machine: str) -> str:
    """What a machine was fitted to, how far its times are off, and where the question differs.

    Examples
    --------
    >>> accuracy(Accuracy(None), "edge")
    'not known: edge was fitted to no measured time'
    """
    fitted = known.calibrated
    if fitted is None:
        return f"not known: {machine} was fitted to no measured time"
    sizes = ", ".join("x".join(map(str, shape)) for shape in fitted.inputs)
    whole = (
        f"{fitted.left_out:.1%} off on average, {fitted.worst:.1%} at worst, for networks left out "
        f"of the fit to {fitted.networks} at {sizes}"
    )
    parts = [whole]
    if known.deviations:
        parts.append(f"BUT {'; '.join(known.deviations)}")
    if known.outside:
        parts.append(f"OUTSIDE of that: {'; '.join(known.outside)}")
    return ". ".join(parts)
