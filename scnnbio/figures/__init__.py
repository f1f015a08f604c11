"""Figures of kernels, recordings and scores, and the report that holds them.

Every function takes data and returns a new matplotlib Figure, without pyplot or a screen, in one
style. :data:`FIGURES` lists the figures of studies by name; :func:`render_report` puts them into
one HTML file.
"""

from scnnbio.figures.animation import ANIMATIONS, Animation, animate, save_animation
from scnnbio.figures.claims import claim_figure, drawn_pair
from scnnbio.figures.histograms import draw_against_bins
from scnnbio.figures.kernels import kernel_grid
from scnnbio.figures.learning import learning_curve
from scnnbio.figures.learning_table import learning_tables
from scnnbio.figures.orientation import example_units, orientation_figure, tuning_curves
from scnnbio.figures.raster import raster
from scnnbio.figures.registry import FIGURES, draw, draw_all, draw_or_say, names_for
from scnnbio.figures.report import Picture, Table, render_report
from scnnbio.figures.saving import Saved, save, save_all, save_drawn
from scnnbio.figures.scores import Judged, claim_distributions
from scnnbio.figures.shapes import shape_scatter
from scnnbio.figures.spec import Drawn, FigureSpec, StudyResults
from scnnbio.figures.style import COLUMN, PAGE, new_figure, style, styled

__all__ = [
    "ANIMATIONS",
    "COLUMN",
    "FIGURES",
    "PAGE",
    "Animation",
    "Drawn",
    "FigureSpec",
    "Judged",
    "Picture",
    "Saved",
    "StudyResults",
    "Table",
    "animate",
    "claim_distributions",
    "claim_figure",
    "draw",
    "draw_against_bins",
    "draw_all",
    "draw_or_say",
    "drawn_pair",
    "example_units",
    "kernel_grid",
    "learning_curve",
    "learning_tables",
    "names_for",
    "new_figure",
    "orientation_figure",
    "raster",
    "render_report",
    "save",
    "save_all",
    "save_animation",
    "save_drawn",
    "shape_scatter",
    "style",
    "styled",
    "tuning_curves",
]
