"""Contrast responses with and without a mask at right angles."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scnnbio.analysis.masking import MaskedCurves, MaskFit
from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled

__all__ = ["masking_figure"]

#: Colour and marker of each kind of inhibition.
KINDS = {"control": (INK, "o"), "subtractive": (MODEL, "s"), "shunting": (ON, "^")}


@styled
def masking_figure(
    found: Mapping[str, tuple[MaskedCurves, MaskFit]], *, width: float = PAGE
) -> Figure:
    """Contrast responses of several populations, and which change of them a mask makes.

    Parameters
    ----------
    found : mapping of population to (MaskedCurves, MaskFit)
        Of units that respond to the grating alone.
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: mean rates alone (filled) and with the mask (open), over units with standard errors. B:
        suppression at each contrast, median and quartiles. C: variance that each of two changes
        explains, one point per unit of the populations with inhibition.
    """
    figure = new_figure(width, width * 0.38)
    rates, index, explained = figure.subplots(1, 3)
    for name, (curves, fits) in found.items():
        colour, marker = KINDS.get(name, (QUIET, "D"))
        _rates(rates, name, curves, colour, marker)
        # A ratio to less than 1 Hz is noise.
        shown = (curves.alone - curves.spontaneous[:, None]).mean(axis=0) >= 1.0
        low, middle, high = np.nanquantile(curves.suppression[:, shown], [0.25, 0.5, 0.75], axis=0)
        index.errorbar(
            curves.contrast[shown], middle, [middle - low, high - middle], color=colour,
            marker=marker, ms=3.5, lw=1.0, elinewidth=0.6,
        )  # fmt: skip
        if name != "control":
            explained.plot(
                fits.r_squared["subtraction"], fits.r_squared["contrast gain"], marker,
                color=colour, ms=3.5, mfc="none",
            )  # fmt: skip
    rates.set(xscale="log", xlabel="contrast of the grating", ylabel="rate (Hz)")
    rates.plot([], [], "o-", color=QUIET, ms=3.5, label="alone")
    rates.plot([], [], "o--", color=QUIET, ms=3.5, mfc="white", label="with the mask")
    index.set(xscale="log", xlabel="contrast of the grating", ylabel="suppression by the mask")
    index.axhline(0.0, color=QUIET, lw=0.6)
    index.set_ylim(-0.4, 1.2)
    ends = [min(explained.get_xlim()[0], explained.get_ylim()[0]), 1.0]
    explained.plot(ends, ends, color=QUIET, lw=0.8)
    explained.set(
        xlabel="variance explained, mask subtracts", ylabel="variance explained, mask divides"
    )
    for letter, axes in zip("ABC", (rates, index, explained), strict=True):
        panel_letter(axes, letter)
    rates.legend(loc="upper left")
    for axes in (rates, index):
        contrast = next(iter(found.values()))[0].contrast
        ticks = contrast[[0, len(contrast) // 2, -1]]
        axes.set_xlim(contrast[0] / 1.1, contrast[-1] * 1.1)
        axes.set_xticks(ticks, [f"{c:g}" for c in ticks])
        axes.minorticks_off()
    return figure


def _rates(axes: Axes, name: str, curves: MaskedCurves, colour: str, marker: str) -> None:
    for rows, dash, face in ((curves.alone, "-", colour), (curves.masked, "--", "white")):
        error = rows.std(axis=0, ddof=1) / np.sqrt(len(rows)) if len(rows) > 1 else None
        label = f"{name} ({len(rows)})" if dash == "-" else None
        axes.errorbar(
            curves.contrast, rows.mean(axis=0), error, color=colour, marker=marker, ls=dash,
            mfc=face, ms=3.5, lw=1.0, elinewidth=0.6, label=label,
        )  # fmt: skip
