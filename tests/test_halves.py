"""What is written is whole or not there, whenever its writer is ended; others are left alone."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import memsim
from memsim import halves
from memsim.files import check_writable, write_chunks, write_text
from memsim.halves import clear_halves, half_file, half_folder, half_of, put_folder

linked = pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
locked = pytest.mark.skipif(sys.platform == "win32", reason="no locks here")


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("step", ["open", "hold", "chmod", "replace", "write"])
@pytest.mark.parametrize("ended", [KeyboardInterrupt, OSError(errno.ENOSPC, "full")])
def test_a_writer_that_is_ended_at_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, ended: BaseException
) -> None:
    """Also between making the file and knowing that it was made."""
    target = tmp_path / "out.csv"
    target.write_text("as it was")

    def after(function):
        def done(*arguments, **more):
            handle = function(*arguments, **more)
            if step == "open":
                os.close(handle)
            raise ended

        return done

    def parts() -> Iterator[bytes]:
        yield b"new"
        if step == "write":
            raise ended

    with monkeypatch.context() as patch:
        if step == "hold":
            patch.setattr(halves, "hold", after(halves.hold))
        elif step == "open":
            patch.setattr(halves, "_private", after(halves._private))
        elif step != "write":
            patch.setattr(os, step, after(getattr(os, step)))
        with pytest.raises((KeyboardInterrupt, memsim.InputError)):
            write_chunks(target, parts())
    assert names(tmp_path) == ["out.csv"]
    assert target.read_text() == ("as it was" if step != "replace" else "new")


@locked
def test_what_a_killed_writer_left_is_cleared_and_what_is_written_is_not(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    left, site = half_of(target), half_of(tmp_path / "site")
    left.write_text("half")
    (site / "pages").mkdir(parents=True)
    others = [tmp_path / ".out.csv.half.txt", half_of(tmp_path / "out.csvs")]
    for other in others:
        other.write_text("not mine")
    with half_file(target, 0o644) as file:
        file.write(b"first")
        write_text(target, "second")  # another process, while the first one writes
        assert target.read_text() == "second"
        assert len(names(tmp_path)) == 5  # both others, site's, the target and the first's half
    assert target.read_text() == "first"
    with half_folder(tmp_path / "site") as new:
        clear_halves(tmp_path / "site")
        assert new.exists()
        assert not site.exists()
    assert names(tmp_path) == sorted(["out.csv", *(other.name for other in others)])


@pytest.mark.parametrize("at_one_stroke", [True, False])
def test_a_folder_takes_the_place_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_one_stroke: bool
) -> None:
    if not at_one_stroke:
        monkeypatch.setattr(halves, "_exchange", lambda one, other: False)
    for name in ("new", "site"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    put_folder(tmp_path / "new", tmp_path / "site")
    assert names(tmp_path) == ["new", "site"]
    assert [(tmp_path / name / "file").read_text() for name in ("new", "site")] == ["site", "new"]
    put_folder(tmp_path / "site", tmp_path / "third")
    assert names(tmp_path) == ["new", "third"]


def test_the_old_folder_comes_back_where_the_new_one_cannot_be_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halves, "_exchange", lambda one, other: False)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "file").write_text("as it was")
    with pytest.raises(FileNotFoundError):
        put_folder(tmp_path / "none", tmp_path / "site")
    assert names(tmp_path) == ["site"]
    assert (tmp_path / "site" / "file").read_text() == "as it was"


def test_ctrl_c_while_it_is_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remove, times = shutil.rmtree, iter([True])

    def interrupted(*arguments, **more) -> None:
        if next(times, False):
            raise KeyboardInterrupt
        remove(*arguments, **more)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt), half_folder(tmp_path / "site") as new:
        (new / "file").write_text("half")
    assert names(tmp_path) == []


@linked
def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept/out.csv")  # where nothing is yet
    for text in ("first", "second"):
        write_text(tmp_path / "link", text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "kept" / "out.csv").read_text() == text
    (tmp_path / "astray").symlink_to("none/out.csv")
    with pytest.raises(memsim.InputError, match="there is no directory"):
        write_text(tmp_path / "astray", "")
    assert names(tmp_path / "kept") == ["out.csv"]


@pytest.mark.parametrize("place", ["folder", "folder/out.csv"])
def test_a_file_needs_its_folder_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """It is replaced there, which is known before any work is done."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "out.csv").write_text("as it was")
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path / place)
    with pytest.raises(memsim.InputError, match="permission denied"):
        check_writable(tmp_path / "folder" / "out.csv")


def test_standard_output_by_name_goes_where_it_leads(tmp_path: Path, monkeypatch) -> None:
    """Behind what stands in a file already, and the name stays what it is."""
    file = tmp_path / "file"
    file.write_text("before\n")
    name = tmp_path / "stdout"
    name.symlink_to("/proc/self/fd/1" if sys.platform == "linux" else "/dev/fd/1")
    kept = os.dup(1)
    handle = os.open(file, os.O_WRONLY | os.O_APPEND)
    try:
        os.dup2(handle, 1)
        with suppress(OSError):
            write_text(name, "behind\n")
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(handle)
    assert file.read_text() == "before\nbehind\n"
    assert name.is_symlink()
    assert names(tmp_path) == ["file", "stdout"]
