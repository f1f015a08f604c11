"""The gain that all cells share in a trial: variances against the law of total variance."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.encoding import Encoding, Pixels, PoissonCode, Retina
from scnnbio.errors import SpecError
from scnnbio.experiment.input_documents import encoding_from, input_tables
from scnnbio.stimuli import WhiteNoise

CODE = PoissonCode(gain=40.0, max_rate=200.0)


def counts(encoding: Encoding, trials: int, rows: int = 4) -> np.ndarray:
    """Spikes of all cells together in each trial of 500 ms, at a drive of 0.5 of ON cells."""
    frames = np.full((1, rows, rows), 0.5)
    rng = np.random.default_rng(5)
    return np.array([len(encoding.spikes(frames, 500.0, 0.5, rng)[0]) for _ in range(trials)])


def test_counts_vary_as_a_shared_lognormal_gain_makes_them() -> None:
    # With a gain G of mean 1, counts have the mean m and the variance m + m^2 var(G); of a
    # lognormal factor var(G) = exp(s^2) - 1. A bin of 0.5 ms lowers 20 Hz by 0.5 %.
    spread, trials = 0.3, 4000
    found = counts(Encoding(Pixels(), CODE, gain_spread=spread), trials)
    mean = 16 * 20.0 * 0.5 * 0.995
    gain = np.expm1(spread**2)
    variance = mean + mean**2 * gain
    assert found.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / trials))
    # The counts are skewed as the gain is: four standard errors of their variance are 15 %.
    assert found.var() == pytest.approx(variance, rel=0.15)
    assert found.var() > 10 * counts(Encoding(Pixels(), CODE), 500).var()


def test_without_a_spread_spikes_and_identity_are_what_they_were() -> None:
    plain, zero = Encoding(Pixels(), CODE), Encoding(Pixels(), CODE, gain_spread=0.0)
    assert plain == zero
    assert set(plain.canonical_fields()) == {"lgn", "code"}
    frames = np.full((1, 3, 3), 0.5)
    one, other = (e.spikes(frames, 100.0, 0.5, np.random.default_rng(1)) for e in (plain, zero))
    direct = CODE.spikes(Pixels().drive(frames), 100.0, 0.5, np.random.default_rng(1))
    for drawn in (one, other):
        np.testing.assert_array_equal(drawn[0], direct[0])
        np.testing.assert_array_equal(drawn[1], direct[1])
    assert Encoding(Pixels(), CODE, gain_spread=0.1) != plain


def test_a_document_holds_it() -> None:
    given = Encoding(Retina(), PoissonCode(gain=1.0), gain_spread=0.05)
    table = input_tables(WhiteNoise(n_trials=1), given, {})["encoding"]
    assert table["gain_spread"] == 0.05
    assert encoding_from(table, "encoding") == given
    assert "gain_spread" not in input_tables(WhiteNoise(n_trials=1), Encoding(), {})["encoding"]


def test_a_negative_spread_is_refused() -> None:
    with pytest.raises(SpecError) as caught:
        Encoding(Pixels(), CODE, gain_spread=-0.1)
    assert caught.value.where == "encoding.gain_spread"
