r"""The coincidence factor of two spike trains, and other measures of how a model predicts spikes.

The coincidence factor (Kistler, Gerstner & van Hemmen 1997, Neural Comput 9:1015; Jolivet et al.
2008, J Neurosci Methods 169:417) of a recorded train of :math:`N_d` spikes and a model's train of
:math:`N_m` spikes in a time T, with a window of :math:`\pm\Delta`, is

.. math:: \Gamma = \frac{N_c - \langle N_c\rangle}{(N_d + N_m)/2} \frac{1}{1 - 2\nu\Delta},
    \quad \langle N_c\rangle = 2\nu\Delta N_d, \quad \nu = N_m/T.

:math:`N_c` is the number of coincidences, in which no spike takes part twice. :math:`\langle
N_c\rangle` is what a Poisson process with the model's rate gives, to first order in
:math:`\nu\Delta`. The factor is 1 for identical trains, and 0 on average for independent ones as
long as :math:`\nu\Delta` is small.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError
from scnnbio.units import In, Milliseconds, Number, Times, plain, plain_array

#: Half-width of the window in Jolivet et al. 2008.
WINDOW = 2.0
#: Times on a grid that should differ by exactly the window differ by rounding errors.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Coincidences:
    """Counts from which the coincidence factor of one or several pairs of trains follows.

    Parameters
    ----------
    data, model : int
        Spikes of each.
    coincident : int
        Pairs of spikes within the window; no spike is in two pairs.
    chance : float
        Expected number of coincidences with a Poisson process of the model's rate.
    """

    data: int = 0
    model: int = 0
    coincident: int = 0
    chance: Number = 0.0

    def __add__(self, other: Coincidences) -> Coincidences:
        return Coincidences(
            self.data + other.data,
            self.model + other.model,
            self.coincident + other.coincident,
            self.chance + other.chance,
        )

    @property
    def factor(self) -> float:
        """The coincidence factor; NaN where neither train has a spike."""
        spikes = 0.5 * (self.data + self.model)
        if not spikes:
            return math.nan
        expected = self.chance / self.data if self.data else 0.0
        return (self.coincident - self.chance) / spikes / (1.0 - expected)


def coincidences(
    data: Times, model: Times, duration: Milliseconds, window: Milliseconds = WINDOW
) -> Coincidences:
    """Count coincident spikes of a recorded train and a model's train.

    Parameters
    ----------
    data, model : array of shape (spikes,)
        Times (ms).
    duration : float
        Duration of both trains (ms).
    window : float
        Largest distance of two coincident spikes (ms), the Delta of the formula.

    Returns
    -------
    Coincidences
        The sum of those of several sweeps has the factor of all of them.

    Raises
    ------
    SpecError
        If times are not flat, finite and within the duration, the window is not positive, or the
        model fires so often that every place is within a window (2 nu Delta of 1 or more).
    """
    length = plain(duration, "ms", where="coincidences.duration")
    reach = plain(window, "ms", where="coincidences.window")
    if length <= 0 or reach <= 0:
        raise SpecError("the duration and the window must be positive", where="coincidences")
    first, second = (
        _train(train, length, f"coincidences.{name}")
        for name, train in (("data", data), ("model", model))
    )
    covered = 2.0 * reach * len(second) / length
    if covered >= 1:
        raise SpecError(
            f"windows of {2 * reach:g} ms around {len(second)} spikes cover all {length:g} ms, so"
            " any spike coincides with one; make the window smaller",
            where="coincidences.window",
        )
    return Coincidences(len(first), len(second), pairs(first, second, reach), covered * len(first))


def _train(times: Times, length: float, where: str) -> NDArray[np.float64]:
    train = plain_array(times, "ms", where=where)
    if train.size == 0:
        return np.zeros(0)
    if train.ndim != 1:
        raise SpecError(f"shape {train.shape} is not that of one train", where=where)
    train = np.sort(train)
    if train[0] < 0 or train[-1] > length * (1 + _ROUNDING):
        outside = train[0] if train[0] < 0 else train[-1]
        raise SpecError(f"{outside:g} ms is outside 0 to {length:g} ms", where=where)
    return train


def pairs(first: Times, second: Times, window: Milliseconds) -> int:
    """The largest number of disjoint pairs of spikes within a window.

    Parameters
    ----------
    first, second : array of shape (spikes,)
        Sorted times (ms).
    window : float
        Largest distance (ms).

    Returns
    -------
    int
        Pairing the earliest spikes that can be paired is optimal, since windows are of one width.
    """
    reach = plain(window, "ms", where="pairs.window") + _ROUNDING
    ours, theirs = (plain_array(train, "ms", where="pairs").tolist() for train in (first, second))
    i = j = found = 0
    while i < len(ours) and j < len(theirs):
        apart = ours[i] - theirs[j]
        if abs(apart) <= reach:
            found, i, j = found + 1, i + 1, j + 1
        elif apart < 0:
            i += 1
        else:
            j += 1
    return found


def coincidence_factor(
    data: Times, model: Times, duration: Milliseconds, window: Milliseconds = WINDOW
) -> float:
    """The coincidence factor of a recorded train and a model's train.

    Parameters
    ----------
    data, model, duration, window
        See :func:`coincidences`.

    Returns
    -------
    float
        NaN if neither has a spike.

    Raises
    ------
    SpecError
        As :func:`coincidences`.

    Examples
    --------
    >>> coincidence_factor([10.0, 50.0, 90.0], [10.0, 50.0, 90.0], 1000.0)
    1.0
    """
    return coincidences(data, model, duration, window).factor


def reliability(
    trains: Sequence[Times], duration: Milliseconds, window: Milliseconds = WINDOW
) -> float:
    """Mean coincidence factor of pairs of trains that one stimulus evoked: the cell's reliability.

    It is the yardstick of a model's factor (Jolivet et al. 2008). A model without noise can come
    above it: two noisy trains differ more from each other than from what the stimulus evokes.

    Parameters
    ----------
    trains : sequence of arrays (spikes,)
        Times (ms), one train per repetition.
    duration, window : float
        See :func:`coincidences`.

    Returns
    -------
    float
        Of all ordered pairs, since the formula uses the rate of the second train. NaN for fewer
        than two trains, or without spikes.
    """
    factors = [
        coincidence_factor(one, other, duration, window)
        for i, one in enumerate(trains)
        for j, other in enumerate(trains)
        if i != j
    ]
    known = [f for f in factors if not math.isnan(f)]
    return float(np.mean(known)) if known else math.nan


#: Samples in a unit of the caller's choice.
Signal = Annotated[ArrayLike, In("1")]


def explained_variance(data: Signal, model: Signal, kept: Iterable[bool] | None = None) -> float:
    """Share of a signal's variance that a model explains: 1 - var(data - model)/var(data).

    Parameters
    ----------
    data, model : array of shape (samples,)
        Numbers in the same unit.
    kept : array of bool (samples,), optional
        Samples that count; all if not given.

    Returns
    -------
    float
        NaN where the data do not vary.

    Raises
    ------
    SpecError
        If the arrays differ in length.
    """
    ours, theirs = (
        plain_array(samples, "1", where=f"explained_variance.{name}")
        for name, samples in (("data", data), ("model", model))
    )
    if ours.shape != theirs.shape:
        raise SpecError(
            f"the data have shape {ours.shape} and the model {theirs.shape}",
            where="explained_variance",
        )
    if kept is not None:
        chosen = np.asarray(kept, dtype=bool)
        ours, theirs = ours[chosen], theirs[chosen]
    spread = float(ours.var()) if ours.size else 0.0
    return 1.0 - float((ours - theirs).var()) / spread if spread else math.nan
