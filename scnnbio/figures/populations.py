"""Simple and complex cells of a circuit beside published cells: modulation, tuning, size."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scnnbio.analysis.curves import tuning_curves
from scnnbio.analysis.measurements import Bootstrap
from scnnbio.analysis.measures_of_size import sizes_of
from scnnbio.figures.scores import short_source
from scnnbio.figures.spec import FigureSpec, StudyResults
from scnnbio.figures.style import (
    MODEL,
    ON,
    PAGE,
    PUBLISHED,
    PUBLISHED_EDGE,
    new_figure,
    panel_letter,
    styled,
)
from scnnbio.validation.central_units import gratings_and_blanks
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation
from scnnbio.validation.orientation_tuning import CIRCULAR_VARIANCE
from scnnbio.validation.physiology import Physiology
from scnnbio.validation.protocol import Missing
from scnnbio.validation.published_suppression import SIZES
from scnnbio.validation.published_tuning import DRIFTING, MODULATION

Array = NDArray[np.float64]
Curves = Mapping[str, tuple[Array, Array]]

#: Response without its onset (ms), as the claims count it.
_WINDOW = (100.0, 600.0)
#: Populations, and how they are drawn.
_DRAWN = {"simple": (MODEL, "-"), "complex": (ON, "--")}
#: Least response (Hz) of a cell whose size tuning is drawn.
_LEAST = 5.0


@styled
def population_figure(
    modulation: Mapping[str, Array], variance: Mapping[str, Array], sizes: Curves
) -> Figure:
    """Histograms of F1/F0 and circular variance with the published ones, and mean size tuning.

    Parameters
    ----------
    modulation, variance : mapping of population to array (cells,)
    sizes : mapping of population to (diameters, responses)
        Diameters in deg, of shape (n,), and responses over the largest of each cell (cells, n).

    Returns
    -------
    Figure
    """
    figure = new_figure(PAGE, 60.0)
    first, second, third = figure.subplots(1, 3)
    _histograms(first, modulation, MODULATION, "F1/F0 at the best grating")
    _histograms(second, variance, CIRCULAR_VARIANCE, "circular variance")
    for name, (diameter, response) in sizes.items():
        color, line = _DRAWN[name]
        mean = response.mean(axis=0)
        error = response.std(axis=0, ddof=1) / np.sqrt(len(response)) if len(response) > 1 else 0.0
        label = f"{name} (n = {len(response)})"
        third.errorbar(diameter, mean, error, color=color, linestyle=line, label=label)
    third.set_xscale("log", base=2)
    ticks = next(iter(sizes.values()))[0][::2]
    third.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    third.set(xlabel="diameter (deg)", ylabel="response / largest response", ylim=(0.0, 1.3))
    third.legend(loc="upper left")
    for axes, letter in zip((first, second, third), "ABC", strict=True):
        panel_letter(axes, letter)
    return figure


def _histograms(axes: Axes, values: Mapping[str, Array], seen: Observation, label: str) -> None:
    """Fractions of cells in the published bins."""
    if seen.counts is None or seen.edges is None:
        raise Missing("the claim has no published histogram")
    total, edges = float(seen.counts.sum()), np.asarray(seen.edges)
    axes.stairs(
        seen.counts / total, edges, fill=True, facecolor=PUBLISHED, edgecolor=PUBLISHED_EDGE,
        linewidth=0.6, label=f"published (n = {seen.n})",
    )  # fmt: skip
    for name, found in values.items():
        color, line = _DRAWN[name]
        counts = np.histogram(np.clip(found, edges[0], edges[-1]), edges)[0]
        axes.stairs(
            counts / max(len(found), 1), edges, color=color, linestyle=line, linewidth=1.4,
            label=f"{name} (n = {len(found)})",
        )  # fmt: skip
    axes.set(xlabel=label, ylabel="fraction of cells")
    axes.set_ylim(0.0, 1.55 * axes.dataLim.ymax or 1.0)
    axes.legend(loc="upper left")


def _sizes(evidence: Evidence) -> tuple[Array, Array]:
    recording = gratings_and_blanks(evidence)
    curves = tuning_curves(
        recording, evidence.population, "diameter", window=evidence.window,
        bootstrap=Bootstrap(draws=0), f1=True,
    )  # fmt: skip
    response = sizes_of(curves)[0]
    largest = response.max(axis=1)
    kept = largest > _LEAST
    return curves.values, response[kept] / largest[kept, None]


def _populations(results: StudyResults) -> tuple[Figure, str]:
    shown, grown = (
        {
            name: results.evidence[stage].bind(
                populations=(name,), protocol=protocol, window=_WINDOW
            )
            for name in _DRAWN
        }
        for stage, protocol in (("orientation", DRIFTING), ("size", SIZES))
    )
    modulation, variance = (
        {name: one.measured(Physiology(quantity)).values for name, one in shown.items()}
        for quantity in ("modulation_ratio", "circular_variance")
    )
    sizes = {name: _sizes(one) for name, one in grown.items()}
    caption = (
        "Cells at the centre of the circuit. A, B: modulation by a drifting grating, and circular"
        f" variance, with those of {short_source(MODULATION.source)}. C: response to gratings of"
        " growing diameter, the larger of mean rate (less the spontaneous one) and F1, over each"
        f" cell's largest response; mean and standard error over cells that respond with {_LEAST:g}"
        f" Hz or more. Spikes of {_WINDOW[0]:g} to {_WINDOW[1]:g} ms."
    )
    return population_figure(modulation, variance, sizes), caption


SPECS = (
    FigureSpec(
        "populations",
        "Simple and complex cells",
        (
            *("orientation.spikes.simple", "orientation.spikes.complex"),
            *("size.spikes.simple", "size.spikes.complex"),
        ),
        _populations,
    ),
)
