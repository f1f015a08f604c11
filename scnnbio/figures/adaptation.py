"""Rate against current and adaptation of model neurons, compared with recorded ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from scnnbio.analysis.adaptation import Adaptation, Published
from scnnbio.figures.style import (
    INK,
    MODEL,
    ON,
    PAGE,
    PUBLISHED,
    QUIET,
    new_figure,
    panel_letter,
    styled,
)

__all__ = ["adaptation_figure"]

#: Colours by level of the model, from Okabe and Ito.
_LEVELS = {"glif1": QUIET, "glif2": "#56B4E9", "glif3": ON, "glif4": "#CC79A7", "glif5": MODEL}


@styled
def adaptation_figure(
    found: Sequence[Adaptation],
    published: Mapping[str, Published],
    *,
    width: float = PAGE,
) -> Figure:
    """Rates, intervals, and the adaptation index.

    Parameters
    ----------
    found : sequence of Adaptation
        One per population, named ``"<model>_<type>"``.
    published : mapping of str to Published
        Adaptation index of recorded cells, by type.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: rates; dashed, rates of the first interval. B: intervals in order, 50 pA above
        rheobase. C: adaptation index there, with the median and the quartiles of recorded cells.
    """
    figure = new_figure(width, width * 0.42)
    rates, intervals, index = figure.subplots(1, 3)
    for one in found:
        colour, kind = _look(one)
        line = "-" if kind == "excitatory" else ":"
        rates.plot(
            one.current, one.rate, line, color=colour, lw=1.2, label=_name(one)
        )  # fmt: skip
        if one.population.startswith(("glif3", "glif5")):
            rates.plot(one.current, one.first_rate, color=colour, lw=0.6, ls="--")
        shown = one.intervals[one.hero]
        marker = "o" if kind == "excitatory" else "^"
        intervals.plot(
            np.arange(1, len(shown) + 1), shown, line, marker=marker, ms=2.5, color=colour, lw=0.8
        )
    rates.plot([], [], color=INK, lw=0.6, ls="--", label="first interval")
    rates.set_xlabel("current (nA)")
    rates.set_ylabel("rate (Hz)")
    rates.set_ylim(0.0, max(float(one.rate.max()) for one in found) * 1.8)
    rates.legend(loc="upper left", labelspacing=0.25)
    intervals.set_xlabel("interval number")
    intervals.set_ylabel("interval (ms), 50 pA above rheobase")
    intervals.set_xlim(0, 25)
    intervals.set_ylim(bottom=0.0)
    _index(index, found, published)
    for letter, panel in zip("ABC", (rates, intervals, index), strict=True):
        panel_letter(panel, letter)
    return figure


def _look(one: Adaptation) -> tuple[str, str]:
    model, _, kind = one.population.partition("_")
    return _LEVELS.get(model, INK), kind


def _name(one: Adaptation) -> str:
    model, _, kind = one.population.partition("_")
    return model.upper() + ("" if kind == "excitatory" else f", {kind}")


def _index(axes: Axes, found: Sequence[Adaptation], published: Mapping[str, Published]) -> None:
    place, ticks, labels = 0.0, [], []
    for kind, data in published.items():
        mine = [one for one in found if one.population.endswith(f"_{kind}")]
        span = (place - 0.5, place + len(mine) - 0.5)
        axes.fill_between(span, data.low, data.high, color=PUBLISHED, lw=0, alpha=0.6)
        axes.plot(span, [data.median] * 2, color=INK, lw=1.0)
        axes.annotate(
            f"{kind}\nn = {data.n}", (sum(span) / 2, 0.98), ha="center", va="top",
            xycoords=axes.get_xaxis_transform(),
        )  # fmt: skip
        for one in mine:
            marker = "o" if kind == "excitatory" else "^"
            axes.plot(place, one.index[one.hero], marker, color=_look(one)[0], ms=5)
            ticks.append(place)
            labels.append(one.population.partition("_")[0].removeprefix("glif"))
            place += 1.0
        place += 0.6
    top = max(*(data.high for data in published.values()), *(float(o.index[o.hero]) for o in found))
    axes.set_ylim(-0.01, top * 1.35)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.set_xticks(ticks, labels)
    axes.set_xlabel("GLIF level")
    axes.set_ylabel("adaptation index")
