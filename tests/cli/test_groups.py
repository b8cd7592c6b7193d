"""Groups on the command line: what is said of rows that are computed anew, and what is refused."""

from __future__ import annotations

import json

from tests.golden import check_golden

FUSED = "--machine edge --schedule depth_first"


def test_errors_of_groups(memsim) -> None:
    told = []
    for expected, line in (
        (2, "run resnet18"),
        (2, "run resnet18 --groups inverted_residul"),
        (2, "run resnet18 --groups inverted_residual"),
        (2, "run resnet18 --group conv1..conv9"),
        (2, "run resnet18 --group stage.1.1..conv1"),
        (2, "run resnet18 --group conv1.conv,conv1.bn"),
        (2, "run resnet18 --group stage.1.1.conv1,stage.1.2"),
        (2, "run resnet18 --group conv1..stage.1.1 --group stage.1"),
        (2, "run resnet18 --groups per_block --group stage.1"),
        (2, "run resnet18 --group stage.1 --strip 0"),
        (2, "run resnet18 --group stage.1 --strip 4y32"),
        (2, "run resnet18 --group stage.1 --overlap recmpute"),
        (2, "run resnet18 --group stage.3..stage.4 --strip 1 --overlap recompute"),
        (1, "run resnet18 --group stage.4 --buffer 64B --overlap recompute"),
        (2, "run resnet18 --schedule layer_by_layer --overlap keep"),
        (2, "run resnet18 --groups auto --strip 2"),
        (2, "run resnet18 --library onednn-avx2 --schedule depth_first --overlap keep"),
    ):
        if "--schedule" not in line:
            line = f"{line} {FUSED}"
        code, out, err = memsim(*line.split())
        assert (code, out) == (expected, ""), line
        told.append(f"$ memsim {line}\n{err}")
    check_golden("errors_groups.txt", "\n".join(told))


def test_macs_that_are_computed_again_are_told_where_there_are_any(memsim) -> None:
    words = f"run resnet18 {FUSED} --group stage.1 --strip 4".split()
    facts = {}
    for overlap in ("keep", "recompute"):
        code, out, err = memsim(*words, "--overlap", overlap, "--format", "json")
        assert (code, err) == (0, "")
        facts[overlap] = json.loads(out)
        assert facts[overlap]["config"]["strip_overlap"] == overlap
        table = memsim(*words, "--overlap", overlap)[1]
        assert ("recomputed" in table) == (overlap == "recompute")
    kept, anew = facts["keep"]["totals"], facts["recompute"]["totals"]
    # Of 56 rows in strips of 4 the three maps within the four convolutions overlap by 6, 4 and 2
    # rows at each of 13 seams; a row is 56 columns of 64 channels, of 64 x 9 MACs each.
    assert anew["recomputed_macs"] == 13 * (6 + 4 + 2) * 56 * 64 * 64 * 9
    assert "recomputed_macs" not in kept
    assert anew["energy_mac_j"] > kept["energy_mac_j"]
    assert anew["compute_s"] > kept["compute_s"]
    assert anew["compulsory_bytes"] == kept["compulsory_bytes"]
