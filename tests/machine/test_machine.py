"""Machines: every preset loads, every override holds, every fault of a file is told."""

from __future__ import annotations

import csv
import json
import pickle
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsim.calibration.published import base_file
from memsim.errors import InputError
from memsim.files import read_table
from memsim.machine import Machine, load_machine, machine_names
from memsim.machine.compute import MacEnergy, RateByDtype
from memsim.network import DTYPES

MINIMAL = """\
name: small
cache: {size: 1kB}
buffer: 512
dram: {bandwidth: 1GB/s, latency: 100ns, burst: 64, kind: HBM2}
compute:
  macs_per_s: 1GMAC/s
  elementwise_per_s: 1G
  kernel_overhead: 0
  energy_pj_per_mac: {fp32: 4.6, int8: 0.3}
  onchip_pj_per_byte: 12.5
"""

CLASSES = ["conv", "conv3x3", "unaligned", "depthwise", "linear"]

# Peak figures as published: TFLOPS fp32, GB/s, bytes of L2.
PUBLISHED = """\
device,tflops,gb_per_s,l2_bytes
gtx1080,8.87,320,2097152
titan_v,14.9,652.8,4718592
jetson_nano,0.236,25.6,262144
"""
CPUS = {"zen3", "zen3_eager", "xeon_avx512", "xeon_avx512_eager"}
FITTED = {"gtx1080", "titan_v", "jetson_nano", *CPUS}
PRODUCTS = list(csv.DictReader(PUBLISHED.splitlines()))


def load(tmp_path: Path, text: str | bytes) -> Machine:
    file = tmp_path / "m.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_machine(file)


def faults(tmp_path: Path, text: str | bytes) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    return [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize("name", machine_names())
def test_every_preset_loads_and_states_its_sources(name):
    machine = load_machine(name)
    assert machine.name == name
    assert machine.description
    assert machine.source
    assert machine.dram_bytes_per_s > 0
    assert machine.dram.kind
    json.dumps(machine.resolved(), allow_nan=False)


@pytest.mark.parametrize("name", machine_names())
def test_every_key_of_a_preset_is_written_out_or_has_a_neutral_default(name):
    machine = load_machine(name)
    processor = name in ("cpu", "zen3", "zen3_eager")
    kept = ("lru", "hardware") if processor else ("lru", "scratchpad")
    assert (machine.cache.policy, machine.cache.management) == kept
    assert machine.cache.ways == (16 if processor else None)
    assert machine.cache.bandwidth is None or name == "edge" or name in CPUS
    assert machine.compute.wave == 1 or name in ("gtx1080", "titan_v")
    assert machine.compute.launch == 0
    assert machine.dram.efficiency == 1 or name in FITTED


def test_the_default_machine_is_one_that_was_measured():
    assert load_machine() == load_machine("gtx1080")
    assert machine_names()[0] == "gtx1080"
    assert load_machine().calibrated is not None


def test_every_number_of_a_machine_as_plain_values():
    assert load_machine("textbook").resolved() == {
        "machine": "textbook",
        "cache_bytes": 2_000_000,
        "policy": "lru",
        "management": "scratchpad",
        "line_bytes": 64,
        "ways": None,
        "index": "plain",
        "fetch_on_write": True,
        "first_level_bytes": None,
        "first_level_ways": None,
        "onchip_bandwidth_bytes_per_s": None,
        "buffer_bytes": 524_288,
        "bandwidth_bytes_per_s": 25_600_000_000,
        "efficiency": 1,
        "dram_latency_ps": 100_000,
        "burst_bytes": 64,
        "macs_per_s": dict.fromkeys(CLASSES, 500_000_000_000),
        "elementwise_per_s": 64_000_000_000,
        "kernel_overhead_ps": 0,
        "overlap": "all",
        "channel_tile": 1,
        "vector": 1,
        "wave": 1,
        "launch_ps": 0,
        "pooling_per_s": 64_000_000_000,
        "kernels": None,
        "rate_by_dtype": None,
        "dram_kind": "LPDDR4",
        "dram_pj_per_byte": 64.0,
        "onchip_pj_per_byte": 12.5,
        "pj_per_mac": {"fp32": 4.6, "fp16": 1.5, "int8": 0.3},
    }


@pytest.mark.parametrize("row", PRODUCTS, ids=lambda row: row["device"])
def test_a_product_has_its_published_figures(row):
    """Of a machine that was fitted to times they are the limits that the fit began with."""
    machine = load_machine(base_file(row["device"]))
    assert load_machine(row["device"]).dram.bandwidth == machine.dram.bandwidth
    assert load_machine(row["device"]).cache == machine.cache
    assert machine.mac_rate("conv") == Fraction(row["tflops"]) * 10**12 / 2
    assert machine.dram.bandwidth == Fraction(row["gb_per_s"]) * 10**9
    assert machine.cache_bytes == int(row["l2_bytes"])


def test_a_class_without_a_rate_takes_that_of_conv(tmp_path):
    rates = "{conv: 1T, depthwise: 250G}"
    machine = load(tmp_path, MINIMAL.replace("1GMAC/s", rates))
    assert machine.mac_rate("conv") == 10**12
    assert machine.mac_rate("depthwise") == 250 * 10**9
    assert machine.mac_rate("linear") == 10**12
    assert machine.mac_rate("copy") == 10**12  # the name of a method is no class


RATES = MINIMAL.replace("1GMAC/s", "{conv: 3G, linear: 1G}\n  rate_by_dtype: {fp32: 1, int8: 2.5}")


def test_a_rate_follows_the_data_type(tmp_path):
    machine = load(tmp_path, RATES)
    assert machine.dtypes == ("fp32", "int8")
    assert machine.mac_rate("conv", "int8") == 7_500_000_000
    assert machine.mac_rate("linear", "int8") == 2_500_000_000
    assert machine.mac_rate("conv", "fp32") == machine.mac_rate("conv") == 3 * 10**9
    assert machine.with_overrides(macs="6G").mac_rate("linear", "int8") == 5 * 10**9


def test_a_machine_that_lists_data_types_refuses_the_others_and_tells_which_it_has(tmp_path):
    machine = load(tmp_path, RATES)
    told = "dtype: small computes in fp32 and int8, not in fp16 (dtype fp32)"
    for refuse in (machine.check_dtype, lambda dtype: machine.mac_rate("conv", dtype)):
        with pytest.raises(InputError) as caught:
            refuse("fp16")
        assert str(caught.value) == told


def test_a_machine_that_lists_none_has_one_rate_for_each_data_type(tmp_path):
    machine = load(tmp_path, MINIMAL)
    machine.check_dtype("int8")
    assert machine.dtypes == ()
    assert machine.mac_rate("conv", "int8") == machine.mac_rate("conv", "fp32") == 10**9


def test_the_data_type_of_its_program_is_one_that_a_machine_computes_in(tmp_path):
    (told,) = faults(tmp_path, RATES.replace("fp32: 1, ", ""))
    assert told == (
        "m.yaml:1:1: program.dtype is fp32, of which compute.rate_by_dtype has none (it has int8)"
    )
    text = RATES.replace("fp32: 1, ", "") + "program: {dtype: int8}\n"
    assert load(tmp_path, text).program.dtype == "int8"


def test_the_data_types_of_machines_are_those_of_networks():
    for model in (RateByDtype, MacEnergy):
        assert list(model.model_fields) == list(DTYPES)


def test_the_energy_of_a_mac_is_told_by_data_type_and_not_for_all_at_once(tmp_path):
    machine = load(tmp_path, MINIMAL)
    assert machine.pj_per_mac("int8") == 0.3
    assert machine.pj_per_mac("fp16") is None
    assert faults(tmp_path, MINIMAL.replace("{fp32: 4.6, int8: 0.3}", "4.6")) == [
        "m.yaml:9:3: compute.energy_pj_per_mac: expected a mapping (keys: fp32, fp16, bf16, int8)"
    ]


def test_the_energy_of_a_byte_is_that_of_the_kind_of_dram_unless_the_file_says_its_own(tmp_path):
    assert load(tmp_path, MINIMAL).dram_pj_per_byte == 31.36  # 8 x 3.92 pJ
    assert load(tmp_path, MINIMAL.replace("HBM2", "GDDR5")).dram_pj_per_byte == 112
    own = MINIMAL.replace("kind: HBM2", "kind: HBM2, energy_pj_per_byte: 30")
    assert load(tmp_path, own).dram_pj_per_byte == 30
    assert load(tmp_path, MINIMAL.replace("kind: HBM2", "kind: DDR4")).dram_pj_per_byte is None
    assert load(tmp_path, MINIMAL.replace(", kind: HBM2", "")).dram_pj_per_byte is None


def test_every_figure_of_a_kind_of_dram_has_a_source():
    rows = read_table("memsim.machine", "dram")
    assert len(rows) >= 5
    for row in rows:
        assert bool(row["pj_per_bit"]) == bool(row["source"]), row["kind"]


@pytest.mark.parametrize("name", sorted(FITTED | {"datacenter", "cpu"}))
def test_the_energy_of_a_board_or_a_processor_is_not_guessed(name):
    machine = load_machine(name)
    assert machine.onchip_pj_per_byte is None
    assert {machine.pj_per_mac(dtype) for dtype in DTYPES} == {None}


def test_efficiency_is_exact_and_scales_the_peak(tmp_path):
    machine = load(tmp_path, MINIMAL.replace("1GB/s", "1GB/s, efficiency: 0.7"))
    assert machine.dram_bytes_per_s == 700_000_000
    assert machine.dram.bandwidth == 10**9
    assert machine.resolved()["efficiency"] == 0.7


def test_overrides_change_what_they_name_and_nothing_else():
    edge = load_machine("textbook")
    changed = edge.with_overrides(
        cache="512KiB", bandwidth="10GB/s", macs="1T", buffer="1MB", policy="fifo",
        management="hardware",
    )  # fmt: skip
    assert changed.resolved() == edge.resolved() | {
        "cache_bytes": 524_288,
        "bandwidth_bytes_per_s": 10_000_000_000,
        "macs_per_s": dict.fromkeys(CLASSES, 10**12),
        "buffer_bytes": 1_000_000,
        "policy": "fifo",
        "management": "hardware",
    }
    assert edge.with_overrides() == edge == load_machine("textbook")


def test_overridden_macs_keep_the_ratios_of_the_classes(tmp_path):
    machine = load(tmp_path, MINIMAL.replace("1GMAC/s", "{conv: 3G, depthwise: 1G}"))
    changed = machine.with_overrides(macs="10G")
    assert changed.mac_rate("conv") == 10**10
    assert changed.mac_rate("depthwise") == Fraction(10**10, 3)
    assert changed.mac_rate("linear") == 10**10


def test_an_overridden_bandwidth_is_the_peak(tmp_path):
    machine = load(tmp_path, MINIMAL.replace("1GB/s", "1GB/s, efficiency: 0.5"))
    assert machine.with_overrides(bandwidth="3GB/s").dram_bytes_per_s == 1_500_000_000


def test_a_cache_of_zero_is_the_limit_without_reuse():
    assert load_machine("textbook").with_overrides(cache=0).cache_bytes == 0


def test_every_bad_override_is_told_by_its_name():
    with pytest.raises(InputError) as caught:
        load_machine("textbook").with_overrides(
            cache="2 MX", bandwidth=0, macs="nan", buffer=0, policy="LRU", management="../x"
        )
    assert str(caught.value).splitlines() == [
        "cache: '2 MX' is not a size: unknown unit 'MX' (did you mean 'MB'?)",
        "bandwidth: 0 is not a bandwidth: it must be greater than zero "
        "(expected a bandwidth such as 25.6GB/s or a number of B/s)",
        "macs: 'nan' is not a compute rate: it must be finite "
        "(expected a compute rate such as 0.5TMAC/s, 500G or a number of MAC/s)",
        "buffer: 0 is too small (at least 1 byte)",
        "policy: 'LRU' is not a name (lower-case, such as 'lru')",
        "management: '../x' is not a name (lower-case, such as 'lru')",
    ]


def test_a_machine_is_immutable_hashable_and_travels(tmp_path):
    edge = load_machine("textbook")
    with pytest.raises(ValueError, match="frozen"):
        edge.buffer = 1
    assert len({edge, load_machine("textbook").with_overrides()}) == 1
    assert pickle.loads(pickle.dumps(edge)) == edge


def test_a_byte_order_mark_is_no_fault(tmp_path):
    assert load(tmp_path, b"\xef\xbb\xbf" + MINIMAL.encode()).name == "small"


def test_every_fault_of_a_file_is_told_at_once_with_its_place(tmp_path):
    text = """\
name: bad
cash: 2MB
cache: {size: 2 MX, ways: 0}
buffer: 0
dram:
  bandwith: 1GB/s
  efficiency: 1.5
  latency: -1ns
  burst: 64
  kind: LPDDR44
  energy_pj_per_byte: cheap
compute:
  macs_per_s: {conv: 1T, deepwise: 1T}
  elementwise_per_s: on
  kernel_overhead: 0
  rate_by_dtype: {int8: 0}
  energy_pj_per_mac: {fp32: -4.6, fp31: 1}
"""
    assert sorted(faults(tmp_path, text)) == [
        "m.yaml:10:3: dram.kind: unknown kind of DRAM 'LPDDR44' (did you mean 'LPDDR4'?)",
        "m.yaml:11:3: dram.energy_pj_per_byte: expected a valid number, not 'cheap'",
        "m.yaml:13:26: compute.macs_per_s.deepwise: unknown key 'deepwise' "
        "(did you mean 'depthwise'?)",
        "m.yaml:14:3: compute.elementwise_per_s: 'on' is not a rate: it does not start with a "
        "plain number (expected a rate such as 64Gop/s or a number of op/s)",
        "m.yaml:16:19: compute.rate_by_dtype.int8: 0 is not a factor (above 0, at most 1,000,000)",
        "m.yaml:17:23: compute.energy_pj_per_mac.fp32: expected greater than or equal to 0, "
        "not -4.6",
        "m.yaml:17:35: compute.energy_pj_per_mac.fp31: unknown key 'fp31' (did you mean 'fp32'?)",
        "m.yaml:2:1: cash: unknown key 'cash' (did you mean 'cache'?)",
        "m.yaml:3:21: cache.ways: expected greater than or equal to 1, not 0",
        "m.yaml:3:9: cache.size: '2 MX' is not a size: unknown unit 'MX' (did you mean 'MB'?)",
        "m.yaml:4:1: buffer: 0 is too small (at least 1 byte)",
        "m.yaml:5:1: dram: missing key 'bandwidth'",
        "m.yaml:6:3: dram.bandwith: unknown key 'bandwith' (did you mean 'bandwidth'?)",
        "m.yaml:7:3: dram.efficiency: 1.5 is not an efficiency (above 0, at most 1)",
        "m.yaml:8:3: dram.latency: '-1ns' is not a duration: it must not be negative "
        "(expected a duration such as 100ns, 5us or a number of seconds)",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2]", "m.yaml:1:1: expected a mapping (keys: name, description,"),
        (
            MINIMAL.replace("{size: 1kB}", "1kB"),
            "m.yaml:2:1: cache: expected a mapping (keys: size, policy, management,",
        ),
        (
            MINIMAL.replace("1GMAC/s", "fast"),
            "m.yaml:6:3: compute.macs_per_s: 'fast' is not a compute rate: it does not start",
        ),
        (
            MINIMAL.replace("1GMAC/s", "{depthwise: 1G}"),
            "m.yaml:6:3: compute.macs_per_s: missing key 'conv'",
        ),
        (
            MINIMAL + "program: {register_tile: 24}\n",
            "m.yaml:11:11: program.register_tile: 24 is no register tile "
            "(PIXELSxCHANNELS such as 4x24, or none)",
        ),
        (
            MINIMAL + "program: {register_tiles: 4x24}\n",
            "m.yaml:11:11: program.register_tiles: unknown key 'register_tiles' "
            "(did you mean 'register_tile'?)",
        ),
        (b"name: \xff", "m.yaml:1:7: is not UTF-8 text: byte 0xff"),
        ("#" * 1_000_001, "m.yaml: is larger than 1,000,000 bytes"),
        ("", "m.yaml"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "bytes",
)
def test_a_bad_file_is_refused_in_these_words(tmp_path, text, expected):
    (fault,) = faults(tmp_path, text)
    assert fault.startswith(expected)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gtx1090", "unknown machine 'gtx1090' (did you mean 'gtx1080'?)"),
        (
            "",
            "unknown machine '' "
            "(known: cpu, datacenter, edge, gtx1080, jetson_nano, textbook, titan_v, "
            "xeon_avx512, xeon_avx512_eager, zen3, zen3_eager)",
        ),
        ("./edge", "./edge: no such file"),
        ("no.yaml", "no.yaml: no such file"),
        ("no/such.yml", "no/such.yml: no such file"),
        ("a\0b/c", "a\0b/c: cannot be read: embedded null byte"),
    ],
)
def test_an_unknown_name_or_file_is_refused(name, message):
    with pytest.raises(InputError) as caught:
        load_machine(name)
    assert str(caught.value) == message


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(InputError, match="is a directory, not a file"):
        load_machine(tmp_path)


words = st.text(max_size=8)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner), max_leaves=4
)
keys = st.sampled_from(["name", "cache", "buffer", "dram", "compute", "size", "macs_per_s", "conv"])


@given(st.dictionaries(keys, st.one_of(values, st.dictionaries(keys, values))))
def test_no_file_ends_in_a_traceback(tmp_path_factory, data):
    try:
        load(tmp_path_factory.mktemp("machine"), json.dumps(data))
    except InputError as error:
        assert str(error)  # noqa: PT017


def test_the_json_schema_shows_readable_quantities():
    schema = Machine.model_json_schema()
    assert schema["$defs"]["Cache"]["properties"]["size"] == {
        "title": "Size",
        "type": ["string", "number"],
        "examples": ["2MB"],
    }


def test_importing_memsim_units_does_not_import_pydantic():
    code = "import sys, memsim.units; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
