"""Energy of a run, from counts of operations and published figures for each of them.

The result is an estimate of the order of magnitude. The figures of machines differ in what they
include; the table says what, and a user can replace it.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from scnnbio.analysis.operations import Operations
from scnnbio.errors import DataError, SpecError
from scnnbio.files import no_device

#: Joules.
_PICO = 1e-12
_COSTS = ("synapse", "update", "multiply")


@dataclass(frozen=True)
class Machine:
    """Energy per operation of one machine.

    Parameters
    ----------
    name, title, source : str
    synapse, update : (float, float)
        Lowest and highest published energy (pJ) of a spike at a neuron, and of a neuron in a step.
    multiply : (float, float), optional
        Of a multiplication of the dense equivalent; None where the machine does not compute it.
    """

    name: str
    title: str
    source: str
    synapse: tuple[float, float]
    update: tuple[float, float]
    multiply: tuple[float, float] | None = None


@dataclass(frozen=True)
class Energy:
    """Energy per trial on one machine, lowest and highest, in joules.

    Parameters
    ----------
    machine : Machine
    spiking : (float, float)
        Of the run.
    dense : (float, float), optional
        Of its dense equivalent.
    """

    machine: Machine
    spiking: tuple[float, float]
    dense: tuple[float, float] | None


def machines(table: str | Path | None = None) -> dict[str, Machine]:
    """Machines by name.

    Parameters
    ----------
    table : str or Path, optional
        A TOML file in the form of ``scnnbio/analysis/energy.toml``, which is used if not given.

    Raises
    ------
    DataError
        If the file cannot be read.
    SpecError
        If a value is missing, unknown, or not a range of numbers from 0 up.
    """
    where = "energy.toml" if table is None else str(table)
    try:
        own = files("scnnbio.analysis") / "energy.toml"
        place = own if table is None else no_device(Path(table))
        content = tomllib.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"cannot be read as a table of energies ({error})", where=where) from None
    return {name: _machine(name, row, f"{where}: {name}") for name, row in content.items()}


def _machine(name: str, row: Any, where: str) -> Machine:
    if not isinstance(row, Mapping):
        raise SpecError("is not a table; begin it with [name]", where=where)
    unknown = sorted(set(row) - {"title", "source", *_COSTS})
    missing = [key for key in ("source", "synapse", "update") if key not in row]
    if unknown or missing:
        wrong = f"unknown key {unknown[0]!r}" if unknown else f"{missing[0]!r} is missing"
        raise SpecError(f"{wrong}; there are title, source, {', '.join(_COSTS)}", where=where)
    costs = {key: _range(row[key], f"{where}.{key}") for key in _COSTS if key in row}
    return Machine(name, str(row.get("title", name)), str(row["source"]), **costs)


def _range(value: Any, where: str) -> tuple[float, float]:
    ends = value if isinstance(value, list) else [value, value]
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in ends)
    if len(ends) != 2 or not numbers or not all(math.isfinite(v) for v in ends):
        raise SpecError(f"{value!r} is not [lowest, highest] in pJ", where=where)
    low, high = (float(v) for v in ends)
    if not 0 <= low <= high:
        raise SpecError(f"{value!r} is not from 0 up, lowest first", where=where)
    return low, high


def energy(found: Operations, machine: Machine) -> Energy:
    """Energy per trial of a run, and of its dense equivalent.

    Multiplications by a source of values are counted once per trial and connection, for the run as
    for its dense equivalent; a machine without multiplication takes them as synaptic operations.

    Parameters
    ----------
    found : Operations
    machine : Machine

    Returns
    -------
    Energy
    """
    once = found.n_trials * sum(path.connections for path in found.paths if path.multiplied)
    first = machine.synapse if machine.multiply is None else machine.multiply
    ends = []
    for k in (0, 1):
        total = found.synaptic * machine.synapse[k] + found.updates * machine.update[k]
        ends.append((total + once * first[k]) * _PICO / found.n_trials)
    dense = None
    if machine.multiply is not None:
        low, high = (found.dense * cost * _PICO / found.n_trials for cost in machine.multiply)
        dense = (low, high)
    return Energy(machine, (ends[0], ends[1]), dense)
