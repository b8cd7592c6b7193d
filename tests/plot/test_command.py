"""``memsim plot``: files, and errors that say what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from memsim.cli.main import run


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the command line in an empty directory; return exit code and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*args: str) -> tuple[int, str]:
        code = run(["plot", *args])
        out, err = capsys.readouterr()
        assert out == ""
        return code, err

    return call


@pytest.mark.parametrize(
    "args",
    [
        ("layers", "patterns/harmonic", "-o", "a.png", "--dpi", "40"),
        ("curve", "patterns/log", "patterns/harmonic", "--cache", "1MB", "-o", "a.svg"),
        ("timeline", "patterns/harmonic", "--lowering", "concat_free", "-o", "a.pdf"),
        ("patterns", "patterns/sparse", "--size", "5x9.5", "-o", "a.png", "--dpi", "40"),
        ("moc", "resnet18", "--input", "3x64x64", "-o", "a.png", "--dpi", "40"),
        ("paper", "resnet18", "hardnet39ds", "-o", "a.png", "--dpi", "40"),
    ],
    ids=lambda args: args[0],
)
def test_it_writes_one_file_and_says_nothing(told, args: tuple[str, ...]) -> None:
    assert told(*args) == (0, "")
    (file,) = Path().iterdir()
    assert file.stat().st_size > 1000


def test_the_size_is_in_inches(told) -> None:
    from matplotlib.image import imread

    assert told("layers", "patterns/log", "--size", "8x5", "--dpi", "50", "-o", "a.png")[0] == 0
    assert imread("a.png").shape[:2] == (250, 400)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("curv", "resnet18", "-o", "a.png"), "unknown figure 'curv' (did you mean 'curve'?)"),
        (("curve", "resnet18"),
         "-o: a figure needs a file to be written to (such as -o curve.png)"),
        (("curve", "resnet18", "-o", "a.pngg"),
         "a.pngg: a figure is not written with the ending '.pngg' (did you mean '.png'?)"),
        (("curve", "-o", "a.png"), "figure curve needs a network"),
        (("layers", "-o", "a.png"), "figure layers needs a network"),
        (("layers", "resnet18", "-o", "no/a.png"),
         "no/a.png: cannot be written: there is no directory no"),
        (("layers", "resnet18", "--size", "8", "-o", "a.png"),
         "--size: '8' is no size; expected width x height in inches, 1 to 100 (such as 8x5)"),
        (("paper", "--batch", "2", "-o", "a.png"),
         "--batch: figure paper is drawn under the conditions of the published times "
         "(leave it out)"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(told, args: tuple[str, ...], message: str) -> None:
    assert told(*args) == (2, f"memsim: {message}\n")
    assert not list(Path().iterdir())
