"""Collect the results of a sweep in one table."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from scnnbio.errors import BackendMissing, SpecError, unwritable
from scnnbio.files import atomic_draft
from scnnbio.sweep.plan import Plan, Point, Status
from scnnbio.workflow.folder import read_json

#: Keys of a score that are columns of the table.
_OF_SCORE = ("claim", "stage", "population", "projection", "used_for", "verdict", "value", "n")
#: Keys of its observation that are columns.
_OF_OBSERVATION = ("quantity", "unit")
#: Columns that are no keys of the grid.
_COLUMNS = {
    *("point", "seed", "status", "message", "wall_seconds", "output_spikes", "published"),
    *_OF_SCORE,
    *_OF_OBSERVATION,
}


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

        A key of the grid that has the name of another column is ``grid.NAME``.

    Raises
    ------
    DataError
        If the results of a point are damaged.
    """
    rows = [row for point in plan.points() for row in _rows(point)]
    return pd.DataFrame(rows)


def _rows(point: Point) -> list[dict[str, Any]]:
    status = point.status()
    head: dict[str, Any] = {"point": point.number, "seed": point.seed}
    head |= {_column(key): _cell(value) for key, value in point.values.items()}
    head["status"] = status.value
    if status is not Status.DONE:
        return [{**head, "message": point.failed().get("message", "")}]
    known = read_json(point.run / "run.json")
    head["wall_seconds"] = sum(known["wall_seconds"].values())
    head["output_spikes"] = sum(known["output_spikes"].values())
    scores = read_json(point.run / "scores.json")
    return [{**head, **_score(score)} for score in scores] or [head]


def _column(key: str) -> str:
    """Column of a key of the grid, which can have the name of another column."""
    return f"grid.{key}" if key in _COLUMNS else key


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


def _of_one_kind(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column that parquet holds: as text where values are numbers here and text there."""
    known = column.dropna()
    texts = known.map(lambda value: isinstance(value, str))
    flags = known.map(lambda value: isinstance(value, bool))
    if (texts.any() and not texts.all()) or (flags.any() and not flags.all()):
        return column.map(str, na_action="ignore")
    return column


def write_table(table: pd.DataFrame, path: Path) -> Path:
    """Write a table as CSV or, by the ending ``.parquet``, as parquet; completely or not at all.

    Raises
    ------
    SpecError
        If the name ends in neither.
    BackendMissing
        If parquet cannot be written, since pyarrow is not installed.
    DataError
        If the file cannot be written.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise SpecError(
            "is neither .csv nor .parquet; name the file with one of these endings", where=str(path)
        )
    try:
        with atomic_draft(path) as draft:
            if path.suffix == ".parquet":
                table.apply(_of_one_kind).convert_dtypes().to_parquet(draft, index=False)
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
