"""The windows of pairs of spikes, and what triplet rules make of their frequency, from simulations.

python docs/learning_figure.py    # writes docs/images/learning_rules.png
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib import pyplot as plt
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
from scnnbio.plasticity import LearningRule, SharedSTDP, TripletSTDP
from scnnbio.stimuli import WhiteNoise

IMAGE = Path(__file__).parent / "images" / "learning_rules.png"
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
    """What a rule does to a weight whose neuron another, strong input makes fire at once."""
    convolution = ConvolutionConnector(np.array([0.0, 8.0]).reshape(1, 2, 1, 1), (2, 1, 1))
    layer = Population("post", (1, 1, 1), LIF, {"tau_m": 1.0})
    free = dataclasses.replace(rule, w_min=-20.0, w_max=20.0)
    network = Network(
        (Population("pre", (2, 1, 1), SpikeSource()), layer),
        (Projection("pre", "post", convolution, 10.0, receptor="membrane", plasticity=free),),
    )
    duration = float(max(pre.max(), post.max()) + 5)
    experiment = Experiment(
        network,
        WhiteNoise(n_trials=1, duration=duration, frame=duration),
        Encoding(LGN(normalisation_sigma=0.0), _Given(tuple(pre), tuple(post))),
        Record(spikes=("post",)),
        dt=1.0,
    )
    run = backends.get("reference").run(experiment)
    return float(run.weights["pre_post"][0, 0, 0, 0])


def draw() -> None:
    """Simulate and draw."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    pair = SharedSTDP(bounds="hard", a_plus=0.01, a_minus=0.0085)
    at = np.array([100])
    left.plot(SHIFTS, [100 * change(pair, at, at + s) for s in SHIFTS], "o", label="simulated")
    for side in (np.linspace(-80, 0, 200), np.linspace(0, 80, 200)):
        exponential = np.where(
            side + np.sign(side.sum()) * 1e-9 > 0,
            0.01 * np.exp(-side / pair.tau_plus),
            -0.0085 * np.exp(side / pair.tau_minus),
        )
        left.plot(side, 100 * exponential, "k-", lw=1, label="exponentials" if side[0] else None)
    left.set(xlabel="post - pre (ms)", ylabel="change of w (%)", title="SharedSTDP, hard bounds")
    left.legend(frameon=False)
    colours = {10: "C3", -10: "C0"}
    styles = {("full", "all-to-all"): "-", ("minimal", "all-to-all"): "--"}
    styles |= {("full", "nearest"): "-.", ("minimal", "nearest"): ":"}
    for (model, pairing), style in styles.items():
        rule = TripletSTDP.published("visual-cortex", model, pairing)  # type: ignore[arg-type]
        for shift, colour in colours.items():
            curve = []
            for frequency in FREQUENCIES:
                pre = 20 + np.arange(60) * round(1000 / frequency)
                curve.append(100 * change(rule, pre, pre + shift))
            name = f"{model}, {pairing}" if shift > 0 else None
            right.plot(FREQUENCIES, curve, style, color=colour, lw=1.2, label=name)
    for shift, (means, errors) in RECORDED.items():
        percent = 100 * np.array([means, errors])
        label = f"recorded, post {abs(shift)} ms {'after' if shift > 0 else 'before'} pre"
        right.errorbar(
            (0.1, 10, 20, 40, 50), *percent, fmt="s", color=colours[shift], capsize=2, label=label
        )
    right.set(
        xlabel="frequency of 60 pairs (Hz)", ylabel="change of w (%)", title="TripletSTDP.published"
    )
    right.legend(frameon=False, fontsize=7)
    for axis in (left, right):
        axis.axhline(0, color="0.7", lw=0.5, zorder=0)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(IMAGE, dpi=120)


if __name__ == "__main__":
    draw()
