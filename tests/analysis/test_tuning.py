"""Tuning measures against closed forms of von Mises curves, cosines and regular trains."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import iv

from scnnbio.analysis.modulation import f1_f0
from scnnbio.analysis.tuning import (
    circular_variance,
    direction_selectivity,
    half_bandwidth,
    orientation_selectivity,
    preferred_orientation,
)
from scnnbio.errors import SpecError

ORIENTATIONS = np.arange(0, 180, 10.0)
DIRECTIONS = np.arange(0, 360, 20.0)
KAPPA = np.array([0.5, 2.0, 6.0])


def von_mises(angles: np.ndarray, preferred: float, kappa: np.ndarray) -> np.ndarray:
    return np.exp(kappa[:, None] * (np.cos(2 * np.deg2rad(angles - preferred)) - 1.0))


def test_circular_variance_of_von_mises() -> None:
    # 1 - I1(kappa) / I0(kappa), the resultant of a von Mises density in the doubled angle.
    curves = von_mises(ORIENTATIONS, 33.0, KAPPA)
    expected = 1 - iv(1, KAPPA) / iv(0, KAPPA)
    np.testing.assert_allclose(circular_variance(curves, ORIENTATIONS), expected, atol=1e-6)
    np.testing.assert_allclose(preferred_orientation(curves, ORIENTATIONS), 33.0, atol=1e-4)


def test_circular_variance_of_a_pedestal() -> None:
    # r = 1 + m cos 2(angle): resultant m / 2.
    curve = 1 + 0.6 * np.cos(2 * np.deg2rad(DIRECTIONS - 50))
    assert circular_variance(curve, DIRECTIONS) == pytest.approx(0.7)


def test_silent_units_have_no_tuning() -> None:
    silent = np.zeros((2, len(ORIENTATIONS)))
    for measure in (
        circular_variance,
        preferred_orientation,
        half_bandwidth,
        orientation_selectivity,
    ):
        assert np.isnan(measure(silent, ORIENTATIONS)).all()


def test_leading_axes_are_kept() -> None:
    curves = np.random.default_rng(0).uniform(1, 2, (2, 3, len(ORIENTATIONS)))
    assert circular_variance(curves, ORIENTATIONS).shape == (2, 3)
    assert half_bandwidth(curves, ORIENTATIONS).shape == (2, 3)


@pytest.mark.parametrize("step", [10.0, 5.0])
def test_half_bandwidth_of_von_mises_without_smoothing(step: float) -> None:
    # exp(kappa (cos 2w - 1)) = 2**-.5  gives  cos 2w = 1 - ln 2 / (2 kappa).
    angles = np.arange(0, 180, step)
    kappa = np.array([1.0, 2.0, 4.0])
    expected = np.rad2deg(np.arccos(1 - np.log(2) / (2 * kappa))) / 2
    found = half_bandwidth(von_mises(angles, 47.0, kappa), angles, smoothing=(1.0,))
    np.testing.assert_allclose(found, expected, atol=0.15)


def test_smoothing_is_the_stated_window() -> None:
    # On a cosine the window (.4, 1, .4) / 1.8 scales the modulation m by (1 + .8 cos 2 step) / 1.8,
    # and 1 + m cos 2w = 2**-.5 (1 + m) gives the width.
    m, step = 0.9, 10.0
    angles = np.arange(0, 180, step)
    curve = 1 + m * np.cos(2 * np.deg2rad(angles - 80))
    scaled = m * (1 + 0.8 * np.cos(2 * np.deg2rad(step))) / 1.8
    level = (2**-0.5 * (1 + scaled) - 1) / scaled
    expected = np.rad2deg(np.arccos(level)) / 2
    assert half_bandwidth(curve, angles) == pytest.approx(expected, abs=0.1)


def test_half_bandwidth_does_not_depend_on_where_the_peak_is() -> None:
    widths = [half_bandwidth(von_mises(ORIENTATIONS, p, KAPPA[1:]), ORIENTATIONS) for p in (0, 90)]
    np.testing.assert_allclose(widths[0], widths[1], atol=1e-6)


def test_half_bandwidth_over_directions() -> None:
    # The two lobes of an orientation-tuned cell: the width of one is measured.
    angles = np.arange(0, 360, 10.0)
    kappa = np.array([3.0])
    expected = np.rad2deg(np.arccos(1 - np.log(2) / (2 * kappa))) / 2
    found = half_bandwidth(von_mises(angles, 100.0, kappa), angles, smoothing=(1.0,))
    np.testing.assert_allclose(found, expected, atol=0.15)


def test_half_bandwidth_is_nan_where_the_curve_never_falls() -> None:
    curve = 10 + np.cos(2 * np.deg2rad(ORIENTATIONS))
    assert np.isnan(half_bandwidth(curve, ORIENTATIONS))


def test_selectivity_of_a_cosine() -> None:
    # Preferred 1 + m, orthogonal 1 - m: the index is m. Opposite direction alike: index 0.
    curve = 1 + 0.3 * np.cos(2 * np.deg2rad(DIRECTIONS - 40))
    angles = np.arange(0, 360, 10.0)
    fine = 1 + 0.3 * np.cos(2 * np.deg2rad(angles - 40))
    assert orientation_selectivity(fine, angles) == pytest.approx(0.3)
    assert direction_selectivity(curve, DIRECTIONS) == pytest.approx(0.0)
    directed = 1 + 0.3 * np.cos(np.deg2rad(DIRECTIONS - 40))
    assert direction_selectivity(directed, DIRECTIONS) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("measure", "angles"),
    [
        (half_bandwidth, np.array([0.0, 10.0, 30.0])),
        (half_bandwidth, np.arange(0, 170, 10.0)),
        (direction_selectivity, ORIENTATIONS),
        (orientation_selectivity, np.arange(0, 180, 36.0)),
    ],
)
def test_angles_that_do_not_serve_are_refused(measure, angles: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpecError, match="angles"):
        measure(np.ones(len(angles)), angles)


def test_curves_of_another_length_are_refused() -> None:
    with pytest.raises(SpecError, match="one value per angle"):
        circular_variance(np.ones(4), [0.0, 90.0])


def test_an_even_window_is_refused() -> None:
    with pytest.raises(SpecError, match="odd"):
        half_bandwidth(np.ones(18), ORIENTATIONS, smoothing=(1.0, 1.0))


def test_f1_f0_of_a_modulated_poisson_train() -> None:
    # Rate 1 + m cos: F1 / F0 = m. The error of 20000 phases is sqrt(2 / n) = .01.
    rng = np.random.default_rng(0)
    time = rng.uniform(0, 1000, 60_000)
    m = 0.8
    keep = rng.uniform(0, 1 + m, len(time)) < 1 + m * np.cos(2 * np.pi * 4e-3 * time)
    assert f1_f0(time[keep], 4.0, (0, 1000)) == pytest.approx(m, abs=0.03)


def test_f1_f0_of_one_phase_and_of_a_regular_train() -> None:
    # One spike a cycle at one phase is 2; ten evenly spaced in each cycle sum to zero.
    time = np.concatenate([np.arange(30, 1000, 250.0), np.arange(25, 1001, 25.0)])
    unit = np.repeat([0, 1], [4, 40])
    ratio = f1_f0(time, 4.0, (0, 1000), unit=unit, n_units=3)
    np.testing.assert_allclose(ratio[:2], [2.0, 0.0], atol=1e-9)
    assert np.isnan(ratio[2])


def test_f1_f0_counts_whole_cycles_only() -> None:
    even = np.arange(25, 1101, 25.0)
    assert f1_f0(even, 4.0, (0, 1100)) == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(SpecError, match="no cycle of 250 ms"):
        f1_f0(even, 4.0, (0, 200))


def test_f1_f0_of_one_frequency_per_trial() -> None:
    # Poisson trains at 2, 4 and 5 Hz in trials of 1 s, modulated by m each: F1 / F0 = m. Taken
    # at one frequency for all, two thirds of the trials would add nothing to F1.
    rng = np.random.default_rng(1)
    m, frequency = 0.8, np.repeat([2.0, 4.0, 5.0], 20)
    time, trial = rng.uniform(0, 1000, 90_000), rng.integers(0, 60, 90_000)
    wave = np.cos(2e-3 * np.pi * frequency[trial] * time)
    keep = rng.uniform(0, 1 + m, len(time)) < 1 + m * wave
    found = f1_f0(time[keep], frequency, (0, 1000), trial=trial[keep])
    assert found == pytest.approx(m, abs=0.03)
    assert f1_f0(time[keep], 4.0, (0, 1000)) == pytest.approx(m / 3, abs=0.03)
    same = np.full(60, 4.0)
    np.testing.assert_allclose(
        f1_f0(time, same, (0, 1000), trial=trial), f1_f0(time, 4.0, (0, 1000)), rtol=1e-12
    )


def test_f1_f0_above_a_baseline() -> None:
    # One spike per cycle at one phase at 4 Hz (4 Hz, F1 = 8 Hz), and 6 Hz of evenly spaced ones
    # that the spontaneous rate explains: 8 / (10 - 6) = 2; unsubtracted 8 / 10.
    cycle = np.arange(30, 1000, 250.0)
    even = np.arange(20.0, 1001.0, 1000.0 / 12)  # 12 a second sum to zero at 4 Hz
    time = np.concatenate([cycle, even, even])
    unit = np.repeat([0, 1], [len(cycle) + 12, 12])
    ratio = f1_f0(
        time, [4.0], (0, 1000), baseline=[12.0, 12.0], unit=unit, n_units=2, trial=unit * 0
    )
    assert ratio[0] == pytest.approx(2.0)
    assert np.isnan(ratio[1])  # nothing above the baseline
    plain = f1_f0(time, 4.0, (0, 1000), unit=unit, n_units=2)
    np.testing.assert_allclose(plain, [8 / 16, 0.0], atol=1e-9)
    # Twice the trials at the same rates: the same ratio.
    twice = f1_f0(
        np.tile(time[unit == 0], 2), [4.0, 4.0], (0, 1000), baseline=12.0,
        trial=np.repeat([0, 1], (unit == 0).sum()),
    )  # fmt: skip
    assert twice == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("frequency", "given", "what"),
    [
        ([4.0, 8.0], {}, "no trial of each spike"),
        ([4.0, 8.0], {"trial": [0, 2]}, "trial from 0 to 1"),
        ([4.0, np.nan], {"trial": [0, 1]}, "must be positive"),
        (0.0, {}, "must be positive"),
        (4.0, {"baseline": 2.0}, "one frequency per trial"),
        ([4.0, 0.5], {"trial": [0, 1]}, "no cycle of 2000 ms"),
    ],
)
def test_f1_f0_says_what_is_missing(frequency, given, what) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpecError, match=what):
        f1_f0([100.0, 200.0], frequency, (0, 1000), **given)


def test_half_bandwidth_above_a_baseline() -> None:
    # A von Mises curve on a pedestal, its pedestal subtracted, has the von Mises width; as it
    # stands it falls to 2**-.5 of its peak further out, where exp(kappa (cos 2w - 1)) is
    # (2**-.5 (1 + b) - b).
    angles = np.arange(0, 180, 5.0)
    kappa, pedestal = np.array([2.0, 4.0]), np.array([0.5, 1.0])
    curves = von_mises(angles, 47.0, kappa) + pedestal[:, None]
    bare = np.rad2deg(np.arccos(1 - np.log(2) / (2 * kappa))) / 2
    found = half_bandwidth(curves, angles, smoothing=(1.0,), baseline=pedestal)
    np.testing.assert_allclose(found, bare, atol=0.15)
    level = 2**-0.5 * (1 + pedestal) - pedestal
    wide = np.rad2deg(np.arccos(1 + np.log(level) / kappa)) / 2
    np.testing.assert_allclose(half_bandwidth(curves, angles, smoothing=(1.0,)), wide, atol=0.15)
    assert np.isnan(half_bandwidth(curves, angles, baseline=5.0)).all()
    with pytest.raises(SpecError, match="one value per curve"):
        half_bandwidth(curves, angles, baseline=[1.0, 2.0, 3.0])
