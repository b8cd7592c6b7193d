"""Budgets: a verdict is what a run says, on the limit and one beside it; the rest is refused."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

import memsim
from memsim.budgets.budget import Budget
from memsim.cli.main import run

CHAIN = """\
name: chain
input: [3, 16, 16]
layers:
  - conv: {out: 8, kernel: 3, act: relu}
  - conv: {out: 16, kernel: 1}
"""


@pytest.fixture(name="net")
def _net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(CHAIN)
    return "net.yaml"


@pytest.mark.parametrize(
    ("text", "of", "limit", "cache", "bandwidth"),
    [
        ("80MB@1MiB", "traffic", 80_000_000, 1 << 20, None),
        ("1.5KiB@0", "traffic", 1536, 0, None),
        ("10ms@2MiB/25.6GB/s", "time", 10**10, 2 << 20, 25_600_000_000),
        ("5 us", "time", 5_000_000, None, None),
        ("30fps@1MB", "fps", 30, 10**6, None),
        ("20mJ", "energy", Fraction(1, 50), None, None),
        ("2GMACs", "macs", 2 * 10**9, None, None),
        ("5Mparams", "params", 5 * 10**6, None, None),
        ("7 parameters", "params", 7, None, None),
    ],
)
def test_the_unit_says_of_what(text: str, of: str, limit, cache, bandwidth) -> None:
    assert Budget.of_text(text) == Budget(text, of, Fraction(limit), cache, bandwidth)


@pytest.mark.parametrize("only", [None, "weights", "feature-maps"])
def test_traffic_is_kept_to_the_byte(net: str, only: str | None) -> None:
    moved = memsim.run(net, cache=2000, machine="textbook", only=only).dram_bytes
    budgets = [f"{moved}B@2000", f"{moved - 1}B@2000"]
    checked = memsim.check(net, budgets, machine="textbook", only=only)
    assert [verdict.kept for verdict in checked.verdicts] == [True, False]
    assert {verdict.value for verdict in checked.verdicts} == {moved}


def test_time_is_kept_to_the_picosecond_and_frames_are_its_other_side(net: str) -> None:
    time = memsim.run(net, cache=2000, bandwidth="1GB/s", machine="textbook").time_ps
    at = "@2000/1GB/s"
    rate = 10**12 / time
    asked = [f"{time}ps{at}", f"{time - 1}ps{at}", f"{rate * 0.999:.6f}fps{at}",
             f"{rate * 1.001:.6f}fps{at}"]  # fmt: skip
    checked = memsim.check(net, asked, machine="textbook")
    assert [verdict.kept for verdict in checked.verdicts] == [True, False, True, False]


def test_energy_macs_and_parameters(net: str) -> None:
    result = memsim.run(net, machine="edge", cache=3000)
    joules, network = result.totals["energy_j"], result.network
    assert (network.macs, network.params) == (16 * 16 * (9 * 3 * 8 + 8 * 16), 9 * 3 * 8 + 8 * 16)
    asked = [f"{joules * 1.001:.15f}J@3000", f"{joules * 0.999:.15f}J@3000",
             f"{network.macs}MACs", f"{network.macs - 1}MACs",
             f"{network.params}params", f"{network.params - 1}params"]  # fmt: skip
    checked = memsim.check(net, asked, machine="edge")
    assert [verdict.kept for verdict in checked.verdicts] == [True, False] * 3


def test_what_budgets_do_not_say_options_do(net: str) -> None:
    (verdict,) = memsim.check(net, "1kB", machine="textbook", cache=0).verdicts
    assert verdict.value == memsim.run(net, machine="textbook", cache=0).dram_bytes


def test_the_exit_code_is_1_and_the_reason_is_told(
    net: str, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["check", net, "--machine", "textbook"]
    assert run([*at, "--budget", "1MB@1kB"]) == 0
    assert capsys.readouterr().err == ""
    assert run([*at, "--budget", "1MB@1kB", "--budget", "300params", "--format", "json"]) == 1
    out, err = capsys.readouterr()
    assert err == "memsim: chain: parameters are 344; the budget is at most 300\n"
    facts = json.loads(out)
    assert (facts["schema"], facts["kept"]) == ("memsim.check/1", False)
    kept, missed = facts["budgets"]
    assert (kept["kept"], kept["cache_bytes"], kept["limit"]) == (True, 1000, 1_000_000)
    assert (missed["kept"], missed["value"], missed["of"]) == (False, 344, "params")


def test_a_limit_missed_by_a_byte_shows_all_digits(net: str) -> None:
    moved = memsim.run(net, machine="textbook", cache=0).dram_bytes
    (missed,) = memsim.check(net, f"{moved - 1}B@0", machine="textbook").missed
    assert missed.reason == (
        f"chain: DRAM traffic is {moved:,} B at 0 B of cache; the budget is at most {moved - 1:,} B"
    )


UNITS = "such as 80MB of traffic, 10ms, 30fps, 20mJ, 2GMACs or 5Mparams"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--budget 5M", f"budget '5M': '5M' has no unit ({UNITS})"),
        ("--budget 80Mb@1MiB", f"budget '80Mb@1MiB': unknown unit 'Mb' ({UNITS})"),
        ("--budget 3mss", "budget '3mss': unknown unit 'mss' (did you mean 'ms'?)"),
        ("--budget 1MB@1MX",
         "budget '1MB@1MX': '1MX' is not a size: unknown unit 'MX' (did you mean 'MB'?)"),
        ("--budget 3ms@25.6GB/s",
         "budget '3ms@25.6GB/s': '25.6GB/s' is a bandwidth, and the cache comes first "
         "(such as 10ms@2MiB/25.6GB/s)"),
        ("--budget 3params@1MB",
         "budget '3params@1MB': 3params depends on no cache (3params alone)"),
        ("--budget 1MB@1MB/1GB/s",
         "budget '1MB@1MB/1GB/s': no bandwidth changes DRAM traffic (1MB@1MB)"),
        ("--budget 4mJ --machine gtx1080",
         "budget '4mJ': gtx1080 tells no energy (a machine that does, such as edge)"),
        ("--budget 1MB --budget 1MB", "budget '1MB': is given twice (once is enough)"),
        ("--budget 1MB@1MB --cache 1MB",
         "cache: changes nothing: every budget names its cache (leave it out)"),
        ("--budget 1MB@1MB --bandwidth 1GB/s",
         "bandwidth: changes nothing: no budget depends on it (leave it out)"),
        ("--budget 1MB@1MB --macs 1T",
         "macs: changes times alone, and no budget is of one (leave it out)"),
        ("--budget 1params --lowering eager",
         "lowering: changes nothing that a network alone tells (leave it out)"),
        ("--budget 1ms --only weights",
         "only: is of the traffic, and no budget is (leave it out)"),
        ("--cache 1MB",
         "--cache: is of budgets, and there is none (such as --budget 80MB@1MiB)"),
        ("--dtype int8 --format json",
         "--dtype: is of budgets, and there is none (such as --budget 80MB@1MiB)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_before_any_network_is_looked_at(
    capsys: pytest.CaptureFixture[str], words: str, message: str
) -> None:
    assert run(["check", "no_such_network.yaml", *words.split()]) == 2
    assert capsys.readouterr() == ("", f"memsim: {message}\n")
