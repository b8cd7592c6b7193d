"""Tiles of rows and columns: what they compute and move, by the definition along both axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import memsim
from memsim.engines.curve.curve import curve
from memsim.errors import InputError, SimulationError
from memsim.program import Program, build
from tests.program.test_depth_first import depth_first, moved
from tests.program.test_recompute import CHAINS, ITEM, Window, chain_of, strips_of


def tiled(chain: tuple[Window, ...], size: int, strip: int | str, overlap: str) -> Program:
    net = chain_of(chain, size)
    first, *_, last = [layer.name for layer in net][1:]
    return depth_first(net, f"{first}..{last}", strip=strip, overlap=overlap)


def without_a_cache(
    chain: tuple[Window, ...], size: int, tile: tuple[int, int], overlap: str
) -> tuple[list[tuple[int, int]], int, int]:
    """What each task computes and its elements, in order; MACs; bytes where nothing stays on chip.

    Maps are square and windows as high as wide, so columns are found as rows are.
    """
    down, across = (strips_of(chain, size, each, overlap) for each in tile)
    sizes = [size]
    for window in chain:
        sizes.append(window.size(sizes[-1]))
    told, macs, nbytes = [], 0, 0
    for band in range(len(across[0])):
        for strip in range(len(down[0])):
            for place, window in enumerate(chain):
                rows, columns = down[place][strip], across[place][band]
                if not (rows and columns):
                    continue
                told.append((place, len(rows) * len(columns)))
                macs += len(rows) * len(columns) * window.macs
                needed = [
                    set().union(*(window.needs(each, sizes[place]) for each in those))
                    for those in (rows, columns)
                ]
                out = sizes[place + 1]
                read = set(range(out))
                if behind := chain[place + 1 :]:
                    wanted = (behind[0].needs(each, out) for each in range(sizes[place + 2]))
                    read = set().union(*wanted)
                nbytes += ITEM * len(needed[0]) * len(needed[1])
                nbytes += ITEM * len(rows & read) * len(columns & read)
                nbytes += 9 * ITEM if window.macs else 0
    return told, macs, nbytes


def computed(program: Program) -> list[tuple[int, int]]:
    """What each task writes, and how many elements."""
    task = np.repeat(np.arange(program.tasks), np.diff(program.touch_start))
    some = program.touch_write
    nbytes = np.zeros(program.tasks, np.int64)
    np.add.at(nbytes, task[some], program.cell_bytes[program.touch_cell[some]])
    return list(zip(program.task_kernel.tolist(), (nbytes // ITEM).tolist(), strict=True))


@pytest.mark.parametrize("overlap", ["keep", "recompute"])
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_elements_macs_and_traffic_are_those_of_the_definition(
    chain: tuple[Window, ...], overlap: str
) -> None:
    for size, tile in ((16, (1, 1)), (16, (2, 3)), (19, (3, 2))):
        program = tiled(chain, size, "x".join(map(str, tile)), overlap)
        told, macs, nbytes = without_a_cache(chain, size, tile, overlap)
        assert computed(program) == told
        assert int(program.task_macs.sum()) == program.macs == macs
        assert sum(program.recomputed_macs) == macs - program.network.macs
        assert moved(program, 0) == nbytes
        assert moved(program, 1 << 20) == program.compulsory_bytes


def test_recomputed_macs_by_hand() -> None:
    """Two 3x3 convolutions on 8x8 in tiles of 4x4: a's tiles are 5x5 each, 100 elements not 64."""
    chain = CHAINS["conv conv"]
    assert tiled(chain, 8, "4x4", "recompute").recomputed_macs == ((100 - 64) * 9, 0)
    assert tiled(chain, 8, "4x4", "keep").recomputed_macs == (0, 0)
    assert tiled(chain, 8, "8x8", "recompute").recomputed_macs == (0, 0)


def test_the_cache_that_moves_all_once_by_hand() -> None:
    """Two 3x3 convolutions on 8x8 in tiles of 4x4, computed anew: nothing moves twice in 300 B.

    Of the 6x6 of the input that the first 5x5 of a take, the four last columns are read again by
    the tiles beside it and the four last rows by those below: 32 of 36 elements stay, 128 B. After
    the second tile the four last columns of all eight rows do, as many. Beside them lie a tile of
    a, 100 B, and the weights, 72 B.
    """
    program = tiled(CHAINS["conv conv"], 8, "4x4", "recompute")
    steps = curve(program).steps
    least = int(steps.cache_bytes[steps.dram_bytes == program.compulsory_bytes][0])
    assert least == 300
    assert moved(program, least) == program.compulsory_bytes == 584 < moved(program, least - 1)
    rows = tiled(CHAINS["conv conv"], 8, 4, "recompute")
    steps = curve(rows).steps
    # Strips of four whole rows hold more of both maps at a time.
    assert least < int(steps.cache_bytes[steps.dram_bytes == rows.compulsory_bytes][0])


TURNED = """
name: turned
input: [4, {h}, {w}]
layers:
  - conv: {{out: 6, kernel: {k35}, stride: {s12}}}
    name: a
  - conv: {{out: 6, kernel: 3, groups: 6, dilation: {k12}}}
    name: b
  - maxpool: {{kernel: {k23}, stride: {k12}, padding: {k01}}}
    name: p
  - conv: {{out: 4, kernel: {k31}}}
    name: c
  - upsample: {{factor: {k21}, mode: bilinear}}
    name: u
  - conv: {{out: 4, kernel: 1}}
    name: d
    from: p
  - upsample: {{factor: {k21}}}
    name: v
  - add: [u, v]
    from: []
    name: sum
  - concat: [sum, v]
    name: both
  - conv_transpose: {{out: 3, kernel: {k23}, stride: {k21}}}
    name: last
"""


def wired(turned: bool) -> memsim.Network:
    def both(a: int, b: int) -> list[int]:
        return [b, a] if turned else [a, b]

    height, width = both(24, 30)
    text = TURNED.format(
        h=height, w=width, k35=both(3, 5), s12=both(1, 2), k12=both(1, 2), k23=both(2, 3),
        k01=both(0, 1), k31=both(3, 1), k21=both(2, 1),
    )  # fmt: skip
    return memsim.loads(text.replace("    from: []\n", ""))


@pytest.mark.parametrize("overlap", ["keep", "recompute"])
@pytest.mark.parametrize(
    ("lowering", "strip"), [("fused", 1), ("fused", 8), ("eager", 3), ("concat_free", 3)]
)
def test_strips_of_columns_are_strips_of_rows_of_the_network_turned(
    lowering: str, overlap: str, strip: int
) -> None:
    """Every operator tells of columns what it tells of rows: equal traffic in every cache."""
    options = {"lowering": lowering, "overlap": overlap, "buffer": 1 << 20}
    upright, turned = wired(False), wired(True)
    whole = upright["last"].output.grid[2:]
    rows = depth_first(upright, "a..last", strip=strip, **options)
    columns = depth_first(turned, "a..last", strip=f"{whole[1]}x{strip}", **options)
    assert columns.recomputed_macs == rows.recomputed_macs
    assert (overlap == "recompute") == (sum(rows.recomputed_macs) > 0)
    ours, theirs = curve(columns).steps, curve(rows).steps
    assert ours.cache_bytes.tolist() == theirs.cache_bytes.tolist()
    assert ours.dram_bytes.tolist() == theirs.dram_bytes.tolist()
    across = depth_first(upright, "a..last", strip=f"{strip}x{whole[1]}", **options)
    assert curve(across).steps.dram_bytes.tolist() == theirs.dram_bytes.tolist()


def test_buffers_that_hold_no_row_hold_a_tile() -> None:
    """A row of 4096 columns takes 16 KiB of partial sums; 64 columns of it 256 B."""
    net = memsim.loads(
        "{name: wide, input: [2, 8, 4096], layers: [{conv: {out: 2, kernel: 3}}, "
        "{conv: {out: 2, kernel: 3}}]}"
    )
    with pytest.raises(SimulationError, match=r"smallest tiles of group .* \(--buffer \d+ or more"):
        depth_first(net, "conv1..conv2", buffer=8192, strip=1)
    program = depth_first(net, "conv1..conv2", buffer=8192, strip="4x64")
    assert program.tasks >= 2 * 64 * 2
    with pytest.raises(SimulationError, match=r"--buffer 1\d\d\d or more"):
        depth_first(net, "conv1..conv2", buffer=1024, strip="4x64")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"strip": "4x"}, "strip: '4x' is no height (1 row or more, or a tile such as 8x32)"),
    ({"strip": "0x4"}, "strip: '0x4' is no height"),
    ({"strip": "4x4", "register_tile": "4x24"}, "strip: tiles of 4x4 are cut for buffers, and"),
    (
        {"strip": "4x4", "group": ["conv1..linear1"]},
        "strip: linear1 (linear) is not cut across its columns (a strip of whole rows",
    ),
    (
        {"strip": "1x1", "overlap": "recompute"},
        "compute all 6 rows of conv1 anew: the halo is larger than the map",
    ),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_tiles_are_refused(options: dict[str, Any], message: str) -> None:
    layers = ["{conv: {out: 2, kernel: 3}}"] * 4 + ["global_avgpool", "{linear: 3}"]
    net = memsim.loads(f"{{name: n, input: [2, 6, 6], layers: [{', '.join(layers)}]}}")
    with pytest.raises(InputError) as error:
        build(net, **{"buffer": 1 << 20, "schedule": "depth_first", "group": ["conv1..conv4"],
                      **options})  # fmt: skip
    assert message in str(error.value)


def test_a_tile_has_no_addresses(memsim, tmp_path) -> None:
    said = [
        "--schedule",
        "depth_first",
        "--groups",
        "per_block",
        "--strip",
        "4x4",
        "--machine",
        "textbook",
    ]
    code, out, err = memsim("run", "patterns/harmonic", *said, "--management", "hardware")
    assert (code, out) == (1, "")
    assert err == (
        "memsim: strip: tiles that are narrower than a map have no addresses in memsim "
        "(strips of whole rows, with groups auto --strip rows, or a scratchpad)\n"
    )
    code, out, err = memsim("run", "patterns/harmonic", *said)
    assert code == 0
    assert "tiles of 4x4" in out
