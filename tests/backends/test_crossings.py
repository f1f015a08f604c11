"""First crossings of curves whose zeros are known by construction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import polynomial
from scipy.linalg import expm

from scnnbio.backends._crossings import (
    TERMS,
    exponential,
    first_zero,
    piece_length,
    series,
    tail,
)


def _powers(roots: list[complex], sign: float) -> np.ndarray:
    coefficients = np.zeros(TERMS)
    found = polynomial.polyfromroots(roots).real
    coefficients[: len(found)] = found * sign
    return coefficients if coefficients[0] < 0 else -coefficients


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("place", [0.01, 0.31, 0.5, 0.77, 0.99])
def test_two_crossings_close_together_are_both_seen(gap, place):
    """Where zeros g apart lie, values are g^2/4: rounding of 1e-16 moves a zero by 1e-16/g."""
    roots = [place - gap / 2, place + gap / 2]
    assert first_zero(_powers(roots, -1.0)) == pytest.approx(roots[0], abs=1e-15 / gap)


@pytest.mark.parametrize("height", [1e-3, 1e-9, 1e-13])
@pytest.mark.parametrize("place", [0.01, 0.31, 0.5, 0.77, 0.99])
def test_a_bump_that_stays_below_is_no_crossing(height, place):
    bump = np.zeros(TERMS)
    bump[:3] = -(place**2) - height, 2 * place, -1.0
    assert first_zero(bump) is None


def test_a_near_miss_does_not_hide_the_crossing_after_it():
    """-((x - 0.3)^2 + 1e-10) (0.8 - x): a bump 5e-11 below, then a zero at 0.8."""
    coefficients = polynomial.polymul([-(0.3**2) - 1e-10, 0.6, -1.0], [0.8, -1.0])
    assert first_zero(np.pad(coefficients, (0, TERMS - 4))) == pytest.approx(0.8, abs=1e-14)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-500, 1500), max_size=5, unique=True),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 300)), max_size=2),
)
def test_the_first_of_many_zeros_is_found(real, pairs):
    """Simple real zeros, at thousandths, and pairs that touch nothing."""
    roots = [r / 1000 + 0.0005 for r in real]
    pairs_ = [complex(a / 1000, b / 1000) for a, b in pairs]
    coefficients = _powers([*roots, *pairs_, *(z.conjugate() for z in pairs_)], 1.0)
    inside = [r for r in roots if 0 < r < 1]
    found = first_zero(coefficients)
    if inside:
        assert found == pytest.approx(min(inside), abs=1e-6)
    else:
        assert found is None


def test_the_series_is_the_exponential_and_its_bound_holds():
    """Against scipy's expm, also where nothing decays and where states differ by 1e6 in unit."""
    decay = np.array([[-0.2, 1e3, 0.7], [0.0, -0.2, 0.0], [0.0, 0.0, 0.0]])
    matrices = np.stack([decay, np.triu(np.ones((3, 3)), 1)])
    length = piece_length(matrices, 100.0)
    assert length == pytest.approx(5.0)
    for fraction in (0.0, 0.3, 1.0):
        found = exponential(series(matrices, length), fraction)
        exact = np.stack([expm(m * length * fraction) for m in matrices])
        np.testing.assert_allclose(found, exact, rtol=1e-13, atol=1e-13)
    left_out = series(matrices, length, TERMS + 20)[:, TERMS:].sum(axis=1)
    assert (np.abs(left_out) <= tail(matrices, length)).all()
    assert tail(matrices, length).max() < 1e-12
