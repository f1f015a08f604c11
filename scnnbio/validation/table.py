"""All measured values as one tidy table, one row per number."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scnnbio.errors import SpecError, unwritable
from scnnbio.experiment import ClaimBinding
from scnnbio.files import write_atomically
from scnnbio.validation.claim import Measure, Measured
from scnnbio.validation.evidence import Evidence, bind_as
from scnnbio.validation.registry import beside, claim_named
from scnnbio.validation.self_sustained import MeanRate

#: Columns of the table.
COLUMNS = (
    "measure", "unit", "value", "interval_low", "interval_high", "n", "stage", "population",
    "neuron", "stimulus", "window",
)  # fmt: skip

Row = dict[str, Any]


def measure_rows(claims: Iterable[ClaimBinding], evidence: Mapping[str, Evidence]) -> list[Row]:
    """Rows for the measures of a study's claims, and for the mean rates of recorded populations.

    Parameters
    ----------
    claims : iterable of ClaimBinding
    evidence : mapping from stage to Evidence

    Returns
    -------
    list of dict
        One per row, with the keys :data:`COLUMNS`. A row without a neuron is the median over the
        ``n`` neurons of a population, or maps of a projection, with the quartiles as its interval;
        or an estimate with its 95 % interval. A row with a neuron holds the value of that neuron or
        map. A measure that cannot be made has no row; the scores give the reason.
    """
    rows: list[Row] = []
    for stage, seen in evidence.items():
        for name in recorded(seen):
            rows += _rows(MeanRate(), stage, seen.bind(populations=name))
    done = set()
    for bound in claims:
        known = claim_named(bound.claim)
        if bound.stage not in evidence:
            continue
        seen = bind_as(evidence[bound.stage], bound).bind(protocol=known.protocol)
        for measure in (known.measure, *known.beside, *beside(bound)):
            single = measure.about == "population"
            for part in _each(seen) if single else [seen]:
                # Several claims can share a measure, of the same trials or of others.
                shown = part.protocol.columns, part.protocol.highest, *_shown(part)
                key = (measure, bound.stage, part.populations, part.projection, shown)
                if key not in done:
                    done.add(key)
                    rows += _rows(measure, bound.stage, part)
    return rows


def recorded(evidence: Evidence) -> list[str]:
    """Populations whose spikes were recorded, without sources where a run identifies them."""
    experiment = getattr(evidence.source, "experiment", None)
    given = () if experiment is None else experiment.inputs
    return [name for name in evidence.recording.spikes if name not in given]


def _each(evidence: Evidence) -> list[Evidence]:
    return evidence.each if evidence.populations else []


def _shown(evidence: Evidence) -> tuple[str, str]:
    """What the trials show, and the window within them, in words."""
    window = evidence.window
    return (
        evidence.protocol.stimulus,
        "" if window is None else f"{window[0]:g} to {window[1]:g} ms",
    )


def _rows(measure: Measure, stage: str, evidence: Evidence) -> list[Row]:
    try:
        found = evidence.measured(measure)
    except SpecError:
        return []
    about = (
        evidence.projection if measure.about == "projection" else ", ".join(evidence.populations)
    )
    stimulus, window = _shown(evidence)
    same = {"unit": measure.unit, "stage": stage, "stimulus": stimulus, "window": window}
    names = measure.columns or (measure.label,)
    if names[1:] == ("low", "high"):
        return [
            _row(same, names[0], value, interval, 1, about)
            for value, *interval in found.values.tolist()
        ]
    columns = found.values.reshape(len(found.values), len(names))
    return [
        row
        for name, values in zip(names, columns.T, strict=True)
        for row in _of_column(same, name, values, found, about)
    ]


def _of_column(
    same: Row, name: str, values: np.ndarray, found: Measured, about: str
) -> Iterator[Row]:
    """Median and quartiles per population, then each neuron's own value."""
    whose = np.array(found.populations or [about] * len(values), dtype=object)
    for population in dict.fromkeys(whose.tolist()):
        own = values[whose == population]
        # Values can be infinite, and then cannot be interpolated.
        low, middle, high = np.quantile(own, [0.25, 0.5, 0.75], method="inverted_cdf").tolist()
        if np.isfinite(own).all():
            low, middle, high = np.quantile(own, [0.25, 0.5, 0.75]).tolist()
        yield _row(same, name, middle, (low, high), len(own), population)
    if found.neurons is not None:
        for value, population, neuron in zip(
            values.tolist(), whose.tolist(), found.neurons.tolist(), strict=True
        ):
            yield _row(same, name, value, ("", ""), 1, population, neuron)


def _row(
    same: Row,
    name: str,
    value: float,
    interval: Iterable[Any],
    n: int,
    about: str,
    neuron: Any = "",
) -> Row:
    low, high = interval
    shown = same["stimulus"], same["window"]
    values = (name, same["unit"], value, low, high, n, same["stage"], about, neuron, *shown)
    return dict(zip(COLUMNS, values, strict=True))


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write a table as comma-separated text, with all digits.

    Raises
    ------
    DataError
        If the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    try:
        write_atomically(text.getvalue().encode(), path)
    except OSError as error:
        raise unwritable(error, path) from None
