"""Quantities at the doors."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import quantities as pq
from hypothesis import given
from hypothesis import strategies as st

from scnnbio.errors import SpecError
from scnnbio.units import PLAIN, UNITS, dimension, plain

#: Powers of ten, written out anew.
PREFIX = {"": 0, "m": -3, "u": -6, "n": -9, "p": -12, "k": 3, "M": 6}
DECIMAL = {
    unit: next(
        e
        for p, e in PREFIX.items()
        if unit in (p + b for b in ("s", "V", "A", "F", "S", "Hz", "Ohm"))
    )
    for unit in UNITS
    if unit not in ("deg", "rad", "1")
}


@given(
    st.sampled_from([(a, b) for a in DECIMAL for b in DECIMAL if dimension(a) == dimension(b)]),
    st.decimals(-10_000, 10_000, places=3),
)
def test_text_is_rounded_once(units, number):
    # Exact rational arithmetic is the oracle: 500 us are 0.5 ms to the last bit.
    one, other = units
    exact = Fraction(str(number)) * Fraction(10) ** (DECIMAL[one] - DECIMAL[other])
    assert plain(f"{number} {one}", other) == float(exact)


def test_angles():
    assert plain("3.141592653589793 rad", "deg") == pytest.approx(180.0)
    assert plain("90 deg", "rad") == pytest.approx(math.pi / 2)


@pytest.mark.parametrize(
    ("value", "unit", "number"),
    [
        (20, "ms", 20.0),
        ("20", "ms", 20.0),
        (" 20ms ", "ms", 20.0),
        ("-.5e1 mV", "mV", -5.0),
        (np.float32(2.5), "1", 2.5),
        (np.int64(3), "ms", 3.0),
        (np.array(3.0), "ms", 3.0),
        ("1e-400", "1", 0.0),
    ],
)
def test_what_is_one_number(value, unit, number):
    found = plain(value, unit)
    assert type(found) is float
    assert found == number


@pytest.mark.parametrize(
    "value",
    [
        *("20 mV", "20 furlong", "20 ms ms", "ms", "", " ", "nan", "inf", "1_000", "0x10", "20,5"),
        *("1e400", "1e400 ms", "9" * 100, "1" * 100_000 + "!", "20 ms\n30"),
        *(math.nan, math.inf, -math.inf, 10**400, True, np.True_, None, 3j, np.complex128(3)),
        *([1.0], (1.0,), {}, b"20", np.array([1.0]), np.array([[1.0, 2.0], [3.0, 4.0]]), object),
    ],
    ids=lambda v: repr(v)[:20],
)
def test_what_is_not_one_finite_time_is_refused(value):
    with pytest.raises(SpecError) as caught:
        plain(value, "ms", where="network.delay")
    assert caught.value.where == "network.delay"
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_the_error_says_what_to_write():
    with pytest.raises(
        SpecError, match="is a voltage, but a time is needed; write it like '20 ms'"
    ):
        plain("20 mV", "ms")


def test_quantities_of_neo_and_elephant():
    assert plain(pq.Quantity(20, "us"), "ms") == pytest.approx(0.02)
    assert plain(pq.Quantity(2, "MOhm"), "MOhm") == pytest.approx(2.0)
    assert plain(pq.Quantity(2, "dimensionless"), "1") == 2.0
    for wrong in (pq.Quantity(2, "mV"), pq.Quantity([1, 2], "ms")):
        with pytest.raises(SpecError):
            plain(wrong, "ms")


def test_quantities_of_brian2():
    from brian2 import Quantity, ms, mV, nS, us

    assert plain(500 * us, "ms") == 0.5
    assert plain(16.7 * ms, "ms") == 16.7
    assert plain(3 * nS, "uS") == pytest.approx(0.003)
    assert plain(Quantity(3.0), "1") == 3.0
    for wrong in (2 * mV, [1, 2] * ms, Quantity(3.0), np.inf * ms):
        with pytest.raises(SpecError):
            plain(wrong, "ms")


def test_there_is_one_plain_unit_for_each_dimension():
    assert {dimension(u) for u in UNITS} == {dimension(u) for u in PLAIN}
    assert len({dimension(u) for u in PLAIN}) == len(PLAIN)
