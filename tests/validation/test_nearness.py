"""How near models come to an observation.

Oracles: the distribution of a bootstrapped median of an odd number of values (a binomial sum), and
the beta distribution, which is the posterior of a fraction.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy

from scnnbio.errors import SpecError
from scnnbio.validation import CLAIMS
from scnnbio.validation.claim import Measured
from scnnbio.validation.nearness import distance, nearness
from scnnbio.validation.protocol import Missing

ORIENTED: Any = CLAIMS["oriented_fraction"]
RATE: Any = CLAIMS["evoked_rate"]
VARIANCE: Any = CLAIMS["ringach2002_circular_variance"]
#: Published: a share of kernels, and a median in Hz.
SHARE, HERTZ = ORIENTED.observation.value, RATE.observation.value
DRAWS = 20_000


def fraction(hits: int, n: int) -> Measured:
    """Kernels of which so many are oriented."""
    values = np.full(n, ORIENTED.below + 0.1)
    values[:hits] = ORIENTED.below - 0.1
    return Measured(values)


def test_distances_are_those_of_the_verdicts() -> None:
    assert distance(ORIENTED, fraction(3, 12).values) == abs(0.25 - SHARE)
    assert distance(RATE, np.array([1.0, 2.0, 90.0])) == HERTZ - 2.0
    values = np.linspace(0.0, 1.0, 40)
    assert distance(VARIANCE, values) == VARIANCE.compare(values).value
    with pytest.raises(SpecError, match="no distance"):
        distance(CLAIMS["noise_control"], values)


def test_a_fraction_has_the_interval_of_its_posterior_and_a_width_at_its_ends() -> None:
    for hits, n in ((32, 32), (0, 32), (5, 32)):
        found = nearness(ORIENTED, {"one": fraction(hits, n)}, draws=DRAWS)
        draws = scipy.stats.beta(hits + 0.5, n - hits + 0.5)

        def below(x: float, draws: Any = draws) -> float:
            return float(draws.cdf(SHARE + x) - draws.cdf(SHARE - x))

        ends = [
            scipy.optimize.brentq(lambda x, q=q: below(x) - q, 0.0, 1.0) for q in (0.025, 0.975)
        ]
        np.testing.assert_allclose([found.low[0], found.high[0]], ends, atol=0.006)
        assert found.low[0] < found.high[0]


def test_the_chance_to_be_nearest_is_that_of_two_posteriors() -> None:
    one, other = (24, 32), (17, 32)
    found = nearness(ORIENTED, {"a": fraction(*one), "b": fraction(*other)}, draws=DRAWS)
    first, second = (scipy.stats.beta(h + 0.5, n - h + 0.5) for h, n in (one, other))

    def farther(x: float) -> float:
        away = abs(x - SHARE)
        return float(1.0 - second.cdf(SHARE + away) + second.cdf(SHARE - away))

    chance = scipy.integrate.quad(lambda x: first.pdf(x) * farther(x), 0.0, 1.0, limit=200)[0]
    # Standard error 0.0035 at most.
    np.testing.assert_allclose(found.chance, [chance, 1.0 - chance], atol=0.014)


def test_a_median_has_the_interval_of_its_bootstrap() -> None:
    values = np.sort(np.random.default_rng(3).exponential(10.0, 21))
    found = nearness(RATE, {"one": Measured(values)}, draws=DRAWS)
    # The median of a draw is at most the k-th value if 11 of 21 are among the first k.
    reached = scipy.stats.binom.sf(10, 21, np.arange(1, 22) / 21)
    far = np.abs(values - HERTZ)
    chances, order = np.diff(reached, prepend=0.0), np.argsort(far)
    grown = np.cumsum(chances[order])
    for end, q in ((found.low[0], 0.025), (found.high[0], 0.975)):
        allowed = far[order][(grown > q - 0.005) & (np.append(0.0, grown[:-1]) < q + 0.005)]
        assert allowed.min() - 1e-9 <= end <= allowed.max() + 1e-9


def test_no_model_is_nearest_in_a_tie_or_with_fewer_values_than_the_claim_needs() -> None:
    good, bad = (Measured(np.full(RATE.minimum, HERTZ + away)) for away in (1.0, 9.0))
    assert nearness(RATE, {"good": good, "bad": bad}).nearest == "good"
    assert nearness(RATE, {"good": good, "same": good}).nearest == ""
    few = Measured(good.values[1:])
    found = nearness(RATE, {"few": few, "bad": bad})
    assert found.nearest == ""
    assert found.chance[0] == 1.0
    with pytest.raises(Missing, match="no values in 'none'"):
        nearness(RATE, {"none": Measured(np.zeros(0)), "bad": bad})
