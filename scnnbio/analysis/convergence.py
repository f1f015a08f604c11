"""Convergence of recordings on time grids to the one without a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.analysis.alignment import align
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import In, Milliseconds, plain, plain_array

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Convergence:
    """Errors of time grids relative to the solution without one, from the coarsest to the finest.

    Parameters
    ----------
    population : str
    dt : array, shape (grids,)
        Time steps in ms.
    spikes : int
        Number of spikes of the solution without a grid.
    median, upper : array, shape (grids,)
        Median and 95 % quantile of ``|time - exact time|`` in ms. Spikes are compared in order,
        where a neuron fires as often in the trial with and without a grid.
    same_counts : array, shape (grids,)
        Fraction of (trial, neuron) with the same number of spikes, among those that fire at all.
    """

    population: str
    dt: Array
    spikes: int
    median: Array
    upper: Array
    same_counts: Array

    @property
    def order(self) -> float:
        """Order of convergence: the slope of log median error over log dt."""
        return order(self.dt, self.median)


def order(dt: Annotated[ArrayLike, In("ms")], error: Annotated[ArrayLike, In("ms")]) -> float:
    """Order at which errors decrease with dt: the least-squares slope of their logarithms.

    Parameters
    ----------
    dt, error : array, shape (grids,)
        Both positive, at least two.

    Returns
    -------
    float

    Raises
    ------
    SpecError
        If there are fewer than two grids, or a value is not positive.

    Examples
    --------
    >>> round(order([0.4, 0.2, 0.1], [0.2, 0.1, 0.05]), 12)
    1.0
    """
    x = plain_array(dt, "ms", where="convergence.order")
    y = plain_array(error, "ms", where="convergence.order")
    if x.shape != y.shape or x.size < 2 or not (x > 0).all() or not (y > 0).all():
        raise SpecError(
            "an order needs errors above zero at two time steps or more", where="convergence.order"
        )
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def spike_errors(exact: Recording, grid: Recording, population: str) -> tuple[Array, float]:
    """Errors of spike times on a grid.

    Parameters
    ----------
    exact, grid : Recording
        Recordings of the same trials.
    population : str

    Returns
    -------
    error : array, shape (compared spikes,)
        ``grid - exact`` in ms for the k-th spikes, where a neuron fires equally often in both.
    same_counts : float
        Fraction of (trial, neuron) that fire equally often in both, among those that fire at all;
        NaN if none does.

    Raises
    ------
    SpecError
        If the recordings have different trials or neurons.
    """
    found = align(exact, grid, population)
    same = found.same_counts[found.active]
    return found.shift, float(same.mean()) if same.size else np.nan


def convergence(
    exact: Recording, grids: Mapping[Milliseconds, Recording], population: str
) -> Convergence:
    """Compare recordings on several grids with the one without a grid.

    Parameters
    ----------
    exact : Recording
        From the event-driven backend.
    grids : mapping of float to Recording
        By time step in ms.
    population : str

    Returns
    -------
    Convergence

    Raises
    ------
    SpecError
        If there is no grid, the trials differ, or no spike can be compared.
    """
    if not grids:
        raise SpecError("there is no grid to compare", where="convergence")
    grids = {plain(dt, "ms", where="convergence.grids"): grid for dt, grid in grids.items()}
    steps = sorted(grids, reverse=True)
    found = [spike_errors(exact, grids[dt], population) for dt in steps]
    for dt, (error, _) in zip(steps, found, strict=True):
        if not len(error):
            raise SpecError(
                f"no spike of {population!r} at {dt:g} ms can be compared; drive it harder",
                where="convergence",
            )
    return Convergence(
        population=population,
        dt=np.array(steps, dtype=float),
        spikes=len(exact.spikes_of(population)),
        median=np.array([np.median(np.abs(error)) for error, _ in found]),
        upper=np.array([np.quantile(np.abs(error), 0.95) for error, _ in found]),
        same_counts=np.array([same for _, same in found]),
    )


def state_errors(
    exact: Recording, grids: Sequence[Recording], population: str, variable: str
) -> Array:
    """Largest difference of a sampled variable from the exact one, for each grid.

    Parameters
    ----------
    exact : Recording
    grids : sequence of Recording
        Sampled at the same times.
    population, variable : str

    Returns
    -------
    array, shape (grids,)
        In the variable's unit.

    Raises
    ------
    SpecError
        If a recording was sampled at other times.
    """
    truth = exact.signals[population][variable]
    found = []
    for grid in grids:
        signal = grid.signals[population][variable]
        if signal.time.shape != truth.time.shape or not np.allclose(signal.time, truth.time):
            raise SpecError(
                f"{variable!r} of {population!r} was sampled at other times; set one period",
                where="state_errors",
            )
        found.append(np.abs(signal.values - truth.values).max(initial=0.0))
    return np.array(found)
