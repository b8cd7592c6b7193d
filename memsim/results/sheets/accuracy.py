"""What is said of how far a time can be trusted."""

from __future__ import annotations

from memsim.results.accuracy import Accuracy


def error(known: Accuracy) -> str:
    """The error of a machine's times, or that the question is another than the fitted one.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("resnet50", input_shape=(3, 1024, 1024))
    >>> for options in ({}, {"lowering": "fused"}):
    ...     print(error(memsim.run(network, machine="gtx1080", **options).accuracy))
    ± 2.0%
    not as fitted
    >>> error(Accuracy(None))
    ''
    """
    if known.calibrated is None:
        return ""
    if not known.as_fitted:
        return "not as fitted"
    return f"\N{PLUS-MINUS SIGN} {known.calibrated.left_out:.1%}"


def accuracy(known: Accuracy, machine: str) -> str:
    """What a machine was fitted to, how far its times are off, and where the question differs.

    Examples
    --------
    >>> accuracy(Accuracy(None), "textbook")
    'not known: textbook was fitted to no measured time'
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
