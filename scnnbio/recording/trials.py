"""The trial table: columns of equal length, one row per trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError
from scnnbio.units import in_own_unit, plain_array, without_unit

#: Columns that a recording uses itself, in ms.
_TIMES = ("duration", "start")

Table = dict[str, NDArray[Any]]


def trial_table(columns: Mapping[str, ArrayLike]) -> Table:
    """Return a checked, read-only copy of a trial table, with ``stage`` and ``start`` filled in.

    Parameters
    ----------
    columns : mapping from column to array of shape (trials,)
        ``duration`` in ms is required. Quantities become numbers in scnnbio's own units (ms, Hz,
        deg, ...).

    Raises
    ------
    SpecError
        If ``duration`` is missing or not positive, or a column is not flat, has another length,
        holds neither numbers nor text, or a quantity that scnnbio has no unit for.
    """
    if "duration" not in columns:
        raise SpecError("the column 'duration' (ms) is missing; add it", where="Recording.trials")
    times = {
        name: plain_array(columns[name], "ms", where=f"Recording.trials[{name!r}]")
        for name in _TIMES
        if name in columns
    }
    n = np.atleast_1d(times["duration"]).shape[0]
    table = {name: _column(name, values, n) for name, values in {**columns, **times}.items()}
    duration = table["duration"]
    if not (duration > 0).all():
        raise SpecError("durations must be positive", where="Recording.trials['duration']")
    if "stage" not in table:
        table["stage"] = np.full(n, "run")
    if "start" not in table:
        table["start"] = np.cumsum(duration) - duration
    for values in table.values():
        values.setflags(write=False)
    first = {name: table[name] for name in ("stage", "start", "duration")}
    return first | table


def _column(name: str, values: ArrayLike, n: int) -> NDArray[Any]:
    where = f"Recording.trials[{name!r}]"
    given = without_unit(values, where=where)
    column = np.array(given)
    if column.dtype.kind == "U" and not _all_text(given):
        raise SpecError("holds both text and numbers; use one of them", where=where)
    if column.dtype == object and all(isinstance(v, str) for v in column.flat):
        column = column.astype(np.str_)
    if column.dtype.kind == "f" or (column.size == 0 and column.dtype.kind not in "Uib"):
        column = column.astype(np.float64)
    if column.dtype.kind not in "Uifb":
        raise SpecError(f"holds {column.dtype}; give numbers or text", where=where)
    if column.shape != (n,):
        raise SpecError(
            f"has shape {column.shape} for {n} trials; give one value per trial", where=where
        )
    if column.dtype.kind == "U" and any("\0" in text for text in column.tolist()):
        raise SpecError("text with a NUL character cannot be stored; remove it", where=where)
    return column


def _all_text(values: Any) -> bool:
    """Whether all values were text before numpy converted numbers among text to text."""
    array = isinstance(values, np.ndarray) and values.dtype.kind == "U"
    return array or all(isinstance(value, str) for value in values)


def matches(values: NDArray[Any], wanted: Any) -> NDArray[np.bool_]:
    """Which of ``values`` equal ``wanted``, or one of its members if it is a collection.

    Numbers are compared to one part in 10^9, since values such as 180 / 8 * 3 are rounded; NaN
    equals NaN. A quantity, or text such as ``"500 ms"``, is converted to scnnbio's own unit.

    Raises
    ------
    SpecError
        If the column holds numbers and ``wanted`` is not a number.
    """
    if isinstance(wanted, set | frozenset):
        wanted = sorted(wanted)
    if values.dtype.kind == "U":
        return np.isin(values, np.atleast_1d(np.asarray(wanted)).astype(np.str_))
    options = np.atleast_1d(_numbers(wanted))
    number, option = values.astype(np.float64)[:, None], options.astype(np.float64)[None, :]
    close = np.isclose(number, option, rtol=1e-9, atol=1e-12, equal_nan=True)
    return np.asarray(close.any(axis=1))


def _numbers(wanted: Any) -> NDArray[np.float64]:
    if np.asarray(wanted).dtype.kind == "b":  # as a column may be
        return np.asarray(wanted, dtype=np.float64)
    return in_own_unit(wanted, where="select")


def join_tables(tables: Sequence[Mapping[str, NDArray[Any]]]) -> Table:
    """Concatenate tables; a column that a table lacks is NaN or ``""`` in its rows."""
    names = list(dict.fromkeys(name for table in tables for name in table))
    lengths = [len(table["duration"]) for table in tables]
    joined = {}
    for name in names:
        kinds = {table[name].dtype.kind for table in tables if name in table}
        text = "U" in kinds
        if text and len(kinds) > 1:
            raise SpecError(
                f"column {name!r} is text in one recording and numbers in another",
                where="concatenate",
            )
        absent: Any = "" if text else np.nan
        parts = [
            table[name] if name in table else np.full(length, absent)
            for table, length in zip(tables, lengths, strict=True)
        ]
        joined[name] = np.concatenate(parts)
    return joined
