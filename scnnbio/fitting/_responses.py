"""Responses of many candidates at once: one population, one neuron per candidate and sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends import Backend
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Record, Sampling
from scnnbio.fitting._cell import Free, isolated, never_firing
from scnnbio.inputs import FromCurrents
from scnnbio.network import Network
from scnnbio.neurons import NeuronModel
from scnnbio.population import Population
from scnnbio.recording.sweeps import Sweep
from scnnbio.units import In, Milliseconds

Array = NDArray[np.float64]

_CELL = "cell"
#: Most samples of the potential that one simulation records.
_MOST_SAMPLES = 2 * 10**7


@dataclass(frozen=True, eq=False)
class Response:
    """Response of one candidate to all sweeps.

    Parameters
    ----------
    potentials : tuple of ndarray (samples,)
        In mV at the times of the samples, sweep by sweep.
    spikes : tuple of ndarray (spikes,)
        In ms.
    """

    potentials: tuple[Array, ...]
    spikes: tuple[Array, ...]


class Cell:
    """A neuron in current clamp.

    Parameters
    ----------
    model : NeuronModel
    free : sequence of Free
    fixed : mapping of str to value
        Other parameters, in place of defaults.
    port : str
        Parameter to which the current is added.
    dt : float
        Step (ms).
    backend : Backend
    """

    def __init__(
        self,
        model: NeuronModel,
        free: Sequence[Free],
        fixed: Mapping[str, Annotated[Any, In(None)]],
        port: str,
        dt: Milliseconds,
        backend: Backend,
    ) -> None:
        self.described, self.model = model, isolated(model)
        self.free, self.fixed = tuple(free), dict(fixed)
        self.port, self.dt, self.backend = port, dt, backend

    def unable_to_fire(self) -> Cell:
        """The same cell with a threshold that no potential reaches."""
        model = never_firing(self.described)
        return Cell(model, self.free, self.fixed, self.port, self.dt, self.backend)

    def values(self, places: Array) -> dict[str, Array]:
        """Values of the free parameters at places from 0 to 1, (candidates, free).

        A refractory period is a whole number of steps, as everywhere in scnnbio.
        """
        found = {f.name: f.value(places[:, k]) for k, f in enumerate(self.free)}
        held = self.model.refractory
        if held in found:
            steps = np.round(found[held] / self.dt)
            found[held] = np.array([float(f"{n * self.dt:.9g}") for n in steps])
        return found

    def responses(self, places: Array, sweeps: Sequence[Sweep]) -> list[Response | SpecError]:
        """Simulate candidates.

        Parameters
        ----------
        places : ndarray (candidates, free)
            From 0 to 1 within the bounds.
        sweeps : sequence of Sweep
            On the grid of ``dt``.

        Returns
        -------
        list of Response or SpecError
            The error of a candidate whose equations or states are not finite.
        """
        steps = max(len(sweep.current) for sweep in sweeps)
        most = max(1, _MOST_SAMPLES // (steps * len(sweeps)))
        found: list[Response | SpecError] = []
        for first in range(0, len(places), most):
            found += self._some(places[first : first + most], sweeps)
        return found

    def _some(self, places: Array, sweeps: Sequence[Sweep]) -> list[Response | SpecError]:
        """Simulate at once; where that fails, halve the candidates until it is known which."""
        try:
            return [*self._together(places, sweeps)]
        except SpecError as error:
            if len(places) == 1:
                return [error]
        half = len(places) // 2
        return [*self._some(places[:half], sweeps), *self._some(places[half:], sweeps)]

    def _together(self, places: Array, sweeps: Sequence[Sweep]) -> list[Response]:
        n, m = len(places), len(sweeps)
        run = self.backend.run(self.experiment(places, sweeps))
        recording = run.recording
        potential = recording.signals[_CELL]["v"].values.reshape(-1, n, m)
        spikes = recording.spikes[_CELL]
        order = np.argsort(spikes.unit, kind="stable")
        cuts = np.searchsorted(spikes.unit[order], np.arange(1, n * m))
        trains = np.split(spikes.time[order], cuts)
        return [
            Response(
                tuple(potential[: len(s.current), c, k] for k, s in enumerate(sweeps)),
                tuple(
                    np.sort(train[train <= s.duration * (1 + 1e-9)])
                    for train, s in zip(trains[c * m : (c + 1) * m], sweeps, strict=True)
                ),
            )
            for c in range(n)
        ]

    def experiment(self, places: Array, sweeps: Sequence[Sweep]) -> Experiment:
        """The experiment that simulates candidates: population ``cell`` (candidates, sweeps, 1).

        Every neuron starts at the first potential of its sweep. A sweep that is shorter than the
        others goes on without current, and is ignored from there on.
        """
        n, m = len(places), len(sweeps)
        steps = max(len(sweep.current) for sweep in sweeps)
        current = np.zeros((steps, 1, m, 1))
        for k, sweep in enumerate(sweeps):
            current[: len(sweep.current), 0, k, 0] = sweep.current
        start = np.array([sweep.potential[0] for sweep in sweeps]).reshape(1, m, 1)
        cell = Population(
            _CELL,
            (n, m, 1),
            self.model,
            {**self.fixed, **self.values(places)},
            initial={"v": np.broadcast_to(start, (n, m, 1))},
        )
        values = np.broadcast_to(current, (steps, n, m, 1))
        return Experiment(
            Network((cell,), ()),
            inputs={_CELL: FromCurrents(values, frame=self.dt, unit="nA", port=self.port)},
            record=Record((_CELL,), (Sampling(_CELL, ("v",)),)),
            dt=self.dt,
        )
