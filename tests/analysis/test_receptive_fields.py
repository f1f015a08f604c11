"""Gabor fits recover what was drawn; a kernel's tuning agrees with closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.analysis.gabor import _Problem
from scnnbio.analysis.receptive_fields import (
    GaborFit,
    KernelMeasures,
    fit_gabor,
    fit_gabors,
    gabor,
    kernel_tuning,
    measure_kernels,
    spectral_peak,
)
from scnnbio.analysis.tuning import circular_variance
from scnnbio.errors import DataError, SpecError

SHAPE = (13, 13)


def random_gabor(rng: np.random.Generator) -> dict[str, float]:
    frequency = rng.uniform(0.1, 0.25)
    return {
        "x0": rng.uniform(-1.5, 1.5),
        "y0": rng.uniform(-1.5, 1.5),
        "theta": rng.uniform(0, 180),
        "frequency": frequency,
        "sigma_x": min(rng.uniform(0.3, 0.6) / frequency, 3.0),
        "sigma_y": min(rng.uniform(0.3, 0.8) / frequency, 3.5),
        "phase": rng.uniform(-180, 180),
        "amplitude": rng.uniform(0.5, 3.0),
    }


def blob(sigma: float, surround: float = 0.0) -> np.ndarray:
    y, x = np.mgrid[-6:7, -6:7]
    r2 = x**2 + y**2
    centre = np.exp(-r2 / (2 * sigma**2)) / sigma**2
    return centre - surround * np.exp(-r2 / (8 * sigma**2)) / (4 * sigma**2)


def angle_between(one: float, other: float, turn: float) -> float:
    return abs((one - other + turn / 2) % turn - turn / 2)


@pytest.mark.parametrize("seed", range(8))
def test_known_gabor_is_recovered_exactly_without_noise(seed: int) -> None:
    drawn = random_gabor(np.random.default_rng(seed))
    fit = fit_gabor(gabor(SHAPE, **drawn))
    assert fit.r_squared > 1 - 1e-9
    for name in ("x0", "y0", "frequency", "sigma_x", "sigma_y", "amplitude"):
        assert getattr(fit, name) == pytest.approx(drawn[name], abs=1e-3), name
    turned = angle_between(fit.theta, drawn["theta"], 360.0) > 90  # next to 0 or 180
    phase = -fit.phase if turned else fit.phase
    assert angle_between(phase, drawn["phase"], 360.0) < 0.1
    assert angle_between(fit.theta, drawn["theta"], 180.0) < 0.05


@pytest.mark.parametrize("seed", range(8))
def test_known_gabor_is_recovered_within_noise(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    drawn = random_gabor(rng)
    clean = gabor(SHAPE, **drawn)
    fit = fit_gabor(clean + rng.normal(size=SHAPE) * 0.1 * clean.std())
    # Noise of a tenth of the standard deviation leaves 1 - .01 / 1.01 of the variance.
    assert fit.r_squared == pytest.approx(0.99, abs=0.005)
    assert fit.n_x == pytest.approx(drawn["sigma_x"] * drawn["frequency"], rel=0.15)
    assert fit.n_y == pytest.approx(drawn["sigma_y"] * drawn["frequency"], rel=0.15)
    assert angle_between(fit.theta, drawn["theta"], 180.0) < 3.0


def test_r_squared_is_the_one_of_the_image_the_fit_draws() -> None:
    rng = np.random.default_rng(5)
    image = gabor(SHAPE, **random_gabor(rng)) + 0.3 * rng.normal(size=SHAPE)
    fit = fit_gabor(image)
    residual = ((image - fit.image(SHAPE)) ** 2).sum()
    total = ((image - image.mean()) ** 2).sum()
    assert fit.r_squared == pytest.approx(1 - residual / total, rel=1e-9)


def test_jacobian_agrees_with_finite_differences() -> None:
    problem = _Problem(np.random.default_rng(0).normal(size=(9, 11)))
    p = np.array([0.7, -0.3, 0.5, -1.0, 2.0, 3.0, 0.4, 0.15])
    step = 1e-6 * np.eye(8)
    numeric = [(problem.residuals(p + h) - problem.residuals(p - h)) / 2e-6 for h in step]
    np.testing.assert_allclose(problem.jacobian(p), np.transpose(numeric), atol=1e-7)


def test_white_noise_is_no_gabor() -> None:
    # Eight parameters of 169 pixels would take 8 / 169 = .05 by chance; a search takes some more.
    rng = np.random.default_rng(0)
    fits = fit_gabors(rng.normal(size=(12, *SHAPE)))
    assert max(fit.r_squared for fit in fits) < 0.3


def test_scale_of_the_image_does_not_matter() -> None:
    image = gabor(SHAPE, **random_gabor(np.random.default_rng(2)))
    one, tiny = fit_gabor(image), fit_gabor(1e-12 * image)
    assert tiny.n_x == pytest.approx(one.n_x, rel=1e-6)
    assert tiny.amplitude == pytest.approx(1e-12 * one.amplitude, rel=1e-6)


def test_orientation_is_that_of_the_bars() -> None:
    # Rows alternate, columns do not: horizontal bars, orientation 0.
    horizontal = np.tile(np.cos(2 * np.pi * 0.2 * np.arange(-6, 7))[:, None], (1, 13))
    assert angle_between(fit_gabor(horizontal * blob(3.0)).orientation, 0.0, 180.0) < 0.5
    # A bar from the lower left to the upper right of the image is at 45 deg, y being up.
    diagonal = np.fliplr(np.eye(13)) * blob(3.0)
    assert angle_between(fit_gabor(diagonal).orientation, 45.0, 180.0) < 0.5
    measures = measure_kernels(np.stack([diagonal, np.zeros(SHAPE)])[None])
    assert angle_between(float(measures.orientation[0]), 45.0, 180.0) < 0.5


def test_image_of_one_value_has_no_fit() -> None:
    assert np.isnan(fit_gabor(np.full(SHAPE, 0.3)).r_squared)
    assert np.isnan(fit_gabor(np.zeros(SHAPE)).n_x)


@pytest.mark.parametrize("image", [np.zeros(9), np.zeros((2, 2)), np.full((5, 5), np.nan)])
def test_refuses_what_is_no_image(image: np.ndarray) -> None:
    with pytest.raises(SpecError, match="fit_gabor"):
        fit_gabor(image)


@pytest.mark.parametrize("seed", range(4))
def test_spectral_peak_of_a_long_gabor_is_its_carrier(seed: int) -> None:
    rng = np.random.default_rng(seed)
    theta, frequency = rng.uniform(0, 180), rng.uniform(0.15, 0.3)
    image = gabor((41, 41), sigma_x=7, sigma_y=7, theta=theta, frequency=frequency)
    found, direction = spectral_peak(image[None])
    assert found[0] == pytest.approx(frequency, abs=1e-3)
    assert angle_between(direction[0], theta, 180.0) < 0.2


def test_isotropic_kernels_prefer_no_orientation() -> None:
    measures = measure_kernels(np.stack([blob(1.2), blob(1.2, surround=1.0)])[:, None])
    np.testing.assert_allclose(measures.circular_variance, 1.0, atol=0.02)


def test_tuning_of_a_gabor_agrees_with_the_closed_form() -> None:
    # The transform of an isotropic Gabor on the ring of its own frequency, at an angle d from its
    # carrier, is exp(-q (1 - cos d)) + exp(-q (1 + cos d)), with q = (2 pi sigma f)**2.
    sigma, frequency = 4.0, 0.15
    image = gabor((61, 61), sigma_x=sigma, sigma_y=sigma, theta=30.0, frequency=frequency)
    amplitude, orientation = kernel_tuning(image[None], [frequency])
    cos = np.cos(np.deg2rad(orientation - 120.0))
    q = (2 * np.pi * sigma * frequency) ** 2
    expected = np.exp(-q * (1 - cos)) + np.exp(-q * (1 + cos))
    np.testing.assert_allclose(amplitude[0] / amplitude[0].max(), expected, atol=1e-6)
    # And its circular variance is that of the sum, integrated finely.
    fine = np.deg2rad(np.arange(0, 180, 0.01))
    curve = np.exp(-q * (1 - np.cos(fine))) + np.exp(-q * (1 + np.cos(fine)))
    integral = 1 - abs((curve * np.exp(2j * fine)).sum()) / curve.sum()
    assert circular_variance(amplitude, orientation)[0] == pytest.approx(integral, abs=1e-6)


def test_more_cycles_give_a_smaller_circular_variance() -> None:
    images = [
        gabor((31, 31), sigma_x=n / 0.15, sigma_y=n / 0.15, theta=20, frequency=0.15)
        for n in (0.2, 0.4, 0.6)
    ]
    assert (np.diff(measure_kernels(np.stack(images)[:, None]).circular_variance) < 0).all()


def test_measures_of_on_minus_off() -> None:
    image = gabor(SHAPE, **random_gabor(np.random.default_rng(1)))
    kernel = np.stack([np.maximum(image, 0), np.maximum(-image, 0)])[None]
    split, whole = measure_kernels(kernel), measure_kernels(image[None, None])
    np.testing.assert_allclose(split.n_x, whole.n_x)
    np.testing.assert_allclose(split.circular_variance, whole.circular_variance)
    assert split.fit(0) == fit_gabor(image)
    assert split.fit(0).n_x == split.n_x[0]


def test_a_silent_map_is_nan_and_harms_none() -> None:
    images = np.stack([np.zeros(SHAPE), gabor(SHAPE, **random_gabor(np.random.default_rng(4)))])
    measures = measure_kernels(images[:, None])
    assert np.isnan([values[0] for values in measures.columns().values()]).all()
    assert np.isfinite([values[1] for values in measures.columns().values()]).all()


def test_progress_is_reported() -> None:
    seen: list[tuple[int, int]] = []
    measure_kernels(np.zeros((3, 2, 5, 5)), lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("shape", [(2, 3, 5, 5), (2, 5, 5)])
def test_measure_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecError, match="shape"):
        measure_kernels(np.zeros(shape))


def test_csv_loses_no_digit(tmp_path) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(7)
    images = np.stack([np.zeros(SHAPE), gabor(SHAPE, **random_gabor(rng))])
    measures = measure_kernels(images[:, None])
    measures.to_csv(tmp_path / "kernels.csv")
    again = KernelMeasures.from_csv(tmp_path / "kernels.csv")
    for name, values in measures.columns().items():
        np.testing.assert_array_equal(again.columns()[name], values)
    assert measures.to_rows()[1]["map"] == 1


def test_csv_that_is_none_says_so(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "kernels.csv"
    with pytest.raises(DataError, match="cannot be read"):
        KernelMeasures.from_csv(path)
    path.write_text("map,orientation\n0,1.0\n")
    with pytest.raises(DataError, match="not a table of kernel measures"):
        KernelMeasures.from_csv(path)
    with pytest.raises(DataError, match="cannot be written"):
        measure_kernels(np.zeros((1, 1, 5, 5))).to_csv(tmp_path / "absent" / "kernels.csv")


def test_phase_turns_its_sign_with_the_carrier() -> None:
    one = GaborFit(1.0, 0.0, 0.0, 2.0, 3.0, 170.0, 0.2, 60.0, 1.0)
    other = GaborFit(1.0, 0.0, 0.0, 2.0, 3.0, 350.0, 0.2, -60.0, 1.0)
    np.testing.assert_allclose(one.image(SHAPE), other.image(SHAPE), atol=1e-12)


@pytest.mark.parametrize("kind", ["gabor", "saturated", "centre and surround"])
def test_no_random_start_finds_a_better_fit(kind: str) -> None:
    rng = np.random.default_rng(11)
    image = blob(1.5, surround=0.5)
    if kind != "centre and surround":
        image = gabor(SHAPE, **random_gabor(rng))
    if kind == "saturated":
        image = np.sign(image) * (np.abs(image) > 0.1)
    image += 0.3 * image.std() * rng.normal(size=SHAPE)
    image /= np.abs(image).max()
    fit, problem = fit_gabor(image), _Problem(image)
    total = ((image - image.mean()) ** 2).sum()
    stop = {"ftol": 1e-6, "xtol": 1e-6, "gtol": 1e-6, "max_nfev": 60}
    for _ in range(15):
        place, widths = rng.uniform(-5, 5, 2), rng.uniform(0.6, 5, 2)
        start = np.r_[
            rng.normal(size=2), place, widths, rng.uniform(0, np.pi), rng.uniform(0.03, 0.4)
        ]
        _, cost = problem.solve(start, stop)
        assert 1 - 2 * cost / total < fit.r_squared + 0.002
