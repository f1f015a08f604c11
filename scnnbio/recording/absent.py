"""Trials in which a population was not recorded, of a recording that joins several.

A joined recording says so in a column of its trial table, which names the populations of each trial
that were not recorded in it. Without that, they would count as silent there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.recording.samples import Spikes

#: Column of the trial table; names in it are joined by what no name contains.
COLUMN = "not_recorded"
_BETWEEN = "/"

Table = Mapping[str, NDArray[Any]]


def tables(parts: Sequence[tuple[Mapping[str, Spikes], Table]]) -> list[dict[str, NDArray[Any]]]:
    """Trial tables of recordings to be joined, with what each of them lacks.

    Parameters
    ----------
    parts : sequence of (spikes by population, trial table)
    """
    names = list(dict.fromkeys(name for spikes, _ in parts for name in spikes))
    made = []
    for spikes, table in parts:
        lacking = [name for name in names if name not in spikes]
        row = dict(table)
        if lacking or COLUMN in row:
            before = row.get(COLUMN, np.full(len(table["duration"]), ""))
            row[COLUMN] = np.array([_written({*_read(text), *lacking}) for text in before])
        made.append(row)
    return made


def settled(spikes: Mapping[str, Spikes], table: Table) -> tuple[dict[str, Spikes], Table]:
    """Spikes and trial table of chosen trials, without populations that none of them has."""
    if COLUMN not in table:
        return dict(spikes), table
    absent = [_read(text) for text in table[COLUMN]]
    never = set.intersection(*absent) if absent else set()
    rest = np.array([_written(names - never) for names in absent])
    kept = {column: values for column, values in table.items() if column != COLUMN}
    if any(rest):
        kept[COLUMN] = rest
    return {name: found for name, found in spikes.items() if name not in never}, kept


def check_recorded(population: str, table: Table, where: str) -> None:
    """Raise unless a population was recorded in every trial.

    Raises
    ------
    SpecError
        If it was not: what is counted there would be zero.
    """
    if COLUMN not in table:
        return
    (absent,) = np.nonzero([population in _read(text) for text in table[COLUMN]])
    if len(absent):
        stage = table["stage"][absent[0]]
        raise SpecError(
            f"{population!r} was not recorded in {len(absent)} of {len(table[COLUMN])} trials, the"
            f" first of which is trial {absent[0]} of stage {str(stage)!r}; select the trials of a"
            " stage in which it was",
            where=where,
        )


def _read(text: str) -> set[str]:
    return {name for name in str(text).split(_BETWEEN) if name}


def _written(names: Iterable[str]) -> str:
    return _BETWEEN.join(sorted(names))
