"""Correlated pairs: rates and joint firing against the probabilities that they are defined by."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.inputs import CorrelatedPairs, Draw


def trains(pairs: CorrelatedPairs, side: int, dt: float = 1.0, seed: int = 1) -> np.ndarray:
    """Spikes as (pair, train, place, step), step 0 the first."""
    rng = np.random.default_rng(seed)
    draw = Draw((2 * pairs.pairs, side, side), dt, rng, rng)
    step, unit = pairs.spikes(0, draw)
    assert (np.diff(step) >= 0).all()
    fired = np.zeros((pairs.pairs * 2 * side**2, round(pairs.duration / dt)), dtype=bool)
    np.add.at(fired, (unit, step - 1), True)
    assert fired.sum() == len(step), "no train fires twice in a step"
    return fired.reshape(pairs.pairs, 2, side**2, -1)


@pytest.mark.parametrize(("dt", "lag"), [(1.0, -3.0), (0.5, 2.0), (1.0, 0.0)])
def test_rates_and_joint_firing_are_those_of_the_definition(dt: float, lag: float) -> None:
    c, rate, shift = 0.4, 50.0, round(lag / dt)
    pairs = CorrelatedPairs(6, rate, (c, 0.0), (lag, lag), 8000.0)
    first, second = trains(pairs, 3, dt).swapaxes(0, 1)
    p = rate * dt * 1e-3
    steps = first.shape[-1]
    inner = slice(20, steps - 20)
    shifted = np.roll(first, shift, axis=-1)
    for k, correlation in enumerate((c, 0.0)):
        alone = p * (1 - correlation) / (1 - correlation * p)
        joint = p * (correlation + (1 - correlation) * alone)
        a, b, s = (x[k::2, :, inner] for x in (first, second, shifted))
        n = a.size
        other = np.roll(first, shift + 7, axis=-1)[k::2, :, inner]
        for found, expected in (
            (a.mean(), p), (b.mean(), p), ((s & b).mean(), joint), ((other & b).mean(), p * p)
        ):  # fmt: skip
            assert abs(found - expected) < 4.5 * np.sqrt(expected / n)


def test_places_and_pairs_have_trains_of_their_own() -> None:
    first = trains(CorrelatedPairs(2, 50.0, 1.0, 0.0, 4000.0), 2)[:, 0].reshape(8, -1)
    together = np.cov(first.astype(float)) * first.shape[1]
    off = together[~np.eye(8, dtype=bool)]
    # A covariance of independent trains over n steps has a standard deviation of p (1 - p)/n**0.5.
    assert np.abs(off).max() < 4.5 * 0.05 * 0.95 * np.sqrt(first.shape[1])


def test_a_full_correlation_copies_every_spike() -> None:
    first, second = trains(CorrelatedPairs(3, 40.0, 1.0, 2.0, 1000.0), 1).swapaxes(0, 1)
    np.testing.assert_array_equal(first[..., :-2], second[..., 2:])


def test_the_same_trial_is_drawn_again() -> None:
    pairs = CorrelatedPairs(3, 40.0, 0.5, 2.0, 500.0)
    np.testing.assert_array_equal(trains(pairs, 2), trains(pairs, 2))
    assert not np.array_equal(trains(pairs, 2), trains(pairs, 2, seed=2))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"correlation": 1.5}, "from 0 to 1"),
        ({"correlation": (0.1, 0.2), "lag": (1.0, 2.0, 3.0)}, "as many of both"),
        ({"rate": -1.0}, "rate"),
        ({"pairs": 0}, "pairs"),
    ],
)
def test_what_is_out_of_range_is_refused(changes: dict[str, object], match: str) -> None:
    with pytest.raises(SpecError, match=match):
        CorrelatedPairs(**{"pairs": 4, **changes})  # type: ignore[arg-type]


def test_what_does_not_fit_the_grid_is_refused() -> None:
    with pytest.raises(SpecError, match=r"whole number of steps of 1 ms"):
        CorrelatedPairs(4, lag=0.5).check_grid(1.0)
    with pytest.raises(SpecError, match="more than one spike per step"):
        CorrelatedPairs(4, rate=1200.0).check_grid(1.0)
