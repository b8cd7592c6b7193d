"""What is said of how far a time can be trusted."""

from __future__ import annotations

from collections.abc import Iterable

from memsim.results.accuracy import Accuracy


def beside(known: Accuracy) -> str:
    """What stands beside a time: its error, or that the question is another than the fitted one.

    Nothing where no measurement stands behind the machine.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("resnet50", input_shape=(3, 1024, 1024))
    >>> for options in ({}, {"lowering": "fused"}):
    ...     print(beside(memsim.run(network, machine="gtx1080", **options).accuracy))
     ± 2.3%
     (not as fitted)
    >>> beside(Accuracy(None))
    ''
    """
    if known.calibrated is None:
        return ""
    if known.error is None:
        return " (not as fitted)"
    return f" \N{PLUS-MINUS SIGN} {known.error:.1%}"


def accuracies(known: Iterable[tuple[str, Accuracy]], machine: str) -> tuple[tuple[str, str], ...]:
    """Lines of :func:`accuracy` of several questions: one where all say the same.

    Parameters
    ----------
    known : iterable of (str, Accuracy)
        What each question is called, and how far its time can be trusted.
    machine : str

    Examples
    --------
    >>> accuracies([("a", Accuracy(None)), ("b", Accuracy(None))], "edge")
    (('accuracy', 'not known: edge was fitted to no measured time'),)
    """
    named: dict[str, list[str]] = {}
    for name, each in known:
        named.setdefault(accuracy(each, machine), []).append(name)
    if len(named) == 1:
        return (("accuracy", next(iter(named))),)
    return tuple(("accuracy", f"of {', '.join(names)}: {text}") for text, names in named.items())


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
    if fitted.family_out is not None:
        whole += f"; {fitted.family_out:.1%} where their whole family was"
    if fitted.cpu is not None:
        whole += f". Fitted on one kind of processor: {fitted.cpu}"
        whole += f", {fitted.vectors}" if fitted.vectors else ""
    parts = [whole]
    if known.deviations:
        parts.append(f"BUT {'; '.join(known.deviations)}")
    if known.outside:
        parts.append(f"OUTSIDE of that: {'; '.join(known.outside)}")
    return ". ".join(parts)
