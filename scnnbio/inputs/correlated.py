"""Pairs of Poisson trains of known correlation, for tests of learning against theory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.encoding.thinning import Thinning
from scnnbio.errors import SpecError
from scnnbio.inputs.base import Draw, Input, Trial, check_trial
from scnnbio.stimuli.base import count, positive
from scnnbio.units import Hertz, Milliseconds, Number, plain, plain_values


@final
@dataclass(frozen=True, eq=False)
class CorrelatedPairs(Input):
    """Pairs of Poisson trains, of which one copies some spikes of the other.

    Channel 2 k of the source is the first train of pair k, channel 2 k + 1 the second; every place
    has its own trains. On the grid, the first fires in a step with probability ``p = rate dt``.
    The second copies each spike of the first with probability ``correlation``, ``lag`` later, and
    fires additional independent spikes, so that its rate is the same. So both fire, the second
    ``lag`` after the first, with probability ``p (c + (1 - c) q)``, where ``q = p (1 - c)/(1 - c
    p)``, and at every other distance with ``p p``.

    Parameters
    ----------
    pairs : int
        Number of pairs of trains; the source has twice as many channels.
    rate : float
        Rate of every train (Hz).
    correlation : float or tuple of float
        From 0 to 1. Several are given to the pairs in turn.
    lag : float or tuple of float
        From a spike to its copy (ms), below 0 where the copy comes first; a whole number of steps.
        Several are given to the pairs in turn, as many as correlations, or one.
    duration : float
        Of each trial (ms).
    n_trials : int
        Number of trials.

    Raises
    ------
    SpecError
        If a value is out of range, or lags and correlations are not equally many.

    References
    ----------
    Kempter, Gerstner & van Hemmen 1999, Phys Rev E 59:4498 (drift of weights by correlations).
    """

    pairs: int
    rate: Hertz = 20.0
    correlation: Number | tuple[Number, ...] = 0.0
    lag: Milliseconds | tuple[Milliseconds, ...] = 0.0
    duration: Milliseconds = 1000.0
    n_trials: int = 1

    def __post_init__(self) -> None:
        where = "CorrelatedPairs"
        for name in ("pairs", "n_trials"):
            object.__setattr__(self, name, count(getattr(self, name), f"{where}.{name}"))
        object.__setattr__(self, "duration", positive(self.duration, "ms", f"{where}.duration"))
        object.__setattr__(self, "rate", positive(self.rate, "Hz", f"{where}.rate"))
        for name, unit in (("correlation", "1"), ("lag", "ms")):
            values = plain_values(getattr(self, name), unit, where=f"{where}.{name}")
            object.__setattr__(self, name, values)
        given = np.atleast_1d(self.correlation)
        if given.min() < 0 or given.max() > 1:
            raise SpecError("a correlation is not from 0 to 1", where=f"{where}.correlation")
        numbers = {len(np.atleast_1d(v)) for v in (self.correlation, self.lag)} - {1}
        if len(numbers) > 1:
            raise SpecError(
                f"{len(given)} correlations and {len(np.atleast_1d(self.lag))} lags; give as many"
                " of both, or one",
                where=f"{where}.lag",
            )

    @property
    def shape(self) -> tuple[int | None, int | None, int | None]:
        """Two channels for each pair, of any number of places."""
        return 2 * self.pairs, None, None

    def by_pair(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Correlation, and lag in ms, of each pair: (pairs,) each."""
        each = np.arange(self.pairs)
        values = (np.atleast_1d(np.asarray(v, float)) for v in (self.correlation, self.lag))
        correlation, lag = (v[each % len(v)] for v in values)
        return correlation, lag

    def check_grid(self, dt: Milliseconds) -> None:
        """Raise unless lags are whole steps and no step has more than one spike."""
        self._steps(plain(dt, "ms", where="dt"))

    def _steps(self, dt: float) -> NDArray[np.int64]:
        if self.rate * dt > 1000.0:
            raise SpecError(
                f"{self.rate:g} Hz is more than one spike per step of {dt:g} ms; lower one of them",
                where="CorrelatedPairs.rate",
            )
        lag = self.by_pair()[1] / dt
        if (np.abs(lag - np.round(lag)) > 1e-6).any():
            raise SpecError(
                f"a lag is not a whole number of steps of {dt:g} ms", where="CorrelatedPairs.lag"
            )
        return np.round(lag).astype(np.int64)

    def spikes(self, trial: int, draw: Draw) -> Trial:
        """Spikes of one trial. See :meth:`Input.spikes`."""
        check_trial(trial, self.n_trials, "CorrelatedPairs")
        places = draw.shape[1] * draw.shape[2]
        n_steps = round(self.duration / draw.dt)
        lag, (correlation, _) = self._steps(draw.dt), self.by_pair()
        p = self.rate * draw.dt * 1e-3
        alone = p * (1.0 - correlation) / (1.0 - correlation * p)
        whole = np.array([0, n_steps])
        step, train = Thinning(np.full((1, self.pairs * places), p), whole)(draw.rng)
        pair = train // places
        copied = draw.rng.random(len(step)) < correlation[pair]
        copy = step[copied] + lag[pair[copied]]
        inside = (copy >= 1) & (copy <= n_steps)
        own_step, own = Thinning(np.repeat(alone, places)[None], whole)(draw.rng)
        # A copy that coincides with an additional spike merges with it.
        second = np.concatenate([copy[inside], own_step]).astype(np.int64)
        of = np.concatenate([train[copied][inside], own]).astype(np.int64)
        both = np.unique(second * (self.pairs * places) + of)
        second, of = np.divmod(both, self.pairs * places)
        steps = np.concatenate([step, second])
        unit = np.concatenate([_unit(train, places, 0), _unit(of, places, 1)])
        order = np.lexsort((unit, steps))
        return steps[order].astype(np.int32), unit[order].astype(np.int32)

    def table(self) -> dict[str, NDArray[Any]]:
        """Nothing differs between trials."""
        return {}


def _unit(train: NDArray[Any], places: int, side: int) -> NDArray[np.int64]:
    """Neurons of trains (pair, place) of one side, in the source of two channels per pair."""
    pair, place = np.divmod(train.astype(np.int64), places)
    return (2 * pair + side) * places + place
