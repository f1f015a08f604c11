"""Pixels: the rates that come of them against the formula."""

import numpy as np
import pytest

from scnnbio.encoding import Encoding, LatencyCode, Pixels, PoissonCode
from scnnbio.errors import SpecError


def test_on_and_off_cells_are_modulated_in_antiphase_and_cut_at_zero():
    code = PoissonCode(gain=40.0, spontaneous=20.0, max_rate=100.0)
    frames = np.array([0.0, 0.25, -0.25, 1.0, 3.0]).reshape(-1, 1, 1)
    on, off = code.rate(Pixels().drive(frames))[:, :, 0, 0].T
    np.testing.assert_allclose(on, [20.0, 30.0, 10.0, 60.0, 100.0])
    np.testing.assert_allclose(off, [20.0, 10.0, 30.0, 0.0, 0.0])


def test_counts_of_spikes_are_those_of_the_rates():
    encoding = Encoding(lgn=Pixels(), code=PoissonCode(gain=40.0, spontaneous=20.0))
    assert encoding.margin == 0
    frames = np.full((1, 10, 10), 0.25)
    _, unit = encoding.spikes(frames, 5000.0, 0.5, np.random.default_rng(1))
    counts = np.bincount(unit // 100, minlength=2)
    # Of 100 cells in 5 s; a bin of 0.5 ms holds one spike at most.
    for count, rate in zip(counts, (30.0, 10.0), strict=True):
        expected = 100 * 10_000 * -np.expm1(-rate * 0.5e-3)
        assert abs(count - expected) < 4 * np.sqrt(expected)


def test_a_latency_code_takes_what_is_above_zero():
    drive = Pixels().drive(np.array([[[0.5, -0.2, 0.0]]]))
    _, unit = LatencyCode(budget=5).spikes(drive, 50.0, 1.0, np.random.default_rng(0))
    assert unit.tolist() == [0, 4]  # ON at the bright pixel, OFF at the dark one


def test_what_are_no_frames_is_refused():
    with pytest.raises(SpecError, match="frames have shape"):
        Pixels().drive(np.zeros((3, 3)))
