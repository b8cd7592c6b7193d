"""The page as a file: small, whole, always the same, and nothing in it runs but its program."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import memsim
from memsim.cli.main import run
from memsim.errors import InputError
from tests.page.packed import facts_of

EVIL = "<script>alert(1)</script>"
EVIL_LAYER = "</script><img src=x onerror=alert(2)>%{x}&lt;b&gt;"


def evil_network(folder: Path) -> str:
    """A network all of whose names would be markup."""
    layers = [
        {"conv": {"out": 8, "kernel": 3, "bn": True, "act": "relu"}, "name": EVIL_LAYER},
        {"conv": {"out": 8, "kernel": 3}, "name": "b"},
        {"concat": [EVIL_LAYER], "name": "c"},
        {"conv": {"out": 8, "kernel": 3}, "name": "d"},
        "global_avgpool",
        {"linear": 10},
    ]
    file = folder / "evil.yaml"
    file.write_text(json.dumps({"name": EVIL, "input": [3, 64, 64], "layers": layers}))
    return str(file)


def test_two_networks_are_at_most_a_quarter_of_a_megabyte(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert run(["report", "hardnet68", "densenet121", "--machine", "textbook", "-o", str(out)]) == 0
    assert out.stat().st_size <= 250_000
    facts = facts_of(out.read_text(encoding="utf-8"))
    assert [network["label"] for network in facts["networks"]] == ["hardnet68", "densenet121"]
    assert facts["machine"] == {"name": "textbook", "cache": 2_000_000}


def test_the_same_networks_give_the_same_bytes(tmp_path: Path) -> None:
    from memsim.page import page

    network = evil_network(tmp_path)
    here = page([memsim.curve(network)])
    assert page([memsim.curve(network)]) == here
    out = tmp_path / "there.html"
    command = [sys.executable, "-m", "memsim", "report", network, "-o", str(out)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "7"})
    assert out.read_text(encoding="utf-8") == here


def test_names_are_text_in_markup_and_in_json(tmp_path: Path) -> None:
    from memsim.page import page

    text = page([memsim.curve(evil_network(tmp_path))])
    assert len(re.findall(r"<script\b", text)) == len(re.findall(r"</script>", text)) == 2
    assert "alert(1)</" not in text
    assert "<img" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    network = facts_of(text)["networks"][0]
    assert network["label"] == EVIL
    assert f"{EVIL_LAYER}.conv" in network["kernels"]["name"]


def test_a_browser_is_told_to_fetch_nothing(tmp_path: Path) -> None:
    from memsim.page import page

    text = page([memsim.curve(evil_network(tmp_path))])
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy[1]
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)
    assert {*re.findall(r"https?://[\w./]*", text)} == {"http://www.w3.org/2000/svg"}  # a name


def test_a_report_that_fails_leaves_the_old_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    out.write_text("old")
    assert run(["report", "hardnet68", "--policy", "fifo", "-o", str(out)]) == 2
    assert "needs policy 'lru'" in capsys.readouterr().err
    assert out.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_the_best_of_several_orders_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    assert run(["report", "resnet18", "--order", "best", "-o", str(out)]) == 2
    assert capsys.readouterr().err == (
        "memsim: a report shows programs of one task order "
        "(choose one of rows_outer, weights_outer, images_inner)\n"
    )
    assert not out.exists()


def test_no_network_at_all_is_refused() -> None:
    from memsim.page import page

    with pytest.raises(InputError, match="no network"):
        page([])


def test_it_tells_why_where_that_is_asked_for(tmp_path: Path, capsys) -> None:
    out, network = tmp_path / "report.html", evil_network(tmp_path)
    words = ["report", network, "--machine", "textbook", "--cache", "16KiB", "-o", str(out)]
    assert run(words) == 0
    assert "h-why" not in out.read_text(encoding="utf-8")
    assert run([*words, "--explain"]) == 0
    text = out.read_text(encoding="utf-8")
    section = re.search(r"<section aria-labelledby='h-why'>.*?</section>", text, re.DOTALL)
    assert section is not None
    assert "<code>memsim run " in section[0]
    assert "2x bandwidth, 51.2 GB/s" in section[0]
    assert "<script" not in section[0]
    assert "<img" not in section[0]
    assert run([*words, "--explain", "--only", "weights"]) == 2
    assert "--explain: tells of all traffic, not of a part" in capsys.readouterr().err
