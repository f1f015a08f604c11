"""Driven ports as tensors: currents and values that change at the beginning of a step.

A run takes the sums that every backend takes, to the last bit. Training sums them here, so that
the weights of values have gradients.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scnnbio.backends.torch.inputs import Trial
from scnnbio.backends.torch.pathways import Pathway
from scnnbio.experiment import Experiment
from scnnbio.experiment.drive import Change, Drive, Pending
from scnnbio.experiment.streams import Injected, Projected

#: Driven port: population and parameter.
Port = tuple[str, str]
#: New values of each port (trial, channel, row, column) by step; None where they stay.
Drives = dict[Port, list[Tensor | None]]
#: Pieces of one trial: the step from which each holds, and its values.
_Pieces = list[tuple[int, NDArray[np.float64]]]


class Changing:
    """The drives of some trials of a run, from the sums that every backend takes.

    Parameters
    ----------
    changes : sequence of iterator of Change
        Of each trial.
    experiment : Experiment
        After :attr:`Experiment.lowered`.
    dtype : torch.dtype
    """

    def __init__(
        self, changes: Sequence[Iterator[Change]], experiment: Experiment, dtype: torch.dtype
    ) -> None:
        self._pending, self._dtype = [Pending(one) for one in changes], dtype
        shapes = {name: experiment.network.population(name).shape for name in experiment.drives}
        self._held = {
            (name, port): np.zeros((len(changes), *shapes[name]))
            for name, drive in experiment.drives.items()
            for port in drive.ports
        }

    def until(self, begin: int, end: int) -> Drives:
        """The drives from one step of the trials to another; the steps before have been taken."""
        due: dict[Port, dict[int, list[tuple[int, NDArray[np.float64]]]]] = {
            key: {} for key in self._held
        }
        for trial, pending in enumerate(self._pending):
            for change in pending.until(end - 1):
                at = due[change.population, change.port].setdefault(change.step, [])
                at.append((trial, change.values))
        drives: Drives = {}
        for key, held in self._held.items():
            rows: list[Tensor | None] = [None] * (end - begin)
            for step in sorted(due[key]):
                for trial, values in due[key][step]:
                    held[trial] = values.reshape(held.shape[1:])
                rows[step - begin] = torch.tensor(held, dtype=self._dtype)
            drives[key] = rows
        return drives


class Driving:
    """The drives of an experiment's populations, as functions of the weights of values.

    Parameters
    ----------
    experiment : Experiment
        After :attr:`Experiment.lowered`.
    paths : mapping of str to Pathway
        Projections from sources of values.
    dtype : torch.dtype
    """

    def __init__(
        self, experiment: Experiment, paths: Mapping[str, Pathway], dtype: torch.dtype
    ) -> None:
        self.paths, self.dtype, self.steps = paths, dtype, experiment.trial_steps
        self.ports = [(n, p) for n, drive in experiment.drives.items() for p in drive.ports]
        self.shapes = {n: experiment.network.population(n).shape for n in experiment.drives}

    def of(self, trials: Sequence[Trial], weights: Mapping[str, Tensor]) -> Drives:
        """The drives of some trials.

        Parameters
        ----------
        trials : sequence of Trial
            With their own drives, whose values are taken; their weights are not.
        weights : mapping of str to Tensor
            By projection, as :meth:`Pathway.weights` gives them.

        Raises
        ------
        SpecError
            If a value leaves the range of the port.
        """
        return {key: self._port(key, trials, weights) for key in self.ports}

    def _port(
        self, key: Port, trials: Sequence[Trial], weights: Mapping[str, Tensor]
    ) -> list[Tensor | None]:
        (name, port), shape = key, self.shapes[key[0]]
        drives = [trial.drives[name] for trial in trials]
        numbers = [trial.number for trial in trials]
        rows: list[Tensor | None] = [None] * self.steps
        base = torch.tensor(drives[0].base(port), dtype=self.dtype).reshape(shape)
        rows[0] = base.expand(len(trials), *shape)
        for origins in zip(*(drive.origins[port] for drive in drives), strict=True):
            _add(rows, self._origin(origins, numbers, shape, weights))
        self._check(key, drives[0], numbers, rows)
        return rows

    def _origin(
        self,
        origins: Sequence[Any],
        numbers: Sequence[int],
        shape: tuple[int, int, int],
        weights: Mapping[str, Tensor],
    ) -> Iterator[tuple[int, Tensor]]:
        """What one input or projection adds to a port, by step; the origin as of each trial."""
        first, pairs = origins[0], list(zip(origins, numbers, strict=True))
        if isinstance(first, Injected):
            steps, found = _together([list(o.pieces(k)) for o, k in pairs], self.dtype)
            amounts = found.unflatten(2, shape)
        elif isinstance(first, Projected):
            steps, found = _together([list(o.values(k)) for o, k in pairs], self.dtype)
            path = self.paths[first.projection.name]
            flat = found.flatten(0, 1).unflatten(1, path.connector.in_shape)
            whole = path.drive(flat, weights[path.name], first.lag)
            amounts = whole.unflatten(0, found.shape[:2])
        else:
            raise TypeError(f"{first!r} has no gradient")  # noise, which training refuses
        return zip(steps, amounts.unbind(0), strict=True)

    def _check(
        self, key: Port, drive: Drive, numbers: Sequence[int], rows: Sequence[Tensor | None]
    ) -> None:
        """Raise if a value leaves the range of its port, as in a run."""
        if not drive.limited(key[1]):
            return
        for row in rows:
            for number, values in zip(numbers, () if row is None else row, strict=False):
                drive.check(key[1], number, values.detach().double().numpy())


def piece(drives: Drives, begin: int, end: int) -> Drives:
    """The drives of some steps, whose first step has the values that hold then."""
    found: Drives = {}
    for key, rows in drives.items():
        held = next(row for row in reversed(rows[: begin + 1]) if row is not None)
        found[key] = [held, *rows[begin + 1 : end]]
    return found


def _together(pieces: Sequence[_Pieces], dtype: torch.dtype) -> tuple[list[int], Tensor]:
    """Steps in which any trial changes, and the values of all of them (change, trial, unit)."""
    steps = sorted({step for of_trial in pieces for step, _ in of_trial})
    columns = []
    for of_trial in pieces:
        own = [step for step, _ in of_trial]
        places = np.searchsorted(own, steps, side="right") - 1
        columns.append(np.stack([of_trial[place][1] for place in places]))
    return steps, torch.as_tensor(np.stack(columns, axis=1), dtype=dtype)


def _add(rows: list[Tensor | None], amounts: Iterator[tuple[int, Tensor]]) -> None:
    """Add pieces of another sum, each of which holds until the next one; both begin at step 0."""
    due = dict(amounts)
    held: Any
    added: Any
    held, added = rows[0], due[0]
    for step, row in enumerate(rows):
        if row is None and step not in due:
            continue
        held, added = held if row is None else row, due.get(step, added)
        rows[step] = held + added
