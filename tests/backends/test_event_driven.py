"""The event-driven backend against closed forms, an ODE solver, and grids that converge to it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.optimize import brentq

from scnnbio.connectors import ConvolutionConnector
from scnnbio.errors import SpecError, UnsupportedError
from scnnbio.network import Network, Projection
from scnnbio.neurons import IF, LIF
from scnnbio.plasticity import SharedSTDP, SharedThreshold, WinnerTakeAll
from scnnbio.population import Population, SpikeSource
from tests.backends.event_driven_cases import EXACT, ONE, SILENT, fired, psp, shown
from tests.backends.test_reference import pair


def test_constant_current_fires_at_the_closed_form_intervals():
    """Period t_ref + tau_m ln((v_inf - v_reset)/(v_inf - v_thresh)) = 2 + 20 ln 4."""
    network = pair(SILENT, (2, 1, 1), parameters={"i_offset": 1.0, "tau_refrac": 2.0})
    times = fired(EXACT.run(shown(network, duration=200.0)))
    rise = 20.0 * np.log(4.0)
    np.testing.assert_allclose(times, rise + np.arange(6) * (rise + 2.0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("period", [0.1, 0.7, 60.0])
def test_looking_at_a_neuron_does_not_change_when_it_fires(period):
    network = pair(SILENT, (2, 1, 1), parameters={"i_offset": 1.3, "tau_refrac": 2.0})
    seen, alone = (EXACT.run(shown(network, duration=210.0, period=p)) for p in (period, None))
    # The closed form: v reaches -50 mV on its way from -65 to -39 mV, and is held for 2 ms.
    rise = 20.0 * np.log(26.0 / 11.0)
    expected = rise + (rise + 2.0) * np.arange(11)
    np.testing.assert_allclose(fired(alone), expected, rtol=0, atol=1e-11)
    np.testing.assert_allclose(fired(seen), fired(alone), rtol=0, atol=1e-11)


def test_the_neuron_without_leak_fires_at_the_closed_form_intervals():
    network = pair(SILENT, (2, 1, 1), IF, parameters={"i_offset": 0.7})
    times = fired(EXACT.run(shown(network, duration=100.0)))
    np.testing.assert_allclose(times, 15.0 / 0.7 * np.arange(1, 5), rtol=0, atol=1e-12)


def test_the_neuron_without_leak_integrates_the_current():
    """v = w tau (1 - exp(-t/tau)) on 1 nF, which reaches 15 mV at -tau ln(1 - 15/(w tau))."""
    network = pair(ONE, (2, 1, 1), IF, weight=4.0)
    run = EXACT.run(shown(network, ((2.0, 0),), period=0.1))
    crossing = 3.0 - 5.0 * np.log(1.0 - 15.0 / 20.0)
    np.testing.assert_allclose(fired(run), [crossing], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("tau_m", "tau_s"), [(20.0, 5.0), (5.0, 20.0), (8.0, 0.3)])
def test_one_spike_gives_the_closed_form_of_the_membrane_potential(tau_m, tau_s):
    network = pair(
        ONE, (2, 1, 1), weight=0.8, delay=1.5, parameters={"tau_m": tau_m, "tau_syn_E": tau_s}
    )
    run = EXACT.run(shown(network, ((2.0, 0),), period=0.1))
    trace = run.recording.signals["post"]["v"]
    since = np.maximum(trace.time - 3.5, 0.0)
    expected = -65.0 + psp(since, 0.8, tau_m, tau_s)
    np.testing.assert_allclose(trace.values[:, 0], expected, rtol=0, atol=5e-14)


@pytest.mark.parametrize("apart", [0.0, 1e-12, 1e-9, 1e-6, 1e-3])
def test_time_constants_that_are_equal_or_nearly_so(apart):
    """v = w t exp(-t/tau) in the limit; beside it, to the first order in the difference."""
    tau = 10.0
    parameters = {"tau_m": tau, "tau_syn_E": tau * (1.0 + apart)}
    network = pair(ONE, (2, 1, 1), weight=0.9, parameters=parameters)
    trace = EXACT.run(shown(network, ((2.0, 0),), period=0.5)).recording.signals["post"]["v"]
    t = np.maximum(trace.time - 3.0, 0.0)
    limit = 0.9 * t * np.exp(-t / tau)
    expected = -65.0 + limit * (1.0 + apart * t / (2.0 * tau))
    np.testing.assert_allclose(trace.values[:, 0], expected, rtol=0, atol=5e-14 + 10 * apart**2)


@pytest.mark.parametrize("tau_s", [5.0, 20.0, 35.0])
@pytest.mark.parametrize("distance", [1e-12, 1e-9, 1e-4])
def test_a_bump_that_grazes_the_threshold(tau_s, distance):
    """The peak of one response is at ln(tau_m/tau_s) tau_m tau_s/(tau_m - tau_s)."""
    tau_m, current = 20.0, 2.0
    if tau_s == tau_m:  # the alpha function
        top = tau_m
        peak = current * top * np.exp(-1.0)
        curvature = peak / tau_m**2
    else:
        top = np.log(tau_m / tau_s) * tau_m * tau_s / (tau_m - tau_s)
        peak = psp(top, current, tau_m, tau_s)
    # At the peak v' = 0, so v'' = I'/cm = -I/(tau_s cm).
    curvature = current * np.exp(-top / tau_s) / tau_s
    spikes = {}
    for sign in (-1.0, 1.0):
        parameters = {
            "tau_syn_E": tau_s, "v_rest": 0.0, "v_reset": 0.0, "v_thresh": peak + sign * distance,
            "tau_refrac": 90.0,  # what is left of the current may fire again
        }  # fmt: skip
        network = pair(ONE, (2, 1, 1), weight=current, parameters=parameters)
        spikes[sign] = fired(EXACT.run(shown(network, ((2.0, 0),), duration=90.0)))
    assert len(spikes[1.0]) == 0
    assert len(spikes[-1.0]) == 1
    # So near to its peak the response is a parabola; rounding moves it by its own root.
    early = np.sqrt(2.0 * distance / curvature)
    before = 3.0 + top - spikes[-1.0][0]
    np.testing.assert_allclose(before, early, rtol=0.02, atol=np.sqrt(1e-14 / curvature))


def test_a_crossing_close_to_the_peak_is_at_its_own_place():
    """Against root finding on the closed form, where no parabola serves."""
    tau_m, tau_s, current = 20.0, 5.0, 2.0
    top = np.log(tau_m / tau_s) * tau_m * tau_s / (tau_m - tau_s)
    level = 0.9 * psp(top, current, tau_m, tau_s)
    parameters = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": level, "tau_refrac": 90.0}
    network = pair(ONE, (2, 1, 1), weight=current, parameters=parameters)
    expected = brentq(lambda t: psp(t, current, tau_m, tau_s) - level, 0, top, xtol=1e-15)
    run = EXACT.run(shown(network, ((2.0, 0),), duration=90.0))
    np.testing.assert_allclose(fired(run), [3.0 + expected], rtol=0, atol=1e-12)


def test_a_delay_needs_no_grid():
    """A delta synapse above threshold passes a spike on at stamp + delay, to the last digit."""
    first, second = ConvolutionConnector(ONE, (2, 1, 1)), ConvolutionConnector(
        np.ones((1, 1, 1, 1)), (1, 1, 1)
    )  # fmt: skip
    network = Network(
        (
            Population("pre", (2, 1, 1), SpikeSource()),
            Population("middle", (1, 1, 1), LIF, {"i_offset": 1.0, "tau_refrac": 90.0}),
            Population("post", (1, 1, 1), LIF, {"tau_refrac": 90.0}),
        ),
        (
            Projection("pre", "middle", first, weight=0.0, delay=1.0),
            Projection("middle", "post", second, weight=16.0, delay=1.2345, receptor="membrane"),
        ),
    )
    run = EXACT.run(shown(network, duration=80.0, dt=0.0005))
    crossing = 20.0 * np.log(4.0)
    np.testing.assert_allclose(fired(run, "middle"), [crossing], rtol=0, atol=1e-12)
    np.testing.assert_allclose(fired(run), [crossing + 1.2345], rtol=0, atol=1e-12)


def test_refractoriness_ends_after_what_arrives_at_its_end():
    """Fired at 3, held for 3: what arrives at 5 and at 6 is ignored, at 6.1 it fires again."""
    network = pair(ONE, (2, 1, 1), weight=16.0, receptor="membrane", parameters={"tau_refrac": 3.0})
    given_ = tuple((t, 0) for t in (2.0, 4.0, 5.0, 5.1))
    np.testing.assert_allclose(fired(EXACT.run(shown(network, given_))), [3.0, 6.1], atol=1e-12)


def test_what_arrives_together_counts_together():
    """16 mV up and 2 mV down at one instant do not fire, though either order of sums is near."""
    kernel = np.array([[[[16.0]], [[-2.0]]]])
    network = pair(kernel, (2, 1, 1), weight=1.0, delay=0.3, receptor="membrane")
    together = EXACT.run(shown(network, ((0.6, 0), (0.6, 1))))
    assert len(fired(together)) == 0
    apart = EXACT.run(shown(network, ((0.6, 0), (0.7, 1))))
    np.testing.assert_allclose(fired(apart), [0.9], atol=1e-12)


def test_a_spike_in_flight_is_lost_with_reset_and_arrives_without():
    network = pair(ONE, (2, 1, 1), weight=30.0, delay=5.0, receptor="membrane")
    lost = shown(network, ((8.0, 0),), duration=10.0, n_trials=2)
    assert len(fired(EXACT.run(lost))) == 0
    spikes = EXACT.run(dataclasses.replace(lost, reset=False)).recording.spikes["post"]
    np.testing.assert_allclose(spikes.time, [3.0], atol=1e-12)
    np.testing.assert_array_equal(spikes.trial, [1])


def test_trials_that_run_on_are_one_long_trial():
    network = pair(SILENT, (2, 1, 1), parameters={"i_offset": 1.0, "tau_refrac": 2.0})
    long = EXACT.run(shown(network, duration=200.0))
    parts = EXACT.run(shown(network, duration=20.0, n_trials=10, reset=False)).recording
    spikes = parts.spikes["post"]
    np.testing.assert_allclose(spikes.time + 20.0 * spikes.trial, fired(long), rtol=0, atol=1e-11)


def test_plasticity_is_refused_with_a_remedy():
    network = pair(
        ONE * 0.5,
        (2, 1, 1),
        plasticity=SharedSTDP(),
        homeostasis=SharedThreshold(eta=0.1, target=5.0),
    )
    problems = EXACT.unsupported(shown(network))
    assert {p.element for p in problems} == {"projection 'pre_post'", "population 'post'"}
    assert all("learning = false" in p.remedy for p in problems)
    with pytest.raises(UnsupportedError, match="SharedSTDP"):
        EXACT.run(shown(network))
    assert EXACT.unsupported(shown(network, learning=False)) == []


def test_competition_is_refused_with_a_remedy():
    network = pair(ONE * 0.5, (2, 1, 1))
    rivals = dataclasses.replace(
        network.population("post"), competition=WinnerTakeAll(silence=True)
    )
    network = dataclasses.replace(network, populations=(network.population("pre"), rivals))
    (problem,) = EXACT.unsupported(shown(network, learning=False))
    assert (problem.element, problem.feature[:13]) == ("population 'post'", "WinnerTakeAll")


@pytest.mark.parametrize(
    "threshold", ["v*v >= v_thresh*v_thresh", "v >= v_thresh and I_exc > 0*I_exc", "v == v_thresh"]
)
def test_a_threshold_that_is_no_line_is_refused(threshold):
    neuron = dataclasses.replace(LIF, name="curved", threshold=threshold)
    problems = EXACT.unsupported(shown(pair(ONE, (2, 1, 1), neuron)))
    assert [p.element for p in problems] == ["population 'post'"]
    assert "v >= v_thresh" in problems[0].remedy


@pytest.mark.parametrize("threshold", ["v > v_thresh", "v_thresh <= v", "-2*v/2 < -v_thresh"])
def test_a_threshold_may_be_written_in_any_linear_way(threshold):
    neuron = dataclasses.replace(LIF, name="other", threshold=threshold)
    network = pair(SILENT, (2, 1, 1), neuron, parameters={"i_offset": 1.0})
    times = fired(EXACT.run(shown(network)))
    np.testing.assert_allclose(times, 20 * np.log(4) * np.arange(1, 3), rtol=0, atol=1e-12)


def test_firing_without_end_is_an_error():
    network = pair(SILENT, (2, 1, 1), parameters={"v_reset": -40.0, "i_offset": 1.0})
    with pytest.raises(SpecError, match="fires endlessly"):
        EXACT.run(shown(network))
