"""A dataset in a file and back: the same, whichever the format is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memsim
from memsim.installation import install
from memsim.sweeps import files, tables

pytestmark = pytest.mark.needs("xarray", "zarr", "netCDF4", "pyarrow")


@pytest.fixture(scope="module")
def datasets() -> list[Any]:
    """One with everything, and one in which points failed."""
    return [
        memsim.sweep(
            {"a": "resnet18", "b": "hardnet39ds"}, input="3x32x32", cache="64KiB:256KiB:log2",
            bandwidth=["1.5GB/s", "2.5"], fetch_on_write=[False, True], management="hardware",
            machine="textbook", by=["role", "cause"], workers=1,
        ),
        memsim.sweep(
            "resnet18", input="3x32x32", machine="edge", dtype="int8,bf16", by="role", batch=2
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("ending", files.FORMATS)
def test_what_is_read_is_what_was_written(datasets: list[Any], ending: str, tmp_path: Path) -> None:
    import xarray

    for number, ds in enumerate(datasets):
        path = tmp_path / f"{number}{ending}"
        files.write(ds, path, tmp_path / "half")
        again = memsim.load_sweep(path)
        xarray.testing.assert_identical(ds, again)
        for name, variable in ds.variables.items():
            assert again[name].dtype == variable.dtype, name
            assert again[name].attrs == variable.attrs, name
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"0{ending}", f"1{ending}"]


def test_tables_of_several_pieces_are_whole(
    datasets: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import xarray

    monkeypatch.setattr(tables, "ROWS", 7)
    for ending in (".csv", ".parquet"):
        path = tmp_path / f"x{ending}"
        files.write(datasets[0], path, tmp_path / "half")
        xarray.testing.assert_identical(datasets[0], memsim.load_sweep(path))


def test_other_programs_read_the_tables(datasets: list[Any], tmp_path: Path) -> None:
    import pandas

    ds = datasets[0]
    for ending in (".csv", ".parquet"):
        files.write(ds, tmp_path / f"x{ending}", tmp_path / "half")
    frames = [pandas.read_csv(tmp_path / "x.csv", comment="#"),
              pandas.read_parquet(tmp_path / "x.parquet")]  # fmt: skip
    for frame in frames:
        assert len(frame) == ds.time_ps.size
        chosen = frame[(frame.network == "b") & (frame.cache == 65536)]
        assert set(chosen.dram_bytes) == set(
            ds.dram_bytes.sel(network="b", cache=65536).values.ravel()
        )
        roles = [name for name in frame if name.startswith("dram_bytes_by_role:")]
        assert (frame[roles].sum(axis=1) == frame.dram_bytes).all()


@pytest.mark.parametrize("ending", files.FORMATS)
def test_what_is_no_sweep_is_told(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{ending}"
    path.write_text("no sweep\n")
    with pytest.raises(memsim.InputError, match=r"cannot be read|holds no sweep"):
        memsim.load_sweep(path)
    with pytest.raises(memsim.InputError, match=r"is there already: it is no sweep \(name anoth"):
        files.check_output(path, "k")
    assert path.read_text() == "no sweep\n"


@pytest.mark.parametrize("ending", files.FORMATS)
def test_a_full_disk_leaves_nothing(
    datasets: list[Any], ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = files.FORMATS[ending]

    def full(dataset: Any, path: Path) -> None:
        form.write(dataset, path)
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(files.FORMATS._parts, ending, form._replace(write=full))
    with pytest.raises(memsim.InputError) as caught:
        files.write(datasets[0], tmp_path / f"x{ending}", tmp_path / "half")
    assert str(caught.value) == f"{tmp_path}/x{ending}: cannot be written: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_without_xarray_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['xarray'] = None\n"
        "from memsim.cli.main import run\n"
        "sys.exit(run(['sweep', 'resnet18', '-o', 'x.csv']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    hint = install("data")
    assert done.stderr == f"memsim: a sweep in a .csv file needs xarray ({hint})\n"


def test_numbers_of_points_that_failed_are_nan_in_every_format(
    datasets: list[Any], tmp_path: Path
) -> None:
    for ending in files.FORMATS:
        files.write(datasets[1], tmp_path / f"x{ending}", tmp_path / "half")
        ds = memsim.load_sweep(tmp_path / f"x{ending}")
        assert np.isnan(ds.time_ps.sel(dtype="bf16")).all()
        assert "int8, not in bf16" in str(ds.error.sel(dtype="bf16").values)
