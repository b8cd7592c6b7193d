"""Nsight Compute's tables: both pages, units, ranges, and what is told of their faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from memsim.errors import InputError
from memsim.measurement.counters.ncu import (
    METRICS,
    NcuKernel,
    bytes_per_range,
    ncu_command,
    read_ncu,
)

WHERE = '"ID","Process ID","Process Name","Host Name"'
RANGES = (
    '"thread Domain:Push/Pop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg",'
    '"Id:Domain:Start/Stop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg"'
)
LAUNCH = '"Kernel Name","Context","Stream","Block Size","Grid Size","Device","CC"'
METRIC = '"Section Name","Metric Name","Metric Unit","Metric Value"'
SECTION = '"Command line profiler metrics"'
SIZES = '"1","7","(256, 1, 1)","(4, 1, 1)","0","9.0"'

NOISE = (
    '==PROF== Connected to process 42 (/usr/bin/python3.11)\n'
    '==PROF== Profiling "implicit_gemm": 0%....50%....100% - 1 pass\n'
)  # fmt: skip


def in_range(*names: str) -> str:
    parts = "  ".join(
        f'""<default domain>:{name}:none:none:none:none:none:none""' for name in names
    )
    return f'"42  {parts} ",""'


DETAILS = f"""\
{NOISE}{WHERE},{LAUNCH},{METRIC}
"0","42","python3.11","127.0.0.1","void gemm<float, 4>(int)",{SIZES},{SECTION},"dram__bytes_read.sum","Mbyte","1,234.56"
"0","42","python3.11","127.0.0.1","void gemm<float, 4>(int)",{SIZES},{SECTION},"dram__bytes_write.sum","Kbyte","2.5"
"0","42","python3.11","127.0.0.1","void gemm<float, 4>(int)",{SIZES},{SECTION},"gpu__time_duration.sum","usecond","12.5"
forward pass done
"1","42","python3.11","127.0.0.1","relu",{SIZES},{SECTION},"dram__bytes_read.sum","byte","2,816"
"1","42","python3.11","127.0.0.1","relu",{SIZES},{SECTION},"dram__bytes_write.sum","byte","0"
"1","42","python3.11","127.0.0.1","relu",{SIZES},{SECTION},"gpu__time_duration.sum","nsecond","1,280"
==PROF== Disconnected from process 42
"""  # noqa: E501

RAW = f"""\
{NOISE}{WHERE},{RANGES},{LAUNCH},"dram__bytes_read.sum","dram__bytes_write.sum","gpu__time_duration.sum"
"","","","","","","","","","","","","","byte","Gbyte","ms"
"0","42","python3.11","127.0.0.1",{in_range("conv1.conv")},"implicit_gemm",{SIZES},"2,048","1.5","0.25"
"1","42","python3.11","127.0.0.1",{in_range("forward", "conv1.conv")},"nchwToNhwc",{SIZES},"1,000","0","0.5"
"2","42","python3.11","127.0.0.1","","","fill",{SIZES},"7","0","0.5"
==PROF== Disconnected from process 42
"""  # noqa: E501


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> str:
        Path("a.csv").write_text(text, "utf-8")
        return "a.csv"

    return write


def told(path: str) -> str:
    with pytest.raises(InputError) as error:
        read_ncu(path)
    return str(error.value)


def test_the_details_page_has_a_row_per_metric(written) -> None:
    assert read_ncu(written(DETAILS)) == (
        NcuKernel("void gemm<float, 4>(int)", "void gemm<float, 4>(int)", 1_234_560_000, 2500,
                  1.25e-5),
        NcuKernel("relu", "relu", 2816, 0, 1.28e-6),
    )  # fmt: skip


def test_the_raw_page_has_a_column_per_metric_and_units_below_the_header(written) -> None:
    assert read_ncu(written(RAW)) == (
        NcuKernel("implicit_gemm", "conv1.conv", 2048, 1_500_000_000, 2.5e-4),
        NcuKernel("nchwToNhwc", "conv1.conv", 1000, 0, 5e-4),
        NcuKernel("fill", "", 7, 0, 5e-4),
    )


def test_bytes_are_summed_per_range(written) -> None:
    sums = bytes_per_range(read_ncu(written(RAW)))
    assert sums == {"conv1.conv": (3048, 1_500_000_000), "": (7, 0)}


def test_launches_of_two_processes_are_told_apart(written) -> None:
    rows = DETAILS.replace('"1","42"', '"0","43"')
    assert [kernel.name for kernel in read_ncu(written(rows))] == [
        "void gemm<float, 4>(int)",
        "relu",
    ]


def test_a_name_may_hold_colons(written) -> None:
    found = read_ncu(written(RAW.replace("domain>:conv1.conv", "domain>:a:b")))
    assert found[0].range == "a:b"


def test_times_may_be_missing(written) -> None:
    without = "".join(line for line in DETAILS.splitlines(True) if "duration" not in line)
    assert [kernel.time_s for kernel in read_ncu(written(without))] == [None, None]


def test_a_table_that_a_spreadsheet_has_saved_needs_no_quotes(written) -> None:
    text = (
        "\ufeffID,Kernel Name,dram__bytes_read.sum,dram__bytes_write.sum\n,,byte,byte\n0,f,64,0\n"
    )
    assert read_ncu(written(text)) == (NcuKernel("f", "f", 64, 0, None),)


def test_the_command_asks_for_what_is_read() -> None:
    command = ncu_command(["-m", "memsim"], "out.csv")
    assert command[command.index("--metrics") + 1] == ",".join(METRICS)
    assert command[command.index("--log-file") + 1] == "out.csv"
    assert {"--csv", "--nvtx"} <= set(command)
    assert command[-2:] == ["-m", "memsim"]


PERMISSION = (
    "==PROF== Connected to process 42 (/usr/bin/python3.11)\n"
    "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access NVIDIA GPU "
    "Performance Counters on the target device 0. For instructions on enabling permissions and to "
    "get more information see https://developer.nvidia.com/ERR_NVGPUCTRPERM\n"
    "==WARNING== No kernels were profiled.\n"
)
COMMAND = f"ncu --csv --page raw --metrics {','.join(METRICS)}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PERMISSION,
         "a.csv: ncu was not allowed to read the GPU's counters (ERR_NVGPUCTRPERM) (run it as "
         "root, or load the nvidia module with NVreg_RestrictProfilingToAdminUsers=0; a container "
         "needs --cap-add=SYS_ADMIN)"),
        ("==ERROR== The application returned an error code (1).\n",
         "a.csv: ncu failed: The application returned an error code (1)."),
        ("==WARNING== No kernels were profiled.\n",
         "a.csv: ncu has profiled no kernels (did the program run on the GPU?)"),
        ("", f"a.csv: has no table of ncu (such as of {COMMAND})"),
        (f"{WHERE},{LAUNCH},{METRIC}\n", "a.csv: has no kernels (did the program launch any?)"),
        (RAW.replace("dram__bytes_write", "dram__bytes"),
         f"a.csv: lacks the metric dram__bytes_write.sum ({COMMAND})"),
        ("".join(DETAILS.splitlines(True)[:-3]).replace("forward pass done\n", ""),
         "a.csv:7:1: kernel 'relu' lacks the metric dram__bytes_write.sum "
         f"({COMMAND})"),
        (DETAILS.replace('"byte","2,816"', '"","n/a"'),
         "a.csv:8:1: dram__bytes_read.sum is not available (this GPU does not count it)"),
        (DETAILS.replace("1,234.56", "1.234,56"),
         "a.csv:4:1: dram__bytes_read.sum '1.234,56' is no number (run ncu under LC_ALL=C)"),
        (DETAILS.replace("2,816", "2.816"),
         "a.csv:8:1: dram__bytes_read.sum '2.816' is no whole number of bytes "
         "(run ncu under LC_ALL=C)"),
        (DETAILS.replace("Kbyte", "sector"),
         "a.csv:5:1: dram__bytes_write.sum has unknown unit 'sector' "
         "(known: byte, Kbyte, Mbyte, Gbyte, Tbyte)"),
        (DETAILS.replace(',"byte","2,816"', ""),
         "a.csv:8:1: has 13 columns; expected 15 (was the file cut?)"),
    ],
    ids=["permission", "error", "none", "empty", "no rows", "no metric", "metric of one", "n/a",
         "locale", "grouped", "unit", "cut"],
)  # fmt: skip
def test_faults_are_told_with_what_helps(written, text: str, message: str) -> None:
    assert told(written(text)) == message


def test_all_faults_of_a_file_are_told_at_once(written) -> None:
    text = DETAILS.replace("2,816", "x").replace('"2.5"', '"y"')
    assert [line.partition(": ")[0] for line in told(written(text)).splitlines()] == [
        "a.csv:5:1",
        "a.csv:8:1",
    ]


def test_a_file_that_is_not_there_is_told() -> None:
    assert told("no.csv") == "no.csv: cannot be read: No such file or directory"
