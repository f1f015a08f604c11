"""Gain and offset of curves that were made with a known gain and offset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scnnbio.analysis.gain import Curve, gain_change, line, potential_curve, rate_curve
from scnnbio.errors import SpecError
from scnnbio.experiment import load, study_from
from scnnbio.neurons import LIBRARY
from scnnbio.neurons.linearised import effective_membrane
from scnnbio.neurons.rates import firing_rate
from scnnbio.validation import CLAIMS
from scnnbio.workflow import execute

FILE = Path(__file__).parents[2] / "experiments" / "shunting.toml"
CURRENT = np.linspace(0.0, 4.0, 21)


def smooth(current, gain=1.0, shift=0.0):
    """A softplus: no corner for the interpolation to cut."""
    return gain * 40.0 * np.log1p(np.exp((current - shift - 1.0) / 0.3)) * 0.3


def curve(name, rate, noise=0.0, places=12, seed=0):
    drawn = np.random.default_rng(seed).normal(0.0, noise, (places, 1))
    return Curve(name, CURRENT, rate * (1.0 + drawn))


@pytest.mark.slow
@pytest.mark.parametrize(("gain", "shift"), [(1.0, 0.6), (0.6, 0.0), (1.3, 0.4), (0.7, -0.2)])
def test_a_known_gain_and_shift_are_found_again(gain, shift):
    found = gain_change(curve("control", smooth(CURRENT)), curve("x", smooth(CURRENT, gain, shift)))
    assert found.gain.value == pytest.approx(gain, rel=0.01)
    assert found.shift.value == pytest.approx(shift, abs=0.01)
    assert found.residual < 0.005


@pytest.mark.slow
def test_the_interval_is_that_of_the_spread_between_places():
    """A gain that differs from place to place by 10 %: standard error 0.1 gain/sqrt(places)."""
    control = curve("control", smooth(CURRENT), places=40)
    changed = curve("x", smooth(CURRENT, 0.8, 0.3), noise=0.1, places=40, seed=3)
    found = gain_change(control, changed).gain
    half = (found.high - found.low) / 2
    assert half == pytest.approx(1.96 * 0.8 * 0.1 / np.sqrt(40), rel=0.35)
    assert found.low < 0.8 * (changed.values / smooth(CURRENT, 0.8, 0.3)).mean() < found.high


@pytest.mark.slow
def test_high_rates_can_be_left_out():
    mixed = np.where(smooth(CURRENT) < 30, 0.5 * smooth(CURRENT), smooth(CURRENT))
    changed = curve("x", mixed)
    found = gain_change(curve("control", smooth(CURRENT)), changed, up_to=15.0)
    assert found.gain.value == pytest.approx(0.5, rel=0.01)
    assert found.up_to == 15.0


def test_curves_that_do_not_belong_together_are_refused():
    control = curve("control", smooth(CURRENT))
    with pytest.raises(SpecError, match="different currents or places"):
        gain_change(control, curve("x", smooth(CURRENT), places=3))
    with pytest.raises(SpecError, match="without a spike"):
        gain_change(control, curve("x", 0.0 * CURRENT))


@pytest.mark.slow
def test_holt_and_koch_from_the_closed_form():
    """A constant shunt as large as the leak halves the resistance, and shifts the rate at 100 Hz.

    Rates in closed form, no simulation. Far above threshold dI/df does not depend on a constant
    shunt (Holt & Koch 1997), so the gain there is nearer 1 than the membrane's 1/2.
    """
    model, parameters = LIBRARY["LIF_shunting"], {"tau_refrac": 2.0}
    current = np.linspace(0.0, 8.0, 81)
    rates = [
        np.asarray(firing_rate(model, current, parameters, held={"g_shunt": g}))
        for g in (0.0, 0.05)
    ]
    plain, shunted = (Curve("c", current, np.repeat(r[None], 2, axis=0)) for r in rates)
    found = gain_change(plain, shunted)
    resistance = [effective_membrane(model, {"g_shunt": g}).resistance for g in (0.0, 0.05)]
    assert resistance[1] / resistance[0] == pytest.approx(0.5)
    assert 0.95 < found.gain.value < 1.1
    assert found.shift.value > 0.3


@pytest.mark.slow
def test_the_experiment_measures_resistances_and_shifts():
    """A short run: resistances against cm and the mean conductance, rates by order."""
    table = load(FILE, profile="tiny").document
    network, record = table["network"], table["stages"]["inhibition"]["record"]
    # Without the noise, the barrage and a membrane: less to compile.
    left_out = ("barrage", "subtractive_passive")
    network["populations"] = [p for p in network["populations"] if p["name"] not in left_out]
    network["projections"] = [
        p for p in network["projections"]
        if p["post"] not in left_out and "noise" not in p["name"]
    ]  # fmt: skip
    record["spikes"].remove("barrage")
    record["signals"] = [s for s in record["signals"] if s["population"] not in left_out]
    passive = ("control_passive", "shunting_passive")
    resistance = {"claim": "shunt_resistance", "stage": "inhibition", "population": passive}
    study = study_from(table | {"claims": [resistance]})
    run = execute(study, "brian2-standalone").runs["inhibition"]
    score = CLAIMS["shunt_resistance"].judge(run, bound=study.claims[0])
    assert (score.verdict, score.n, score.population) == ("agrees", 2, passive)
    window = (200.0, 400.0)
    slopes = {
        name: line(potential_curve(run, f"{name}_passive", [0], window)).slope.value
        for name in ("control", "shunting")
    }
    # 20 ms / 1 nF; and 4 kHz, of which a step of 0.1 ms at most one, times 1.25 nS and 10 ms.
    shunt = 4 * 0.00125 * 10.0 * -np.expm1(-0.1) / 0.1
    assert slopes["control"] == pytest.approx(20.0, rel=1e-3)
    assert slopes["shunting"] == pytest.approx(1.0 / (0.05 + shunt), rel=0.03)
    control, subtractive, shunting = (
        rate_curve(run, name, [0], window) for name in ("control", "subtractive", "shunting")
    )
    # The mean of the subtractive current: 4 kHz, 18.75 pA and 10 ms.
    subtracted = 4 * 0.01875 * 10.0 * -np.expm1(-0.1) / 0.1
    change = gain_change(control, subtractive)
    assert change.shift.value == pytest.approx(subtracted, rel=0.05)
    assert change.gain.value == pytest.approx(1.0, rel=0.05)
    assert gain_change(control, shunting).gain.value > 0.9
