"""All figures of studies by name: their requirements, how they are drawn, and their captions.

::

    drawn, left_out = draw_all(results)
    for figure in drawn:
        save(figure.figure, folder, figure.name)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from scnnbio.errors import DataError, hint
from scnnbio.figures import (
    captions,
    circuits,
    experiments,
    learned,
    populations,
    solutions,
    three_ways,
    trained,
)
from scnnbio.figures.claims import PREFIX, claim_caption, claim_figure, judged_claims
from scnnbio.figures.kernels import kernel_grid
from scnnbio.figures.learning import learning_curve
from scnnbio.figures.orientation import example_units, orientation_figure, tuning_curves
from scnnbio.figures.raster import raster
from scnnbio.figures.scores import Judged, claim_distributions, short_source
from scnnbio.figures.shapes import shape_scatter
from scnnbio.figures.spec import Drawn, FigureSpec, StudyResults
from scnnbio.registry import Registry, instances, named
from scnnbio.validation import CLAIMS, Evidence, Missing, Score
from scnnbio.validation.evoked_rate import SpontaneousRate
from scnnbio.validation.orientation_tuning import GRATINGS
from scnnbio.validation.oriented_kernels import KernelCircularVariance
from scnnbio.validation.receptive_field_shape import LogShape

__all__ = ["FIGURES", "draw", "draw_all", "draw_or_say", "names_for"]


def draw(name: str, results: StudyResults) -> Drawn:
    """Draw one figure by name.

    Parameters
    ----------
    name : str
    results : StudyResults

    Returns
    -------
    Drawn

    Raises
    ------
    SpecError
        If there is no such figure.
    DataError
        If the results lack what the figure shows.
    """
    if name.startswith(PREFIX):
        return _claim(name, results)
    spec = FIGURES.choose(name)
    reason = spec.lacking(results)
    if not reason:
        try:
            figure, caption = spec.make(results)
            return Drawn(name, spec.title, figure, caption)
        except Missing as missing:
            reason = str(missing)
    raise DataError(f"cannot be drawn: {reason}", where=f"figure {name!r}")


def _claim(name: str, results: StudyResults) -> Drawn:
    """The figure of a claim that was judged."""
    judged = judged_claims(results)
    if name not in judged:
        said = hint(name, judged) if judged else "no claim has a value"
        raise DataError(f"no claim that was judged has this name; {said}", where=f"figure {name!r}")
    claim, side = judged[name]
    title = f"Claim {name.removeprefix(PREFIX)}: {side.score.verdict}"
    figure, caption = claim_figure(claim, [side]), claim_caption(claim, [side])
    return Drawn(name, title, figure, caption, side.score)


def names_for(results: StudyResults) -> list[str]:
    """Names of the figures of which at least one stage was run, and of those of judged claims.

    Parameters
    ----------
    results : StudyResults

    Returns
    -------
    list of str
    """
    # A figure that cannot be imported is skipped here; drawing it by name raises the error.
    own = [name for name in FIGURES if not FIGURES.fault(name) and FIGURES[name].belongs(results)]
    return own + list(judged_claims(results))


def draw_all(
    results: StudyResults, progress: Callable[[int, int], None] | None = None
) -> tuple[list[Drawn], dict[str, str]]:
    """Draw every figure that the results allow, and say why the others are left out.

    Parameters
    ----------
    results : StudyResults
    progress : callable, optional
        Called with the number of figures done and the number of all.

    Returns
    -------
    drawn : list of Drawn
    left_out : dict from name to reason
    """
    drawn: list[Drawn] = []
    left_out: dict[str, str] = {}
    names = names_for(results)
    for done, name in enumerate(names, start=1):
        found = draw_or_say(name, results)
        if isinstance(found, Drawn):
            drawn.append(found)
        else:
            left_out[name] = found
        if progress is not None:
            progress(done, len(names))
    return drawn, left_out


def draw_or_say(name: str, results: StudyResults) -> Drawn | str:
    """Draw one of :func:`names_for`, or say why it is left out.

    Parameters
    ----------
    name : str
    results : StudyResults

    Returns
    -------
    Drawn or str
    """
    try:
        return draw(name, results)
    except DataError as error:
        return error.message.removeprefix("cannot be drawn: ")
    except Exception as error:
        # A failing figure of another package must not end a run.
        if name in FIGURES.own or name.startswith(PREFIX):
            raise
        return f"{type(error).__name__}: {error}"


def _score(results: StudyResults, claim: str) -> Score | None:
    return next((score for score in results.scores if score.claim == claim), None)


def _kernels(stage: str) -> Callable[[StudyResults], tuple[Figure, str]]:
    def make(results: StudyResults) -> tuple[Figure, str]:
        evidence = results.evidence[stage]
        measures = evidence.kernel_measures
        figure = kernel_grid(evidence.weights, measures)
        fitted = evidence.measured(LogShape())
        return figure, captions.kernels(fitted, control=stage == "control")

    return make


def _shapes(results: StudyResults) -> tuple[Figure, str]:
    claim = CLAIMS["ringach2002_nx_ny"]
    seen, measured = claim.observation, claim.measured(results.evidence["learn"])
    score = _score(results, claim.name)
    n_x, n_y = 10.0 ** measured.values.reshape(-1, 2).T
    if seen.counts is None or seen.edges is None:
        raise Missing("the claim has no published histogram")
    figure = shape_scatter(
        n_x, n_y, seen.counts, seen.edges,
        excluded=sum(measured.excluded.values()),
        distance=None if score is None else score.value,
        limit=None if score is None else score.observation.get("chance_limit"),
        published=short_source(seen.source),
    )  # fmt: skip
    return figure, captions.shapes(len(n_x), measured.excluded, seen, score)


def _orientation(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["learn"]
    measures = evidence.kernel_measures
    seen = CLAIMS["ringach2002_circular_variance"].observation
    if seen.counts is None or seen.edges is None:
        raise Missing("the claim has no published histogram")
    figure = orientation_figure(
        measures.orientation, measures.circular_variance, seen.counts, seen.edges,
        published=short_source(seen.source),
        labels=("preferred orientation of the kernel", "circular variance"),
    )  # fmt: skip
    return figure, captions.orientation(evidence.measured(KernelCircularVariance()).excluded, seen)


def _learning(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["learn"]
    figure = learning_curve(
        evidence.recording, kernel=evidence.projection, threshold=evidence.population,
        final=evidence.run.weights.get(evidence.projection),
    )  # fmt: skip
    shots = evidence.recording.snapshots
    return figure, captions.learning(
        len(shots[evidence.projection].trial), evidence.recording.n_trials,
        thresholds=evidence.population in shots,
    )  # fmt: skip


def _tuning(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["gratings"].bind(protocol=GRATINGS)
    angles, rates = evidence.orientation_curves
    kept = np.flatnonzero(evidence.responsive & ~np.isnan(rates).any(axis=1))
    if len(angles) < 2 or not len(kept):
        raise Missing(
            f"no cell fires at {evidence.min_rate:g} Hz or more at any grating"
            if len(angles) > 1
            else "a tuning curve needs more than one orientation"
        )
    units = kept[example_units(rates[kept], angles)]
    try:
        blank = evidence.measured(SpontaneousRate()).values
    except Missing:  # no trials of mean grey
        blank = None
    figure = tuning_curves(evidence.responses, units, spontaneous=blank, name="map")
    silent = int((~evidence.responsive).sum())
    return figure, captions.tuning(
        evidence, len(units), len(kept), silent, blanks=blank is not None
    )


def _distributions(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["gratings"]
    judged, excluded = [], {}
    for name in ("ringach2002_circular_variance", "ringach2002_half_bandwidth"):
        measured = CLAIMS[name].measured(evidence)
        score = _score(results, name) or CLAIMS[name].judge(evidence)
        judged.append(Judged(score, CLAIMS[name].observation, measured.values))
        excluded = dict(measured.excluded)
    return claim_distributions(judged), captions.distributions(judged, excluded)


def _raster(stage: str) -> Callable[[StudyResults], tuple[Figure, str]]:
    def make(results: StudyResults) -> tuple[Figure, str]:
        evidence = results.evidence[stage]
        trials = _telling_trials(evidence)
        if not trials:
            raise Missing(f"stage {stage!r} has no trials")
        figure = raster(evidence.recording, trials=trials, outputs=evidence.population)
        return figure, captions.raster(evidence, trials)

    return make


def _telling_trials(evidence: Evidence) -> list[int]:
    """Trial with most spikes of the layer, one with the median number, and one of mean grey."""
    recording = evidence.recording
    spikes = recording.spikes.get(evidence.population)
    total = np.bincount(
        np.empty(0, dtype=int) if spikes is None else spikes.trial, minlength=recording.n_trials
    )
    contrast = recording.trials.get("contrast", np.ones(recording.n_trials))
    shown = np.flatnonzero(contrast != 0.0)
    order = shown[np.argsort(-total[shown], kind="stable")]
    grey = np.flatnonzero(contrast == 0.0)
    last = grey[:1] if len(grey) else order[-1:]
    chosen = [*order[:1], *order[len(order) // 2 :][:1], *last]
    return list(dict.fromkeys(int(trial) for trial in chosen))


SPECS = (
    FigureSpec("kernels", "Learned kernels", ("learn.kernel",), _kernels("learn")),
    FigureSpec("shapes", "Shape of the receptive fields", ("learn.kernel",), _shapes),
    FigureSpec("orientation", "Orientation of the kernels", ("learn.kernel",), _orientation),
    FigureSpec("learning", "Course of learning", ("learn.snapshots",), _learning),
    FigureSpec(
        "control_kernels", "Control: learned on noise", ("control.kernel",), _kernels("control")
    ),
    FigureSpec("tuning", "Tuning to gratings", ("gratings.gratings",), _tuning),
    FigureSpec("distributions", "Selectivity of spikes", ("gratings.gratings",), _distributions),
    FigureSpec("raster", "Spikes during gratings", ("gratings.spikes",), _raster("gratings")),
    FigureSpec(
        "raster_learning",
        "Spikes during learning",
        ("learn.spikes.lgn", "learn.spikes"),
        _raster("learn"),
    ),
    FigureSpec(
        "raster_grating",
        "Spikes during a grating",
        ("grating.spikes.lgn", "grating.spikes"),
        _raster("grating"),
    ),
)

#: All figures by name, in the order of the report.
FIGURES: Registry[FigureSpec] = Registry(
    "figure",
    "scnnbio.figures",
    {
        spec.name: f"scnnbio.figures.{place}"
        for place, specs in (
            ("registry:SPECS", SPECS),
            ("experiments:SPECS", experiments.SPECS),
            ("solutions:SPECS", solutions.SPECS),
            ("learned:SPECS", learned.SPECS),
            ("three_ways:SPECS", three_ways.SPECS),
            ("trained:SPECS", trained.SPECS),
            ("circuits:SPECS", circuits.SPECS),
            ("populations:SPECS", populations.SPECS),
        )
        for spec in specs
    },
    instances(FigureSpec, name="name"),
    load=named,
)
