"""Feature-map traffic of the paper's networks for CamVid, as the command tells it."""

from __future__ import annotations

import csv
import io
import json
from functools import cache
from pathlib import Path

import pytest

import memsim
from memsim.cli.main import run
from memsim.sheets.formats import render
from tests.golden import check_golden

DOCUMENT = Path(__file__).parents[2] / "docs" / "camvid.md"


@cache
def table() -> memsim.PaperTraffic:
    return memsim.paper_traffic()


def told(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = run(args)
    return (code, *capsys.readouterr())


def test_cio_is_the_feature_map_traffic_within_some_per_cent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = told(capsys, "paper", "traffic", "--format", "json")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    assert facts["schema"] == "memsim.paper_traffic/1"
    config = facts["config"]
    assert (config["cache_bytes"], config["lowering"]) == (4_500_000, "concat_free")
    assert (config["management"], config["policy"]) == ("scratchpad", "lru")
    rows = {row["network"]: row for row in facts["rows"]}
    assert len(rows) == 10
    for row in rows.values():
        assert row["ratio"] == row["feature_map_bytes"] / row["cio_bytes"]
        assert 0.9 <= row["ratio"] <= 1.15, row["network"]
        assert 0.85 <= row["convolution_ratio"] <= 1.05, row["network"]
    best = rows["fc_hardnet84"]
    assert round(100 * best["against_reference"]) == -41
    assert round(100 * best["cio_paper_against_reference"]) == -41
    assert facts["reference"] == "fc_densenet103"
    assert rows["fc_densenet103"]["against_reference"] == 0


def test_a_row_is_what_run_says_and_every_image_s_cio() -> None:
    row = table().by_name["fc_hardnet68"]
    network = memsim.load("fc_hardnet68")
    assert network[network.inputs[0]].output.shape == (1, 3, 352, 480)
    result = memsim.run(network, machine="titan_v", cache="4.5MB", lowering="concat_free")
    assert row.weight_bytes == result.by_role["weight"]
    assert row.feature_map_bytes == result.dram_bytes - result.by_role["weight"]
    assert row.cio_bytes == 4 * network.cio
    pools = sum(layer.dram_bytes for layer in result.layers if "pool" in layer.op)
    assert row.feature_map_bytes - row.convolution_bytes == pools


def test_a_network_over_the_printed_cio_has_a_transition_down() -> None:
    """The paper counts its 1x1 convolution once; eq. 1 counts what it reads and writes."""
    by_name = table().by_name
    for name in ("logdensenet103", "fc_sparsenet_ref100"):
        assert by_name[name].ratio_paper == pytest.approx(by_name[name].ratio, rel=0.01)
    assert by_name["fc_densenet67"].ratio_paper > 1.15 > by_name["fc_densenet67"].ratio


def test_the_table_fits_a_terminal() -> None:
    text = render(table(), "table")
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    check_golden("paper_traffic.txt", text)


def test_the_document_is_the_table() -> None:
    expected = "memsim paper traffic --format md -o docs/camvid.md"
    assert DOCUMENT.read_text("utf-8") == render(table(), "md"), expected


def test_csv_has_a_row_per_network() -> None:
    rows = list(csv.DictReader(io.StringIO(render(table(), "csv"))))
    assert [row["network"] for row in rows] == [row.network for row in table().entries]
    assert int(rows[-1]["cio_bytes"]) == table().entries[-1].cio_bytes


def test_a_smaller_cache_moves_more(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = told(capsys, "paper", "traffic", "--cache", "0", "--format", "json")
    assert code == 0
    assert json.loads(out)["config"]["cache_bytes"] == 0
    for row in json.loads(out)["rows"]:
        assert row["feature_map_bytes"] > table().by_name[row["network"]].feature_map_bytes


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            "paper camvid --cache 2MB",
            "--cache: table camvid is counted, not simulated (memsim paper traffic has a cache)",
        ),
        ("paper trafic", "unknown table 'trafic' (did you mean 'traffic'?)"),
        ("paper traffic --cache much", "'much'"),
    ],
)
def test_errors(capsys: pytest.CaptureFixture[str], command: str, message: str) -> None:
    code, out, err = told(capsys, *command.split())
    assert (code, out) == (2, "")
    assert message in err
