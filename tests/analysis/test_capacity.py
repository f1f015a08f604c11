"""What codes tell, against closed forms and against sums over all cases."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from scnnbio import backends
from scnnbio.analysis.capacity import capacity, information, information_of
from scnnbio.analysis.code_theory import Condition, chances, law, order_deviation
from scnnbio.encoding import JitteredCode, LatencyCode, PhaseCode, PoissonCode, RegularCode
from scnnbio.errors import SpecError
from scnnbio.experiment import MODELS, Experiment, Record
from scnnbio.inputs import Levels


def condition(code, *, sigma=0.0, shown=None, interval=2.0, levels=64, dt=0.1, fan_in=9, needed=5):
    driven = Levels(levels, code, 100.0, shown)
    return Condition("x", driven, code, sigma, interval, fan_in, needed, 1.0, dt)


def test_information_of_tables_with_known_values():
    assert information_of(np.eye(8)) == pytest.approx(3.0)
    assert information_of(np.full((4, 5), 0.2)) == pytest.approx(0.0, abs=1e-12)
    # A binary symmetric channel: 1 - h(p).
    p = 0.11
    entropy = -p * math.log2(p) - (1 - p) * math.log2(1 - p)
    assert information_of([[1 - p, p], [p, 1 - p]]) == pytest.approx(1 - entropy)


def test_information_is_extrapolated_to_many_samples():
    # 20 levels of a normal reading: the plain estimate is far too high, the extrapolated one not.
    rng = np.random.default_rng(1)
    mean, bins = np.arange(20)[:, None] * 2.0, np.arange(-20, 70)
    table = np.diff(stats.norm.cdf(bins + 0.5, mean, 3.0), axis=1)
    found = [information(np.rint(rng.normal(mean, 3.0, (20, 200)))) for _ in range(10)]
    bits, error = np.array(found).T
    exact = information_of(table / table.sum(axis=1, keepdims=True))
    assert abs(bits.mean() - exact) < 3 * error.mean() / np.sqrt(10) + 0.003
    assert bits.std() == pytest.approx(error.mean(), rel=0.8)


def test_samples_are_needed():
    with pytest.raises(SpecError, match="4 samples"):
        information(np.zeros((3, 2)))


def test_order_statistics_by_known_deviations():
    # Of one, the normal distribution; of two, 1 - 1/pi; the median of many, pi/(2 n).
    assert order_deviation(1, 1) == pytest.approx(1.0, abs=1e-4)
    assert order_deviation(1, 2) == pytest.approx(math.sqrt(1 - 1 / math.pi), abs=1e-4)
    assert order_deviation(501, 1001) == pytest.approx(math.sqrt(math.pi / 2002), rel=0.01)


@pytest.mark.parametrize("sigma", [1.0, 2.0])
@pytest.mark.parametrize("window", [20.0, 50.0])
def test_latencies_come_to_their_law_where_levels_are_many(sigma, window):
    code = LatencyCode(10**6, window, 20.0, "absolute")
    there = condition(code, sigma=sigma, levels=512)
    exact = information_of(chances(there))
    # Ends add a little: a reading beyond the window is at its end.
    assert law(there) - 0.01 < exact < law(there) + 3.0 * sigma / window
    assert law(there) == pytest.approx(
        math.log2(window / (sigma * order_deviation(5, 9) * math.sqrt(2 * math.pi * math.e)))
    )


def test_regular_counts_are_the_logarithm_of_counts():
    # 10 intervals in the window: counts from 0 to 10, the first and the last half as likely.
    code = RegularCode(500.0, 500.0, begins="middle")
    there = condition(code, shown=20.0, levels=1000)
    share = np.array([0.5, *[1.0] * 9, 0.5]) / 10
    assert information_of(chances(there)) == pytest.approx(-(share * np.log2(share)).sum())
    assert law(there) == pytest.approx(math.log2(10.0))


def test_poisson_counts_by_all_courses_of_a_short_trial():
    # Two inputs, two needed, four steps, held for one step: every course of arrivals by itself.
    code, dt = PoissonCode(700.0, 700.0), 1.0
    there = condition(code, shown=4.0, interval=2.0, levels=2, dt=dt, fan_in=2, needed=2)
    for level, rate in enumerate(code.rate(there.driven.drives)):
        p = stats.binom.pmf(range(3), 2, -np.expm1(-rate * dt * 1e-3))
        expected = np.zeros(4)
        for course in itertools.product(range(3), repeat=4):
            v, held, count = 0, 0, 0
            for arrived in course:
                if held:
                    held -= 1
                    continue
                v += arrived
                if v >= 2:
                    v, held, count = 0, 1, count + 1
            expected[count] += np.prod(p[list(course)])
        np.testing.assert_allclose(chances(there)[level], expected, atol=1e-12)


def test_no_closed_form_where_spikes_leave_their_cycle():
    assert chances(condition(PhaseCode(), sigma=5.0, shown=50.0)) is None
    assert chances(condition(PhaseCode(), sigma=1.0, shown=50.0)) is not None
    assert chances(condition(RegularCode(begins="middle"), sigma=1.0)) is None
    assert math.isnan(law(condition(PoissonCode())))


def test_a_layer_tells_what_theory_says():
    codes = {
        "latency": (JitteredCode(LatencyCode(10**6, 10.0, 8.0, "absolute"), 1.0), None, 0.0),
        "regular": (RegularCode(250.0, 250.0, begins="middle"), 20.0, 3.5),
        "poisson": (PoissonCode(200.0), 20.0, 1.5),
        "phase": (JitteredCode(PhaseCode(), 1.0), 25.0, 12.0),
    }
    network = MODELS["coded_levels"](
        layers={name: held for name, (_, _, held) in codes.items()}, levels=16, side=6
    )
    inputs = {
        name: Levels(16, code, 30.0, shown, n_trials=4) for name, (code, shown, _) in codes.items()
    }
    record = Record(tuple(f"{name}_cells" for name in codes))
    run = backends.get("reference").run(
        Experiment(network, inputs=inputs, record=record, dt=0.5, seed=2)
    )
    found = {one.condition.name: one for one in capacity(run)}
    assert all(abs(one.deviation) < 4.0 for one in found.values())
    assert found["regular"].bits == pytest.approx(found["regular"].exact, abs=1e-9)
    assert found["latency"].spikes == pytest.approx(1.0, abs=0.01)
    assert found["latency"].time == pytest.approx(5.0, abs=0.4)
    assert found["regular"].spikes == pytest.approx(2.5, abs=0.01)  # the mean of all levels


def test_the_document_sweeps_a_decade():
    # The issue asks for a decade of T and sigma.
    from scnnbio.experiment import load

    study = load(Path(__file__).parents[2] / "experiments" / "code_capacity.toml")
    inputs = study.stages[0].experiment.inputs
    sigmas = [d.code.sigma for d in inputs.values() if isinstance(d.code, JitteredCode)]
    windows = [d.shown for d in inputs.values() if isinstance(d.code, PoissonCode)]
    assert max(sigmas) / min(s for s in sigmas if s) >= 10
    assert max(windows) / min(windows) >= 10
