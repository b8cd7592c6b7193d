"""plotly.js: the drawing library that the page carries."""

from __future__ import annotations

from memsim.errors import InputError, Problem
from memsim.installation import install


def plotly_js() -> str:
    """The source of plotly.js, as the Python package plotly brings it along.

    Raises
    ------
    InputError
        If plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise InputError(Problem("a report needs plotly", hint=install("html"))) from None
    source: str = get_plotlyjs()
    return source
