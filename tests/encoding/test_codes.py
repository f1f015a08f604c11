"""Codes against sorted lists, the closed forms of a Poisson process, and each other."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scnnbio.encoding import LGN, Encoding, LatencyCode, PoissonCode, thinning
from scnnbio.errors import SpecError
from scnnbio.stimuli import Gratings, Photographs

#: Few different values, so that ties are common.
drives = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.9, 1.0]), min_size=2, max_size=40)


def rng(seed=0):
    return np.random.default_rng(seed)


def assert_well_formed(step, unit, n_steps, n_units):
    assert step.dtype == unit.dtype == np.int32
    assert ((step >= 1) & (step <= n_steps)).all()
    assert ((unit >= 0) & (unit < n_units)).all()
    pairs = list(zip(step.tolist(), unit.tolist(), strict=True))
    assert pairs == sorted(set(pairs))


# Latency ------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    values=drives,
    budget=st.integers(1, 20),
    spacing=st.sampled_from(["contrast", "rank", "relative-rank"]),
    onset=st.sampled_from([0.0, 3.0, 5.5]),
    dt=st.sampled_from([0.1, 0.5, 1.0]),
)
def test_latency_against_a_sorted_list(values, budget, spacing, onset, dt):
    # The rule of the docstring, one cell after another, by Python's own stable sort.
    code = LatencyCode(budget, 20.0, onset, spacing)
    step, unit = code.spikes(np.array(values).reshape(1, -1), 30.0, dt, rng())
    ranked = sorted((-c, i) for i, c in enumerate(values) if c > 0)[:budget]
    expected = []
    for rank, (minus, i) in enumerate(ranked):
        fraction = {
            "contrast": 1 - minus / ranked[0][0],
            "rank": rank / budget,
            "relative-rank": rank / len(ranked),
        }[spacing]
        steps = (onset + 20.0 * fraction) / dt
        whole = round(steps)
        expected.append((max(whole if abs(steps - whole) < 1e-6 else math.ceil(steps), 1), i))
    assert list(zip(step.tolist(), unit.tolist(), strict=True)) == sorted(expected)
    assert_well_formed(step, unit, round(30 / dt), len(values))


def test_latency_takes_the_first_frame_in_c_order():
    drive = np.zeros((2, 2, 2, 3))
    drive[0, 1, 0, 2] = 1.0
    drive[0, 0, 1, 1] = 0.5
    drive[1] = 7.0
    step, unit = LatencyCode(5, 10.0, 1.0).spikes(drive, 20.0, 1.0, rng())
    assert step.tolist() == [1, 6]
    assert unit.tolist() == [1 * 6 + 2, 4]


def test_latency_of_a_large_layer_with_ties():
    # Whether a tie is cut by the budget goes by the cell's number.
    drive = np.ones((1, 5000))
    drive[0, 4321] = 2.0
    step, unit = LatencyCode(10, 20.0).spikes(drive, 50.0, 0.1, rng())
    assert unit.tolist() == [4321, *range(9)]
    assert step.tolist() == [1] + [100] * 9


def test_latencies_on_the_grid_stay_there():
    # Rank 1 of 10 in a window of 6 ms is 0.6 ms, in binary 6.000000000000001 steps of 0.1 ms.
    code = LatencyCode(10, 6.0, spacing="rank")
    step, _ = code.spikes(np.ones((1, 10)), 10.0, 0.1, rng())
    assert step.tolist() == [1, *range(6, 60, 6)]


def test_nothing_to_see_no_spikes():
    for code in (
        LatencyCode(),
        LatencyCode(spacing="rank"),
        LatencyCode(spacing="relative-rank"),
        PoissonCode(),
    ):
        step, unit = code.spikes(np.zeros((3, 2, 4, 4)), 50.0, 0.1, rng())
        assert step.shape == unit.shape == (0,)
        assert step.dtype == unit.dtype == np.int32


def test_window_longer_than_the_trial():
    with pytest.raises(SpecError, match=r"encoding\.code\.window: onset 10 ms and window 45 ms"):
        LatencyCode(5, 45.0, 10.0).spikes(np.ones((1, 4)), 50.0, 0.1, rng())
    step, _ = LatencyCode(5, 40.0, 10.0).spikes(np.ones((1, 4)), 50.0, 0.1, rng())
    assert (step == 100).all()


# Poisson ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_poisson_rates(dt):
    # n steps of chance 1 - exp(-rate dt) each: binomial mean and standard error, unit by unit.
    code = PoissonCode(gain=100.0, max_rate=150.0, spontaneous=5.0)
    drive = np.array([0.0, 0.0, 0.2, 0.7, 1.4, 1.6, 9.0])
    rate = np.array([5.0, 5.0, 25.0, 75.0, 145.0, 150.0, 150.0])
    step, unit = code.spikes(drive[None], 100_000.0, dt, rng(5))
    n_steps = round(100_000 / dt)
    p = 1 - np.exp(-rate * dt / 1000)
    counts = np.bincount(unit, minlength=7)
    assert (np.abs(counts - n_steps * p) < 4 * np.sqrt(n_steps * p * (1 - p))).all()
    assert_well_formed(step, unit, n_steps, 7)


@pytest.mark.parametrize("rate", [20.0, 150.0])
def test_poisson_intervals_are_geometric(rate):
    # Beside a unit with a much higher rate, which the drawing by gaps is led by. Steps between
    # spikes are geometric: mean 1 / p, CV sqrt(1 - p), and no correlation from one to the next.
    drive = np.array([[rate, 190.0]])
    code = PoissonCode(gain=1.0, max_rate=200.0)
    step, unit = code.spikes(drive, 400_000.0, 0.5, rng(2))
    gaps = np.diff(step[unit == 0])
    p = 1 - math.exp(-rate * 0.5e-3)
    n = len(gaps)
    assert abs(gaps.mean() * p - 1) < 4 / math.sqrt(n)
    # The standard error of the CV of an exponential distribution is 1 / sqrt(n).
    assert abs(gaps.std() / gaps.mean() - math.sqrt(1 - p)) < 4 / math.sqrt(n)
    assert abs(np.corrcoef(gaps[1:], gaps[:-1])[0, 1]) < 4 / math.sqrt(n)


def test_poisson_units_are_independent():
    step, unit = PoissonCode(100.0).spikes(np.ones((1, 2)), 500_000.0, 1.0, rng(3))
    p = 1 - math.exp(-0.1)
    together = len(np.intersect1d(step[unit == 0], step[unit == 1]))
    expected = 500_000 * p**2
    assert abs(together - expected) < 4 * math.sqrt(expected)


def test_poisson_has_its_chance_in_every_step_of_every_unit():
    # The first and the last step and unit too: 3000 short trials, counted cell by cell.
    counts = np.zeros((3, 3))
    drive = np.array([[0.5, 1.0, 0.25]])
    code = PoissonCode(400.0, 400.0)
    for seed in range(3000):
        step, unit = code.spikes(drive, 3.0, 1.0, rng((9, seed)))
        counts[step - 1, unit] += 1
    p = 1 - np.exp(-0.4 * drive)
    assert (np.abs(counts - 3000 * p) < 4 * np.sqrt(3000 * p * (1 - p))).all()


def test_poisson_follows_the_frames():
    # Three frames in 10 steps: the middles of steps 1-4, 5-7 and 8-10 fall in them.
    drive = np.zeros((3, 1000))
    drive[1] = 1.0
    step, _ = PoissonCode(500.0, 500.0).spikes(drive, 10.0, 1.0, rng(4))
    assert set(step) == {5, 6, 7}
    p = 1 - math.exp(-0.5)
    assert abs(len(step) - 3000 * p) < 4 * math.sqrt(3000 * p * (1 - p))


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(drives, min_size=1, max_size=1),
    frames=st.integers(1, 7),
    spontaneous=st.sampled_from([0.0, 30.0]),
    dt=st.sampled_from([0.1, 1.0, 5.0]),
    seed=st.integers(0, 2**32),
)
def test_poisson_spikes_are_well_formed(values, frames, spontaneous, dt, seed):
    drive = np.repeat(np.array(values), frames, axis=0)
    code = PoissonCode(150.0, 200.0, spontaneous)
    step, unit = code.spikes(drive, 50.0, dt, rng(seed))
    assert_well_formed(step, unit, round(50 / dt), drive.shape[1])
    again = code.spikes(drive, 50.0, dt, rng(seed))
    np.testing.assert_array_equal(step, again[0])
    np.testing.assert_array_equal(unit, again[1])
    if spontaneous == 0:
        assert (drive[0, unit] > 0).all()


def test_poisson_spikes_do_not_depend_on_how_many_are_placed_at_a_time(monkeypatch):
    """A draw is one row of random numbers, whoever cuts it: the seed decides alone."""
    code, drive = PoissonCode(gain=1.0), np.linspace(0.0, 150.0, 120).reshape(2, 3, 20)
    whole = code.spikes(drive, 400.0, 0.5, rng())
    monkeypatch.setattr(thinning, "_AT_ONCE", 7)
    parts = code.spikes(drive, 400.0, 0.5, rng())
    assert len(whole[0]) > 1000
    assert whole[0].dtype == whole[1].dtype == np.int32
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_minute_rates_do_not_overflow():
    step, _ = PoissonCode(1e-15).spikes(np.ones((1, 4)), 50.0, 0.1, rng())
    assert len(step) == 0


def test_a_step_too_long_for_the_rate():
    with pytest.raises(SpecError, match="use dt of 4 ms or less"):
        PoissonCode(max_rate=250.0).spikes(np.ones((1, 4)), 50.0, 5.0, rng())


def test_frames_shorter_than_a_step():
    with pytest.raises(SpecError, match="11 frames in 10 steps"):
        PoissonCode().spikes(np.ones((11, 4)), 10.0, 1.0, rng())


# Both ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [LatencyCode(window=5.0), PoissonCode()])
@pytest.mark.parametrize(("duration", "dt"), [(10.0, 0.3), (10.0, 0.0), (10.0, -1), (0.0, 0.1)])
def test_time_steps_that_do_not_fit(code, duration, dt):
    with pytest.raises(SpecError, match="dt: "):
        code.spikes(np.ones((1, 4)), duration, dt, rng())


@pytest.mark.parametrize(
    ("kind", "parameters", "where"),
    [
        (LatencyCode, {"budget": 0}, "budget"),
        (LatencyCode, {"budget": 2.5}, "budget"),
        (LatencyCode, {"budget": True}, "budget"),
        (LatencyCode, {"window": 0}, "window"),
        (LatencyCode, {"window": "3 mV"}, "window"),
        (LatencyCode, {"onset": -1}, "onset"),
        (LatencyCode, {"spacing": "even"}, "spacing"),
        (PoissonCode, {"gain": -1}, "gain"),
        (PoissonCode, {"max_rate": 0}, "max_rate"),
        (PoissonCode, {"spontaneous": float("nan")}, "spontaneous"),
        (PoissonCode, {"spontaneous": 300}, "spontaneous"),
    ],
)
def test_what_is_refused(kind, parameters, where):
    with pytest.raises(SpecError, match=rf"encoding\.code\.{where}: "):
        kind(**parameters)


def test_quantities_become_plain_numbers():
    assert LatencyCode(window="0.03 s").window == 30.0
    assert PoissonCode(max_rate="0.1 kHz").max_rate == 100.0


@pytest.mark.parametrize("code", [LatencyCode(7, spacing="rank"), PoissonCode(spontaneous=2)])
def test_parameters_survive_text(code):
    encoding = Encoding(LGN(c50=0.1), code)
    document = json.loads(json.dumps(dataclasses.asdict(encoding)))
    assert Encoding(LGN(**document["lgn"]), type(code)(**document["code"])) == encoding


def test_encoding_is_the_filter_and_then_the_code():
    encoding = Encoding(LGN(), LatencyCode(30))
    side = 16 + 2 * encoding.margin
    frames = Photographs("white-noise").frames(0, (side, side), rng(1))
    step, unit = encoding.spikes(frames, 50.0, 0.1, rng(1))
    drive = encoding.lgn.drive(frames)
    assert drive.shape == (1, 2, 16, 16)
    assert set(unit) == set(np.argsort(-drive.ravel())[:30])
    assert_well_formed(step, unit, 500, 512)


def test_rates_follow_a_drifting_grating():
    # A cell's rate is modulated at the grating's 4 Hz: of its ON drive's Fourier components above
    # 0 Hz the first is the strongest.
    encoding = Encoding(LGN(), PoissonCode(gain=150.0))
    grating = Gratings((90.0,), (0.1,), 4.0, duration=1000)
    side = 8 + 2 * encoding.margin
    frames = grating.frames(0, (side, side), rng())
    trains = [encoding.spikes(frames, 1000.0, 1.0, rng(k)) for k in range(20)]
    times = np.concatenate([step[unit == 27] for step, unit in trains])
    spectrum = np.abs(np.fft.rfft(np.bincount(times, minlength=1001)[1:]))
    assert spectrum[1:100].argmax() + 1 == 4
