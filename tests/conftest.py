"""What every test shares: hypothesis profiles, a headless matplotlib, modules and programs."""

from __future__ import annotations

import importlib
import os
import shutil
from types import ModuleType

import hypothesis
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.pop("FORCE_COLOR", None)  # what is printed is compared without colours

# "ci" draws the same examples on every machine and every day, and is the default:
# a failure is a fact about the change. "explore" looks further, at random.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2000, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def needs(module: str) -> ModuleType:
    """Import an optional module, or skip the test; fail where MEMSIM_REQUIRE_ALL=1.

    In a test file write ``@pytest.mark.needs("torch")`` on a test or, for the
    module itself, ``torch = needs("torch")`` through the fixture of that name.
    """
    try:
        if module in ("timm", "torchvision"):
            # Theirs is built for a PyTorch with CUDA; beside another one it needs help.
            importlib.import_module("benchmarks.zoo_truth").import_torchvision()
        return importlib.import_module(module)
    except ImportError as error:
        if os.environ.get("MEMSIM_REQUIRE_ALL") == "1":
            pytest.fail(f"MEMSIM_REQUIRE_ALL=1, but {module} cannot be imported: {error}")
        pytest.skip(f"{module} is not installed")


def needs_program(program: str) -> None:
    """Skip the test where a program is not installed; fail where MEMSIM_REQUIRE_ALL=1.

    In a test file write ``@pytest.mark.needs("torch", program="valgrind")``.
    """
    if shutil.which(program) is None:
        if os.environ.get("MEMSIM_REQUIRE_ALL") == "1":
            pytest.fail(f"MEMSIM_REQUIRE_ALL=1, but there is no program {program}")
        pytest.skip(f"the program {program} is not installed")


@pytest.fixture(name="needs")
def _needs():
    return needs


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for module in marker.args:
            needs(module)
        if "program" in marker.kwargs:
            needs_program(marker.kwargs["program"])


@pytest.fixture
def memsim(capsys: pytest.CaptureFixture[str]):
    """Run the command line; return exit code, standard output, standard error."""
    from memsim.cli.main import run

    def call(*args: str) -> tuple[int, str, str]:
        code = run(args)
        out, err = capsys.readouterr()
        return code, out, err

    return call
