"""Quantities: what is read exactly, what is refused and in which words, what is written."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsim.errors import InputError
from memsim.readable import format_bytes, format_bytes_exact, format_count, format_rate, format_time
from memsim.units import LIMIT, other_reading, parse_bytes, parse_duration, parse_rate

SI = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
BINARY = {"Ki": 2**10, "ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}
BYTE_PREFIXES = SI | BINARY
TIMES = {"s": 10**12, "ms": 10**9, "us": 10**6, "µs": 10**6, "μs": 10**6, "ns": 1000, "ps": 1}
SIZE = "expected a size such as 2MB, 512KiB or a number of bytes"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2MB", 2_000_000),
        ("2MiB", 2_097_152),
        ("512 KiB", 524_288),
        ("0", 0),
        (0, 0),
        (4096, 4096),
        ("4096", 4096),
        ("4096B", 4096),
        ("1.5MB", 1_500_000),
        (".5KiB", 512),
        ("1.B", 1),
        ("2M", 2_000_000),
        ("2Mi", 2_097_152),
        ("64k", 64_000),
        ("64K", 64_000),
        ("64kB", 64_000),
        ("64KB", 64_000),
        ("+1e3", 1000),
        ("1E3 kB", 1_000_000),
        ("0.0000001e10kB", 1_000_000),
        ("  2 MB\n", 2_000_000),
        (2e6, 2_000_000),
        (Fraction(6, 2), 3),
        (np.int64(3), 3),
        (np.float64(3), 3),
        ("1000PB", LIMIT),
        (LIMIT, LIMIT),
        ("-0", 0),
    ],
)
def test_a_size_is_read_exactly(value, expected):
    size = parse_bytes(value)
    assert size == expected
    assert type(size) is int


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2 MX", "'2 MX' is not a size: unknown unit 'MX' (did you mean 'MB'?)"),
        ("2mb", "'2mb' is not a size: unknown unit 'mb' (did you mean 'MB'?)"),
        ("2Mb", "'2Mb' is not a size: unknown unit 'Mb' (did you mean 'MB'?)"),
        ("2mib", "'2mib' is not a size: unknown unit 'mib' (did you mean 'MiB'?)"),
        ("2MB/s", "'2MB/s' is not a size: unknown unit 'MB/s' (did you mean 'MB'?)"),
        (
            "2 parsec",
            "'2 parsec' is not a size: unknown unit 'parsec' "
            "(known: B, kB, KiB, MB, MiB, GB, GiB, TB, TiB, PB, PiB)",
        ),
        ("-1", f"'-1' is not a size: it must not be negative ({SIZE})"),
        (-1, f"-1 is not a size: it must not be negative ({SIZE})"),
        pytest.param(
            -(10**5000),
            f"a huge number is not a size: it must not be negative ({SIZE})",
            id="minus 10**5000",
        ),
        ("", f"'' is not a size: it is empty ({SIZE})"),
        (" ", f"' ' is not a size: it is empty ({SIZE})"),
        ("nan", f"'nan' is not a size: it must be finite ({SIZE})"),
        ("-inf", f"'-inf' is not a size: it must be finite ({SIZE})"),
        (float("nan"), f"nan is not a size: it must be finite ({SIZE})"),
        (float("inf"), f"inf is not a size: it must be finite ({SIZE})"),
        (True, f"True is not a size: it is a truth value ({SIZE})"),
        (None, f"None is not a size: it is neither text nor a number ({SIZE})"),
        ([2], f"a list is not a size: it is neither text nor a number ({SIZE})"),
        (b"2MB", f"a bytes is not a size: it is neither text nor a number ({SIZE})"),
        ("MB", f"'MB' is not a size: it does not start with a plain number ({SIZE})"),
        ("1_000", f"'1_000' is not a size: it does not start with a plain number ({SIZE})"),
        ("1,000", f"'1,000' is not a size: it does not start with a plain number ({SIZE})"),
        ("0x10", f"'0x10' is not a size: it does not start with a plain number ({SIZE})"),
        ("٣MB", f"'٣MB' is not a size: it does not start with a plain number ({SIZE})"),
        ("1.5", f"'1.5' is not a size: it must be a whole number of bytes ({SIZE})"),
        ("0.0001kB", f"'0.0001kB' is not a size: it must be a whole number of bytes ({SIZE})"),
        ("1e999999", "'1e999999' is not a size: it is too large (at most 1e18 bytes)"),
        ("1e-999999", f"'1e-999999' is not a size: its exponent is below -30 ({SIZE})"),
        (1e300, "1e+300 is not a size: it is too large (at most 1e18 bytes)"),
        pytest.param(
            10**5000,
            "a huge number is not a size: it is too large (at most 1e18 bytes)",
            id="10**5000",
        ),
        ("1001PB", "'1001PB' is not a size: it is too large (at most 1e18 bytes)"),
        pytest.param(
            "9" * 100_000,
            f"'{'9' * 37}...' is not a size: it is longer than 64 characters ({SIZE})",
            id="100,000 digits",
        ),
    ],
)
def test_a_bad_size_is_refused_in_these_words(value, message):
    with pytest.raises(InputError) as caught:
        parse_bytes(value)
    assert str(caught.value) == message


@given(st.integers(0, 999), st.sampled_from(sorted(BYTE_PREFIXES)), st.sampled_from(["", "B"]))
def test_every_prefix_and_spelling_multiplies_exactly(number, prefix, suffix):
    expected = number * BYTE_PREFIXES[prefix]
    if expected > LIMIT:
        with pytest.raises(InputError, match="too large"):
            parse_bytes(f"{number}{prefix}{suffix}")
    else:
        assert parse_bytes(f"{number}{prefix}{suffix}") == expected
        assert parse_bytes(f" {number} {prefix}{suffix} ") == expected


@given(st.one_of(st.text(), st.from_regex(r"[+-]?[0-9.]+(e[+-]?[0-9]+)? ?[a-zA-Z/]*")))
def test_no_text_ends_in_anything_but_a_number_or_an_input_error(text):
    for parse in (
        parse_bytes,
        parse_duration,
        lambda t: parse_rate(t, "B"),
        lambda t: parse_rate(t, "MAC"),
        lambda t: parse_rate(t, "op"),
    ):
        try:
            assert 0 <= parse(text) <= LIMIT
        except InputError as error:
            assert len(str(error)) < 400  # noqa: PT017
    assert isinstance(other_reading(text), str)


anything = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.fractions())


@given(st.one_of(anything, st.lists(anything)))
def test_no_value_ends_in_anything_but_a_number_or_an_input_error(value):
    for parse in (parse_bytes, parse_duration, lambda v: parse_rate(v, "B")):
        try:
            assert 0 <= parse(value) <= LIMIT
        except InputError as error:
            assert str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("25.6GB/s", "B", 25_600_000_000),
        ("320 GB/s", "B", 320_000_000_000),
        ("25.6GB", "B", 25_600_000_000),
        ("25.6G", "B", 25_600_000_000),
        ("1GiB/s", "B", 2**30),
        (25.6e9, "B", 25_600_000_000),
        (1, "B", 1),
        ("1.1", "B", Fraction(11, 10)),
        (1.1, "B", Fraction(11, 10)),
        (Fraction(10, 3), "B", Fraction(10, 3)),
        ("0.5T", "MAC", 500_000_000_000),
        ("0.5TMAC/s", "MAC", 500_000_000_000),
        ("0.5TMACs/s", "MAC", 500_000_000_000),
        ("0.5 TMAC", "MAC", 500_000_000_000),
        ("500G", "MAC", 500_000_000_000),
        ("500G/s", "MAC", 500_000_000_000),
        ("4.4e12", "MAC", 4_400_000_000_000),
        ("64Gop/s", "op", 64_000_000_000),
        ("64Gops/s", "op", 64_000_000_000),
    ],
)
def test_a_rate_is_read_exactly(value, unit, expected):
    rate = parse_rate(value, unit)
    assert rate == expected
    assert type(rate) is Fraction


@pytest.mark.parametrize(
    ("value", "unit", "message"),
    [
        (
            "0",
            "B",
            "'0' is not a bandwidth: it must be greater than zero "
            "(expected a bandwidth such as 25.6GB/s or a number of B/s)",
        ),
        (
            0.5,
            "MAC",
            "0.5 is not a compute rate: it must be at least 1 MAC/s "
            "(expected a compute rate such as 0.5TMAC/s, 500G or a number of MAC/s)",
        ),
        ("25Gbps", "B", "'25Gbps' is not a bandwidth: unknown unit 'Gbps' (did you mean 'GB/s'?)"),
        ("9GB/h", "B", "'9GB/h' is not a bandwidth: unknown unit 'GB/h' (did you mean 'GB/s'?)"),
        (
            "8.87 TFLOPS",
            "MAC",
            "'8.87 TFLOPS' is not a compute rate: unknown unit 'TFLOPS' "
            "(one MAC is two operations: give half of it in MAC/s)",
        ),
        (
            "1 GB/s",
            "op",
            "'1 GB/s' is not a rate: unknown unit 'GB/s' (did you mean 'Gop/s'?)",
        ),
        ("1Gimac", "MAC", "'1Gimac' is not a compute rate: unknown unit 'Gimac' "),
        ("1e19", "MAC", "'1e19' is not a compute rate: it is too large (at most 1e18 MAC/s)"),
    ],
)
def test_a_bad_rate_is_refused_in_these_words(value, unit, message):
    with pytest.raises(InputError) as caught:
        parse_rate(value, unit)
    assert str(caught.value).startswith(message)


@given(st.decimals(1, 999, places=6), st.sampled_from(sorted(SI)))
def test_a_rate_carries_no_float_noise(number, prefix):
    assert parse_rate(f"{number}{prefix}B/s", "B") == Fraction(str(number)) * SI[prefix]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5us", 5_000_000),
        ("5 µs", 5_000_000),
        ("5 μs", 5_000_000),
        ("100ns", 100_000),
        (0.001, 10**9),
        (1, 10**12),
        ("1", 10**12),
        ("0", 0),
        ("0s", 0),
        ("0.1ps", 1),
        ("1.0001ns", 1001),
        ("1e6s", LIMIT),
    ],
)
def test_a_duration_is_whole_picoseconds_rounded_up(value, expected):
    duration = parse_duration(value)
    assert duration == expected
    assert type(duration) is int


@given(st.fractions(0, 999), st.sampled_from(sorted(TIMES)))
def test_a_duration_is_never_shortened_nor_a_picosecond_too_long(number, unit):
    text = f"{float(number):.6f}"
    exact = Fraction(text) * TIMES[unit]
    assert 0 <= parse_duration(text + unit) - exact < 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("5 usec", "'5 usec' is not a duration: unknown unit 'usec' (did you mean 'us'?)"),
        ("5 NS", "'5 NS' is not a duration: unknown unit 'NS' (did you mean 'ns'?)"),
        ("5 h", "'5 h' is not a duration: unknown unit 'h' (known: ps, ns, us, ms, s)"),
        ("2e6s", "'2e6s' is not a duration: it is too large (at most 1e6 seconds)"),
        (
            "-1ns",
            "'-1ns' is not a duration: it must not be negative "
            "(expected a duration such as 100ns, 5us or a number of seconds)",
        ),
    ],
)
def test_a_bad_duration_is_refused_in_these_words(value, message):
    with pytest.raises(InputError) as caught:
        parse_duration(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2MB", "2 MiB would be 2,097,152 B"),
        ("2MiB", "2 MB would be 2,000,000 B"),
        ("2 M", "2 MiB would be 2,097,152 B"),
        ("64kB", "64 KiB would be 65,536 B"),
        ("64K", "64 KiB would be 65,536 B"),
        ("64kiB", "64 kB would be 64,000 B"),
        ("1.5MB", "1.5 MiB would be 1,572,864 B"),
        ("0.3MB", ""),  # 0.3 MiB is no whole number of bytes
        ("1000PB", ""),  # 1000 PiB is too large
        ("4096", ""),
        ("4096B", ""),
        ("0MB", ""),
        ("2 MX", ""),
        (2_000_000, ""),
        (None, ""),
    ],
)
def test_the_other_reading_of_a_size(value, expected):
    assert other_reading(value) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (9994, "9.99 kB"),
        (9996, "10.0 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_501, "1.00 MB"),
        (2_000_000, "2.00 MB"),
        (524_288, "524 kB"),
        (5 * 10**18, "5000 PB"),
        (-1500, "-1.50 kB"),
        (999.6, "1.00 kB"),
        (1.25, "1.25 B"),
        (np.int64(5000), "5.00 kB"),
    ],
)
def test_bytes_are_written_with_three_significant_digits(count, expected):
    assert format_bytes(count) == expected


def test_the_other_formats():
    assert format_bytes_exact(2_000_000) == "2,000,000 B"
    assert format_count(4_246_114_304) == "4.25 G"
    assert format_count(999) == "999"
    assert format_count(0) == "0"
    assert format_rate(25_600_000_000) == "25.6 GB/s"
    assert format_rate(Fraction(10**12, 3), "MAC") == "333 GMAC/s"
    assert format_rate(0) == "0 B/s"
    assert format_time(0) == "0 s"
    assert format_time(1) == "1 ps"
    assert format_time(12_345_678_901) == "12.3 ms"
    assert format_time(999_950) == "1.00 us"
    assert format_time(5 * 10**15) == "5000 s"


@given(st.integers(0, LIMIT))
def test_what_is_written_is_read_back_to_three_digits(count):
    size, rate = parse_bytes(format_bytes(count)), format_rate(max(count, 1))
    assert abs(size - count) * 200 <= count
    assert abs(parse_rate(rate, "B") - max(count, 1)) * 200 <= max(count, 1)
    assert parse_bytes(format_bytes_exact(count).replace(",", "")) == count
    if count < LIMIT:  # rounded up, the largest duration would be out of range
        assert abs(parse_duration(format_time(count)) - count) * 200 <= count


@given(st.integers(1, LIMIT), st.integers(1, LIMIT))
def test_a_larger_count_is_never_written_smaller(one, other):
    small, large = sorted((one, other))
    assert parse_bytes(format_bytes(small)) <= parse_bytes(format_bytes(large))
