"""The common style of all figures, and saving them.

Figures are made with matplotlib's objects, without pyplot: they leave no global state, and need no
screen. Widths are a journal's column (85 mm) and page (180 mm), text is 8 points or
more, colours are those of Okabe and Ito, which colour-blind readers can distinguish.
"""

from __future__ import annotations

import functools
import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib
from fontTools import subset
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from scnnbio.errors import SpecError, unwritable
from scnnbio.files import write_atomically

__all__ = ["COLUMN", "PAGE", "new_figure", "panel_letter", "save", "style", "styled"]

P = ParamSpec("P")

#: Widths in mm.
COLUMN = 85.0
PAGE = 180.0

#: Colours: the model's cells, ON and OFF, secondary text, published data.
MODEL = "#0072B2"
ON = "#D55E00"
OFF = "#0072B2"
INK = "#222222"
QUIET = "#6E6E6E"
PUBLISHED = "#C9C9C9"
PUBLISHED_EDGE = "#8C8C8C"
#: Diverging, red where ON is larger (as ``ON``) and blue where OFF is.
DIVERGING = "RdBu_r"

_SMALL = 8.0
#: Dots per inch of PNG files, for whose text figures are laid out.
_DOTS = 200
_STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so that text looks the same everywhere
    "font.size": _SMALL,
    "axes.titlesize": _SMALL,
    "axes.labelsize": _SMALL,
    "xtick.labelsize": _SMALL,
    "ytick.labelsize": _SMALL,
    "legend.fontsize": _SMALL,
    "figure.titlesize": 9.0,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.minor.size": 1.8,
    "ytick.minor.size": 1.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "legend.borderaxespad": 0.3,
    "pdf.fonttype": 42,  # text stays text, which journals require
    "savefig.dpi": _DOTS,
    "figure.dpi": 100,
}
_FAMILIES = frozenset(
    ("axes", "date", "errorbar", "figure", "font", "grid", "hatch", "hist", "image", "legend",
     "lines", "markers", "mathtext", "patch", "path", "pcolor", "pcolormesh", "pdf", "savefig",
     "scatter", "text", "xaxis", "xtick", "yaxis", "ytick")
)  # fmt: skip


# Matplotlib's settings and its parser of formulae are shared by all threads of a process.
_STYLED = threading.RLock()


@contextmanager
def style() -> Iterator[None]:
    """Use matplotlib's defaults and the common style, independent of the user's settings."""
    # matplotlib 3.11 types the names of settings, and 3.9 does not; Any suits both.
    settings: dict[Any, Any] = {
        name: value
        for name, value in matplotlib.rcParamsDefault.items()
        if name.partition(".")[0] in _FAMILIES and name != "savefig.directory"
    }
    with _STYLED, matplotlib.rc_context(settings | _STYLE):
        yield


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in the common style; the figure keeps it when it is shown or saved elsewhere."""

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style():
            figure = draw(*args, **kwargs)
            for axes in figure.axes:
                # Ticks are made when they are first drawn, in the style of that moment.
                axes.tick_params(which="both", labelsize=_SMALL, color=INK, labelcolor=INK)
                axes.tick_params(which="major", width=0.6)
                axes.tick_params(which="minor", width=0.4)
            return figure

    return wrapper


def new_figure(width: float, height: float) -> Figure:
    """Empty figure of ``width`` by ``height`` mm."""
    return Figure(figsize=(width / 25.4, height / 25.4), layout="constrained")


def panel_letter(axes: Axes, letter: str) -> None:
    """Write a panel's letter above its left corner."""
    axes.set_title(letter, loc="left", fontweight="bold", fontsize=9.0)


def save(figure: Figure, folder: str | os.PathLike[str], name: str) -> tuple[Path, Path]:
    """Write a figure as ``name.png`` (200 dots per inch) and ``name.pdf``.

    Neither file holds a date or a version, so that the same figure gives the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    folder : str or path
        Created if it does not exist.
    name : str
        Without an ending.

    Returns
    -------
    png, pdf : Path

    Raises
    ------
    SpecError
        If ``name`` is empty or contains a folder.
    DataError
        If the folder or a file cannot be written.
    """
    if not name or Path(name).name != name or name.startswith("."):
        raise SpecError(
            f"{name!r} is not the name of a figure; give a name without folders and leading dots",
            where="figures.save",
        )
    png, pdf = (Path(folder) / f"{name}.{ending}" for ending in ("png", "pdf"))
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        # Rendered in memory first: on a full disk, matplotlib raises errors of many kinds.
        with style(), _laid_out(figure, _DOTS), _lean_fonts():
            write_atomically(
                _rendered(figure, format="png", dpi=_DOTS, metadata={"Software": None}), png
            )
            none = {"CreationDate": None, "Creator": None, "Producer": None}
            write_atomically(_rendered(figure, format="pdf", dpi=300, metadata=none), pdf)
    except OSError as error:
        raise unwritable(error, folder, f"figure {name!r}") from None
    return png, pdf


@contextmanager
def _laid_out(figure: Figure, dpi: float) -> Iterator[None]:
    """Lay a figure out once, for text of this resolution, and keep its places within the block.

    ``savefig`` would lay it out, draw it, and draw it again for each file.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        yield
        return
    canvas, before = figure.canvas, figure.dpi
    FigureCanvasAgg(figure)  # it has no window, which another resolution would resize
    try:
        figure.set_dpi(dpi)
        engine.execute(figure)
        figure.set_layout_engine(None)  # none, in our style
        yield
    finally:
        figure.set_layout_engine(engine)
        figure.set_dpi(before)
        figure.set_canvas(canvas)


@contextmanager
def _lean_fonts() -> Iterator[None]:
    """Leave out of the fonts in a PDF what sets text, since its text is set already.

    fontTools takes half of the time of a PDF to reduce these tables to the glyphs that are there.
    """
    known = subset.Options._drop_tables_default
    subset.Options._drop_tables_default = [*known, "GDEF", "GPOS", "GSUB"]
    try:
        yield
    finally:
        subset.Options._drop_tables_default = known


def _rendered(figure: Figure, **options: Any) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, **options)
    return content.getvalue()
