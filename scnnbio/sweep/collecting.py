"""Collect the results of a sweep in one table."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from scnnbio.errors import BackendMissing, unwritable
from scnnbio.files import atomic_draft
from scnnbio.sweep.plan import Plan, Point
from scnnbio.workflow.folder import read_json

#: Keys of a score that are columns of the table.
_OF_SCORE = ("claim", "stage", "population", "projection", "used_for", "verdict", "value", "n")
#: Keys of its observation that are columns.
_OF_OBSERVATION = ("quantity", "unit")


def collect(plan: Plan) -> pd.DataFrame:
    """One row per point and claim; a point without scores has one row.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    pandas.DataFrame
        ``point``, ``seed``, a column per key of the grid, ``status``, ``wall_seconds`` (s),
        ``output_spikes``, ``message`` of a failure, and of each score ``claim``, ``stage``,
        ``population``, ``projection``, ``used_for``, ``verdict``, ``value``, ``n``, ``quantity``
        and ``unit``, and ``published``, the published value.

    Raises
    ------
    DataError
        If the results of a point are damaged.
    """
    rows = [row for point in plan.points() for row in _rows(point)]
    return pd.DataFrame(rows)


def _rows(point: Point) -> list[dict[str, Any]]:
    head: dict[str, Any] = {"point": point.number, "seed": point.seed}
    head |= {key: _cell(value) for key, value in point.values.items()}
    head["status"] = point.status().value
    if not point.done:
        return [{**head, "message": point.failed().get("message", "")}]
    known = read_json(point.run / "run.json")
    head["wall_seconds"] = sum(known["wall_seconds"].values())
    head["output_spikes"] = sum(known["output_spikes"].values())
    scores = read_json(point.run / "scores.json")
    return [{**head, **_score(score)} for score in scores] or [head]


def _score(score: dict[str, Any]) -> dict[str, Any]:
    row = {key: _cell(score.get(key)) for key in _OF_SCORE}
    seen = score.get("observation") or {}
    row |= {key: _cell(seen.get(key)) for key in _OF_OBSERVATION}
    return {**row, "published": _cell(seen.get("value"))}


def _cell(value: Any) -> Any:
    """A value that fits a cell: lists as text."""
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value))
    if isinstance(value, dict):
        return "; ".join(f"{key} {part}" for key, part in value.items())
    return math.nan if value is None else value


def write_table(table: pd.DataFrame, path: Path) -> Path:
    """Write a table as CSV or, by the ending ``.parquet``, as parquet; completely or not at all.

    Raises
    ------
    BackendMissing
        If parquet cannot be written, since pyarrow is not installed.
    DataError
        If the file cannot be written.
    """
    try:
        with atomic_draft(path) as draft:
            if path.suffix == ".parquet":
                table.convert_dtypes().to_parquet(draft, index=False)
            else:
                table.to_csv(draft, index=False)
    except ImportError:
        raise BackendMissing(
            "parquet needs pyarrow; pip install '.[sweep]', or name a .csv file",
            where=str(path),
        ) from None
    except OSError as error:
        raise unwritable(error, path) from None
    return path
