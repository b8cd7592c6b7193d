"""``python -m tests.fuzz -max_total_time=600 tests/fuzz/corpus``: fuzz the readers with Atheris.

Options are libFuzzer's. What it finds it writes to ``crash-*``: mend the reader, and put the file
into the corpus, where the tests read it ever after. Atheris is no dependency of memsim: ``pip
install atheris`` on Linux.
"""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-not-found]

with atheris.instrument_imports(include=["memsim"]):
    from tests.fuzz.target import read

atheris.Setup(sys.argv, read)
atheris.Fuzz()
