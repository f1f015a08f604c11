"""Values that differ from neuron to neuron: an array, or a seeded distribution."""

from __future__ import annotations

import reprlib
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.units import plain
from scnnbio.values import Value

FloatArray = NDArray[np.float64]

#: Draws beyond the limits of a distribution are repeated so often before that is an error.
_MOST_REDRAWS = 1000


class Distribution(Value, ABC):
    """A distribution that values are drawn from, one per neuron.

    Draws follow from the seed, and from what they are for: two parameters, or two populations, with
    one seed are independent.

    Attributes
    ----------
    seed : int
    """

    seed: int

    @abstractmethod
    def _drawn(self, count: int, unit: str, rng: np.random.Generator, where: str) -> FloatArray:
        """Values in a unit."""

    def draw(self, count: int, unit: str, name: str, where: str) -> FloatArray:
        """Values in a unit.

        Parameters
        ----------
        count : int
        unit : str
        name : str
            What they are for.
        where : str
            Path into the document, for errors.

        Returns
        -------
        ndarray (count,)

        Raises
        ------
        SpecError
            If a parameter of the distribution has the wrong unit or is out of range.
        """
        seed = self.seed
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise SpecError(f"{seed!r} is not a whole number from 0 up", where=f"{where}.seed")
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        return self._drawn(count, unit, rng, where)


@final
@dataclass(frozen=True, eq=False)
class Uniform(Distribution):
    """Uniform between two values.

    Parameters
    ----------
    low, high : float, text or quantity
        In the unit of what is drawn.
    seed : int
    """

    low: Any
    high: Any
    seed: int

    def _drawn(self, count: int, unit: str, rng: np.random.Generator, where: str) -> FloatArray:
        low, high = (plain(v, unit, where=f"{where}.uniform") for v in (self.low, self.high))
        if not low < high:
            raise SpecError(
                f"{low:g} is not below {high:g} {unit}; give the least value first",
                where=f"{where}.uniform",
            )
        return rng.uniform(low, high, count)


@final
@dataclass(frozen=True, eq=False)
class Normal(Distribution):
    """Normal, within limits: what falls beyond them is drawn again.

    Parameters
    ----------
    mean, sd : float, text or quantity
        In the unit of what is drawn, before anything is drawn again.
    seed : int
    low, high : float, text or quantity, optional
    """

    mean: Any
    sd: Any
    seed: int
    low: Any = None
    high: Any = None

    def _drawn(self, count: int, unit: str, rng: np.random.Generator, where: str) -> FloatArray:
        mean, sd = (plain(v, unit, where=f"{where}.normal") for v in (self.mean, self.sd))
        if sd <= 0:
            raise SpecError(f"a deviation of {sd:g} is not positive", where=f"{where}.normal")
        low, high = (
            sign * np.inf if v is None else plain(v, unit, where=f"{where}.{name}")
            for name, v, sign in (("low", self.low, -1), ("high", self.high, 1))
        )
        values = rng.normal(mean, sd, count)
        for _ in range(_MOST_REDRAWS):
            beyond = np.flatnonzero((values < low) | (values > high))
            if not len(beyond):
                return values
            values[beyond] = rng.normal(mean, sd, len(beyond))
        raise SpecError(
            f"hardly anything lies between {low:g} and {high:g} {unit}; widen the limits",
            where=f"{where}.normal",
        )


@final
@dataclass(frozen=True, eq=False)
class LogNormal(Distribution):
    """The logarithm is normal.

    Parameters
    ----------
    median : float, text or quantity
        In the unit of what is drawn.
    sigma : float
        Standard deviation of the natural logarithm.
    seed : int
    """

    median: Any
    sigma: float
    seed: int

    def _drawn(self, count: int, unit: str, rng: np.random.Generator, where: str) -> FloatArray:
        median = plain(self.median, unit, where=f"{where}.lognormal")
        sigma = plain(self.sigma, "1", where=f"{where}.lognormal")
        if median == 0 or sigma <= 0:
            raise SpecError(
                f"a median of {median:g} {unit} with sigma {sigma:g}; give a median other than"
                " zero and a positive sigma",
                where=f"{where}.lognormal",
            )
        return median * np.exp(rng.normal(0.0, sigma, count))


#: Key in a document → the distribution, and how many numbers it takes.
_KINDS: dict[str, type[Any]] = {"uniform": Uniform, "normal": Normal, "lognormal": LogNormal}


def distribution_from(table: Mapping[str, Any], where: str, seed: int) -> Distribution:
    """The distribution that a document describes.

    Parameters
    ----------
    table : mapping
        Such as ``{uniform = ["-60 mV", "-50 mV"]}``, ``{normal = [mean, sd], low = 0}`` or
        ``{lognormal = [median, sigma]}``; and ``seed``.
    where : str
        Path of the table.
    seed : int
        For a table that gives none.

    Raises
    ------
    SpecError
        If it describes none.
    """
    found = [kind for kind in _KINDS if kind in table]
    limits = ("low", "high") if found == ["normal"] else ()
    unknown = set(table) - {*_KINDS, "seed", *limits}
    if len(found) != 1 or unknown:
        raise SpecError(
            f"{reprlib.repr(dict(table))} is not a distribution; write one of {', '.join(_KINDS)},"
            " such as {uniform = [0, 1], seed = 1}",
            where=where,
        )
    numbers = table[found[0]]
    if not isinstance(numbers, list | tuple) or len(numbers) != 2:
        raise SpecError(f"{reprlib.repr(numbers)}; give two values", where=f"{where}.{found[0]}")
    rest = {name: table[name] for name in limits if name in table}
    made: Distribution = _KINDS[found[0]](*numbers, seed=table.get("seed", seed), **rest)
    return made


def per_neuron(
    value: Any, shape: tuple[int, int, int], unit: str, name: str, where: str
) -> FloatArray | None:
    """One value per neuron, if ``value`` gives that.

    Parameters
    ----------
    value : object
        A :class:`Distribution`, or numbers, text or quantities in the shape of the layer.
    shape : (channel, row, column)
    unit : str
    name : str
        What the values are for: part of a distribution's seed.
    where : str
        Path into the document, for errors.

    Returns
    -------
    ndarray (channel, row, column) or None
        Read-only; None if ``value`` is of another form.

    Raises
    ------
    SpecError
        If a value has the wrong unit, or the array another shape.
    """
    if isinstance(value, Distribution):
        values = value.draw(int(np.prod(shape)), unit, name, where).reshape(shape)
    else:
        found = _shape(value, where)
        if len(found) < 2:
            return None
        if found != tuple(shape):
            raise SpecError(
                f"values of shape {found} for a layer {tuple(shape)}; give one value, one per"
                " channel, or one per neuron in the shape of the layer",
                where=where,
            )
        cells = [cell for rows in value for row in rows for cell in row]
        values = np.array([plain(cell, unit, where=where) for cell in cells]).reshape(shape)
    values.flags.writeable = False
    return values


def _shape(value: Any, where: str) -> tuple[int, ...]:
    """Shape of an array or of nested lists, whatever their elements are; () of anything else."""
    if isinstance(value, np.ndarray):
        return value.shape
    if not isinstance(value, list | tuple):
        return ()
    if not any(isinstance(row, list | tuple | np.ndarray) and np.ndim(row) for row in value):
        return (len(value),)
    try:
        found = np.array(value, dtype=object).shape
    except ValueError:
        found = ()
    if len(found) < 2:
        raise SpecError("rows of different lengths; give a rectangular array", where=where)
    return found
