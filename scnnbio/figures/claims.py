"""One figure per claim: the distributions of model and data, and their numbers with intervals."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.figures.captions import exclusions
from scnnbio.figures.histograms import draw_against_bins
from scnnbio.figures.scores import short_source, verdict_line
from scnnbio.figures.spec import Drawn, StudyResults
from scnnbio.figures.style import (
    COLUMN,
    INK,
    MODEL,
    ON,
    PAGE,
    PUBLISHED,
    PUBLISHED_EDGE,
    QUIET,
    new_figure,
    styled,
)
from scnnbio.validation import CLAIMS, Claim, Measured, Score
from scnnbio.validation.estimates import Estimate
from scnnbio.validation.evidence import bind_as
from scnnbio.validation.side_by_side import SideBySide
from scnnbio.validation.similarity import SimilarAsBrainScore

__all__ = ["PREFIX", "Side", "claim_caption", "claim_figure", "drawn_pair", "judged_claims"]

Array = NDArray[np.float64]

#: What the names of these figures begin with.
PREFIX = "claim_"
#: Colours and markers of what is judged, in its order; Okabe and Ito's blue, orange and green.
_COLORS, _MARKERS = (MODEL, ON, "#009E73"), ("o", "s", "^")
#: Values below which they are drawn one by one instead of as a histogram.
_FEW = 12
#: Statistics that are values of the quantity itself, so that they share its axis.
_SAME_AXIS = ("median", "mean", "farthest", "range", "")


@dataclass(frozen=True, eq=False)
class Side:
    """What a claim judged: a model or a recording.

    Parameters
    ----------
    label : str
        Name in legends.
    score : Score
    measured : Measured
        The values that the score rests on.
    """

    label: str
    score: Score
    measured: Measured


def judged_claims(results: StudyResults) -> dict[str, tuple[Claim, Side]]:
    """Each claim of a study that has a value, by the name of its figure.

    Parameters
    ----------
    results : StudyResults

    Returns
    -------
    dict from str to (Claim, Side)
        Names are ``claim_`` and the claim; with what it is about where a claim occurs twice.
    """
    bound = {(b.claim, b.stage, b.population, b.projection): b for b in results.claims}
    often = Counter(score.claim for score in results.scores)
    found: dict[str, tuple[Claim, Side]] = {}
    for score in results.scores:
        its = bound.get((score.claim, score.stage, score.population, score.projection))
        if its is None or score.value is None or score.stage not in results.evidence:
            continue
        claim = CLAIMS[score.claim]
        try:
            evidence = bind_as(results.evidence[score.stage], its)
            measured = claim.measured(evidence, its.shares)
        except SpecError:  # the scores are of other spikes; 'scnnbio score' makes them again
            continue
        if not score.estimate:  # stored before scores had the numbers of both sides
            score = claim.judge(results.evidence[score.stage], bound=its)
        name = _name(score, often[score.claim] > 1)
        while name in found:
            name += "_"
        found[name] = claim, Side("model", score, measured)
    return found


def _name(score: Score, several: bool) -> str:
    """Name of a claim's figure; with what the claim is about where there are several."""
    about = (score.stage, *score.population, score.projection)
    words = (score.claim, *(filter(None, about) if several else ()))
    return PREFIX + re.sub(r"[^A-Za-z0-9_-]", "-", "_".join(words))


def drawn_pair(pair: SideBySide, labels: Sequence[str], several: bool) -> Drawn | None:
    """The figure of a claim that was judged on one place or two; None if no side has a value.

    Parameters
    ----------
    pair : SideBySide
    labels : sequence of str
        Of the places.
    several : bool
        Whether the claim was judged on several populations, which the name then tells.

    Returns
    -------
    Drawn or None
    """
    claim = CLAIMS[pair.one.claim]
    scores = (pair.one,) if pair.other is None else (pair.one, pair.other)
    sides = [
        Side(label, score, values)
        for label, score, values in zip(labels, scores, pair.values, strict=False)
        if score.value is not None and values is not None
    ]
    if not sides:
        return None
    name = _name(pair.one, several) + (f"_{pair.about.replace(' ', '-')}" if pair.about else "")
    verdicts = " and ".join(dict.fromkeys(side.score.verdict for side in sides))
    figure, caption = claim_figure(claim, sides), claim_caption(claim, sides)
    return Drawn(name, f"Claim {pair.one.claim}: {verdicts}", figure, caption, sides[0].score)


@styled
def claim_figure(claim: Claim, sides: Sequence[Side]) -> Figure:
    """Draw the distributions of a claim, and below its numbers with their intervals.

    Parameters
    ----------
    claim : Claim
    sides : sequence of Side
        One to three that the claim judged, with a value each.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SpecError
        If there is no side, or more than three.
    """
    if not 1 <= len(sides) <= len(_COLORS):
        raise SpecError(f"1 to {len(_COLORS)} sides are drawn, not {len(sides)}", where=claim.name)
    seen = claim.observation
    joint = seen.counts is not None and seen.counts.ndim == 2
    figure = new_figure(PAGE if joint else COLUMN, 92.0)
    heights = (3.0, 1.2 + 0.3 * len(sides))
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
    if joint:
        _joint(above.subplots(1, 1 + len(sides), sharex=True, sharey=True), claim, sides)
    else:
        axes = above.subplots()
        _distributions(axes, claim, sides)
        axes.set_title("\n".join(_verdict(side, len(sides)) for side in sides), fontsize=8.0)
    _numbers(below.subplots(), claim, sides, letters=100 if joint else 46)
    return figure


def claim_caption(claim: Claim, sides: Sequence[Side]) -> str:
    """Caption of :func:`claim_figure`: numbers with intervals, verdict, exclusions and source."""
    seen = claim.observation
    unit = "" if seen.unit == "1" else f" ({seen.unit})"
    told = []
    for side in sides:
        ours = Estimate.of(side.score.estimate)
        left = exclusions(side.measured.excluded)
        n = f", n = {len(side.measured.values)}"
        told.append(
            f"{side.label}: {ours or side.score.verdict}{n}; {side.score.verdict}:"
            f" {side.score.reason}. {left}"
        )
    theirs = str(_published(sides)) or "the direction alone"
    n = "" if seen.n is None else f", n = {seen.n}"
    return (
        f"Above: {seen.quantity}{unit}, of {' and '.join(side.label for side in sides)} and as"
        f" published. Below: their numbers with intervals. {' '.join(told)} Published,"
        f" {seen.species}: {theirs}{n}. {seen.source}."
    )


def _verdict(side: Side, sides: int) -> str:
    line = verdict_line(side.score)
    return "\n".join(textwrap.wrap(f"{side.label}: {line}" if sides > 1 else line, 44))


def _published(sides: Sequence[Side]) -> Estimate:
    return Estimate.of(sides[0].score.published)


def _distributions(axes: Axes, claim: Claim, sides: Sequence[Side]) -> None:
    seen, shape = claim.observation, sides[0].measured.values.shape[1:]
    name, unit = seen.quantity, "" if seen.unit == "1" else f" ({seen.unit})"
    if shape == (3,):
        _intervals(axes, claim, sides)
    elif shape == (2,):
        _scatter(axes, claim, sides)
        return
    elif seen.counts is not None and seen.edges is not None:
        _in_bins(axes, claim, sides)
    else:
        _values(axes, sides)
        bound = getattr(claim, "below", None)
        if bound is not None:  # a share of the values is published, and not a value
            name = claim.measure.label.replace("_", " ")
            axes.update_datalim([(bound, 0.0)])
            axes.autoscale_view(scaley=False)
            axes.axvline(bound, color=INK, linestyle=":", label="bound of the share")
    axes.set_xlabel("\n".join(textwrap.wrap(f"{name}{unit}", 50)))
    axes.legend(loc="upper right")


def _in_bins(axes: Axes, claim: Claim, sides: Sequence[Side]) -> None:
    """Shares of cells in the published bins."""
    seen = claim.observation
    if seen.counts is None or seen.edges is None:  # pragma: no cover - asked by the caller
        return
    outer = isinstance(claim, SimilarAsBrainScore)  # its outer bins hold what lies beyond them
    for k, side in enumerate(sides):
        values = side.measured.values
        draw_against_bins(
            axes, np.clip(values, seen.edges[0], seen.edges[-1]) if outer else values,
            seen.counts, seen.edges, above=seen.above,
            labels=(side.label, short_source(seen.source)), color=_COLORS[k], published=k == 0,
        )  # fmt: skip
    widths = np.diff(seen.edges)
    if outer and seen.edges[0] > 0 and widths.max() > 5 * widths.min():
        axes.set_xscale("log")
        ticks = seen.edges[:: max(1, (len(seen.edges) - 1) // 4)]
        axes.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())


def _values(axes: Axes, sides: Sequence[Side]) -> None:
    """Values where the publication has no histogram: bins that all sides share, or each value."""
    finite = [side.measured.values[np.isfinite(side.measured.values)] for side in sides]
    together = np.concatenate(finite)
    # Values that differ by rounding only have no histogram.
    alike = not len(together) or np.ptp(together) <= 1e-9 * np.abs(together).max()
    few = len(together) < _FEW * len(sides) or alike
    count = 1 if alike else min(20, max(6, len(together) // 6))
    edges = np.histogram_bin_edges(together, bins=count)
    for k, (side, values) in enumerate(zip(sides, finite, strict=True)):
        label = f"{side.label} (n = {len(side.measured.values)})"
        if few:
            axes.plot(
                values, np.arange(1, len(values) + 1), _MARKERS[k], color=_COLORS[k], label=label
            )
        else:
            shares = np.histogram(values, edges)[0] / max(len(side.measured.values), 1)
            axes.stairs(shares, edges, color=_COLORS[k], linewidth=1.6, label=label)
    axes.set_ylabel("value, in order" if few else "fraction of values")
    # Without any finite value, such as a time that was not reached, nothing is drawn.
    low, high = axes.dataLim.intervaly if len(together) else (0.0, 1.0)
    axes.set_ylim(0.0, high + 0.55 * (high if not few else max(high - low, 2.0)))
    theirs = _published(sides)
    if theirs.statistic not in _SAME_AXIS:
        return
    # The published interval is in view; where it is open, it reaches to the edge.
    for end in (theirs.value, theirs.low, theirs.high):
        if np.isfinite(end):
            axes.update_datalim([(end, 0.0)])
    axes.autoscale_view(scaley=False)
    axes.set_xlim(*axes.get_xlim())
    low, high = np.clip([theirs.low, theirs.high], *axes.get_xlim())
    if np.isfinite(theirs.value):
        axes.axvline(theirs.value, color=QUIET, linestyle="--", label="published")
    if not np.isnan(low):
        axes.axvspan(
            float(low), float(high), facecolor=PUBLISHED, alpha=0.6, zorder=0,
            label=f"published: {theirs.interval}",
        )  # fmt: skip


def _scatter(axes: Axes, claim: Claim, sides: Sequence[Side]) -> None:
    """Two quantities of each unit."""
    for k, side in enumerate(sides):
        axes.plot(
            *side.measured.values.T, _MARKERS[k], color=_COLORS[k], markersize=3.5, alpha=0.7,
            markeredgewidth=0.0, label=f"{side.label} (n = {len(side.measured.values)})",
        )  # fmt: skip
    first, second = (name.replace("_", " ") for name in claim.measure.columns)
    axes.set_xlabel(first)
    axes.set_ylabel(second)
    divide = getattr(claim, "divide", None)
    if divide is not None:
        axes.axvline(divide, color=QUIET, linestyle="--", label="divide of the two groups")
    axes.margins(y=0.1)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.35 * (high - low))
    axes.legend(loc="upper right")


def _intervals(axes: Axes, claim: Claim, sides: Sequence[Side]) -> None:
    """Estimates with their intervals, one below the other."""
    for k, side in enumerate(sides):
        value, low, high = side.measured.values.T
        place = np.arange(len(value)) + 0.2 * k
        axes.errorbar(
            value, place, xerr=np.stack([value - low, high - value]), fmt=_MARKERS[k],
            color=_COLORS[k], label=f"{side.label} (95 %)",
        )  # fmt: skip
    expected = claim.observation.value
    word = "expected" if expected is not None else "no difference"
    axes.axvline(expected or 0.0, color=QUIET, linestyle="--", label=word)
    axes.set_yticks([])
    axes.set_ylabel("estimates")
    axes.margins(y=0.5)


def _joint(panels: NDArray[np.object_], claim: Claim, sides: Sequence[Side]) -> None:
    """Two quantities in the published bins: shares of cells, data and model side by side."""
    seen = claim.observation
    if seen.counts is None or seen.edges is None:  # pragma: no cover - asked by the caller
        return
    shares = [(short_source(seen.source), seen.counts, int(seen.counts.sum()) + seen.above)]
    for side in sides:
        x, y = side.measured.values.T
        counts = np.histogram2d(x, y, bins=[seen.edges, seen.edges])[0]
        shares.append((side.label, counts.astype(np.int64), len(x)))
    most = max(float(counts.max()) / max(n, 1) for _, counts, n in shares)
    first, second = (name.replace("_", " ") for name in claim.measure.columns)
    middles = (seen.edges[1:] + seen.edges[:-1]) / 2
    for axes, (label, counts, n) in zip(panels, shares, strict=True):
        share = counts / max(n, 1)
        mesh = axes.pcolormesh(seen.edges, seen.edges, share.T, cmap="Greys", vmin=0.0, vmax=most)
        for row, column in np.argwhere(counts):
            dark = share[row, column] > 0.55 * most
            axes.text(
                middles[row], middles[column], str(int(counts[row, column])), ha="center",
                va="center", color="white" if dark else INK,
            )  # fmt: skip
        axes.set_xlabel(first)
        axes.set_title(f"{label} (n = {n}, {n - int(counts.sum())} outside)", fontsize=8.0)
        axes.set_aspect("equal")
    panels[0].set_ylabel(second)
    panels[0].figure.colorbar(mesh, ax=list(panels), label="share of cells", shrink=0.8)


def _numbers(axes: Axes, claim: Claim, sides: Sequence[Side], *, letters: int) -> None:
    """The numbers of each side and the published one, with their intervals."""
    theirs = _published(sides)
    rows = [("published", theirs, PUBLISHED_EDGE, "D")]
    rows += [
        (side.label, Estimate.of(side.score.estimate), _COLORS[k], _MARKERS[k])
        for k, side in enumerate(sides)
    ]
    shown = [row for row in rows if not np.isnan([row[1].value, row[1].low]).all()]
    finite = [x for _, e, *_ in shown for x in (e.value, e.low, e.high) if np.isfinite(x)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    room = 0.08 * (high - low) or max(abs(high) * 0.1, 0.1)
    axes.set_xlim(low - room, high + room)
    for place, (_, found, color, marker) in enumerate(shown):
        ends = np.clip([found.low, found.high], low - room, high + room)
        axes.plot(ends, [place, place], color=color, linewidth=2.0)
        axes.plot(found.value, place, marker, color=color, markersize=5.0)
    axes.set_yticks(range(len(shown)), [label for label, *_ in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    what = next((e.statistic for _, e, *_ in reversed(shown) if e.statistic), "value")
    unit = claim.observation.unit if what in _SAME_AXIS else "1"
    head = what if unit == "1" else f"{what} ({unit})"
    spans = {label: e.interval for label, e, *_ in shown if not np.isnan(e.low)}
    if len(set(spans.values())) == 1:
        told = f"{head} and interval ({next(iter(spans.values()))})"
    else:
        told = "; ".join([head, *(f"{label}: {span}" for label, span in spans.items())])
    axes.set_xlabel("\n".join(textwrap.wrap(told, letters)))
