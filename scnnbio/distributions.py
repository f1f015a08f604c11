"""Values per neuron: an array, or a seeded distribution."""

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

#: Rounds of redrawing values outside the limits of a distribution, before an error.
_MOST_REDRAWS = 1000


class Distribution(Value, ABC):
    """A distribution that values are drawn from, one per neuron.

    Draws depend on the seed and on the name of the parameter and population: two parameters, or two
    populations, with the same seed are independent.

    Attributes
    ----------
    seed : int
    """

    seed: int

    @abstractmethod
    def _drawn(self, count: int, unit: str, rng: np.random.Generator, where: str) -> FloatArray:
        """Draw ``count`` values in ``unit``."""

    def draw(self, count: int, unit: str, name: str, where: str) -> FloatArray:
        """Draw ``count`` values in ``unit``.

        Parameters
        ----------
        count : int
        unit : str
        name : str
            Population and parameter; part of the seed.
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
            raise SpecError(f"{seed!r} is not a whole number of at least 0", where=f"{where}.seed")
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        return self._drawn(count, unit, rng, where)


@final
@dataclass(frozen=True, eq=False)
class Uniform(Distribution):
    """Uniform between two values.

    Parameters
    ----------
    low, high : float, text or quantity
        In the parameter's unit.
    seed : int
    """

    low: Any
    high: Any
    seed: int

    def _drawn(self, count: int, unit: str, rng: np.random.Generator, where: str) -> FloatArray:
        low, high = (plain(v, unit, where=f"{where}.uniform") for v in (self.low, self.high))
        if not low < high:
            raise SpecError(
                f"{low:g} is not below {high:g} {unit}; give the smaller value first",
                where=f"{where}.uniform",
            )
        return rng.uniform(low, high, count)


@final
@dataclass(frozen=True, eq=False)
class Normal(Distribution):
    """Normal distribution, truncated: values outside the limits are drawn again.

    Parameters
    ----------
    mean, sd : float, text or quantity
        Mean and standard deviation before truncation, in the parameter's unit.
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
            raise SpecError(
                f"the standard deviation {sd:g} is not positive", where=f"{where}.normal"
            )
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
            f"almost no values lie between {low:g} and {high:g} {unit}; widen the limits",
            where=f"{where}.normal",
        )


@final
@dataclass(frozen=True, eq=False)
class LogNormal(Distribution):
    """Log-normal distribution.

    Parameters
    ----------
    median : float, text or quantity
        In the parameter's unit.
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
                f"median {median:g} {unit} and sigma {sigma:g}; give a median other than zero and a"
                " positive sigma",
                where=f"{where}.lognormal",
            )
        return median * np.exp(rng.normal(0.0, sigma, count))


#: Key in a document → the distribution.
_KINDS: dict[str, type[Any]] = {"uniform": Uniform, "normal": Normal, "lognormal": LogNormal}


def distribution_from(table: Mapping[str, Any], where: str, seed: int) -> Distribution:
    """Make the distribution that a table of a document describes.

    Parameters
    ----------
    table : mapping
        Such as ``{uniform = ["-60 mV", "-50 mV"]}``, ``{normal = [mean, sd], low = 0}`` or
        ``{lognormal = [median, sigma]}``; and ``seed``.
    where : str
        Path of the table.
    seed : int
        Default for a table without ``seed``.

    Raises
    ------
    SpecError
        If the table does not describe a distribution.
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
        raise SpecError(
            f"{reprlib.repr(numbers)} is not a pair; give two values", where=f"{where}.{found[0]}"
        )
    rest = {name: table[name] for name in limits if name in table}
    made: Distribution = _KINDS[found[0]](*numbers, seed=table.get("seed", seed), **rest)
    return made


def per_neuron(
    value: Any, shape: tuple[int, int, int], unit: str, name: str, where: str
) -> FloatArray | None:
    """Values per neuron, if ``value`` is a distribution or an array of them.

    Parameters
    ----------
    value : object
        A :class:`Distribution`, or numbers, text or quantities in the shape of the layer.
    shape : (channel, row, column)
    unit : str
    name : str
        Population and parameter; part of a distribution's seed.
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
    """Shape of an array or of nested lists with any elements; () for other values."""
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
        raise SpecError("rows have different lengths; give a rectangular array", where=where)
    return found
