"""Claims about distributions: the model's cells in published bins, with the verdict."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.figures.histograms import draw_against_bins
from scnnbio.figures.style import MODEL, PAGE, new_figure, styled
from scnnbio.validation import Observation, Score

__all__ = ["Judged", "claim_distributions", "short_source", "verdict_line"]


@dataclass(frozen=True, eq=False)
class Judged:
    """Values of a claim with its score.

    Parameters
    ----------
    score : Score
    observation : Observation
        With a histogram of one quantity.
    values : array, shape (cells,)
        The model's values; infinite where a cell lies beyond every bin.
    """

    score: Score
    observation: Observation
    values: NDArray[np.float64]


@styled
def claim_distributions(claims: Sequence[Judged], *, width: float = PAGE) -> Figure:
    """One panel per claim: the model's distribution over the published one, and the verdict.

    Parameters
    ----------
    claims : sequence of Judged
    width : float
        Width of the figure in mm, for two panels or more.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SpecError
        If there is no claim, or an observation is not a histogram of one quantity.
    """
    if not claims:
        raise SpecError("there is no claim to draw", where="claim_distributions")
    columns = min(2, len(claims))
    rows = math.ceil(len(claims) / columns)
    figure = new_figure(width * columns / 2, 66.0 * rows)
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes, claim in zip(panels.flat, claims, strict=False):
        _panel(axes, claim)
    for axes in panels.flat[len(claims) :]:
        axes.set_visible(False)
    return figure


def _panel(axes: Axes, claim: Judged) -> None:
    seen = claim.observation
    if seen.counts is None or seen.edges is None or seen.counts.ndim != 1:
        raise SpecError(
            f"{claim.score.claim} has no histogram of one quantity; leave it out",
            where="claim_distributions",
        )
    draw_against_bins(
        axes, claim.values, seen.counts, seen.edges, above=seen.above,
        labels=("model", short_source(seen.source)),
    )  # fmt: skip
    median = np.median(claim.values) if len(claim.values) else np.nan
    if np.isfinite(median) and seen.edges[0] <= median <= seen.edges[-1]:
        axes.plot(
            median, 0, "^", color=MODEL, ms=6, clip_on=False, zorder=5, label="model's median"
        )
    unit = "" if seen.unit == "1" else f" ({seen.unit})"
    axes.set_xlabel("\n".join(textwrap.wrap(f"{seen.quantity}{unit}", 48)))
    axes.legend(loc="upper right")
    axes.set_title(verdict_line(claim.score))


def verdict_line(score: Score) -> str:
    """Verdict of a score and the number on which it rests, as one line."""
    limit = score.observation.get("chance_limit")
    if score.value is None:
        return f"{score.verdict} (n = {score.n})"
    if limit is None:
        return f"{score.verdict}: {score.value:.3g}"
    return f"{score.verdict}: distance {score.value:.2f}, chance limit {limit:.2f}"


def short_source(source: str) -> str:
    """Authors and year of a citation, as ``Ringach et al. 2002``."""
    authors, bracket, rest = source.partition(" (")
    year = rest[:4]
    if not (bracket and year.isdigit() and authors):
        return "published"
    first, *others = re.split(r", | and | et al", authors)
    # The surname follows the last initial, and may be of two words.
    initials = re.match(r".*\b[A-Z]\. ", first)
    surname = first[initials.end() :] if initials else first.split()[-1]
    return f"{surname}{' et al.' if others else ''} {year}"
