"""Simulated windows of every learning rule, and what triplets and rewards depend on.

make pictures ONLY=learning_rules    # writes docs/images/learning_rules.png
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from scnnbio import (
    LIF,
    ConvolutionConnector,
    Network,
    Population,
    Projection,
    SpikeSource,
    backends,
)
from scnnbio.experiment import Experiment, Record
from scnnbio.figures.style import INK, MODEL, OFF, ON, PAGE, QUIET, new_figure, panel_letter, styled
from scnnbio.inputs import FromSpikes
from scnnbio.plasticity import (
    MSTDP,
    MSTDPET,
    LearningRule,
    Reward,
    SharedSTDP,
    Trace,
    TraceRule,
    TripletSTDP,
)

SHIFTS = (-80, -60, -40, -30, -20, -15, -10, -7, -4, -2, 0, 2, 4, 7, 10, 15, 20, 30, 40, 60, 80)
FREQUENCIES = (5.0, 10.0, 20.0, 25.0, 40.0, 50.0)
#: Mean and standard error at 0.1, 10, 20, 40 and 50 Hz: Sjostrom, Turrigiano & Nelson 2001, Neuron
#: 32:1149, as Pfister & Gerstner 2006 take them. By the shift of the postsynaptic spike in ms.
RECORDED = {
    10: ((-0.04, 0.14, 0.29, 0.53, 0.56), (0.05, 0.10, 0.14, 0.11, 0.26)),
    -10: ((-0.29, -0.41, -0.34, 0.56, 0.75), (0.08, 0.11, 0.10, 0.32, 0.19)),
}


PAIR = SharedSTDP(bounds="hard", a_plus=0.01, a_minus=0.0085)
TRIPLET = TripletSTDP.published("visual-cortex")
RECENT = TraceRule(
    traces={"arrived": Trace("pre", tau=40.0, pairing="nearest")},
    on_post="a*(int(arrived > 0.5)*(w_max - w) - int(arrived <= 0.5)*(w - w_min))",
    parameters={"a": 0.05},
)
MODULATED = MSTDP(a_plus=0.01, a_minus=0.01, reward=Reward("reward", tau=1e9))
ELIGIBLE = MSTDPET(a_plus=0.01, a_minus=0.01, reward=Reward("reward"))
#: The rules that panels show; a test asks for one of every kind in a document.
SHOWN: tuple[LearningRule, ...] = (PAIR, TRIPLET, RECENT, MODULATED, ELIGIBLE)


def change(
    rule: LearningRule,
    pre: ArrayLike,
    post: ArrayLike,
    reward: ArrayLike = (),
    *,
    begins: float = 0.0,
    bounded: bool = False,
) -> float:
    """Change of a weight by a rule, where a second, strong input makes the neuron fire."""
    free = rule if bounded else dataclasses.replace(rule, w_min=-20.0, w_max=20.0)
    trains = {"pre": pre, "teacher": post, "reward": reward}
    last = max(float(np.max(train)) for train in trains.values() if np.size(train))
    one = (1, 1, 1)
    network = Network(
        (
            *(Population(name, one, SpikeSource()) for name in trains),
            Population("post", one, LIF, {"tau_m": 1.0}),
        ),
        (
            Projection("pre", "post", _weight(begins), receptor="membrane", plasticity=free),
            Projection("teacher", "post", _weight(80.0), receptor="membrane"),
        ),
    )
    inputs = {name: _train(train, last + 5.0) for name, train in trains.items()}
    experiment = Experiment(network, inputs=inputs, record=Record(spikes=("post",)), dt=1.0)
    run = backends.get("reference").run(experiment)
    if len(run.recording.spikes["post"].time) != np.size(post):
        raise AssertionError("the neuron did not fire as it was made to")
    return float(run.weights["pre_post"][0, 0, 0, 0]) - begins


def _weight(value: float) -> ConvolutionConnector:
    return ConvolutionConnector(np.full((1, 1, 1, 1), value), (1, 1, 1))


def _train(times: ArrayLike, duration: float) -> FromSpikes:
    found: NDArray[np.float64] = np.atleast_1d(np.asarray(times, dtype=float))
    none = np.zeros(len(found), dtype=int)
    return FromSpikes(found, none, none, size=(1, 1, 1), duration=duration)


@styled
def learning_figure() -> Figure:
    """Simulate, and draw in the style of the other figures."""
    figure = new_figure(PAGE, 176.0)
    panels = figure.subplots(2, 3).ravel()
    drawn = (_pairs, _triplet_window, _triplets, _own_rule, _modulated, _late_reward)
    for letter, axes, draw in zip("ABCDEF", panels, drawn, strict=True):
        draw(axes)
        axes.axhline(0, color=QUIET, lw=0.5, zorder=0)
        panel_letter(axes, letter)
    return figure


def _legend(axes: Axes, room: float = 0.75) -> None:
    """A legend above what is drawn, on a share of the range of its own."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + room * (high - low))
    axes.legend(loc="upper left", labelspacing=0.25, handlelength=1.5)


def _window(axes: Axes, title: str, unit: str = "% of w_max") -> None:
    axes.set(xlabel="post - pre (ms)", ylabel=f"change of weight ({unit})")
    axes.set_title(title, loc="right")


def _curves(axes: Axes, plus: float, minus: float, taus: tuple[float, float], **how: Any) -> None:
    """The exponentials of a pair rule, in percent, on both sides of zero."""
    sides = np.linspace(0.0, 80.0, 200)
    axes.plot(sides, 100 * plus * np.exp(-sides / taus[0]), **how)
    axes.plot(-sides, -100 * minus * np.exp(-sides / taus[1]), **{**how, "label": None})


def _pairs(axes: Axes) -> None:
    rule = PAIR
    taus = (rule.tau_plus, rule.tau_minus)
    _curves(axes, rule.a_plus, rule.a_minus, taus, color=INK, lw=0.8, label="exponentials")
    values = [100 * change(rule, 100, 100 + s) for s in SHIFTS]
    axes.plot(SHIFTS, values, "o", color=MODEL, ms=4, label="simulated, hard")
    for bounds, marker in (("soft", "^"), ("power", "s")):
        mu = 0.2 if bounds == "power" else None
        near = dataclasses.replace(rule, bounds=bounds, mu=mu)  # type: ignore[arg-type]
        values = [100 * change(near, 100, 100 + s, begins=0.3, bounded=True) for s in SHIFTS]
        name = f"{bounds}, w = 0.3" + (f", μ = {mu}" if mu else "")
        axes.plot(SHIFTS, values, marker, color=QUIET, ms=3, label=name)
    _window(axes, "SharedSTDP")
    _legend(axes)


def _triplet_window(axes: Axes) -> None:
    for frequency, colour in ((10.0, QUIET), (20.0, MODEL), (40.0, INK)):
        pre = 100 + np.arange(60) * round(1000 / frequency)
        shifts = (-20, -10, -4, 0, 4, 10, 20)
        values = [100 * change(TRIPLET, pre, pre + s) for s in shifts]
        axes.plot(shifts, values, "o-", color=colour, ms=3, lw=0.8, label=f"{frequency:g} Hz")
    _window(axes, "TripletSTDP", "%")
    _legend(axes)


def _own_rule(axes: Axes) -> None:
    for begins, colour in ((0.3, QUIET), (0.7, MODEL)):
        values = [100 * change(RECENT, 100, 100 + s, begins=begins, bounded=True) for s in SHIFTS]
        axes.plot(SHIFTS, values, "o-", color=colour, ms=3, lw=0.8, label=f"w = {begins}")
    _window(axes, "TraceRule")
    _legend(axes)


def _modulated(axes: Axes) -> None:
    rule = MODULATED
    for value, colour in ((1.0, ON), (-1.0, OFF)):
        signed = dataclasses.replace(rule, reward=dataclasses.replace(rule.reward, values=value))
        taus = (rule.tau_plus, rule.tau_minus)
        plus, minus = value * rule.a_plus, value * rule.a_minus
        _curves(axes, plus, minus, taus, color=INK, lw=0.8)
        values = [100 * change(signed, 100, 100 + s, 1) for s in SHIFTS]
        axes.plot(SHIFTS, values, "o", color=colour, ms=3, label=f"reward {value:+g}")
    _window(axes, "MSTDP")
    _legend(axes)


def _late_reward(axes: Axes) -> None:
    rule = ELIGIBLE
    waits = np.array([2, 5, 10, 20, 30, 50, 80])
    for shift, colour in ((5, ON), (-5, OFF)):
        pair = rule.a_plus if shift > 0 else -rule.a_minus
        fine = np.linspace(0.0, 80.0, 200)
        expected = 100 * pair * np.exp(-abs(shift) / rule.tau_plus - fine / rule.tau_e)
        axes.plot(fine, expected, color=INK, lw=0.8, label="exponentials" if shift > 0 else None)
        last = 100 + max(shift, 0)
        values = [100 * change(rule, 100, 100 + shift, last + w) for w in waits]
        # Both the spikes and the reward arrive a step late.
        name = f"post {abs(shift)} ms {'after' if shift > 0 else 'before'} pre"
        axes.plot(waits, values, "o", color=colour, ms=3, label=name)
    axes.set(xlabel="reward - pair (ms)", ylabel="change of weight (% of w_max)")
    axes.set_title("MSTDPET", loc="right")
    _legend(axes)


def _triplets(axes: Axes) -> None:
    colours = {10: ON, -10: OFF}
    styles = {("full", "all-to-all"): "-", ("minimal", "all-to-all"): "--"}
    styles |= {("full", "nearest"): "-.", ("minimal", "nearest"): ":"}
    for (model, pairing), style in styles.items():
        rule = TripletSTDP.published("visual-cortex", model, pairing)  # type: ignore[arg-type]
        axes.plot([], [], style, color=INK, lw=1.0, label=f"{model}, {pairing}")
        for shift, colour in colours.items():
            curve = []
            for frequency in FREQUENCIES:
                pre = 20 + np.arange(60) * round(1000 / frequency)
                curve.append(100 * change(rule, pre, pre + shift))
            axes.plot(FREQUENCIES, curve, style, color=colour, lw=1.0)
    # Shifted sideways, and open, so that neither hides the other.
    for (shift, (means, errors)), aside in zip(RECORDED.items(), (-0.4, 0.4), strict=True):
        axes.errorbar(
            np.array([0.1, 10, 20, 40, 50]) + aside, 100 * np.array(means), 100 * np.array(errors),
            fmt="s" if shift > 0 else "o", ms=4, mfc="white", color=colours[shift], elinewidth=0.8,
            label=f"post {abs(shift)} ms {'after' if shift > 0 else 'before'} pre",
        )  # fmt: skip
    axes.set(xlabel="frequency of 60 pairs (Hz)", ylabel="change of weight (%)", ylim=(-60, 185))
    axes.set_title("published", loc="right")
    _legend(axes, 0.1)
