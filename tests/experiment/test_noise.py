"""Background noise: its statistics against closed forms, and what it is independent of."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import erfcx

from scnnbio import (
    LIF,
    Experiment,
    Network,
    NeuronModel,
    OrnsteinUhlenbeckNoise,
    PoissonNoise,
    Population,
    Record,
    Sampling,
    SpikeSource,
    backends,
    glif,
)
from scnnbio.errors import SpecError, UnsupportedError
from scnnbio.experiment import study_from
from scnnbio.experiment.as_text import experiment_from, experiment_text
from scnnbio.experiment.noise import binary_digits, wandering
from scnnbio.inputs import FromCurrents
from tests.inputs.networks import experiment as kept

SHAPE = (2, 10, 10)
#: Of the membrane: time constant in ms, resistance in MOhm, rest in mV.
TAU, R, REST = 20.0, 20.0, -65.0


def experiment(
    *noise: Any, duration: float = 200.0, trials: int = 1, record: Record | None = None, **of: Any
) -> Experiment:
    """A layer with noise and nothing else; ``of`` is of the experiment or its parameters."""
    parameters = {"tau_refrac": 0.0, **of.pop("parameters", {})}
    population = Population("v1", of.pop("shape", SHAPE), LIF, parameters, noise=noise)
    nothing = FromCurrents(np.zeros((trials, *population.shape)), duration=duration, unit="nA")
    network = Network((population,), ())
    return Experiment(network, inputs={"v1": nothing}, record=record or Record(("v1",)), **of)


def drawn(experiment: Experiment, trial: int, port: str = "i_offset") -> np.ndarray:
    """What the drive gives in each step (steps, neurons)."""
    drive = next(iter(experiment.lowered.drives.values()))
    return np.stack([c.values for c in drive.changes(trial) if c.port == port])


# ---------------------------------------------------------------- Ornstein-Uhlenbeck processes


def test_mean_variance_and_autocorrelation_of_the_process() -> None:
    """Stationary from the first step on: mean mu, variance sigma^2, correlation exp(-s/tau)."""
    noise = OrnsteinUhlenbeckNoise("0.3 nA", "200 pA", 5.0)
    values = drawn(experiment(noise, duration=500.0, dt=0.5), 0)
    assert values.shape == (1000, 200)
    # Neurons are independent, and a process of tau has one free value per 2 tau.
    error = 0.2 / np.sqrt(200 * 500.0 / 10.0)
    assert abs(values.mean() - 0.3) < 4 * error
    first = values[0] - 0.3
    assert stats.kstest(first / 0.2, "norm").pvalue > 0.01
    away = values - 0.3
    for steps in (0, 1, 4, 20, 60):
        found = (away[: 1000 - steps] * away[steps:]).mean() / 0.04
        assert abs(found - np.exp(-0.5 * steps / 5.0)) < 0.04
    between = np.corrcoef(values.T)[np.triu_indices(200, 1)]
    assert abs(between.mean()) < 4 * between.std() / np.sqrt(len(between))


def test_the_step_is_exact() -> None:
    """From the same white noise, two steps of dt are one of 2 dt: by the covariance of the pair."""
    noise = OrnsteinUhlenbeckNoise(0.0, 1.0, 7.0)
    left, new = noise.step(0.3)
    twice_left, twice_new = noise.step(0.6)
    assert np.isclose(left**2, twice_left, rtol=1e-14)
    assert np.isclose(left**2 * new**2 + new**2, twice_new**2, rtol=1e-14)
    assert np.isclose(left**2 + new**2, 1.0, rtol=1e-14)
    frozen = OrnsteinUhlenbeckNoise(0.5, 0.0, 7.0)
    assert all(np.all(v == 0.5) for v in wandering(frozen, 3, 0.1, 5, np.random.default_rng(1)))


def test_draws_are_of_the_seed_the_trial_the_population_and_the_place() -> None:
    one = OrnsteinUhlenbeckNoise(0.0, 1.0, 5.0)
    base = experiment(one, duration=20.0, trials=2)
    again = drawn(experiment(one, duration=20.0, trials=2), 1)
    np.testing.assert_array_equal(drawn(base, 1), again)
    others = [drawn(base, 0), drawn(dataclasses.replace(base, seed=2), 1)]
    named = dataclasses.replace(base.network.population("v1"), name="v2")
    inputs = {"v2": base.inputs["v1"]}
    others.append(drawn(Experiment(Network((named,), ()), inputs=inputs), 1))
    quiet = OrnsteinUhlenbeckNoise(0.0, 0.0, 5.0)
    others.append(drawn(experiment(quiet, one, duration=20.0, trials=2), 1))
    for other in others:
        assert abs(np.corrcoef(again.ravel(), other.ravel())[0, 1]) < 0.1
    # Another source in the network changes nothing.
    more = Network((Population("s", (1, 1, 1), SpikeSource()), *base.network.populations), ())
    given = {"s": kept("spikes").inputs["in"], **base.inputs}
    given["s"] = dataclasses.replace(
        given["s"], time=[1.0], unit=[0], trial=[0], size=(1, 1, 1), n_trials=2, duration=20.0,
        trials={},
    )  # fmt: skip
    np.testing.assert_array_equal(drawn(Experiment(more, inputs=given), 1), again)


@cache
def free_potential(*noise: Any) -> np.ndarray:
    """The potential of neurons that never fire, from 150 ms on, sampled every 5 ms."""
    sampled = Sampling("v1", ("v",), period=5.0)
    record = Record(signals=(sampled,))
    parameters = {"v_thresh": 1e3}
    one = experiment(*noise, duration=650.0, dt=0.5, record=record, parameters=parameters)
    return backends.get("brian2").run(one).recording.signals["v1"]["v"].values[30:]


def test_the_free_potential_under_a_wandering_current() -> None:
    """Mean v_rest + R mu; variance (R sigma)^2 tau_n/(tau_n + tau_m), by its spectrum.

    Held over steps of 0.5 ms it is that of one autoregression that drives another.
    """
    v = free_potential(OrnsteinUhlenbeckNoise(0.2, 0.3, 10.0))
    smooth = (R * 0.3) ** 2 * 10.0 / (10.0 + TAU)
    a, rho = np.exp(-0.5 / TAU), np.exp(-0.5 / 10.0)
    expected = (R * 0.3) ** 2 * (1 - a) / (1 + a) * (1 + rho * a) / (1 - rho * a)
    assert abs(expected / smooth - 1.0) < 0.001
    # 200 neurons, and free values some 60 ms apart.
    assert abs(v.mean() - (REST + R * 0.2)) < 4 * np.sqrt(expected / (200 * 500 / 60))
    assert abs(v.var() / expected - 1.0) < 4 * np.sqrt(2 / (200 * 500 / 60))


@pytest.mark.slow
def test_the_free_potential_under_shot_noise() -> None:
    """Campbell's theorem for w exp(-t/tau_s) through the membrane, tau_s = 5 ms.

    Mean v_rest + rate w R tau_s, variance rate (w R tau_s)^2/(2 (tau_m + tau_s)).
    """
    rate, weight, tau = 300.0, 0.2, 5.0
    v = free_potential(PoissonNoise(rate, weight))
    mean = rate / 1000 * weight * R * tau
    expected = rate / 1000 * (weight * R * tau) ** 2 / (2 * (TAU + tau))
    assert abs(v.mean() - REST - mean) < 4 * np.sqrt(expected / (200 * 500 / 50))
    assert abs(v.var() / expected - 1.0) < 4 * np.sqrt(2 / (200 * 500 / 50))


def siegert(mean: float, sigma: float, shift: float = 0.0) -> float:
    """Rate (Hz) of a neuron with white noise: Siegert 1951, Phys Rev 81:617, reset at rest.

    ``sigma`` is sqrt(2) times the standard deviation of the free potential. ``shift``, in units of
    sigma, moves threshold and reset.
    """
    high, low = ((v - mean) / sigma + shift for v in (15.0, 0.0))
    integral, _ = quad(lambda u: erfcx(-u), low, high)
    return 1000.0 / (TAU * np.sqrt(np.pi) * integral)


@pytest.mark.slow
def test_the_rate_under_noise_that_is_almost_white() -> None:
    """Siegert's rate, corrected for the correlation time of the noise.

    Fourcaud & Brunel 2002, Neural Comput 14:2057: to first order in sqrt(tau_n/tau_m), threshold
    and reset rise by sqrt(tau_n/tau_m) |zeta(1/2)|/sqrt(2), in units of sigma. Bounds: 5 % with
    the correction, of which 1.5 % are the spread of 6000 spikes; and the white limit itself is an
    upper bound, 25 % above at most.
    """
    tau, current, sigma = 0.5, 0.65, 1.2
    one = experiment(
        OrnsteinUhlenbeckNoise(current, sigma, tau), duration=1100.0, shape=(1, 20, 20)
    )
    spikes = backends.get("brian2").run(one).recording.spikes["v1"].time
    found = (spikes > 100.0).sum() / 400.0
    white = R * sigma * np.sqrt(2 * tau / TAU)
    shift = np.sqrt(tau / TAU) * abs(ZETA) / np.sqrt(2)
    corrected = siegert(R * current, white, shift)
    assert abs(found / corrected - 1.0) < 0.05
    assert 0.75 < found / siegert(R * current, white) < 1.0


#: Of Riemann, at 1/2.
ZETA = -1.4603545088


@pytest.mark.slow
def test_a_conductance_with_a_reversal_potential() -> None:
    """Held at g, the potential goes to the mean of both reversal potentials by conductance."""
    noise = OrnsteinUhlenbeckNoise("30 nS", 0.0, 5.0, reversal="-52 mV")
    signals = (Sampling("v1", ("v", "g_noise0"), units=(3,)),)
    one = experiment(noise, duration=300.0, record=Record(signals=signals), dt=0.5)
    for name in ("reference", "brian2"):
        found = backends.get(name).run(one).recording.signals["v1"]
        leak = 0.05
        expected = (leak * REST + 0.03 * -52.0) / (leak + 0.03)
        np.testing.assert_allclose(found["v"].values[-1], expected, atol=1e-6)
        np.testing.assert_array_equal(found["g_noise0"].values, 0.03)
        assert found["g_noise0"].quantity == "uS"
    with pytest.raises(UnsupportedError, match="not linear"):
        backends.get("event-driven").run(one)
    below = OrnsteinUhlenbeckNoise(0.01, 0.02, 5.0, reversal=0.0)
    values = drawn(experiment(below, duration=50.0), 0, "g_noise0")
    assert values.min() == 0.0 < np.mean(values == 0.0) < 0.5


# ---------------------------------------------------------------- Poisson trains


def counts(experiment: Experiment, trial: int) -> np.ndarray:
    """Spikes in each step and neuron, of the binary digits that sources fire."""
    (source,) = experiment.lowered.network.spike_sources
    step, unit = experiment.lowered.input_spikes(trial)
    channels, rows, columns = SHAPE
    digits = source.shape[0] // channels
    channel, place = np.divmod(unit, rows * columns)
    found = np.zeros((experiment.trial_steps, channels * rows * columns), dtype=int)
    neuron = channel // digits * rows * columns + place
    np.add.at(found, (step - 1, neuron), 2 ** (channel % digits))
    assert not (np.diff(step) < 0).any()
    return found


@pytest.mark.parametrize("rate", [20.0, 9000.0])
def test_numbers_of_spikes_are_poisson(rate: float) -> None:
    """Chi-square against the probabilities; and variance over trials, steps and neurons."""
    one = experiment(PoissonNoise(rate, 0.1), duration=200.0, trials=2)
    found = np.stack([counts(one, trial) for trial in range(2)])
    mean = rate * 0.1 / 1000
    numbers = np.arange(int(stats.poisson.ppf(1 - 20 / found.size, mean)) + 1)
    expected = stats.poisson.pmf(numbers, mean) * found.size
    expected[-1] += found.size - expected.sum()
    seen = np.bincount(np.minimum(found.ravel(), numbers[-1]), minlength=len(numbers))
    assert stats.chisquare(seen, expected).pvalue > 0.01
    for axis in ((1,), (1, 2), (2,)):
        sums = found.sum(axis=axis)
        each = found.size / sums.size * mean
        assert abs(sums.mean() - each) < 4 * np.sqrt(each / sums.size)
        if sums.size > 100:
            assert abs(sums.var() / each - 1.0) < 6 * np.sqrt(2 / sums.size)
    assert not np.array_equal(found[0], found[1])
    np.testing.assert_array_equal(counts(one, 1), found[1])


def test_binary_digits_hold_all_but_one_in_a_million_million() -> None:
    for mean in (0.0, 1e-4, 0.002, 0.8, 3.0, 40.0):
        digits = binary_digits(mean)
        assert stats.poisson.sf(2**digits - 1, mean) < 1e-12
        assert digits == 1 or mean > 1 or stats.poisson.sf(2 ** (digits - 1) - 1, mean) > 1e-13


# ---------------------------------------------------------------- descriptions


def test_a_population_without_noise_is_what_it_was() -> None:
    """Its digest is the one it had before there was noise, as computed then."""
    plain = Population("v1", (1, 2, 2), LIF)
    assert "noise" not in plain.canonical_fields()
    noise = PoissonNoise("0.02 kHz", "100 pA")
    noisy = dataclasses.replace(plain, noise=noise)
    assert noisy.noise == (PoissonNoise(20.0, 0.1),)
    assert noisy.digest() != plain.digest()
    assert dataclasses.replace(noisy, noise=()) == plain


def test_noise_in_documents() -> None:
    rows = [
        {"kind": "poisson", "rate": "900 Hz", "weight": "20 pA"},
        {"kind": "ornstein-uhlenbeck", "mean": "0.1 nA", "sigma": "50 pA", "tau": "5 ms"},
    ]
    current = {"kind": "currents", "values": [[[0.0]]], "unit": "nA", "duration": "10 ms"}
    table = {
        "name": "noise",
        "network": {
            "populations": [{"name": "v1", "shape": [1, 1, 1], "neuron": "LIF", "noise": rows}],
            "projections": [],
        },
        "stages": {"run": {"inputs": {"v1": current}}},
    }
    (one,) = study_from(table).experiments
    (v1,) = one.network.populations
    assert v1.noise == (PoissonNoise(900.0, 0.02), OrnsteinUhlenbeckNoise(0.1, 0.05, 5.0))
    assert experiment_from(experiment_text(one)) == one
    single = json.loads(json.dumps(table))
    single["network"]["populations"][0]["noise"] = rows[0]
    assert study_from(single).experiments[0].network.populations[0].noise == v1.noise[:1]
    single["network"]["populations"][0]["noise"] = {**rows[0], "receptor": "sideways"}
    with pytest.raises(SpecError, match=r"populations\[0\].*receptor.*no receptor 'sideways'"):
        study_from(single)


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (PoissonNoise(10.0, "3 mV"), "voltage"),
        (PoissonNoise(10.0, 0.1, "inhibitory"), "inhibit"),
        (PoissonNoise(10.0, 0.1, "tactile"), "no receptor 'tactile'"),
        (OrnsteinUhlenbeckNoise("3 mV", 0.1, 5.0), "voltage"),
        (OrnsteinUhlenbeckNoise(0.0, -0.1, 5.0), "negative"),
        (OrnsteinUhlenbeckNoise(0.0, 0.1, 5.0, port="tau_m"), "no port"),
        (OrnsteinUhlenbeckNoise(-0.1, 0.1, 5.0, reversal=0.0), "never negative"),
        ("loud", "neither a PoissonNoise"),
    ],
)
def test_noise_that_does_not_fit(noise: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        experiment(noise)


def test_numbers_that_are_no_noise() -> None:
    for make in (
        lambda: PoissonNoise(-1.0, 0.1),
        lambda: OrnsteinUhlenbeckNoise(0.0, 0.1, 0.0),
        lambda: Population("s", (1, 1, 1), SpikeSource(), noise=PoissonNoise(1.0, 1.0)),
    ):
        with pytest.raises(SpecError):
            make()


def test_white_noise_in_equations_is_refused_with_what_takes_its_place() -> None:
    model = glif(1)
    for name in ("xi", "xi_1"):
        text = f"dv/dt = (v_rest - v)/tau_m + 3*{name} : volt"
        with pytest.raises(SpecError, match="OrnsteinUhlenbeckNoise or a PoissonNoise"):
            NeuronModel(
                "white", text, "v >= v_thresh", "v = v_rest", model.parameters, {"membrane": "v"}
            )


def test_training_refuses_noise_that_it_would_not_draw() -> None:
    pytest.importorskip("torch")
    from scnnbio.backends.torch.trials import check_supported

    one = kept("poisson images")
    source, v1 = one.network.populations
    noisy = dataclasses.replace(v1, noise=PoissonNoise(10.0, 0.1))
    network = Network((source, noisy), one.network.projections)
    check_supported(one)
    with pytest.raises(UnsupportedError, match="draws no background noise"):
        check_supported(dataclasses.replace(one, network=network))
