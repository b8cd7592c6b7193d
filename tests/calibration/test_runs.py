"""Files of measured runs."""

from __future__ import annotations

import pytest

from memsim.calibration.calibration import calibrate
from memsim.calibration.runs import CLOCK, Run, load_network, read_runs
from memsim.calibration.workload import Workload
from memsim.errors import InputError
from memsim.machine import load_machine

TEXT = """\
# cpu: Some CPU, 2 cores
# date: 2026-01-02
network,lowering,input,batch,dtype,threads,layer,op,median_s,spread_s,runs
resnet18,eager,3x224x224,1,fp32,1,,,0.031,0.001,25
resnet18,eager,3x224x224,1,fp32,1,conv1.conv,conv,0.004,0.0001,25
"""


def faults(tmp_path, text: str) -> list[str]:
    file = tmp_path / "x.csv"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        read_runs([file])
    return [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).splitlines()]


def test_rows_and_facts(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text(TEXT)
    found = read_runs([file])
    whole = Run("resnet18", (3, 224, 224), "eager", 0.031, dtype="fp32")
    assert found.runs[0] == whole
    assert (found.runs[1].layer, found.runs[1].seconds) == ("conv1.conv", 0.004)
    assert found.runs[1].place == whole.place
    assert found.facts == {"cpu": "Some CPU, 2 cores", "date": "2026-01-02"}


def clocked(threads: int, cpu_s: str = "0.0295") -> str:
    head = "network,lowering,input,threads,layer,median_s,cpu_s"
    return f"{head}\nresnet18,eager,3x224x224,{threads},,0.172,{cpu_s}\n"


def test_of_one_thread_the_processors_time_is_taken_and_told(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text(clocked(1))
    found = read_runs([file])
    assert [(run.seconds, run.clock) for run in found.runs] == [(0.0295, "cpu_s")]
    assert found.facts == {CLOCK: "cpu_s, the processor's time of one thread"}


@pytest.mark.parametrize("text", [clocked(2), clocked(1, "")])
def test_of_several_threads_and_of_a_gpu_the_wall_clock_is_taken(tmp_path, text):
    file = tmp_path / "x.csv"
    file.write_text(text)
    found = read_runs([file])
    assert [(run.seconds, run.clock) for run in found.runs] == [(0.172, "")]
    assert found.facts == {}


def test_a_processors_time_that_is_none_is_told(tmp_path):
    assert faults(tmp_path, clocked(1, "0")) == [
        "x.csv:2:1: cpu_s '0' is no time; expected seconds above 0"
    ]


def test_several_files_keep_all_their_facts(tmp_path):
    for name, date in (("a.csv", "2026-01-02"), ("b.csv", "2026-01-03")):
        (tmp_path / name).write_text(TEXT.replace("2026-01-02", date))
    found = read_runs([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert len(found.runs) == 4
    assert found.facts["date"] == "2026-01-02; 2026-01-03"
    assert found.facts["cpu"] == "Some CPU, 2 cores"


def test_every_fault_is_told_at_once(tmp_path):
    text = TEXT.replace("0.031", "fast").replace("3x224x224,1,fp32,1,conv1", "224,1,fp32,1,conv1")
    assert faults(tmp_path, text) == [
        "x.csv:4:1: median_s 'fast' is no time; expected seconds above 0",
        "x.csv:5:1: input '224' is no size; expected such as 3x224x224",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("median_s", "median", "x.csv:3:1: missing column 'median_s' (did you mean 'median'?)"),
        ("0.031", "0", "x.csv:4:1: median_s '0' is no time; expected seconds above 0"),
        ("0.031", "nan", "x.csv:4:1: median_s 'nan' is no time; expected seconds above 0"),
        ("resnet18,eager,3x224x224,1,fp32,1,,", ",eager,3x224x224,1,fp32,1,,",
         "x.csv:4:1: network is empty"),
        ("224,1,fp32,1,,", "224,none,fp32,1,,", "x.csv:4:1: batch 'none' is no number of images"),
    ],
)  # fmt: skip
def test_a_fault(tmp_path, old, new, message):
    assert faults(tmp_path, TEXT.replace(old, new)) == [message]


def test_an_empty_file(tmp_path):
    assert faults(tmp_path, "# cpu: x\n") == ["x.csv: there are no rows"]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_runs([tmp_path / "none.csv"])
    with pytest.raises(InputError, match="there are no runs"):
        read_runs([])


NETWORK = """\
name: edited
input: [3, 64, 64]
layers:
  - conv: {out: CHANNELS, kernel: 3}
"""


def test_a_network_that_is_edited_in_between_is_read_again(tmp_path):
    """Networks and workloads are kept from one fit to the next, by what the files hold."""
    file, machine = tmp_path / "edited.yaml", load_machine("textbook")
    macs = []
    for channels in (8, 16, 8):
        file.write_text(NETWORK.replace("CHANNELS", str(channels)))
        measured = Run(str(file), (3, 64, 64), "fused", 0.001)
        workload = Workload.of(measured, machine)
        assert workload.program.network == load_network(measured)
        assert Workload.of(measured, machine) is workload
        macs.append(load_network(measured).macs)
    assert macs[1] == 2 * macs[0] == 2 * macs[2]


def test_a_fit_sees_an_edited_network(tmp_path, needs):
    needs("scipy")
    file = tmp_path / "edited.yaml"
    runs = "network,lowering,input,median_s\n" + "".join(
        f"{name},fused,3x{size}x{size},{seconds}\n"
        for name, seconds in ((file, 0.01), ("squeezenet1_0", 0.02))
        for size in (64, 128)
    )
    (tmp_path / "runs.csv").write_text(runs)
    regressions = []
    for channels in (8, 64):
        file.write_text(NETWORK.replace("CHANNELS", str(channels)))
        calibration = calibrate(tmp_path / "runs.csv", "textbook", parameters=("bandwidth",))
        regressions.append(calibration.networks[0].simulated_s)
    assert regressions[0] != regressions[1]


def test_a_network_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml"):
        load_network(Run(str(tmp_path / "none.yaml"), (3, 64, 64), "fused", 0.001))


def test_a_batch_is_run_as_the_base_machine_takes_it():
    base = load_machine("gtx1080")
    apart = base.model_copy(update={"program": base.program.model_copy(update={"images": "apart"})})
    run = Run("resnet18", (3, 32, 32), "fused", 1.0, batch=2)
    found = [Workload.of(run, machine).program.options["images"] for machine in (base, apart)]
    assert found == ["together", "apart"]


def test_a_machine_in_register_tiles_is_fitted_to_times_in_register_tiles(tmp_path):
    file = tmp_path / "wide.yaml"
    file.write_text(NETWORK.replace("CHANNELS", "64").replace("[3, 64", "[64, 64"))
    measured = Run(str(file), (64, 64, 64), "fused", 0.001)
    options = Workload.of(measured, load_machine("cpu")).program.options
    assert (options["register_tile"], options["order"]) == ("4x24", "larger_outer")
    assert "register_tile" not in Workload.of(measured, load_machine("textbook")).program.options
