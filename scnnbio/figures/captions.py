"""Captions: what is shown, how many cells were left out, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scnnbio.figures.scores import Judged, short_source, verdict_line
from scnnbio.validation import Evidence, Measured, Observation, Score
from scnnbio.validation.receptive_field_shape import MIN_R_SQUARED

__all__ = [
    "distributions",
    "kernels",
    "learning",
    "left_out",
    "orientation",
    "raster",
    "shapes",
    "tuning",
]


def left_out(excluded: Mapping[str, int]) -> str:
    """Sentence on the cells that were left out."""
    given = {reason: number for reason, number in excluded.items() if number}
    if not given:
        return "No cell was left out."
    reasons = ", ".join(f"{number} ({reason})" for reason, number in given.items())
    return f"Left out: {reasons}."


def kernels(fitted: Measured, *, control: bool) -> str:
    """Caption of the kernels as images; ``fitted`` are the shapes of those with a good fit."""
    good = len(fitted.values)
    rest = sum(fitted.excluded.values())
    source = "Learned from noise, as a control: weight" if control else "Weight"
    left = (
        f" {good} fits have R² above {MIN_R_SQUARED:g}; the other {rest} carry a cross and are left"
        " out of the measures of shape."
        if rest
        else f" All fits have R² above {MIN_R_SQUARED:g}; none is left out."
    )
    return (
        f"{source} from ON minus weight from OFF cells of all {good + rest} maps, each scaled by"
        " its own largest weight and sorted by R² of its Gabor fit, the best first. Outlines are"
        f" the fits at half of their peak.{left}"
    )


def shapes(n: int, excluded: Mapping[str, int], seen: Observation, score: Score | None) -> str:
    """Caption of n_x and n_y."""
    judged = "" if score is None else f" Verdict: {verdict_line(score)}."
    return (
        f"Width n_x and length n_y of {n} receptive fields in cycles of their carrier (n = sigma ×"
        " frequency of the Gabor fit), over the cells of"
        f" {short_source(seen.source)} (shaded bins, with the number of cells; margins: fraction"
        " of cells). Distance is the total variation distance of the two joint histograms; the"
        " chance limit is what 95 % of equally large samples of the published cells stay within."
        f" {left_out(excluded)}{judged}"
        f" {seen.source}."
    )


def orientation(excluded: Mapping[str, int], seen: Observation) -> str:
    """Caption of preferred orientations and circular variance of kernels."""
    return (
        "A: preferred orientations of the kernels, with the number expected in a bin if all"
        " orientations were alike, and two standard deviations of chance about it. B: circular"
        f" variance of the kernels beside that of the spikes of {short_source(seen.source)}; a"
        " threshold sharpens tuning, so kernels and spikes are not the same measure."
        f" {left_out(excluded)} {seen.source}."
    )


def learning(snapshots: int, trials: int, *, thresholds: bool) -> str:
    """Caption of the learning curves."""
    extra = " C: threshold of each map and their mean." if thresholds else ""
    return (
        f"Course of learning over {trials} trials, from {snapshots} snapshots and the final state."
        " A: mean absolute change of a weight between snapshots. B: circular variance of the"
        f" kernels, mean and middle half of the maps.{extra} Maps whose kernel is zero have no"
        " circular variance and are left out of B."
    )


def tuning(evidence: Evidence, shown: int, responsive: int, silent: int, *, blanks: bool) -> str:
    """Caption of the tuning curves."""
    grey = " Dotted: the rate at mean grey." if blanks else ""
    repeats = int(evidence.responses.n_trials.min())
    error = (
        f"mean rate and its standard error over {repeats} trials a grating"
        if repeats > 1
        else "rate in one trial a grating, which has no standard error"
    )
    return (
        f"Tuning of {shown} of {responsive} responding cells, spread evenly over the range of"
        f" circular variance: {error}, each cell at the centre of its map and at its own"
        f" best spatial frequency; the curve is closed.{grey}"
        f" {left_out({f'below {evidence.min_rate:g} Hz at every grating': silent})}"
    )


def distributions(claims: Sequence[Judged], excluded: Mapping[str, int]) -> str:
    """Caption of the claims on spikes."""
    verdicts = "; ".join(
        f"{claim.observation.quantity}: {verdict_line(claim.score)}" for claim in claims
    )
    sources = " ".join(dict.fromkeys(f"{claim.observation.source}." for claim in claims))
    return (
        "Selectivity of the model's spikes to drifting gratings (outline) over published cells"
        " (filled), as fractions of all cells; cells beyond the published bins stand apart."
        " Distance is the total variation distance; the chance limit is what 95 % of equally large"
        f" samples of the published cells stay within. {verdicts}. {left_out(excluded)} {sources}"
    )


def raster(evidence: Evidence, trials: Sequence[int]) -> str:
    """Caption of the raster."""
    which = ("most spikes of the layer", "the median number", "mean grey, or the fewest spikes")
    named = "; ".join(f"trial {trial}: {what}" for trial, what in zip(trials, which, strict=False))
    inputs = "lgn" in evidence.recording.spikes
    above = (
        "ON and OFF cells of the input, the layer's cells in the order of maps,"
        if inputs
        else ("The layer's cells in the order of maps,")
    )
    return (
        f"Spikes of {len(trials)} trials ({named}). From the top: {above} and mean rates of the"
        " whole populations. Where the label says so, evenly chosen cells are drawn; rates are of"
        " all."
    )
