"""Figures of networks that learned by gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scnnbio.analysis.converted_digits import converted_course
from scnnbio.analysis.digit_votes import spikes_per_neuron, vote
from scnnbio.analysis.digits import pixel_read_out
from scnnbio.figures.conversion import conversion_figure
from scnnbio.figures.spec import FigureSpec, StudyResults
from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled
from scnnbio.validation.protocol import Missing

__all__ = ["surrogate_figure"]

_MARKS = "os^Dv"
_NAMED = "digits named rightly (%)"


@styled
def surrogate_figure(
    epochs: Sequence[Mapping[str, Any]],
    layers: Sequence[Mapping[str, Any]],
    spikes: Mapping[str, Mapping[str, float]],
    *,
    chosen: int,
    width: float = PAGE,
) -> Figure:
    """Course of training by surrogate gradients, and what layers fire before and after it.

    Parameters
    ----------
    epochs : sequence of mapping
        ``epoch``, ``accuracy`` and ``validation`` (None without) of each.
    layers : sequence of mapping
        ``epoch``, ``population`` and ``dead`` of each layer in each.
    spikes : mapping of str to mapping of str to float
        Spikes per neuron and image of each layer, by the label of a network.
    chosen : int
        The epoch that was kept.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: accuracy by epoch; dotted, the epoch that was kept. B: share of silent neurons by layer.
        C: spikes per neuron and image by layer.
    """
    figure = new_figure(width, width * 0.32)
    course, silent, fired = (figure.add_subplot(1, 3, k + 1) for k in range(3))
    number = [row["epoch"] + 1 for row in epochs]
    course.plot(number, [100 * row["accuracy"] for row in epochs], "-", color=INK, label="training")
    if epochs[0]["validation"] is not None:
        shares = [100 * row["validation"] for row in epochs]
        course.plot(number, shares, "o-", color=MODEL, ms=3, label="validation")
    course.axvline(chosen + 1, color=QUIET, lw=0.8, ls=":")
    course.set(xlabel="epoch", ylabel=_NAMED)
    course.legend(loc="lower right", frameon=True, framealpha=1.0, edgecolor="none")
    names = list(dict.fromkeys(row["population"] for row in layers))
    for name, mark in zip(names, _MARKS * len(names), strict=False):
        shares = [100 * row["dead"] for row in layers if row["population"] == name]
        silent.plot(number, shares, f"{mark}-", ms=3, label=name)
    silent.set(xlabel="epoch", ylabel="silent neurons (%)", ylim=(-3.0, 103.0))
    silent.legend(loc="best")
    _fired(fired, names, spikes)
    for letter, axes in zip("ABC", (course, silent, fired), strict=True):
        panel_letter(axes, letter)
    return figure


def _fired(axes: Axes, names: Sequence[str], spikes: Mapping[str, Mapping[str, float]]) -> None:
    """Spikes per neuron of each layer, one colour per network."""
    step = 0.8 / max(len(spikes), 1)
    for k, (label, found) in enumerate(spikes.items()):
        places = [n - 0.4 + (k + 0.5) * step for n in range(len(names))]
        heights = [found.get(name, 0.0) for name in names]
        axes.bar(places, heights, 0.9 * step, color=(ON, MODEL)[k % 2], label=label)
    axes.set_xticks(range(len(names)), names)
    axes.set(xlabel="layer", ylabel="spikes per neuron and image")
    axes.legend(loc="best")


def _surrogate(results: StudyResults) -> tuple[Figure, str]:
    trained = results.evidence["trained"].run.provenance.get("training")
    if trained is None:
        raise Missing("the stage 'trained' did not learn by gradient")
    evidence = results.evidence["tested"]
    voters = trained["layers"][-1]["population"]
    stages = {"untrained": "untrained", "tested": "trained"}
    spikes = {
        label: spikes_per_neuron(results.evidence[stage].recording)
        for stage, label in stages.items()
        if stage in results.evidence
    }
    figure = surrogate_figure(
        trained["epochs"], trained["layers"], spikes, chosen=trained["chosen"]
    )
    after, pixels = evidence.once(vote, voters), evidence.once(pixel_read_out).accuracy
    low, high = (100 * end for end in after.interval)
    backend = evidence.run.provenance["backend"]
    caption = (
        f"A network that learned from {trained['trained_on']} digits by surrogate gradients. A:"
        " digits named rightly by epoch, of those that it learned from while it learned, and of"
        " the validation part; dotted, the epoch that was kept. B: neurons that no image of the"
        " epoch made fire. C: spikes in each layer, of weights as they are drawn and of trained"
        f" ones. On {backend} the trained network names {100 * after.value:.2f} % of the test"
        f" digits rightly (95 % interval {low:.1f} to {high:.1f}, n = {after.n}), and a linear"
        f" classifier of the pixels {100 * pixels.value:.2f} %."
    )
    return figure, caption


def _conversion(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["converted"]
    readout = next(iter(evidence.recording.signals), "")
    found = evidence.once(converted_course, readout)
    shares = np.array([one.value for one in found.accuracy])
    figure = conversion_figure(
        found.steps, shares, found.spikes, found.operations,
        module_accuracy=found.module.value, multiplications=found.multiplications,
        tested=found.module.n,
    )  # fmt: skip
    trained = results.evidence["module"].run.provenance.get("training", {})
    told = f" The module learned from {trained['trained_on']} digits." if trained else ""
    backend = evidence.run.provenance["backend"]
    caption = (
        f"A converted network on {backend}, after T steps with input. A: test digits named wrongly"
        " by the largest sum, with the standard error; dashed, the module of the same weights,"
        f" {100 * (1 - found.module.value):.2f} %. B: spikes per image. C: arrivals of spikes at"
        f" neurons per image; dashed, multiplications of the module.{told}"
    )
    return figure, caption


SPECS = (
    FigureSpec(
        "digits_conversion",
        "Digits named by a converted network",
        ("converted.spikes.one", "converted.signals.sums"),
        _conversion,
    ),
    FigureSpec(
        "digits_surrogate",
        "Digits named by a network that learned by surrogate gradients",
        ("trained", "tested.spikes.digits"),
        _surrogate,
    ),
)
