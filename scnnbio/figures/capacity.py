"""What codes tell: levels against window, jitter and refractory period, over theory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from scnnbio.analysis.capacity import Capacity
from scnnbio.encoding import BurstCode, LatencyCode, PhaseCode, PoissonCode, RegularCode
from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled

__all__ = ["capacity_figure"]

#: Label, class and look of each code.
_CODES: tuple[tuple[str, type, str, str], ...] = (
    ("latency", LatencyCode, MODEL, "o"),
    ("regular", RegularCode, INK, "s"),
    ("Poisson", PoissonCode, ON, "^"),
    ("phase", PhaseCode, "#009E73", "D"),
    ("burst", BurstCode, QUIET, "v"),
)
#: Numbers of ticks without zeros at the end: 0.5, 1, 10.
_PLAIN = "{x:g}"


@styled
def capacity_figure(found: Sequence[Capacity], *, width: float = PAGE) -> Figure:
    """Levels told apart in each condition.

    Parameters
    ----------
    found : sequence of Capacity
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        Against the window (A), the jitter (B) and the interval (C); D: spikes and time that a
        reading takes. Points: measured, with 95 % intervals; lines: exact; dotted: the law.
    """
    figure = new_figure(width, width * 0.75)
    panels = figure.subplots(2, 2)
    sweeps: list[tuple[str, Callable[[Capacity], float]]] = [
        ("window T (ms)", lambda one: one.condition.window),
        ("jitter sigma (ms)", lambda one: one.condition.sigma),
        ("shortest interval of a cell (ms)", lambda one: one.condition.interval),
    ]
    for axes, (label, at) in zip(panels.flat, sweeps, strict=False):
        others = [key for name, key in sweeps if name != label]
        for text, kind, color, marker in _CODES:
            ours = [one for one in found if isinstance(one.condition.code, kind)]
            _sweep(axes, _longest(ours, at, others), at, text, color, marker)
        axes.set(xlabel=label, ylabel="levels told apart", xscale="log", yscale="log")
        _plain_ticks(axes)
    last = panels.flat[3]
    for text, kind, color, marker in _CODES:
        ours = [one for one in found if isinstance(one.condition.code, kind)]
        last.plot(
            [one.spikes for one in ours], [one.bits for one in ours],
            marker, color=color, ms=3.5, label=text,
        )  # fmt: skip
    last.set_xlim(0.1, 40.0)
    last.set(xlabel="spikes of a cell per reading", ylabel="bits per reading", xscale="log")
    last.xaxis.set_major_formatter(_PLAIN)
    last.xaxis.set_minor_formatter(NullFormatter())
    last.legend(loc="upper left")
    for letter, axes in zip("ABCD", panels.flat, strict=True):
        panel_letter(axes, letter)
    return figure


def _plain_ticks(axes: Axes) -> None:
    """Ticks at 1, 2 and 5 times powers of ten, as plain numbers."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(_PLAIN)
        axis.set_minor_formatter(NullFormatter())


def _longest(
    ours: Sequence[Capacity],
    at: Callable[[Capacity], float],
    others: Sequence[Callable[[Capacity], float]],
) -> list[Capacity]:
    """The conditions that differ in one thing alone: the largest such group."""
    groups: dict[tuple[float, ...], list[Capacity]] = {}
    for one in ours:
        # A code that is made faster with its cells has its interval in its rate alone.
        groups.setdefault(tuple(round(key(one), 6) for key in others), []).append(one)
    sweeps = [sorted(group, key=at) for group in groups.values()]
    sweeps = [group for group in sweeps if len({at(one) for one in group}) > 2 and at(group[-1])]
    return max(sweeps, key=len, default=[])


def _sweep(
    axes: Axes,
    group: Sequence[Capacity],
    at: Callable[[Capacity], float],
    label: str,
    color: str,
    marker: str,
) -> None:
    group = [one for one in group if at(one) > 0]
    if not group:
        return
    x = [at(one) for one in group]
    bits, error = (np.array([getattr(one, name) for one in group]) for name in ("bits", "error"))
    levels = 2.0**bits
    spread = np.abs(2.0 ** (bits + 1.96 * error * np.array([[-1], [1]])) - levels)
    axes.errorbar(x, levels, spread, fmt=marker, color=color, ms=3.5, label=label)
    for name, style in (("exact", "-"), ("law", ":")):
        values = np.array([getattr(one, name) for one in group])
        axes.plot(x, 2.0**values, style, color=color, lw=0.9)
