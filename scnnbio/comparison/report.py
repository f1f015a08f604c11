"""Tables and figures of a comparison's report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from scnnbio.analysis.agreement import Agreement
from scnnbio.analysis.paired import Statistic
from scnnbio.comparison.plan import Comparison, PairResult, Sweep
from scnnbio.figures.agreement import Side, agreement_figure
from scnnbio.figures.convergence import convergence_figure
from scnnbio.figures.report import Table

_SIGNS = {"agrees": "✓", "disagrees": "✗", "insufficient data": "?", "not applicable": "–"}
#: Most rows of one figure.
_PAIRS = 4
_SERIES = 5
#: Most rows per pair in the report's table of first differences.
_FIRSTS = 20


def summary(result: Comparison) -> str:
    """Counts of verdicts, in one line."""
    counted: Counter[str] = Counter(verdict.verdict for verdict in result.verdicts)
    verdicts = ", ".join(
        # "1 agrees", but "2 agree"
        f"{number} {verdict.removesuffix('s') if number > 1 else verdict}"
        for verdict, number in ((v, counted[v]) for v in _SIGNS)
        if number
    )
    labels = dict.fromkeys(label for label, _ in result.runs)
    return f"{', '.join(labels)}. Promises: {verdicts or 'none to judge'}."


def tables(result: Comparison) -> list[Table]:
    """Tables of the report: verdicts, refusals, first differences, spikes, statistics, sweeps."""
    found = [
        Table(
            "Promises",
            ("stage", "dt (ms)", "pair", "of", "promise", "verdict", "why"),
            [
                (
                    *(pair.stage, pair.dt, _names(pair), f"{verdict.subject}: {verdict.of}"),
                    *(
                        verdict.promise or "–",
                        f"{_SIGNS[verdict.verdict]} {verdict.verdict}",
                        verdict.reason,
                    ),
                )
                for pair in result.pairs
                for verdict in pair.verdicts
            ],
            "The first of each pair is the reference; the weaker of both promises applies. A"
            " statistical promise is kept if the whole 95 % interval lies within it, broken if the"
            " whole interval lies beyond it, and otherwise there is too little data.",
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
            ("pair", "population", "neuron", "trial", "ms", "fired on", "distance on the other"),
            [
                (
                    *(_names(pair), first.population, first.unit, first.trial, first.time),
                    first.fired,
                    first.reason if first.distance is None else first.distance,
                )
                for pair in result.pairs
                for first in pair.first_differences[:_FIRSTS]
            ],
            "Distance of the neuron from its threshold, in the threshold's unit, on the backend on"
            f" which it did not fire. The first {_FIRSTS} of each pair; all are in compare.json.",
        ),
        Table("Spikes", _SPIKES, list(_rows(result, _spikes)), _sampled(result)),
        Table(
            "Statistics",
            _STATISTICS,
            list(_rows(result, _statistics)),
            _resampled(result),
        ),
        Table(
            "Time steps",
            ("stage", "backend", "against", "population", "dt (ms)", *_SWEEP),
            [
                (s.stage, s.backend, s.exact, s.convergence.population, *row)
                for s in result.sweeps
                for row in zip(
                    *(
                        s.convergence.dt.tolist(),
                        s.convergence.median.tolist(),
                        s.convergence.upper.tolist(),
                    ),
                    s.convergence.same_counts.tolist(),
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
    s = result.plan.settings
    return (
        f"A train is one neuron in one trial. Van Rossum's distance with a time constant of"
        f" {s.tau:g} ms (a spike too many: 1), and Victor and Purpura's at a cost of 1 for a spike"
        f" too many and for moving one by {s.tau:g} ms; means over at most {s.trains} trains that"
        " fire, drawn with a seed. The SPIKE distance is absent, since Elephant does not have it."
    )


def _resampled(result: Comparison) -> str:
    s = result.plan.settings
    return (
        "Means in the reference and in the other, and in brackets the 95 % interval of their"
        f" difference, by resampling neurons. CV of intervals: at most {s.neurons} neurons that"
        f" fire, drawn with a seed; correlation: all pairs of at most {s.units} neurons. Undefined:"
        f" neurons with fewer than {s.min_intervals} intervals, and pairs in which a neuron has no"
        " variance, on either backend."
    )


def comparison_figures(result: Comparison) -> Iterator[tuple[str, str, str, Any]]:
    """Name, title, caption and figure of each figure of the report."""
    sides = [
        (pair, Side(pair.reference, pair.other, pair.dt, found))
        for pair in result.pairs
        for name, found in pair.agreements.items()
        # Not of input, which is the same on all backends by construction.
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
        groups.setdefault((sweep.stage, sweep.convergence.population), []).append(sweep)
    for (stage, population), sweeps in groups.items():
        shown = sweeps[:_SERIES]
        exact = ", ".join(dict.fromkeys(sweep.exact for sweep in shown))
        figure = convergence_figure(
            [sweep.convergence for sweep in shown],
            rates=[sweep.rates for sweep in shown],
            labels=[sweep.backend for sweep in shown],
        )
        yield (
            f"steps_{stage}_{population}",
            f"Time steps: {population}, {stage}",
            (
                f"{_SWEPT} Compared with: {exact}. Errors are the distances between k-th spikes of"
                " trains with equally many spikes."
            ),
            figure,
        )


_CAPTION = (
    "Left: spikes of one trial, upper ticks for the reference, lower for the other; neurons whose"
    " trains differ come first. Middle: rate of each neuron. Right: distance between the k-th"
    " spikes of both, for trains with equally many spikes; 99 % are shown."
)
_SWEPT = "Each backend on several grids, with the same input spikes."


def _inputs(result: Comparison) -> set[str]:
    return {p.name for stage in result.study.stages for p in stage.experiment.network.sources}
