"""Decoders of the codes, against the closed forms of their mean, variance and bias.

A static drive is shown to many cells, so that one trial gives many samples of one estimate.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scnnbio.encoding import (
    CODES,
    BurstCode,
    DeltaCode,
    GammaCode,
    JitteredCode,
    LatencyCode,
    PhaseCode,
    Pixels,
    PoissonCode,
    RefractoryCode,
    RegularCode,
    ThinnedCode,
)
from scnnbio.errors import SpecError
from scnnbio.experiment.documents import kind_table
from scnnbio.experiment.input_documents import encoding_from

#: Cells, and the number of standard errors within which a mean of so many must lie.
CELLS, SIGMAS = 20_000, 4.5


def rng(seed=0):
    return np.random.default_rng(seed)


def estimates(code, drive, duration=200.0, dt=0.5, cells=CELLS, seed=1):
    frames = np.full((1, cells), drive)
    step, unit = code.spikes(frames, duration, dt, rng(seed))
    return code.decoded(step, unit, cells, duration, dt)[0]


def check(found, mean, variance):
    """Sample mean and variance, within the errors of as many samples."""
    n = len(found)
    assert abs(found.mean() - mean) < SIGMAS * np.sqrt(variance / n) + 1e-12
    fourth = ((found - found.mean()) ** 4).mean()
    error = np.sqrt(max(fourth - variance**2, 0.0) / n)
    assert abs(found.var() - variance) < SIGMAS * error + 1e-12


# Rates ----------------------------------------------------------------------------------------


def test_regular_counts_are_the_integral_or_one_more():
    # 63 Hz in 200 ms are 12.6 spikes: 12 or 13, 13 with probability 0.6.
    code = RegularCode(gain=90.0)
    found = estimates(code, 0.7)
    spikes = found * 90.0 * 0.2
    assert set(np.round(spikes, 9)) == {12.0, 13.0}
    check(spikes, 12.6, 0.6 * 0.4)


@settings(max_examples=60, deadline=None)
@given(drive=st.floats(0.0, 1.0), dt=st.sampled_from([0.1, 0.5, 1.0]))
def test_regular_from_the_middle_rounds(drive, dt):
    code = RegularCode(gain=150.0, begins="middle")
    found = estimates(code, drive, dt=dt, cells=3)
    integral = 150.0 * drive * 0.2
    assert np.abs(found * 150.0 * 0.2 - integral).max() <= 0.5 + 1e-6
    assert np.ptp(found) == 0


def test_regular_spikes_are_evenly_spaced_at_the_greatest_rate():
    step, _ = RegularCode(2000.0, 1000.0).spikes(np.ones((1, 1)), 50.0, 1.0, rng())
    assert step.tolist() == list(range(1, 51))


def test_poisson_estimate_by_the_binomial_distribution():
    # Sum over all counts: mean and variance of the estimate, bias of the discrete step included.
    rate, n, dt = 130.0, 100, 2.0
    k = np.arange(n)
    p = stats.binom.pmf(k, n, -np.expm1(-rate * dt * 1e-3))
    value = np.minimum(-np.log1p(-k / n) / (dt * 1e-3), 300.0) / 100.0
    mean = (p * value).sum()
    found = estimates(PoissonCode(gain=100.0, max_rate=300.0), 1.3, dt=dt)
    check(found, mean, (p * (value - mean) ** 2).sum())
    # The first terms of its series, as the docstring states them.
    assert mean - 1.3 == pytest.approx(rate * dt * 1e-3 / (2 * 0.2) / 100.0, rel=0.3)
    assert found.var() == pytest.approx(rate / 0.2 / 100.0**2, rel=0.3)


def test_spontaneous_rate_is_taken_off():
    found = estimates(PoissonCode(gain=100.0, spontaneous=20.0), 0.5, duration=1000.0)
    assert found.mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.slow
def test_gamma_estimate_by_counting_every_fourth_poisson_event():
    # A gamma process of a whole shape k is every k-th event of a Poisson process k times as fast,
    # counted from a random one on.
    shape, rate, seconds = 4, 60.0, 0.2
    events = np.arange(200)
    p = stats.poisson.pmf(events, shape * rate * seconds)
    counts = [(events + begin) // shape for begin in range(shape)]
    mean = np.mean([(p * c).sum() for c in counts])
    square = np.mean([(p * c**2).sum() for c in counts])
    assert mean == pytest.approx(rate * seconds)
    found = estimates(GammaCode(gain=60.0, shape=4.0), 1.0, dt=0.1)
    check(found * rate * seconds, mean, square - mean**2)
    assert found.var() == pytest.approx(1 / (shape * rate * seconds), rel=0.15)


@pytest.mark.slow
def test_refractory_estimate_sees_through_the_dead_time():
    # The likelihood of independent steps: the estimate is normal about the rate, with the variance
    # of Fisher's information, 1/T for the time in which the cell could fire.
    rate, dead, seconds, dt = 150.0, 4.0, 4.0, 0.5
    code = RefractoryCode(gain=150.0, refractory=dead)
    found = estimates(code, 1.0, duration=1e3 * seconds, dt=dt, cells=4000)
    ready = seconds / (1 + rate * (dead - dt) * 1e-3)
    assert found.mean() == pytest.approx(1.0, abs=4 / np.sqrt(rate * ready * 4000))
    assert found.std() == pytest.approx(1 / np.sqrt(rate * ready), rel=0.06)
    plain = PoissonCode(gain=150.0).decoded(
        *code.spikes(np.ones((1, 4000)), 4000.0, dt, rng(1)), 4000, 4000.0, dt
    )
    assert plain.mean() == pytest.approx(1 / (1 + rate * (dead - dt) * 1e-3), rel=0.03)


def test_refractory_counts_the_steps_in_which_a_cell_can_fire():
    # One cell by hand: 10 steps of two frames, dead time of 3 steps, spikes in steps 4 and 9. It
    # can fire in steps 1 to 4 of the first frame, and in 7 to 9 of the second.
    code = RefractoryCode(gain=1.0, max_rate=1000.0, refractory=3.0)
    found = code.decoded(np.array([4, 9]), np.zeros(2, int), 1, 10.0, 1.0, n_frames=2)
    assert found.ravel() == pytest.approx([-np.log(3 / 4) * 1000, -np.log(2 / 3) * 1000])


@pytest.mark.parametrize("kind", ["poisson", "regular", "gamma", "refractory"])
def test_rates_are_decoded_frame_by_frame(kind):
    code = CODES[kind](gain=100.0)
    drive = np.repeat([[0.2], [1.5], [0.7]], 4000, axis=1)
    step, unit = code.spikes(drive, 600.0, 0.5, rng(3))
    found = code.decoded(step, unit, 4000, 600.0, 0.5, n_frames=3)
    assert found.mean(axis=1) == pytest.approx([0.2, 1.5, 0.7], rel=0.05)


# Timing ---------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.floats(0.001, 1.0), min_size=1, max_size=30),
    dt=st.sampled_from([0.1, 0.5, 1.0]),
    code=st.sampled_from(
        [
            LatencyCode(50, 40.0, 3.0, "absolute"),
            PhaseCode(),
            PhaseCode(20.0, 0.0, 350.0),
        ]
    ),
)
def test_timing_is_decoded_within_half_a_step(values, dt, code):
    drive = np.array([values])
    step, unit = code.spikes(drive, 200.0, dt, rng())
    found = code.decoded(step, unit, len(values), 200.0, dt)
    span = code.window if isinstance(code, LatencyCode) else code.span / 360 * code.period
    assert np.abs(found - drive).max() <= dt / 2 / span + 1e-6


def test_latency_by_contrast_is_relative_to_the_strongest():
    code = LatencyCode(5, 20.0, 4.0)
    step, unit = code.spikes(np.array([[0.1, 0.4, 0.0, 0.3]]), 50.0, 0.1, rng())
    found = code.decoded(step, unit, 4, 50.0, 0.1)[0]
    assert found == pytest.approx([0.25, 1.0, 0.0, 0.75], abs=0.0026)


def test_ranks_are_decoded_as_ranks():
    drive = np.array([[0.1, 0.4, 0.0, 0.3, 0.2]])
    for code, most in (
        (LatencyCode(8, 40.0, 0.0, "rank"), 8),
        (LatencyCode(8, 40.0, 0.0, "relative-rank"), 4),
    ):
        step, unit = code.spikes(drive, 50.0, 0.1, rng())
        found = code.decoded(step, unit, 5, 50.0, 0.1)[0]
        assert found == pytest.approx([1 - 3 / most, 1.0, 0.0, 1 - 1 / most, 1 - 2 / most])
    # Of cells in one step none is before the other: ranks 0 and 1 are both one half.
    found = code.decoded(np.array([1, 1]), np.array([0, 1]), 2, 50.0, 0.1)[0]
    assert found.tolist() == [0.75, 0.75]


def test_the_first_spike_counts_and_silence_is_no_drive():
    code = LatencyCode(8, 40.0, 0.0, "absolute")
    found = code.decoded(np.array([10, 20, 30]), np.array([1, 1, 2]), 4, 50.0, 1.0)[0]
    assert found == pytest.approx([0.0, 1 - 9.5 / 40, 1 - 29.5 / 40, 0.0])


def test_jitter_of_latencies_and_phases():
    # A latency of deviation sigma gives a drive of sigma/window; n cycles the root of n less. Times
    # are rounded to the grid, which adds dt**2/12 to the variance of each.
    sigma, dt = 1.5, 0.5
    variance = sigma**2 + dt**2 / 12
    found = estimates(JitteredCode(LatencyCode(CELLS, 40.0, 20.0, "absolute"), sigma), 0.5)
    check(found, 0.5 + dt / 2 / 40.0, variance / 40.0**2)
    found = estimates(JitteredCode(PhaseCode(40.0, 90.0, 180.0), sigma), 0.5)
    assert found.std() == pytest.approx(np.sqrt(variance / 8) * 40 * 360 / 180 * 1e-3, rel=0.03)
    assert found.mean() == pytest.approx(0.5 + dt / 2 / 12.5, abs=0.001)


def test_jitter_loses_no_spike_at_the_ends():
    code = JitteredCode(LatencyCode(CELLS, 40.0, 0.0, "absolute"), 200.0)
    step, unit = code.spikes(np.ones((1, CELLS)), 50.0, 1.0, rng())
    assert np.array_equal(np.sort(unit), np.arange(CELLS))
    # Reflected many times, all steps are equally likely.
    counts = np.bincount(step, minlength=51)[1:]
    assert stats.chisquare(counts).pvalue > 1e-4


def test_no_jitter_is_the_code_itself():
    inner = RegularCode(gain=90.0)
    drive = rng().random((3, 50))
    one = inner.spikes(drive, 60.0, 0.5, rng(2))
    other = JitteredCode(inner, 0.0).spikes(drive, 60.0, 0.5, rng(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("lost", [0.0, 0.3, 1.0])
def test_each_spike_is_lost_with_the_same_probability(lost):
    # The number of spikes that are kept is binomial; a phase code is not random itself.
    inner = PhaseCode(40.0)
    drive = np.linspace(0.1, 1.0, 500)[np.newaxis]
    all_steps, all_units = inner.spikes(drive, 200.0, 0.5, rng())
    step, unit = ThinnedCode(inner, lost).spikes(drive, 200.0, 0.5, rng())
    kept = set(zip(step.tolist(), unit.tolist(), strict=True))
    assert len(kept) == len(step)
    assert kept <= set(zip(all_steps.tolist(), all_units.tolist(), strict=True))
    assert stats.binomtest(len(step), len(all_steps), 1.0 - lost).pvalue > 1e-3
    # Neither early nor late spikes are lost more often.
    if 0.0 < lost < 1.0:
        assert stats.mannwhitneyu(step, all_steps).pvalue > 1e-3


def test_a_phase_follows_the_frames():
    code = PhaseCode(50.0)
    drive = np.array([[0.2, 1.0], [0.9, -0.5]])
    step, unit = code.spikes(drive, 80.0, 0.1, rng())
    assert np.bincount(unit).tolist() == [4, 2]
    found = code.decoded(step, unit, 2, 80.0, 0.1, n_frames=2)
    assert found == pytest.approx(np.array([[0.2, 1.0], [0.9, 0.0]]), abs=0.01)


@settings(max_examples=100, deadline=None)
@given(c=st.floats(0.0, 1.0), most=st.integers(1, 9), dt=st.sampled_from([0.1, 0.5, 1.0]))
def test_bursts_by_the_rule_of_the_docstring(c, most, dt):
    code = BurstCode(most, 2.0, 8.0, 1.0)
    step, _ = code.spikes(np.array([[c]]), 100.0, dt, rng())
    n = int(np.ceil(most * c - 1e-9))
    assert len(step) == n
    expected = 1.0 + np.arange(n) * (8.0 - 6.0 * c)
    assert np.all((step * dt - expected > -1e-6) & (step * dt - expected < dt + 1e-6))
    assert (step * dt).max(initial=0) <= 1.0 + code.length + dt
    found = code.decoded(step, np.zeros(n, int), 1, 100.0, dt)[0, 0]
    # The interval is known to a step, shared among the intervals; the count bounds the rest.
    bound = dt / (6.0 * (n - 1)) if n > 1 else 1.0
    assert abs(found - c) <= min(bound, (0.5 if n == 1 else 1.0) / most) + 1e-6


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.floats(-0.9, 0.9), min_size=1, max_size=20),
    start=st.floats(-1.0, 1.0),
)
def test_delta_follows_within_a_threshold(steps, start):
    # Frames of ten steps, changes below ten thresholds after the first frame.
    luminance = np.concatenate([[0.0], np.cumsum([*(steps), start / 10])])
    drive = Pixels().drive(luminance.reshape(-1, 1, 1))
    n = len(luminance)
    code = DeltaCode(0.1)
    step, unit = code.spikes(drive, 10.0 * n, 1.0, rng())
    found = code.decoded(step, unit, 2, 10.0 * n, 1.0, n_frames=n)
    assert np.abs(found - drive.reshape(n, 2)).max() < 0.1 + 1e-6
    np.testing.assert_allclose(found[:, 0], -found[:, 1])


def test_delta_of_a_ramp():
    # One spike per threshold; the level lags by half a threshold on average, evenly distributed.
    n, threshold = 5000, 0.013
    luminance = np.linspace(0.0, 3.0, n)
    drive = Pixels().drive(luminance.reshape(-1, 1, 1))
    step, unit = DeltaCode(threshold).spikes(drive, float(n), 1.0, rng())
    assert len(step) == int(3.0 / threshold)
    assert not unit.any()
    found = DeltaCode(threshold).decoded(step, unit, 2, float(n), 1.0, n_frames=n)
    lag = luminance - found[:, 0]
    assert lag.mean() == pytest.approx(threshold / 2, rel=0.02)
    assert lag.var() == pytest.approx(threshold**2 / 12, rel=0.02)


def test_delta_finishes_a_large_change_in_later_frames():
    drive = Pixels().drive(np.array([1.0, 1.0, 1.0]).reshape(-1, 1, 1))
    step, unit = DeltaCode(0.1).spikes(drive, 12.0, 1.0, rng())
    assert step.tolist() == list(range(1, 11))
    assert not unit.any()
    found = DeltaCode(0.1).decoded(step, unit, 2, 12.0, 1.0, n_frames=3)
    assert found[:, 0] == pytest.approx([0.4, 0.8, 1.0])


# Documents and what is refused ----------------------------------------------------------------


@pytest.mark.parametrize("kind", list(CODES.own))
def test_every_code_of_ours_has_a_decoder_and_a_table(kind):
    wrapped = {
        "jittered": JitteredCode(PhaseCode(30.0), 2.0),
        "thinned": ThinnedCode(PhaseCode(30.0), 0.3),
    }
    code = wrapped.get(kind) or CODES[kind]()
    drive = rng(1).random((1, 6))
    step, unit = code.spikes(drive, 100.0, 0.5, rng())
    assert code.decoded(step, unit, 6, 100.0, 0.5).shape == (1, 6)
    table = {"lgn": {"kind": "pixels"}, "code": kind_table(CODES, code)}
    assert encoding_from(table, "encoding").code == code


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: PhaseCode(span=300.0), "span"),
        (lambda: BurstCode(most=0), "most"),
        (lambda: BurstCode(shortest=9.0), "shortest"),
        (lambda: RegularCode(begins="end"), "begins"),
        (lambda: DeltaCode(0.0), "threshold"),
        (lambda: JitteredCode("latency"), "code"),
        (lambda: JitteredCode(sigma=-1.0), "sigma"),
        (lambda: ThinnedCode("latency"), "code"),
        (lambda: ThinnedCode(lost=-0.1), "lost"),
        (lambda: ThinnedCode(lost=1.1), "lost"),
        (lambda: BurstCode().spikes(np.ones((1, 1)), 5.0, 1.0, rng()), "longest"),
        (lambda: BurstCode(shortest=0.5).spikes(np.ones((1, 1)), 50.0, 1.0, rng()), "shortest"),
        (lambda: PhaseCode().spikes(np.ones((1, 1)), 5.0, 1.0, rng()), "frequency"),
        (lambda: PoissonCode(0.0).decoded([1], [0], 1, 5.0, 1.0), "gain"),
        (lambda: PoissonCode().decoded([9], [0], 1, 5.0, 1.0), "step"),
        (lambda: PoissonCode().decoded([1], [3], 1, 5.0, 1.0), "unit"),
        (lambda: LatencyCode().decoded([1], [0], 1, 5.0, 1.0, n_frames=2), "first"),
        (lambda: DeltaCode().decoded([1], [0], 1, 5.0, 1.0), "even"),
    ],
)  # fmt: skip
def test_what_is_refused(make, where):
    with pytest.raises(SpecError, match=where):
        make()
