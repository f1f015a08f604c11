"""A stack of layers with and without homeostasis, and its rate of return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from scnnbio.analysis.homeostasis import Return
from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled

__all__ = ["Stack", "homeostasis_figure"]

Array = NDArray[np.float64]

#: Colours of layers, from the first (dark) to the last (light).
_MAP = "viridis"


@dataclass(frozen=True, eq=False)
class Stack:
    """Mean rates of the layers of one stack.

    Parameters
    ----------
    time : array, shape (bins,)
        Time in s.
    rates : array, shape (layers, bins)
        Rates in Hz, over one rise and one fall of the input.
    settled : array, shape (layers, 2)
        Rates in Hz at the end of a trial, at the lower and the higher input.
    """

    time: Array
    rates: Array
    settled: Array


@styled
def homeostasis_figure(
    with_it: Stack,
    without: Stack,
    returns: Mapping[str, Return],
    target: float,
    steps: Sequence[float],
    *,
    width: float = PAGE,
) -> Figure:
    """Rates of all layers over time and when settled, and the return to the target.

    Parameters
    ----------
    with_it, without : Stack
    returns : mapping of str to Return
        By the change of the input; two at most.
    target : float
        Target rate in Hz.
    steps : sequence of float
        Times at which the input rises and falls (s).
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A, B: rates with and without homeostasis. C: rates when settled. D: distance of the first
        layer's threshold from its final value, and the eigenvalue's exponential.
    """
    figure = new_figure(width, width * 0.68)
    axes = figure.subplots(2, 2)
    for panel, stack, title in ((axes[0, 0], with_it, "with"), (axes[0, 1], without, "without")):
        _course(panel, stack, steps, target if title == "with" else None)
        panel.set_title(f"{title} homeostasis", loc="right")
    top = max(float(s.rates.max()) for s in (with_it, without)) * 1.05
    for panel in axes[0]:
        panel.set_ylim(-2.0, top)
    axes[0, 1].legend(loc="upper left", borderaxespad=0.0, labelspacing=0.3)
    _settled(axes[1, 0], with_it, without, target)
    _way_back(axes[1, 1], returns)
    for letter, panel in zip("ABCD", axes.flat, strict=True):
        panel_letter(panel, letter)
    return figure


def _course(axes: Axes, stack: Stack, steps: Sequence[float], target: float | None) -> None:
    import matplotlib

    layers = len(stack.rates)
    colours = matplotlib.colormaps[_MAP](np.linspace(0.0, 0.88, layers))
    for k, (rate, colour) in enumerate(zip(stack.rates, colours, strict=True), start=1):
        axes.plot(stack.time, rate, color=colour, lw=0.9, label=f"layer {k}", zorder=layers - k + 2)
    for step in steps:
        axes.axvline(step, color=QUIET, lw=0.8, ls=":")
    if target is not None:
        axes.axhline(target, color=INK, lw=0.6, ls="--", zorder=20)
    axes.set_xlabel("time (s)")
    axes.set_ylabel("rate (Hz)")


def _settled(axes: Axes, with_it: Stack, without: Stack, target: float) -> None:
    layer = np.arange(1, len(with_it.settled) + 1)
    axes.axhspan(0.9 * target, 1.1 * target, color="#E4E4E4", zorder=0)
    for stack, colour, name in ((with_it, MODEL, "with"), (without, ON, "without")):
        for column, marker, level in ((0, "v", "low"), (1, "^", "high")):
            # A logarithmic axis cannot show 0: silence is drawn at its lowest value.
            shown = np.maximum(stack.settled[:, column], _LOWEST)
            axes.semilogy(
                layer, shown, color=colour, marker=marker, ms=4, lw=0.8,
                mfc=colour if column else "white", label=f"{name}, {level} input",
            )  # fmt: skip
    axes.set_ylim(_LOWEST * 0.7, 2e3)
    axes.yaxis.set_major_locator(FixedLocator([0.01, 0.1, 1.0, 10.0, 100.0]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda y, _: f"{y:g}" if y > _LOWEST else f"≤ {y:g}")
    )
    axes.xaxis.set_major_locator(FixedLocator(layer.tolist()))
    axes.set_xlabel("layer")
    axes.set_ylabel("rate when settled (Hz)")
    axes.legend(loc="upper left", ncols=2, columnspacing=0.8)


_LOWEST = 0.01


def _way_back(axes: Axes, returns: Mapping[str, Return]) -> None:
    for (name, found), colour in zip(returns.items(), (MODEL, ON), strict=False):
        tail = found.time > found.start
        since = (found.time[tail] - found.start) / 1e3
        distance = np.abs(found.threshold[tail] - found.final)
        last = 4.0 / found.rate_of_return / 1e3
        shown = since <= last
        axes.semilogy(
            since[shown], distance[shown] / distance[0], ".", color=colour, ms=3, label=name
        )
        fine = np.linspace(0.0, last, 50)
        axes.semilogy(
            fine, np.exp(found.eigenvalue * 1e3 * fine), color=colour, lw=1.0,
            label=f"eigenvalue {found.eigenvalue * 1e3:.3g}/s",
        )  # fmt: skip
    axes.set_ylim(0.01, 1.5)
    axes.set_xlabel("time since the rate came near its target (s)")
    axes.set_ylabel("distance of the threshold\nfrom its final value (relative)")
    axes.legend(loc="upper right")
