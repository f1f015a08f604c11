"""Codes with a memory of the last spike: gamma processes, and Poisson with a dead time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.encoding.checks import set_numbers
from scnnbio.encoding.rates import RateCode, counted, dead_steps, hazard_of, hazard_rate, in_order
from scnnbio.errors import SpecError
from scnnbio.units import Milliseconds, Number

Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class GammaCode(RateCode):
    """A gamma process, more regular for larger shapes.

    The time between spikes, in units of the rate's integral, has a gamma distribution of mean 1
    and the given shape: at a constant rate a coefficient of variation of ``1 / sqrt(shape)``. The
    first interval is the time from a random moment to the next spike, so that the mean rate is
    correct from the beginning. Two spikes in one step count as one. The decoder divides the count
    by the time; it has no bias but for spikes that share a step, and a variance of about
    ``rate / (shape T)`` in T seconds.

    Parameters
    ----------
    gain, max_rate, spontaneous : float
        As for :class:`~scnnbio.encoding.PoissonCode` (Hz).
    shape : float
        1 or more; 1 is a Poisson process.

    Raises
    ------
    SpecError
        If a value is out of range.

    References
    ----------
    Cox DR (1962) Renewal theory. Methuen, London.
    """

    shape: Number = 4.0
    kind: Literal["gamma"] = field(default="gamma", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        set_numbers(self, "encoding.code", "1", "shape")
        if self.shape < 1:
            raise SpecError(
                f"{self.shape:g} is out of range; write 1 or more", where="encoding.code.shape"
            )

    def _drawn(
        self, rate: Array, first: NDArray[np.int64], dt: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        hazard = hazard_of(rate, first, dt)
        grown = hazard.cumsum(axis=0)
        units, last = hazard.shape[1], grown[-1]
        most = float(last.max(initial=0.0))
        at_once = math.ceil(most + 6 * math.sqrt(most / self.shape) + 4)
        # From any time to the next event: a uniform part of an interval chosen by its length.
        whole = np.asarray(rng.gamma(self.shape + 1, 1 / self.shape, units))
        part = whole * rng.random(units)
        steps, owner = [], []
        # The integrals of all units as one increasing sequence.
        span = most + 1.0
        row = (grown + span * np.arange(units)).T.ravel()
        going = np.arange(units)
        while len(going):
            gaps = np.asarray(rng.gamma(self.shape, 1 / self.shape, (len(going), at_once)))
            times = part[going][:, None] + np.concatenate(
                [np.zeros((len(going), 1)), gaps.cumsum(axis=1)], axis=1
            )
            inside = times[:, :-1] < last[going][:, None]
            which = np.broadcast_to(going[:, None], inside.shape)[inside]
            found = np.searchsorted(row, times[:, :-1][inside] + span * which, side="right")
            steps.append(np.minimum(found - which * len(hazard), len(hazard) - 1))
            owner.append(which)
            part[going] = times[:, -1]
            going = going[times[:, -1] < last[going]]
        return in_order(
            np.concatenate([np.empty(0, np.int64), *steps]),
            np.concatenate([np.empty(0, np.int64), *owner]),
            units,
        )


@final
@dataclass(frozen=True)
class RefractoryCode(RateCode):
    """Poisson spikes with a dead time after each.

    The rate r applies outside the dead time: at constant r the cell fires at
    ``r / (1 + r * refractory)``. No cell is in its dead time when a trial begins. The decoder is
    the maximum of the likelihood: it counts only the steps in which the cell could have fired.

    Parameters
    ----------
    gain, max_rate, spontaneous : float
        As for :class:`~scnnbio.encoding.PoissonCode` (Hz).
    refractory : float
        Dead time (ms), rounded up to whole steps: the shortest time between two spikes.

    Raises
    ------
    SpecError
        If a value is out of range.

    References
    ----------
    Berry MJ, Meister M (1998) Refractoriness and neural precision. J Neurosci 18:2200-2211.
    """

    refractory: Milliseconds = 2.0
    kind: Literal["refractory"] = field(default="refractory", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        set_numbers(self, "encoding.code", "ms", "refractory")

    def _drawn(
        self, rate: Array, first: NDArray[np.int64], dt: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        hazard = hazard_of(rate, first, dt)
        dead = dead_steps(self.refractory, dt)
        unit, step = np.nonzero((rng.random(hazard.shape) < -np.expm1(-hazard)).T)
        row = unit * (len(hazard) + dead) + step  # rising, units further apart than the dead time
        kept = np.zeros(len(row), dtype=bool)
        # For all units at once: go from a spike to the first one after its dead time.
        here = np.searchsorted(unit, np.unique(unit))
        ends = np.searchsorted(unit, np.unique(unit), side="right")
        while len(here):
            kept[here] = True
            after = np.searchsorted(row, row[here] + dead)
            going = after < ends
            here, ends = after[going], ends[going]
        return in_order(step[kept], unit[kept], hazard.shape[1])

    def _rates(
        self,
        step: NDArray[np.int64],
        unit: NDArray[np.int64],
        n_units: int,
        first: NDArray[np.int64],
        dt: float,
    ) -> Array:
        ready = np.repeat(np.diff(first)[:, None], n_units, axis=1)
        for later in range(1, dead_steps(self.refractory, dt)):
            inside = step + later < first[-1]
            ready = ready - counted((step + later)[inside], unit[inside], n_units, first)
        # Without a step in which it could fire, nothing is known of a unit.
        share = counted(step, unit, n_units, first) / np.maximum(ready, 1)
        return hazard_rate(np.minimum(share, 1.0), dt)
