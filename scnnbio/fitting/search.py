"""Search for the best candidate, in up to four parts.

1. Until its first spike, the potential of a linear neuron depends on few parameters, and smoothly:
   least squares finds them, without spikes.
2. Differential evolution finds the others; all, where there is no first part. Potentials around
   recorded spikes suggest a threshold and a reset for half of the first candidates.
3. Least squares on the trace adjusts all together, as long as spikes stay where they are.
4. Differential evolution near the best candidate adjusts all by the loss itself.

Both methods are scipy's. Each generation, and each Jacobian, is one simulation of many candidates.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.experiment import Report
from scnnbio.fitting._cell import before_spikes
from scnnbio.fitting._guesses import first_candidates, suggested
from scnnbio.fitting._responses import Cell, Response
from scnnbio.fitting.objective import Target
from scnnbio.recording.sweeps import Sweep
from scnnbio.units import Number, plain, without_unit
from scnnbio.values import Value

Array = NDArray[np.float64]

#: Step of finite differences, as a share of a parameter's range.
_STEP = 1e-4
#: Iterations of least squares, before spikes and of all parameters.
_POLISH, _POLISH_ALL = 20, 8
#: Error of the trace, as a share of its spread, below which no second beginning is tried.
_EXPLAINED = 0.5
#: Fewest candidates in a generation: the loss has a narrow valley in a threshold.
_FEWEST = 64
#: Half of the part of each range that is searched near the best candidate.
_NEAR = 0.05
#: Fewest samples of a sweep before its first spike that are used.
_LEAST = 10


@dataclass(frozen=True)
class Search(Value):
    """Settings of the search.

    Parameters
    ----------
    population : int
        Candidates per free parameter in one generation, and 64 at least (Storn & Price 1997, J
        Global Optim 11:341).
    generations : int
        At most; fewer if the candidates agree.
    tolerance : float
        They agree when their losses have a standard deviation below this.
    polish : bool
        Whether least squares on the trace (a trust-region method) follows; kept only where the loss
        decreases. It does not apply to the coincidence factor alone.
    seed : int
        Of the candidates, and of the division of sweeps for cross-validation.

    Raises
    ------
    SpecError
        If a number is out of range.
    """

    population: int = 12
    generations: int = 60
    tolerance: Number = 1e-3
    polish: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        for name, least in (("population", 2), ("generations", 1), ("seed", 0)):
            given = without_unit(getattr(self, name), where=f"search.{name}")
            try:
                number = operator.index(given)
            except TypeError:
                number = -1
            if isinstance(given, bool) or number < least:
                raise SpecError(
                    f"{given!r} is not a whole number from {least}", where=f"search.{name}"
                )
            object.__setattr__(self, name, number)
        tolerance = plain(self.tolerance, "1", where="search.tolerance")
        if tolerance < 0:
            raise SpecError(f"{tolerance:g} is negative", where="search.tolerance")
        object.__setattr__(self, "tolerance", tolerance)
        if not isinstance(self.polish, bool):
            raise SpecError(f"{self.polish!r} is not true or false", where="search.polish")


@dataclass(frozen=True, eq=False)
class Found:
    """The best candidate.

    Parameters
    ----------
    place : ndarray (free,)
        From 0 to 1 within the bounds.
    response : Response
    loss : float
    simulated : int
        Candidates that were simulated.
    """

    place: Array
    response: Response
    loss: float
    simulated: int


def best(
    cell: Cell, target: Target, search: Search, start: Sequence[float], report: Report | None = None
) -> Found:
    """Find the candidate with the smallest loss.

    Parameters
    ----------
    cell : Cell
    target : Target
    search : Search
    start : sequence of float
        Place of one of the first candidates, from 0 to 1.
    report : callable, optional
        Called as ``report("fitting", generation, generations)``.

    Returns
    -------
    Found

    Raises
    ------
    SpecError
        If no candidate has a finite response.
    """
    tried = _Tried(cell, target)
    begin = np.clip(np.asarray(start, dtype=float), 0.0, 1.0)
    everything = np.arange(len(cell.free))
    known = np.zeros(0, dtype=np.int64)
    if target.objective.kind != "coincidence":
        known, begin = _before_spikes(tried, begin)
    others = np.setdiff1d(everything, known)
    tried.losses(begin[None])
    if len(others):
        hints = suggested(cell, target)
        _evolve(tried, search, others, begin, (0.0, 1.0), search.generations, report, hints)
    if search.polish and target.objective.kind != "coincidence":
        _polish(tried)
    if len(known) and tried.place is not None:
        near = (_NEAR * np.array([-1.0, 1.0]))[:, None] + tried.place
        low, high = np.clip(near, 0.0, 1.0)
        part = -(-search.generations // 2)
        _evolve(tried, search, everything, tried.place, (low, high), part, report)
    if tried.response is None or tried.place is None:
        raise tried.error or SpecError("no candidate has a finite response", where="fit")
    return Found(tried.place, tried.response, tried.loss, tried.simulated)


class _Tried:
    """All candidates so far, and the best of them."""

    def __init__(self, cell: Cell, target: Target) -> None:
        self.cell, self.target = cell, target
        self.place: Array | None = None
        self.response: Response | None = None
        self.error: SpecError | None = None
        self.loss, self.simulated = math.inf, 0

    def responses(self, places: Array) -> list[Response | SpecError]:
        found = self.cell.responses(places, self.target.sweeps)
        self.simulated += len(places)
        for place, response in zip(places, found, strict=True):
            if isinstance(response, SpecError):
                self.error = response
                continue
            loss = self.target.loss(response)
            if loss < self.loss:
                self.place, self.response, self.loss = place.copy(), response, loss
        return found

    def losses(self, places: Array) -> Array:
        """Loss of each candidate, (candidates,)."""
        return np.array([self.target.loss(r) for r in self.responses(places)])


def _evolve(
    tried: _Tried,
    search: Search,
    free: NDArray[np.int64],
    begin: Array,
    ends: tuple[Any, Any],
    generations: int,
    report: Report | None,
    hints: Mapping[int, tuple[float, float]] | None = None,
) -> None:
    """Differential evolution of some parameters, the others as at the beginning."""
    from scipy.optimize import differential_evolution  # loaded when it is used

    low, high = (np.broadcast_to(end, begin.shape)[free] for end in ends)
    generation, rng = 0, np.random.default_rng(search.seed)
    inside = {
        int(np.flatnonzero(free == k)[0]): hint for k, hint in (hints or {}).items() if k in free
    }
    size = max(search.population * len(free), _FEWEST)
    first = first_candidates(size, low, high, inside, rng)

    def losses(places: Array) -> Array:
        whole = np.repeat(begin[None], places.shape[1], axis=0)
        whole[:, free] = places.T
        return tried.losses(whole)

    def agreed(intermediate_result: Any) -> bool:
        nonlocal generation
        generation += 1
        if report is not None:
            report("fitting", min(generation, generations), generations)
        return tried.loss < search.tolerance

    # Losses of candidates without a finite response must stay comparable.
    with np.errstate(invalid="ignore"):
        differential_evolution(
            losses,
            list(zip(low.tolist(), high.tolist(), strict=True)),
            vectorized=True,
            updating="deferred",
            maxiter=generations,
            init=first,
            tol=0.0,
            atol=search.tolerance,
            seed=rng,
            polish=False,
            x0=np.clip(begin[free], low, high),
            callback=agreed,
        )


def _before_spikes(tried: _Tried, begin: Array) -> tuple[NDArray[np.int64], Array]:
    """Parameters that the potential before the first spikes determines, and all places."""
    cell, nothing = tried.cell, np.zeros(0, dtype=np.int64)
    named = before_spikes(cell.described)
    known = np.array([k for k, f in enumerate(cell.free) if f.name in named], dtype=np.int64)
    parts = _until_first_spikes(tried.target, cell.dt)
    if not len(known) or not parts:
        return nothing, begin
    objective = dataclasses.replace(tried.target.objective, kind="trace")
    quiet = _Tried(cell.unable_to_fire(), Target(parts, objective))
    for first in (begin, np.full(len(begin), 0.5)):
        if quiet.loss > _EXPLAINED:
            _polish(quiet, known, first)
    tried.simulated += quiet.simulated
    return (nothing, begin) if quiet.place is None else (known, quiet.place)


def _until_first_spikes(target: Target, dt: float) -> list[Sweep]:
    """Sweeps up to their first spike; empty if too little of the potential is left."""
    parts = []
    for sweep, spikes in zip(target.sweeps, target.spikes, strict=True):
        end = len(sweep.current)
        if len(spikes):
            end = math.floor((spikes[0] - target.objective.cut[0]) / dt)
        if end >= _LEAST:
            parts.append(Sweep(sweep.current[:end], sweep.potential[:end], dt, sweep.name))
    varies = any(np.ptp(part.potential) > 0 and np.ptp(part.current) > 0 for part in parts)
    return parts if varies else []


def _polish(
    tried: _Tried, free: NDArray[np.int64] | None = None, begin: Array | None = None
) -> None:
    """Least squares on the differences of the potential, from the best candidate on."""
    from scipy.optimize import least_squares

    whole = tried.place if begin is None else begin
    if whole is None:
        return
    moved = np.arange(len(whole)) if free is None else free
    start = np.clip(whole[moved], 2 * _STEP, 1.0 - 2 * _STEP)

    def simulated(places: Array) -> list[Array]:
        complete = np.repeat(whole[None], len(places), axis=0)
        complete[:, moved] = np.clip(places, 0.0, 1.0)
        found = tried.responses(complete)
        return [tried.target.differences(_finite(response)) for response in found]

    def slopes(place: Array) -> Array:
        # Central differences of all parameters at once.
        steps = np.eye(len(place)) * _STEP
        both = simulated(np.concatenate([place + steps, place - steps]))
        up, down = (np.stack(half, axis=1) for half in (both[: len(place)], both[len(place) :]))
        return np.asarray((up - down) / (2 * _STEP))

    try:
        least_squares(
            lambda place: simulated(place[None])[0],
            start,
            jac=slopes,
            bounds=(0.0, 1.0),
            max_nfev=_POLISH if begin is not None else _POLISH_ALL,
            ftol=1e-6,
            xtol=1e-6,
        )
    except _NotFinite:
        return  # the best candidate so far stays


class _NotFinite(Exception):
    """A candidate beside the best one has no finite response."""


def _finite(response: Response | SpecError) -> Response:
    if isinstance(response, SpecError):
        raise _NotFinite
    return response
