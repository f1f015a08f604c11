"""Effect of inhibition on the membrane and on the firing rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from scnnbio.analysis.gain import Curve, GainChange, Line
from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled

__all__ = ["gain_figure"]

#: Purple of Okabe and Ito, for a third kind of inhibition.
_THIRD = "#CC79A7"
_COLOURS = {"control": INK, "subtractive": MODEL, "shunting": ON, "barrage": _THIRD}


@styled
def gain_figure(
    membranes: Sequence[tuple[Curve, Line]],
    rates: Mapping[str, Sequence[Curve]],
    changes: Mapping[str, Mapping[str, GainChange]],
    *,
    width: float = PAGE,
) -> Figure:
    """Potentials and rates against current, and gain and offset of the rates.

    Parameters
    ----------
    membranes : sequence of (Curve, Line)
        Mean potentials of passive membranes, named ``"<inhibition>_passive"``.
    rates : mapping of str to sequence of Curve
        By background; two backgrounds.
    changes : mapping of str to mapping of str to GainChange
        By background, and by inhibition.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: passive membranes. B, C: rates without and with background noise; thin, the control
        curve with the fitted gain and offset. D: gain against offset, 95 % intervals.
    """
    figure = new_figure(width, width * 0.68)
    axes = figure.subplots(2, 2)
    _potentials(axes[0, 0], membranes)
    for panel, (background, curves) in zip((axes[0, 1], axes[1, 0]), rates.items(), strict=True):
        _rates(panel, curves, changes[background])
        panel.set_title(background, loc="right")
    axes[0, 1].legend(loc="upper left")
    top = max(float(c.mean.max()) for curves in rates.values() for c in curves) * 1.05
    axes[0, 1].set_ylim(0.0, top)
    axes[1, 0].set_ylim(0.0, top)
    _changes(axes[1, 1], changes)
    for letter, panel in zip("ABCD", axes.flat, strict=True):
        panel_letter(panel, letter)
    return figure


def _potentials(axes: Axes, membranes: Sequence[tuple[Curve, Line]]) -> None:
    for curve, line in membranes:
        name = curve.population.removesuffix("_passive")
        axes.plot(curve.current, curve.mean, "o", color=_COLOURS[name], ms=3)
        axes.plot(
            curve.current, line.offset.value + line.slope.value * curve.current,
            color=_COLOURS[name], lw=1.0, label=f"{name}: {line.slope.value:.3g} MΩ",
        )  # fmt: skip
    axes.set_xlabel("current (nA)")
    axes.set_ylabel("mean potential, no spikes (mV)")
    axes.legend(loc="upper left")


def _rates(axes: Axes, curves: Sequence[Curve], changes: Mapping[str, GainChange]) -> None:
    control = next(c for c in curves if c.population == "control")
    for curve in curves:
        colour = _COLOURS[curve.population]
        axes.errorbar(
            curve.current, curve.mean, yerr=1.96 * curve.standard_error, fmt="o", color=colour,
            ms=3, lw=0.8, label=curve.population,
        )  # fmt: skip
        change = changes.get(curve.population)
        if change is None:
            axes.plot(curve.current, curve.mean, color=colour, lw=0.8)
            continue
        at = np.linspace(curve.current[0], curve.current[-1], 300)
        moved = change.gain.value * np.interp(
            at - change.shift.value, control.current, control.mean, left=0.0, right=np.nan
        )
        # A little beyond the fitted range.
        shown = moved <= 1.15 * change.up_to
        axes.plot(at[shown], moved[shown], color=colour, lw=0.8)
    axes.set_xlabel("current (nA)")
    axes.set_ylabel("rate (Hz)")


def _changes(axes: Axes, changes: Mapping[str, Mapping[str, GainChange]]) -> None:
    axes.axhline(1.0, color=QUIET, lw=0.8, ls=":")
    axes.axvline(0.0, color=QUIET, lw=0.8, ls=":")
    for (background, found), filled in zip(changes.items(), (False, True), strict=True):
        for name, change in found.items():
            gain, shift = change.gain, change.shift
            axes.errorbar(
                shift.value, gain.value,
                xerr=[[max(shift.value - shift.low, 0.0)], [max(shift.high - shift.value, 0.0)]],
                yerr=[[max(gain.value - gain.low, 0.0)], [max(gain.high - gain.value, 0.0)]],
                fmt="o", color=_COLOURS[name], mfc=_COLOURS[name] if filled else "white",
                ms=5, lw=1.0, label=f"{name}, {background}",
            )  # fmt: skip
    axes.set_yscale("log")
    ticks = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticks(ticks, [f"{t:g}" for t in ticks])
    axes.set_xlabel("offset (nA): > 0 subtracts")
    axes.set_ylabel("gain: < 1 divides")
    axes.legend(loc="best")
