"""The command line: outputs, exit codes, error texts, files that are whole or not there."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import check_golden

TINY = """\
name: tiny
input: [3, 16, 16]
layers:
  - conv: {out: 8, kernel: 3, bn: true, act: relu}
    name: a
  - conv: {out: 8, kernel: 3, bn: true}
    name: b
  - add: a
  - global_avgpool
  - linear: 10
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(TINY)
    return "tiny.yaml"


def test_the_table_of_hardnet68(memsim) -> None:
    code, out, err = memsim("run", "hardnet68", "--machine", "textbook", "--cache", "2MB")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    check_golden("run_hardnet68.txt", out)


def test_markdown_of_a_tiny_network(memsim, tiny: str) -> None:
    words = ("--machine", "textbook", "--cache", "4KiB", "--format", "md", "--layers", "all")
    code, out, _ = memsim("run", tiny, *words)
    assert code == 0
    check_golden("run_tiny.md", out)


def test_csv_has_a_row_per_kernel(memsim, tiny: str) -> None:
    code, out, _ = memsim("run", tiny, "--machine", "textbook", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [row["name"] for row in rows] == ["a.conv", "b.conv", "global_avgpool1", "linear1"]
    assert sum(int(row["dram_bytes"]) for row in rows) > 0


def test_json_has_the_documented_keys(memsim, tiny: str) -> None:
    words = ("--machine", "textbook", "--cache", "2MB", "--format", "json")
    code, out, _ = memsim("run", tiny, *words)
    facts = json.loads(out)
    assert code == 0
    assert facts["schema"] == "memsim.result/2"
    assert set(facts["network"]) >= {"name", "params", "macs", "cio_elements"}
    assert facts["config"]["cache_bytes"] == 2_000_000
    assert facts["config"]["bandwidth_bytes_per_s"] == 25_600_000_000
    totals = facts["totals"]
    assert totals["dram_bytes"] == totals["dram_read_bytes"] + totals["dram_write_bytes"]
    assert totals["dram_bytes"] == sum(facts["by_role"].values())
    assert totals["dram_bytes"] == sum(facts["by_cause"].values())
    assert totals["dram_bytes"] == sum(layer["dram_bytes"] for layer in facts["layers"])
    assert totals["dram_bytes"] == totals["compulsory_bytes"]  # 2 MB hold everything
    assert totals["time_s"] == pytest.approx(sum(layer["time_s"] for layer in facts["layers"]))


def test_groups_and_tensors_in_place_of_layers(memsim, tiny: str) -> None:
    words = ("run", tiny, "--machine", "textbook", "--cache", "2KiB")
    code, out, _ = memsim(*words, "--by", "stage", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, [row["name"] for row in rows]) == (
        0, ["a", "b", "global_avgpool1", "linear1"]
    )  # fmt: skip
    code, out, _ = memsim(*words, "--tensors", "--format", "json")
    facts = json.loads(out)
    moved = sum(tensor["dram_bytes"] for tensor in facts["tensors"])
    assert (code, moved) == (0, facts["totals"]["dram_bytes"])
    code, out, _ = memsim(*words, "--by", "stage", "--layers", "1")
    assert (code, "the 1 heaviest of 4 stages" in out, "3 others" in out) == (0, True, True)
    code, _, err = memsim(*words, "--by", "stages")
    assert err == "memsim: by: there are no groups by 'stages' (did you mean 'stage'?)\n"
    code, _, err = memsim(*words, "--by", "stage", "--tensors")
    assert (code, err) == (
        2, "memsim: --by: tensors are in no groups (leave it or --tensors out)\n"
    )  # fmt: skip


def test_describe(memsim, tiny: str) -> None:
    code, out, _ = memsim("describe", tiny)
    assert code == 0
    check_golden("describe_tiny.txt", out)
    facts = json.loads(memsim("describe", tiny, "--format", "json")[1])
    assert facts["schema"] == "memsim.description/1"
    assert facts["network"]["params"] == sum(layer["params"] for layer in facts["layers"])


def test_overrides_of_the_file(memsim, tiny: str) -> None:
    args = ("run", tiny, "--input", "3x32x32", "--batch", "2", "--dtype", "int8")
    facts = json.loads(memsim(*args, "--format", "json")[1])
    assert facts["config"]["input_shapes"] == [[2, 3, 32, 32]]
    assert facts["config"]["dtype"] == "int8"


def test_overrides_of_the_machine(memsim, tiny: str) -> None:
    args = ("--machine", "gtx1080", "--cache", "1MiB", "--bandwidth", "100GB/s", "--macs", "1T")
    config = json.loads(memsim("run", tiny, *args, "--format", "json")[1])["config"]
    assert (config["machine"], config["cache_bytes"]) == ("gtx1080", 1 << 20)
    assert config["bandwidth_bytes_per_s"] == 100_000_000_000
    assert config["macs_per_s"]["conv"] == 1_000_000_000_000


def test_cache_0_is_the_limit_without_reuse(memsim, tiny: str) -> None:
    code, out, _ = memsim("run", tiny, "--cache", "0", "--format", "json")
    totals = json.loads(out)["totals"]
    assert (code, totals["peak_occupancy_bytes"]) == (0, 0)
    assert totals["dram_bytes"] > totals["compulsory_bytes"]


def test_the_two_clocks_agree(memsim, tiny: str) -> None:
    args = ("run", tiny, "--cache", "2KiB", "--format", "json")
    one, other = (memsim(*args, "--clock", clock)[1] for clock in ("replay", "recurrence"))
    assert one == other


@pytest.mark.parametrize("ending", ["json", "csv", "md", "html", "txt"])
def test_files_are_written_whole(memsim, tiny: str, ending: str) -> None:
    code, out, err = memsim("run", tiny, "-o", f"result.{ending}")
    assert (code, out, err) == (0, "", "")
    assert Path(f"result.{ending}").read_text().endswith("\n" if ending != "html" else "</div>")
    assert sorted(os.listdir()) == [f"result.{ending}", "tiny.yaml"]


def test_expand_reads_back(memsim, tiny: str) -> None:
    assert memsim("expand", tiny, "-o", "flat.yaml")[0] == 0
    assert memsim("expand", "flat.yaml")[1] == Path("flat.yaml").read_text()


def test_check_tells_of_every_file(memsim, tiny: str) -> None:
    Path("bad.yaml").write_text("name: bad\ninput: [3, 8, 8]\nlayers:\n  - konv: 3\n")
    code, out, err = memsim("check", "bad.yaml", tiny)
    assert code == 2
    assert out == "tiny.yaml: tiny, 9 layers, ok\n"
    assert err.startswith("memsim: bad.yaml:4:5: layers[0]")
    assert "did you mean 'conv'?" in err


def test_lists(memsim) -> None:
    assert "hardnet68 " in memsim("list")[1]
    assert "edge " in memsim("machines")[1]
    assert json.loads(memsim("machines", "textbook")[1])["cache_bytes"] == 2_000_000
    assert json.loads(memsim("schema")[1])["title"] == "memsim architecture"


ERRORS = (
    (2, "run hardnet86"),
    (2, "run nosuch.yaml"),
    (2, "run tiny.yaml --cache 2MX"),
    (2, "run tiny.yaml --cache=-1"),
    (2, "run tiny.yaml --cache nan"),
    (2, "run tiny.yaml --bandwidth 0 --macs x"),
    (2, "run tiny.yaml --machine edgy"),
    (2, "run tiny.yaml --lowering fuse"),
    (2, "run tiny.yaml --order x"),
    (2, "run tiny.yaml --tile x"),
    (2, "run tiny.yaml --policy lry"),
    (2, "run tiny.yaml --management x"),
    (2, "run tiny.yaml --clock x"),
    (2, "run tiny.yaml --dtype fp23"),
    (2, "run tiny.yaml --batch 0"),
    (2, "run tiny.yaml --input 3x0x4"),
    (2, "run tiny.yaml --input 3xaxb"),
    (2, "run tiny.yaml --layers few"),
    (2, "run tiny.yaml --format xml"),
    (2, "run tiny.yaml -o missing/out.json"),
    (2, "run tiny.yaml -o ."),
    (2, "run tiny.yaml --set growth"),
    (2, "run tiny.yaml --variant v2"),
    (1, "run tiny.yaml --buffer 10"),
    (1, "run tiny.yaml --bandwidth 1 --input 3x512x512"),
    (1, "run tiny.yaml --macs 1 --input 3x512x512 --clock recurrence"),
    (1, "run tiny.yaml --buffer 2KiB --input 3x512x512"),
    (2, "run tiny.yaml --management hardware --ways 8 --cache 2MB"),
    (2, "rum tiny.yaml"),
)


def test_errors_are_one_line_each_and_name_the_remedy(memsim, tiny: str) -> None:
    told = []
    for expected, line in ERRORS:
        code, out, err = memsim(*line.split())
        assert (code, out) == (expected, ""), line
        assert "Traceback" not in err
        told.append(f"$ memsim {line}\n{err}")
    check_golden("errors.txt", "\n".join(told))
    assert os.listdir() == ["tiny.yaml"]


def test_usage_errors_exit_with_2(memsim) -> None:
    for args in (("run",), ("run", "hardnet68", "--cach", "3")):
        code, _, err = memsim(*args)
        assert code == 2
        assert err.startswith("Usage:")


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m memsim expand densenet121 | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_help_imports_no_heavy_module() -> None:
    code = (
        "import sys\nfrom memsim.cli.main import run\nrun(['--help'])\n"
        "heavy = {'numpy', 'networkx', 'simpy', 'pydantic', 'ruamel', 'rich', 'numba',"
        " 'matplotlib'}\nprint(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_run_imports_no_compiler() -> None:
    code = (
        "import sys\nfrom memsim.cli.main import run\nrun(['run', 'resnet18'])\n"
        "print(sorted({'numba', 'matplotlib', 'torch', 'onnx'} & set(sys.modules)),"
        " file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_run_imports_what_it_needs_alone() -> None:
    """No operator that the network lacks, no model of a library or of a cache of lines."""
    code = (
        "import sys\nfrom memsim.cli.main import run\nrun(['run', 'hardnet68'])\n"
        "print(sorted(name for name in sys.modules if name.startswith(("
        "'memsim.network.ops.sampling', 'memsim.network.ops.norm', 'memsim.network.attention',"
        " 'memsim.formats.architecture.macros.pyramid', 'memsim.formats.foreign.unknown',"
        " 'memsim.program.library', 'memsim.program.lowering.fused', 'memsim.engines.residency',"
        " 'memsim.engines.cache.managements.hardware', 'memsim.engines.cache.leveled'))),"
        " file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
