"""What the report of a comparison shows: its tables and figures."""

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
#: Rows of one figure.
_PAIRS = 4
_SERIES = 5
#: Rows of the report's table of first differences.
_FIRSTS = 20


def summary(result: Comparison) -> str:
    """Verdicts in a line."""
    counted: Counter[str] = Counter(verdict.verdict for verdict in result.verdicts)
    told = ", ".join(
        # "1 agrees", but "2 agree"
        f"{number} {verdict.removesuffix('s') if number > 1 else verdict}"
        for verdict, number in ((v, counted[v]) for v in _SIGNS)
        if number
    )
    labels = dict.fromkeys(label for label, _ in result.runs)
    return f"{', '.join(labels)}. Promises: {told or 'none to judge'}."


def tables(result: Comparison) -> list[Table]:
    """Tables of the report: verdicts, what was not run, spikes, statistics, sweeps."""
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
                for first in pair.first[:_FIRSTS]
            ],
            "How far from its threshold, in its unit, the neuron stood on the backend on which it"
            f" did not fire; the first {_FIRSTS} of each pair, and all in compare.json.",
        ),
        Table("Spikes", _SPIKES, list(_rows(result, _spikes)), _sampled(result)),
        Table(
            "Statistics",
            _STATISTICS,
            list(_rows(result, _statistics)),
            _resampled(result),
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
    s = result.plan.settings
    return (
        f"A train is one neuron in one trial. Van Rossum's distance with a time constant of"
        f" {s.tau:g} ms (a spike too many: 1), and Victor and Purpura's at a cost of 1 for a spike"
        f" too many and for moving one by {s.tau:g} ms; means over at most {s.trains} trains that"
        " fire, drawn with a seed. Elephant has no SPIKE distance, so none is given."
    )


def _resampled(result: Comparison) -> str:
    s = result.plan.settings
    return (
        "Means in the reference and in the other, and in brackets the interval of 95 % of their"
        f" difference, by resampling neurons. CV of intervals: of at most {s.neurons} neurons that"
        f" fire, drawn with a seed; correlation: of the pairs of at most {s.units}. Undefined:"
        f" neurons with fewer than {s.min_intervals} intervals, and pairs of which one has no"
        " variance, in either."
    )


def comparison_figures(result: Comparison) -> Iterator[tuple[str, str, str, Any]]:
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
    return {p.name for stage in result.study.stages for p in stage.experiment.network.sources}
