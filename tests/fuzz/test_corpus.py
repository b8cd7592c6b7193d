"""Every input that was kept is read or refused: seeds, and what once ended in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.target import KINDS, read

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())


def test_there_is_an_input_of_every_kind() -> None:
    assert {path.read_bytes()[:1].decode() for path in CORPUS} == set(KINDS)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_it_is_read_or_refused(path: Path) -> None:
    read(path.read_bytes())
