"""Accuracy of several networks against the strength of faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from scnnbio.analysis.readout import Accuracy
from scnnbio.figures.style import PAGE, new_figure, panel_letter, styled

__all__ = ["robustness_figure"]

#: By the place of the network: colours of Okabe and Ito, and marks for print without colour.
_LINES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"))
_AXES = {
    "jitter": "SD of spike times (ms)",
    "lost spikes": "probability of a lost spike",
    "weight noise": "SD of weight / weight",
    "dead cells": "share of dead cells",
    "threshold spread": "SD of threshold / threshold",
}


@styled
def robustness_figure(kept: Mapping[str, Mapping[str, Any]], *, width: float = PAGE) -> Figure:
    """Share of images named rightly against the strength of each fault.

    Parameters
    ----------
    kept : mapping of str to mapping
        By the name of the network: ``n``, images; ``levels``, by fault; ``correct``, by fault the
        numbers of images named rightly, (levels, draws).
    width : float
        Of the figure in mm.

    Returns
    -------
    matplotlib.figure.Figure
        A panel per fault, a curve per network, with 95 % intervals over images.
    """
    figure = new_figure(width, width * 0.58)
    places = figure.add_gridspec(2, 3)
    for k, (fault, label) in enumerate(_AXES.items()):
        axes = figure.add_subplot(places[k // 3, k % 3])
        for (colour, mark), (name, of) in zip(_LINES, kept.items(), strict=False):
            found = [Accuracy(sum(right), of["n"]) for right in of["correct"][fault]]
            share = 100 * np.array([one.value for one in found])
            ends = 100 * np.array([one.interval for one in found]).T
            axes.errorbar(
                of["levels"][fault], share, np.abs(ends - share), fmt=f"{mark}-", color=colour,
                markersize=3.5, linewidth=1.0, elinewidth=0.8, label=name,
            )  # fmt: skip
        axes.set_ylim(0, 102)
        axes.set_xlabel(label)
        if k % 3 == 0:
            axes.set_ylabel("digits named rightly (%)")
        panel_letter(axes, "ABCDE"[k])
    handles, names = figure.axes[0].get_legend_handles_labels()
    rest = figure.add_subplot(places[1, 2])
    rest.set_axis_off()
    rest.legend(handles, names, loc="center", title="learned by")
    return figure
