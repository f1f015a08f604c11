"""A comparison's folder: ``compare.json``, recordings, figures and one HTML report."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scnnbio.analysis.agreement import Agreement, Settings
from scnnbio.analysis.paired import Statistic
from scnnbio.experiment import Report, Run, Study
from scnnbio.figures import Picture, render_report, save
from scnnbio.figures.agreement import Side, agreement_figure
from scnnbio.figures.convergence import convergence_figure
from scnnbio.figures.report import Table
from scnnbio.workflow.compare import compare
from scnnbio.workflow.comparison import Comparison, PairResult, Plan, Sweep
from scnnbio.workflow.folder import new_folder, write_json

#: File by which the folder of a comparison is known.
MARK = "compare.json"
_SIGNS = {"agrees": "✓", "disagrees": "✗", "insufficient data": "?", "not applicable": "–"}
#: Rows of one figure.
_PAIRS = 4
_SERIES = 5


def write_comparison(result: Comparison, folder: Path, report: Report | None = None) -> None:
    """Write everything that came of a comparison.

    Parameters
    ----------
    result : Comparison
    folder : Path
        That exists.
    report : callable, optional

    Raises
    ------
    DataError
        If something cannot be written.
    """
    write_json(folder / MARK, comparison_table(result))
    result.study.save(folder / "experiment.toml")
    place = folder / "recordings"
    place.mkdir()
    for (label, variant, stage), run in result.distinct_runs():
        parts = (stage, label.replace(":", "-").replace("/", "-"), variant.replace(" ", ""))
        run.recording.save(place / ("_".join(filter(None, parts)) + ".h5"))
    figures: dict[str, Picture] = {}
    for name, title, caption, figure in _figures(result):
        png, _ = save(figure, folder / "figures", name)
        figures[name] = Picture(png, caption, title)
        if report is not None:
            report("drawing figures", len(figures), len(figures))
    render_report(
        folder / "report.html",
        title=f"{result.study.title or result.study.name}: backends compared",
        scores=None,
        provenance=_provenance(result),
        figures=figures,
        tables=tables(result),
        summary=summary(result),
    )


def run_comparison(
    study: Study,
    plan: Plan,
    folder: Path,
    *,
    skip: bool = False,
    replace: bool = False,
    settings: Settings | None = None,
    report: Report | None = None,
) -> Comparison:
    """Compare backends, and write the folder.

    Parameters
    ----------
    study : Study
    plan : Plan
    folder : Path
        Written whole or not at all.
    skip : bool
        Compare what is left if a backend cannot run the study.
    replace : bool
        Whether an older comparison gives way.
    settings : Settings, optional
        Of the measures.
    report : callable, optional

    Returns
    -------
    Comparison

    Raises
    ------
    UnsupportedError
        If a backend cannot run the study, or fewer than two things are left.
    DataError
        If the folder cannot be written.
    """
    # The folder is tried first: no run should be lost for a place that cannot be written.
    with new_folder(folder, replace=replace, mark=MARK) as draft:
        result = compare(study, plan, skip=skip, settings=settings, report=report)
        write_comparison(result, draft, report)
    return result


def summary(result: Comparison) -> str:
    """Verdicts in a line."""
    counted: Counter[str] = Counter(kept.verdict for kept in result.kept)
    told = ", ".join(
        # "1 agrees", but "2 agree"
        f"{number} {verdict.removesuffix('s') if number > 1 else verdict}"
        for verdict, number in ((v, counted[v]) for v in _SIGNS)
        if number
    )
    labels = dict.fromkeys(label for label, _ in result.runs)
    return f"{', '.join(labels)}. Promises: {told or 'none to judge'}."


def comparison_table(result: Comparison) -> dict[str, Any]:
    """Everything that was measured, as plain values for ``compare.json``."""
    return {
        **_provenance(result),
        "settings": dataclasses.asdict(result.settings),
        "refused": [
            {"backend": label, "dt": variant, "reasons": [dataclasses.asdict(r) for r in reasons]}
            for (label, variant), reasons in result.refused.items()
        ],
        "pairs": [_pair(pair) for pair in result.pairs],
        "sweeps": [_sweep(sweep) for sweep in result.sweeps],
    }


def _provenance(result: Comparison) -> dict[str, Any]:
    runs = dict(result.distinct_runs())
    versions: dict[str, str] = {}
    for run in runs.values():
        versions |= run.provenance["versions"]
    return {
        "study": result.study.name,
        "title": result.study.title,
        "seed": result.study.seed,
        "reference": result.plan.choices[0].label,
        "input": " and ".join(
            sorted({f"drawn every {_input_dt(run):g} ms" for run in runs.values()})
        ),
        "versions": versions,
        "runs": {
            " ".join(filter(None, place)): {
                "backend": run.provenance["backend"],
                "options": dict(run.provenance["options"]),
                "dt": run.experiment.dt,
                "pathways": dict(run.provenance["pathways"]),
                "wall_seconds": dict(run.provenance["wall_seconds"]),
                "input_spikes": run.provenance["input_spikes"],
                "output_spikes": dict(run.provenance["output_spikes"]),
            }
            for place, run in runs.items()
        },
    }


def _input_dt(run: Run) -> float:
    return run.experiment.input_dt or run.experiment.dt


def _pair(pair: PairResult) -> dict[str, Any]:
    return {
        "stage": pair.stage,
        "dt": pair.dt,
        "reference": pair.reference,
        "other": pair.other,
        "populations": {name: found.to_dict() for name, found in pair.agreements.items()},
        "promises": [kept.to_dict() for kept in pair.kept],
        "first_differences": [dataclasses.asdict(first) for first in pair.first],
    }


def _sweep(sweep: Sweep) -> dict[str, Any]:
    found = sweep.found
    return {
        "stage": sweep.stage,
        "backend": sweep.backend,
        "exact": sweep.exact,
        "population": found.population,
        "spikes": found.spikes,
        "dt": found.dt.tolist(),
        "median": found.median.tolist(),
        "upper": found.upper.tolist(),
        "same_counts": [None if math.isnan(v) else v for v in found.same_counts.tolist()],
        "rate": [statistic.to_dict() for statistic in sweep.rates],
    }


def tables(result: Comparison) -> list[Table]:
    """Tables of the report: verdicts, what was not run, spikes, statistics, sweeps."""
    found = [
        Table(
            "Promises",
            ("stage", "dt (ms)", "pair", "of", "promise", "verdict", "why"),
            [
                (
                    *(pair.stage, pair.dt, _names(pair), f"{kept.subject}: {kept.of}"),
                    *(kept.promise or "–", f"{_SIGNS[kept.verdict]} {kept.verdict}", kept.reason),
                )
                for pair in result.pairs
                for kept in pair.kept
            ],
            "The first of each pair is the reference; the weaker of both promises holds. A"
            " statistical promise is kept if the whole interval of 95 % lies within it, broken if"
            " the whole lies beyond, and neither can be told in between.",
            first=True,
        ),
        Table(
            "Not run",
            ("backend", "dt", "what", "why", "instead"),
            [
                (label, variant or "as written", r.element, r.feature, r.remedy)
                for (label, variant), reasons in result.refused.items()
                for r in reasons
            ],
            first=True,
        ),
        Table(
            "Where spikes begin to differ",
            ("pair", "population", "neuron", "trial", "ms", "fired on", "distance of the other"),
            [
                (
                    *(_names(pair), first.population, first.unit, first.trial, first.time),
                    first.fired,
                    first.reason if first.distance is None else first.distance,
                )
                for pair in result.pairs
                for first in pair.first
            ],
            "How far from its threshold, in its unit, the neuron stood on the backend on which it"
            " did not fire.",
        ),
        Table("Spikes", _SPIKES, list(_rows(result, _spikes)), _sampled(result)),
        Table(
            "Statistics",
            _STATISTICS,
            list(_rows(result, _statistics)),
            "Means in the reference and in the other, and in brackets the interval of 95 % of their"
            f" difference, by resampling neurons. CV of intervals: of at most"
            f" {result.settings.neurons} neurons that fire, drawn with a seed; correlation: of the"
            f" pairs of at most {result.settings.units}. Undefined: neurons with fewer than"
            f" {result.settings.min_intervals} intervals, and pairs of which one has no variance,"
            " in either.",
        ),
        Table(
            "Steps of time",
            ("stage", "backend", "against", "population", "dt (ms)", *_SWEEP),
            [
                (s.stage, s.backend, s.exact, s.found.population, *row)
                for s in result.sweeps
                for row in zip(
                    *(s.found.dt.tolist(), s.found.median.tolist(), s.found.upper.tolist()),
                    s.found.same_counts.tolist(),
                    map(_relative, s.rates),
                    strict=True,
                )
            ],
        ),
    ]
    return [table for table in found if table.rows]


_SPIKES = (
    *("stage", "dt (ms)", "pair", "population", "spikes", "neurons that fire", "identical"),
    *("same count", "count: mean, largest", "first spike: median, largest (ms)", "in one only"),
    *("k-th spikes: median, largest (ms)", "van Rossum", "Victor-Purpura", "trains measured"),
)
_STATISTICS = (
    *("stage", "dt (ms)", "pair", "population", "rate (Hz)", "relative", "CV", "neurons"),
    *("undefined", "correlation", "pairs of neurons", "undefined"),
)
_SWEEP = ("median (ms)", "95 % (ms)", "same count", "mean rate")


def _names(pair: PairResult) -> str:
    return f"{pair.reference}, {pair.other}"


def _rows(result: Comparison, cells: Any) -> Iterator[tuple[Any, ...]]:
    for pair in result.pairs:
        for name, found in pair.agreements.items():
            yield (pair.stage, pair.dt, _names(pair), name, *cells(found))


def _spikes(found: Agreement) -> tuple[Any, ...]:
    return (
        found.spikes,
        f"{found.active} of {found.units}",
        f"{found.identical:.2%}",
        f"{found.same_counts:.2%}",
        found.count_difference,
        found.first_difference,
        found.first_missing,
        found.shift,
        found.van_rossum.mean,
        found.victor_purpura.mean,
        f"{found.van_rossum.n} of {found.van_rossum.of}",
    )


def _statistics(found: Agreement) -> tuple[Any, ...]:
    rate, cv, correlation = found.rate, found.cv, found.correlation
    return (
        (rate.reference, rate.other),
        _relative(rate),
        f"{cv.reference:.3g}, {cv.other:.3g} ({cv.low:+.2g} to {cv.high:+.2g})",
        cv.n,
        cv.undefined,
        f"{correlation.reference:.3g}, {correlation.other:.3g}"
        f" ({correlation.low:+.2g} to {correlation.high:+.2g})",
        correlation.n,
        correlation.undefined,
    )


def _relative(rate: Statistic) -> str:
    return f"{rate.difference:+.2%} ({rate.low:+.2%} to {rate.high:+.2%})"


def _sampled(result: Comparison) -> str:
    s = result.settings
    return (
        f"A train is one neuron in one trial. Van Rossum's distance with a time constant of"
        f" {s.tau:g} ms (a spike too many: 1), and Victor and Purpura's at a cost of 1 for a spike"
        f" too many and for moving one by {s.tau:g} ms; means over at most {s.trains} trains that"
        " fire, drawn with a seed. Elephant has no SPIKE distance, so none is given."
    )


def _figures(result: Comparison) -> Iterator[tuple[str, str, str, Any]]:
    """Name, title, caption and figure."""
    sides = [
        (pair, Side(pair.reference, pair.other, pair.dt, found))
        for pair in result.pairs
        for name, found in pair.agreements.items()
        # The input is the same by construction: what the layers make of it is shown.
        if name not in _inputs(result) and found.active
    ]
    for start in range(0, len(sides), _PAIRS):
        part = sides[start : start + _PAIRS]
        name = "agreement" if len(sides) <= _PAIRS else f"agreement_{start // _PAIRS + 1}"
        rows = "; ".join(
            f"{pair.stage}, {side.found.population}, {_names(pair)}, dt = {pair.dt:g} ms"
            for pair, side in part
        )
        yield (
            name,
            "Backends side by side",
            f"{_CAPTION} Rows: {rows}.",
            agreement_figure([side for _, side in part]),
        )
    groups: dict[tuple[str, str], list[Sweep]] = {}
    for sweep in result.sweeps:
        groups.setdefault((sweep.stage, sweep.found.population), []).append(sweep)
    for (stage, population), sweeps in groups.items():
        shown = sweeps[:_SERIES]
        held = ", ".join(dict.fromkeys(sweep.exact for sweep in shown))
        figure = convergence_figure(
            [sweep.found for sweep in shown],
            rates=[sweep.rates for sweep in shown],
            labels=[sweep.backend for sweep in shown],
        )
        yield (
            f"steps_{stage}_{population}",
            f"Steps of time: {population}, {stage}",
            (
                f"{_SWEPT} Held against: {held}. Errors are those of spikes in order, where a"
                " neuron fires as often."
            ),
            figure,
        )


_CAPTION = (
    "Left: neurons in one trial, upper ticks of the reference, lower of the other; those whose"
    " trains differ come first. Middle: rate of each neuron. Right: distance of the k-th spike from"
    " the k-th, where a neuron fires as often in both; 99 % are shown."
)
_SWEPT = "Each backend on several grids; all see the same input spikes."


def _inputs(result: Comparison) -> set[str]:
    return {stage.experiment.source.name for stage in result.study.stages}
