"""Forward Euler below and above its stability limit."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from scnnbio.analysis.euler import Membranes
from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled

__all__ = ["euler_figure"]

Array = NDArray[np.float64]

_SHOWN = 12


@styled
def euler_figure(
    still: tuple[Membranes, Membranes],
    firing: tuple[Membranes, Membranes],
    measured: tuple[Array, Array],
    traces: tuple[Array, Array],
    *,
    width: float = PAGE,
) -> Figure:
    """The potential step by step, the factor per step, and the resulting spike rates.

    Parameters
    ----------
    still, firing : (Membranes, Membranes)
        Driven below and above threshold; each by the exact step, and by forward Euler.
    measured : (array, array), each of shape (channels,)
        Measured factors of ``still``.
    traces : (array, array), each of shape (steps, channels)
        Potential of ``still`` above rest, divided by its final value.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: three time steps, one in each regime. B: factor on a deviation per step. C: rates.
    """
    figure = new_figure(width, width * 0.46)
    grid = figure.add_gridspec(3, 3, width_ratios=(1.0, 1.05, 1.05))
    ratio = still[1].ratio
    chosen = [int(np.abs(ratio - near).argmin()) for near in (0.5, 1.6, 2.22)]
    panels = [figure.add_subplot(grid[k, 0]) for k in range(3)]
    for axes, channel in zip(panels, chosen, strict=True):
        _trace(axes, float(ratio[channel]), *(t[: _SHOWN + 1, channel] for t in traces))
    panel_letter(panels[0], "A")
    panels[1].set_ylabel("v above rest / final value")
    panels[0].legend(loc="lower right", ncols=2, handlelength=1.0, columnspacing=0.8)
    panels[-1].set_xlabel("steps of dt")
    for axes in panels[:-1]:
        axes.tick_params(labelbottom=False)
    middle, right = figure.add_subplot(grid[:, 1]), figure.add_subplot(grid[:, 2])
    _factors(middle, still, measured)
    _rates(right, still, firing)
    panel_letter(middle, "B")
    panel_letter(right, "C")
    return figure


def _trace(axes: Axes, ratio: float, exact: Array, euler: Array) -> None:
    steps = np.arange(len(exact))
    fine = np.linspace(0.0, steps[-1], 200)
    axes.plot(fine, 1.0 - np.exp(-fine * ratio), color=QUIET, lw=0.8, zorder=1)
    axes.plot(steps, exact, "s", color=MODEL, ms=3, label="exact")
    axes.plot(steps, euler, "-o", color=ON, ms=2.5, lw=0.8, label="Euler")
    axes.axhline(1.0, color=QUIET, lw=0.5, ls=":")
    low, high = min(float(euler.min()), 0.0), max(float(euler.max()), 1.2)
    room = high - low
    axes.set_ylim(low - 0.08 * room, high + 0.5 * room)
    axes.text(
        0.98, 0.97, f"dt = {ratio:.3g} τ", transform=axes.transAxes, ha="right", va="top"
    )  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def _factors(axes: Axes, still: tuple[Membranes, Membranes], measured: tuple[Array, Array]) -> None:
    ratio = np.linspace(0.0, still[1].ratio.max() * 1.12, 200)
    axes.axhspan(-1.0, 1.0, color="#EFEFEF", zorder=0)
    axes.plot(ratio, 1.0 - ratio, color=ON, lw=0.8, label="1 - dt/τ")
    axes.plot(ratio, np.exp(-ratio), color=MODEL, lw=0.8, label="exp(-dt/τ)")
    axes.plot(still[1].ratio, measured[1], "o", color=ON, ms=3.5, label="Euler, measured")
    axes.plot(still[0].ratio, measured[0], "s", color=MODEL, ms=3, label="exact, measured")
    for limit in (1.0, 2.0):
        axes.vlines(limit, -1.75, 1.0, color=QUIET, lw=0.8, ls=":")
    axes.set_xlim(0.0, ratio[-1])
    axes.set_ylim(-1.75, 2.5)
    for x, word in ((0.5, "decays"), (1.5, "alternates"), (2.4, "diverges")):
        axes.text(x, 1.03, word, ha="center", va="bottom", color=QUIET)
    axes.set_xlabel("dt / τ")
    axes.set_ylabel("factor on a deviation per step")
    axes.legend(loc="upper right", ncols=1)


def _rates(
    axes: Axes, still: tuple[Membranes, Membranes], firing: tuple[Membranes, Membranes]
) -> None:
    # In units of the time constant, all channels have one rate, apart from effects of the grid.
    ratio, tau = firing[0].ratio, firing[0].tau * 1e-3
    axes.loglog(ratio, firing[0].closed_rate * tau, color=QUIET, lw=1.0, label="closed form")
    axes.loglog(
        ratio, firing[0].grid_rate * tau, color=INK, lw=0.8, ls="--", label="closed form, grid"
    )
    axes.loglog(ratio, firing[0].rate * tau, "s", color=MODEL, ms=5, mfc="none", label="exact")
    axes.loglog(ratio, firing[1].rate * tau, "o", color=ON, ms=3, label="Euler")
    wrong = still[1].rate * tau
    fired = wrong > 0
    axes.loglog(ratio[fired], wrong[fired], "x", color=ON, ms=5, label="Euler, below threshold")
    # Leaves room for the legend.
    axes.axvline(2.0, ymin=0.42, color=QUIET, lw=0.8, ls=":")
    axes.set_xlabel("dt / τ")
    axes.set_ylabel("spikes per time constant τ")
    low = float(min(wrong[fired].min(initial=np.inf), (firing[1].rate * tau).min()))
    axes.set_ylim(low / 30, 4.0)
    axes.legend(loc="lower left")
