"""Captions: what is shown, how many cells were excluded, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scnnbio.figures.scores import Judged, short_source, verdict_line
from scnnbio.validation import Evidence, Measured, Observation, Score
from scnnbio.validation.receptive_field_shape import MIN_R_SQUARED

__all__ = [
    "distributions",
    "exclusions",
    "kernels",
    "learning",
    "orientation",
    "raster",
    "shapes",
    "tuning",
]


def exclusions(excluded: Mapping[str, int]) -> str:
    """Sentence on the excluded cells."""
    given = {reason: number for reason, number in excluded.items() if number}
    if not given:
        return "No cell was excluded."
    reasons = ", ".join(f"{number} ({reason})" for reason, number in given.items())
    return f"Excluded: {reasons}."


def kernels(fitted: Measured, *, control: bool) -> str:
    """Caption of the kernels as images; ``fitted`` holds the shapes of those with a good fit."""
    good = len(fitted.values)
    rest = sum(fitted.excluded.values())
    source = "Learned from noise, as a control: weight" if control else "Weight"
    left = (
        f" {good} fits have R² above {MIN_R_SQUARED:g}; the other {rest} carry a cross and are"
        " excluded from the measures of shape."
        if rest
        else f" All fits have R² above {MIN_R_SQUARED:g}; none is excluded."
    )
    return (
        f"{source} from ON minus weight from OFF cells for all {good + rest} maps, each scaled by"
        " its largest weight, sorted by R² of the Gabor fit, the best first. Outlines are"
        f" the fits at half of their peak.{left}"
    )


def shapes(n: int, excluded: Mapping[str, int], seen: Observation, score: Score | None) -> str:
    """Caption of n_x and n_y."""
    judged = "" if score is None else f" Verdict: {verdict_line(score)}."
    return (
        f"Width n_x and length n_y of {n} receptive fields in cycles of the carrier (n = sigma ×"
        " frequency of the Gabor fit), drawn over the cells of"
        f" {short_source(seen.source)} (shaded bins, with the number of cells; margins: fraction"
        " of cells). Distance is the total variation distance of the two joint histograms; the"
        " chance limit is the distance within which 95 % of equally large samples of the published"
        " cells stay."
        f" {exclusions(excluded)}{judged}"
        f" {seen.source}."
    )


def orientation(excluded: Mapping[str, int], seen: Observation) -> str:
    """Caption of preferred orientations and circular variance of kernels."""
    return (
        "A: preferred orientations of the kernels, with the number expected per bin if all"
        " orientations were equally frequent, and two standard deviations of chance about it. B:"
        f" circular variance of the kernels beside that of spikes in {short_source(seen.source)}; a"
        " threshold sharpens tuning, so that kernels and spikes are different measures."
        f" {exclusions(excluded)} {seen.source}."
    )


def learning(snapshots: int, trials: int, *, thresholds: bool) -> str:
    """Caption of the learning curves."""
    extra = " C: threshold of each map and their mean." if thresholds else ""
    return (
        f"Course of learning over {trials} trials, from {snapshots} snapshots and the final state."
        " A: mean absolute change of a weight between snapshots. B: circular variance of the"
        f" kernels, mean and middle half of the maps.{extra} Maps whose kernel is zero have no"
        " circular variance and are excluded from B."
    )


def tuning(evidence: Evidence, shown: int, responsive: int, silent: int, *, blanks: bool) -> str:
    """Caption of the tuning curves."""
    grey = " Dotted: the rate at mean grey." if blanks else ""
    repeats = int(evidence.responses.n_trials.min())
    error = (
        f"mean rate and its standard error over {repeats} trials per grating"
        if repeats > 1
        else "rate in one trial per grating, which has no standard error"
    )
    return (
        f"Tuning of {shown} of {responsive} responding cells, spread evenly over the range of"
        f" circular variance: {error}, each cell at the centre of its map and at its"
        f" best spatial frequency; the curve is closed.{grey}"
        f" {exclusions({f'below {evidence.min_rate:g} Hz at every grating': silent})}"
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
        " Distance is the total variation distance; within the chance limit stay 95 % of equally"
        " large"
        f" samples of the published cells. {verdicts}. {exclusions(excluded)} {sources}"
    )


def raster(evidence: Evidence, trials: Sequence[int]) -> str:
    """Caption of the raster."""
    which = ("most spikes of the layer", "the median number", "mean grey, or the fewest spikes")
    named = "; ".join(f"trial {trial}: {what}" for trial, what in zip(trials, which, strict=False))
    inputs = "lgn" in evidence.recording.spikes
    above = (
        "ON and OFF cells of the input, the layer's cells sorted by map,"
        if inputs
        else ("The layer's cells sorted by map,")
    )
    return (
        f"Spikes of {len(trials)} trials ({named}). From the top: {above} and mean rates of the"
        " whole populations. Where the label says so, evenly spaced cells are drawn; rates are of"
        " all."
    )
