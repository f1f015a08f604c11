"""Sparseness, correlation and reconstruction of layers with and without lateral inhibition."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from scnnbio.analysis.sparse_codes import Code
from scnnbio.figures.style import INK, MODEL, ON, PAGE, QUIET, new_figure, panel_letter, styled

__all__ = ["sparse_figure"]

#: Colour and line of each layer.
KINDS = {"inhibited": (MODEL, "-"), "free": (ON, "--"), "matched": (INK, ":")}


@styled
def sparse_figure(found: Mapping[str, Code], *, width: float = PAGE) -> Figure:
    """Codes of several layers side by side.

    Parameters
    ----------
    found : mapping of population to Code
    width : float
        Width of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A: lifetime sparseness of units, B: population sparseness for each picture, C: correlation
        of pairs, all as cumulative shares. D: variance that a reconstruction leaves, one point per
        part of the pictures, against the mean rate.
    """
    figure = new_figure(width, width * 0.34)
    panels = figure.subplots(1, 4)
    for name, code in found.items():
        colour, dash = KINDS.get(name, (QUIET, "-"))
        shares = (code.lifetime, code.population, code.correlation)
        for axes, values in zip(panels, shares, strict=False):
            order = np.sort(values[~np.isnan(values)])
            share = np.arange(1, len(order) + 1) / max(len(order), 1)
            axes.step(order, share, where="post", color=colour, ls=dash, label=name)
        panels[3].plot(
            np.full(len(code.error), code.rate.mean()), code.error, "o", color=colour, ms=3.5,
            mfc="none",
        )  # fmt: skip
        panels[3].plot(
            [], [], color=colour, ls=dash, marker="o", ms=3.5, mfc="none",
            label=f"{name} ({len(code.lifetime)})",
        )  # fmt: skip
    titles = ("lifetime sparseness", "population sparseness", "correlation of maps")
    for axes, title in zip(panels, titles, strict=False):
        axes.set(xlabel=title, ylim=(0, 1))
    panels[0].set_ylabel("cumulative share")
    panels[3].set(xlabel="mean rate (Hz)", ylabel="variance left")
    handles, labels = panels[3].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    for letter, axes in zip("ABCD", panels, strict=True):
        panel_letter(axes, letter)
    return figure
