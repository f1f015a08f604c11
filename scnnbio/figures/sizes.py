"""Size tuning of several populations, and the rates of the types of cells in a circuit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled

__all__ = ["sizes_figure"]

Array = NDArray[np.float64]

#: Colour, marker and line of each population.
KINDS = {
    "control": (INK, "o", "-"),
    "subtractive": (MODEL, "s", "-"),
    "shunting": (ON, "^", "-"),
    "pyr": ("#009E73", "D", "-"),
    "pyr_driven": ("#009E73", "D", "--"),
}
_TYPES = {"pyr": "#009E73", "pv": MODEL, "sst": ON, "vip": "#CC79A7"}


@styled
def sizes_figure(
    diameter: Array,
    responses: Mapping[str, Array],
    index: Mapping[str, Array],
    rates: Mapping[str, tuple[Array, Array]],
    *,
    width: float = PAGE,
) -> Figure:
    """Responses to gratings of growing diameter.

    Parameters
    ----------
    diameter : array, shape (k,)
        deg.
    responses : mapping of population to array, shape (units, k)
        Larger of mean rate and modulation (Hz).
    index : mapping of population to array, shape (units,)
        Suppression index.
    rates : mapping of type to (array, array)
        Mean rates (k,) of a type of cells at rest and with driven VIP cells (Hz).
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: size tuning, means and standard errors over units. B: suppression index of each unit,
        with the median. C: mean rates by type of cell, solid at rest and dashed with driven VIP
        cells.
    """
    figure = new_figure(width, width * 0.42)
    tuning, suppression, types = figure.subplots(1, 3)
    for name, rows in responses.items():
        colour, marker, dash = KINDS.get(name, (QUIET, "o", "-"))
        error = rows.std(axis=0, ddof=1) / np.sqrt(len(rows)) if len(rows) > 1 else None
        tuning.errorbar(
            diameter, rows.mean(axis=0), error, color=colour, marker=marker, ls=dash, ms=3.5,
            mfc="white" if dash == "--" else colour, lw=1.0, elinewidth=0.6,
            label=name.replace("_", ", VIP "),
        )  # fmt: skip
    tuning.set(xlabel="diameter (deg)", ylabel="response (Hz)", ylim=0)
    jitter = np.random.default_rng(0)
    for place, (name, values) in enumerate(index.items()):
        colour, marker, dash = KINDS.get(name, (QUIET, "o", "-"))
        at = place + jitter.uniform(-0.2, 0.2, len(values))
        suppression.plot(at, values, marker, color=colour, ms=3, mfc="none", mew=0.6)
        if len(values):
            suppression.plot([place - 0.3, place + 0.3], [np.median(values)] * 2, color=INK, lw=1.5)
    suppression.axhline(0.33, color=QUIET, lw=0.8, ls=":")
    suppression.set_xticks(
        range(len(index)), [name.replace("_", "\n") for name in index], rotation=45, ha="right"
    )
    suppression.set(ylabel="suppression index", ylim=(-0.05, 1.05))
    for kind, (rest, driven) in rates.items():
        types.plot(diameter, rest, "-", color=_TYPES.get(kind, QUIET), label=kind.upper())
        types.plot(diameter, driven, "--", color=_TYPES.get(kind, QUIET))
    types.set(xlabel="diameter (deg)", ylabel="mean rate of all cells (Hz)", ylim=0)
    types.legend(loc="best")
    for letter, axes in zip("ABC", (tuning, suppression, types), strict=True):
        panel_letter(axes, letter)
    lines, labels = tuning.get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside lower center", ncols=5)
    return figure
