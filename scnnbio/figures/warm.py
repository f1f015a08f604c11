"""Imported, it draws a small figure once, so that processes forked later draw theirs faster.

They then find fonts, their tables and the writers of PNG and PDF loaded, which takes each of them
0.2 s otherwise.
"""

from __future__ import annotations

import io

from matplotlib.figure import Figure

from scnnbio.figures.style import COLUMN, new_figure, panel_letter, style, styled

__all__: list[str] = []


@styled
def _small() -> Figure:
    figure = new_figure(COLUMN, COLUMN)
    axes = figure.subplots()
    axes.plot([0.0, 1.0], label="r$_0$")
    axes.set_xlabel("x")
    axes.legend()
    panel_letter(axes, "a")
    return figure


with style():
    _drawn = _small()
    for _format in ("png", "pdf"):
        _drawn.savefig(io.BytesIO(), format=_format)
