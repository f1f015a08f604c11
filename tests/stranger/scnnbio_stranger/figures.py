"""A figure: what it needs of a study, and how it and its caption are made."""

import numpy as np
from matplotlib.figure import Figure

from scnnbio.figures import COLUMN, FigureSpec, StudyResults, new_figure, styled
from scnnbio_stranger.measures import ShortestInterval


@styled
def _histogram(values: np.ndarray) -> Figure:
    figure = new_figure(COLUMN, 60)
    axes = figure.subplots()
    axes.hist(values, bins=20)
    axes.set(xlabel="shortest interval (ms)", ylabel="neurons")
    return figure


def _make(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["test"].bind(populations="layer")
    values = evidence.measured(ShortestInterval()).values
    caption = f"Shortest interval between the spikes of each of {len(values)} neurons."
    return _histogram(values), caption


SHORTEST_INTERVALS = FigureSpec(
    name="shortest_intervals",
    title="Shortest intervals",
    needs=("test.spikes.layer",),
    make=_make,
)
