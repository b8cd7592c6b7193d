"""The page's engine, in a real browser, says of random blocks what memsim says, to the byte."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

import memsim
from memsim.network.patterns import PATTERNS
from memsim.playground import playground
from memsim.playground.facts import BLOCKS as BLOCKS_TO_BEGIN_WITH
from memsim.playground.facts import LOWERING, MACHINE
from memsim.results.curve import CurveResult

pytestmark = pytest.mark.needs("playwright.sync_api")

BLOCKS = 200

CAPACITIES = (0, 10_000, 100_000, 1_000_000, 2_000_000)


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    file = tmp_path_factory.mktemp("playground") / "playground.html"
    file.write_text(playground(), encoding="utf-8")
    tab = browser.new_page()
    tab.goto(file.as_uri())
    yield tab
    tab.close()


def blocks(seed: int, count: int) -> list[str]:
    """Random blocks, as addresses; a third of them drawn by hand."""
    dice = random.Random(seed)
    found = []
    for number in range(count):
        layers = dice.randint(1, 9)
        channels, rows, columns = dice.randint(1, 40), dice.randint(4, 40), dice.randint(4, 40)
        if number % 10 == 0:  # tiles do not hold all rows, or all channels
            channels, rows, columns, layers = dice.randint(64, 128), 128, 128, dice.randint(1, 3)
        said = {
            "p": dice.choice([*PATTERNS]),
            "n": layers,
            "k": dice.randint(64, 96) if number % 10 == 0 else dice.randint(2, 24),
            "m": dice.randint(20, 50) / 20,
            "w": dice.choice([1, 3, 3, 5]),
            "i": f"{channels}x{rows}x{columns}",
            "t": dice.choice(["auto", "auto", "whole"]),
        }
        if number % 3 == 0:
            links = [dice.sample(range(n), dice.randint(1, n)) for n in range(1, layers + 1)]
            said["l"] = "_".join(".".join(map(str, each)) for each in links)
        if number % 4 == 0:
            leaves = dice.sample(range(layers + 1), dice.randint(0, layers))
            said["o"] = ".".join(map(str, leaves))
        found.append("&".join(f"{key}={value}" for key, value in said.items()))
    return found


def curve_of(yaml: str, tile: str) -> CurveResult:
    network = memsim.loads(yaml)
    return memsim.curve(network, machine=MACHINE, lowering=LOWERING, tile=tile)


def test_two_hundred_random_blocks_are_evaluated_as_python_does(page: Any) -> None:
    said = blocks(16, BLOCKS)
    told = page.evaluate(
        "([said, sizes]) => said.map(each => memsimPlayground.evaluate(each, sizes))",
        [said, CAPACITIES],
    )
    seen: Counter[str] = Counter()
    for address, block in zip(said, told, strict=True):
        result = curve_of(block["yaml"], block["tile"])
        program, network, steps = result.program, result.program.network, result.curve.steps
        expected = {
            "macs": network.macs,
            "params": network.params,
            "cio": network.cio,
            "live": program.live_bytes.tolist(),
            "peak": int(program.live_bytes.max()),
            "compulsory": program.compulsory_bytes,
            "steps": {
                "sizes": steps.cache_bytes.tolist(),
                "reads": steps.read_bytes.tolist(),
                "writes": steps.write_bytes.tolist(),
                "weights": steps.weight_bytes.tolist(),
            },
        }
        assert {name: block[name] for name in expected} == expected, address
        for size, table in zip(CAPACITIES, block["at"], strict=True):
            moved = result.curve.at(size).sum(axis=1)  # kernels x causes
            assert table == moved.tolist(), (address, size)
        seen += Counter(
            {
                "by hand": "outputs:" in block["yaml"],
                "kernels in several tasks": program.tasks > len(program.kernels),
                "spilling": int(block["steps"]["writes"][0] > block["steps"]["writes"][-1]),
                "an input that leaves": program.kernels[-1].macs == 0,
            }
        )
    # What is compared is not all of one kind.
    assert len(seen) == 4, seen
    assert min(seen.values()) >= BLOCKS // 20, seen


def test_the_file_of_a_block_drawn_by_hand_has_its_links(page: Any) -> None:
    address = "p=dense&n=3&k=8&i=4x8x8&l=0_1_0.2&o=2.0"
    told = page.evaluate("said => memsimPlayground.evaluate(said)", address)
    assert told["yaml"].splitlines() == [
        "name: playground",
        "input: [4, 8, 8]",
        "outputs: [out]",
        "layers:",
        "  - {name: layer1, conv: {out: 8, kernel: 3, bn: true, act: relu}, from: input}",
        "  - {name: layer2, conv: {out: 8, kernel: 3, bn: true, act: relu}, from: layer1}",
        "  - {name: concat3, concat: {}, from: [input, layer2]}",
        "  - {name: layer3, conv: {out: 8, kernel: 3, bn: true, act: relu}, from: concat3}",
        "  - {name: out, concat: {}, from: [layer2, input, layer3]}",
    ]


def test_layers_are_as_wide_as_python_makes_them(page: Any) -> None:
    growths, multipliers = range(2, 97), [step / 20 for step in range(20, 81)]
    told = page.evaluate(
        """([growths, multipliers]) => multipliers.map(m => growths.map(k =>
            memsimPlayground.widths(`p=harmonic&n=32&k=${k}&m=${m}`)))""",
        [list(growths), multipliers],
    )
    width = PATTERNS["harmonic"].width
    assert told == [
        [[width(1 << power, k, m) for power in range(6)] for k in growths] for m in multipliers
    ]


@pytest.mark.parametrize("name", BLOCKS_TO_BEGIN_WITH)
def test_a_block_to_begin_with_is_the_shipped_one(page: Any, name: str) -> None:
    _, growth = BLOCKS_TO_BEGIN_WITH[name]
    said = f"p={name}&n=16&k={growth}&m=1.7&i=64x56x56"
    told = page.evaluate("said => memsimPlayground.evaluate(said)", said)
    shipped = memsim.curve(f"patterns/{name}", machine=MACHINE, lowering=LOWERING)
    assert told["macs"] == shipped.program.network.macs
    assert told["steps"]["reads"] == shipped.curve.steps.read_bytes.tolist()
