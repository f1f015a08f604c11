"""Simulated STDP windows, and the dependence of triplet rules on the frequency of pairs.

make pictures ONLY=learning_rules    # writes docs/images/learning_rules.png
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scnnbio import (
    LIF,
    ConvolutionConnector,
    Network,
    Population,
    Projection,
    SpikeSource,
    backends,
)
from scnnbio.encoding import LGN, Encoding
from scnnbio.encoding.codes import Code
from scnnbio.experiment import Experiment, Record
from scnnbio.figures.style import INK, MODEL, OFF, ON, PAGE, QUIET, new_figure, panel_letter, styled
from scnnbio.plasticity import LearningRule, SharedSTDP, TripletSTDP
from scnnbio.stimuli import WhiteNoise

SHIFTS = (-80, -60, -40, -30, -20, -15, -10, -7, -4, -2, 0, 2, 4, 7, 10, 15, 20, 30, 40, 60, 80)
FREQUENCIES = (5.0, 10.0, 20.0, 25.0, 40.0, 50.0)
#: Mean and standard error at 0.1, 10, 20, 40 and 50 Hz: Sjostrom, Turrigiano & Nelson 2001, Neuron
#: 32:1149, as Pfister & Gerstner 2006 take them. By the shift of the postsynaptic spike in ms.
RECORDED = {
    10: ((-0.04, 0.14, 0.29, 0.53, 0.56), (0.05, 0.10, 0.14, 0.11, 0.26)),
    -10: ((-0.29, -0.41, -0.34, 0.56, 0.75), (0.08, 0.11, 0.10, 0.32, 0.19)),
}


@dataclass(frozen=True)
class _Given(Code):
    """Spikes of both cells at given whole milliseconds."""

    pre: tuple[int, ...] = ()
    post: tuple[int, ...] = ()
    kind: Literal["given"] = "given"

    def spikes(
        self, drive: NDArray[np.float64], duration: float, dt: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """All spikes, on steps of 1 ms."""
        rows = sorted([(t, 0) for t in self.pre] + [(t, 1) for t in self.post])
        step, unit = np.array(rows, dtype=np.int32).T
        return step, unit


def change(rule: LearningRule, pre: NDArray[np.int64], post: NDArray[np.int64]) -> float:
    """Change of a weight by a rule, where a second, strong input makes the neuron fire."""
    convolution = ConvolutionConnector(np.array([0.0, 8.0]).reshape(1, 2, 1, 1), (2, 1, 1))
    layer = Population("post", (1, 1, 1), LIF, {"tau_m": 1.0})
    free = dataclasses.replace(rule, w_min=-20.0, w_max=20.0)
    network = Network(
        (Population("pre", (2, 1, 1), SpikeSource()), layer),
        (Projection("pre", "post", convolution, 10.0, receptor="membrane", plasticity=free),),
    )
    duration = float(max(pre.max(), post.max()) + 5)
    given: Any = _Given(tuple(pre), tuple(post))  # a code of this page, which no document names
    experiment = Experiment(
        network,
        WhiteNoise(n_trials=1, duration=duration, frame=duration),
        Encoding(LGN(normalisation_sigma=0.0), given),
        Record(spikes=("post",)),
        dt=1.0,
    )
    run = backends.get("reference").run(experiment)
    return float(run.weights["pre_post"][0, 0, 0, 0])


@styled
def learning_figure() -> Figure:
    """Simulate, and draw in the style of the other figures."""
    figure = new_figure(PAGE, 88.0)
    left, right = figure.subplots(1, 2)
    _pairs(left)
    _triplets(right)
    for letter, axes in zip("AB", (left, right), strict=True):
        axes.axhline(0, color=QUIET, lw=0.5, zorder=0)
        panel_letter(axes, letter)
    return figure


def _pairs(axes: Axes) -> None:
    pair = SharedSTDP(bounds="hard", a_plus=0.01, a_minus=0.0085)
    at = np.array([100])
    for side in (np.linspace(-80, 0, 200), np.linspace(0, 80, 200)):
        exponential = np.where(
            side + np.sign(side.sum()) * 1e-9 > 0,
            0.01 * np.exp(-side / pair.tau_plus),
            -0.0085 * np.exp(side / pair.tau_minus),
        )
        label = "exponentials" if side[0] else None
        axes.plot(side, 100 * exponential, color=INK, lw=0.8, label=label)
    values = [100 * change(pair, at, at + s) for s in SHIFTS]
    axes.plot(SHIFTS, values, "o", color=MODEL, ms=4, label="simulated")
    axes.set(xlabel="time of post - time of pre (ms)", ylabel="change of weight (% of w_max)")
    axes.set_title("SharedSTDP, hard bounds", loc="right")
    axes.legend(loc="upper left")


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
            label=f"recorded ± SEM, post {abs(shift)} ms {'after' if shift > 0 else 'before'} pre",
        )  # fmt: skip
    axes.set(xlabel="frequency of 60 pairs (Hz)", ylabel="change of weight (%)", ylim=(-60, 185))
    axes.set_title("TripletSTDP.published", loc="right")
    axes.legend(loc="upper left", labelspacing=0.25)
