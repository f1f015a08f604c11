"""Runs of an experiment without gradients: parallel trials, several steps at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scnnbio.backends._finite import NotFinite
from scnnbio.backends.outcome import Outcome
from scnnbio.backends.torch.driving import Changing
from scnnbio.backends.torch.inputs import dense
from scnnbio.backends.torch.unrolled import Bound, State, Traced, Unrolled
from scnnbio.experiment import Experiment, Inputs, Report

#: Approximate number of values (neurons, steps and trials) in memory at a time.
_AT_ONCE = 2**23
#: Largest number of parallel trials.
_MOST_TRIALS = 128

Spikes = tuple[NDArray[np.int64], NDArray[np.int32]]
#: Stamps in steps since the trial began, and units counted on over all sources.
Stamps = tuple[NDArray[np.int32], NDArray[np.int32]]


class Running:
    """One experiment, run forward.

    Parameters
    ----------
    experiment : Experiment
    """

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.unrolled = Unrolled(experiment)
        network = experiment.network
        self.kept = [*experiment.record.spikes]
        self.counted = [p.name for p in network.populations if not p.is_source]
        self.every = {
            (s.population, variable): (
                experiment.steps(s.period or experiment.dt, "period"),
                slice(None) if s.units is None else list(s.units),
            )
            for s in experiment.record.signals
            for variable in s.variables
        }
        size = sum(p.size for p in network.populations)
        steps = experiment.trial_steps
        self.side_by_side = 1
        if experiment.reset:
            fit = _AT_ONCE // (size * min(steps, 64))
            self.side_by_side = int(np.clip(fit, 1, min(_MOST_TRIALS, experiment.n_trials)))
        self.piece = int(np.clip(_AT_ONCE // (size * self.side_by_side), 1, steps))

    def run(self, inputs: Inputs, report: Report) -> Outcome:
        """Run every trial, with all recordings."""
        spikes: dict[str, list[Spikes]] = {name: [] for name in self.kept}
        counts = dict.fromkeys(self.counted, 0)
        signals: dict[tuple[str, str], list[NDArray[np.float64]]] = {k: [] for k in self.every}
        with torch.no_grad():
            bound = self.unrolled.bound()
            state, done = None, 0
            for trials in self._batches(inputs):
                if state is None or self.experiment.reset:
                    state = self.unrolled.begin(len(trials), bound)
                # Without a reset, steps count on; with one, those of each trial count from zero.
                first = done * self.experiment.trial_steps
                numbers = range(done, done + len(trials))
                changing = Changing(
                    [inputs.changes(k) for k in numbers], self.experiment, self.unrolled.dtype
                )
                state, found = self._trials(state, trials, changing, bound, first)
                for name, rows in found.spikes.items():
                    if name in counts:
                        counts[name] += int(rows.count_nonzero())
                    if name in spikes:
                        spikes[name].append(_listed(rows, first))
                for key, values in found.sampled.items():
                    signals[key].append(self._sampled(key, values, first))
                done += len(trials)
                report("simulating", done, self.experiment.n_trials)
        return Outcome(
            spikes={name: _joined(rows) for name, rows in spikes.items()},
            signals={key: np.concatenate(rows) for key, rows in signals.items()},
            weights={},
            snapshots={},
            output_spikes=counts,
            pathways={n: path.kind for n, path in self.unrolled.pathways.items()},
        )

    def _batches(self, inputs: Inputs) -> Iterator[list[Stamps]]:
        waiting: list[Stamps] = []
        for trial in inputs.trials():
            waiting.append(trial)
            if len(waiting) == self.side_by_side:
                yield waiting
                waiting = []
        if waiting:
            yield waiting

    def _trials(
        self, state: State, trials: list[Stamps], changing: Changing, bound: Bound, first: int
    ) -> tuple[State, Traced]:
        """A batch of trials through all of its steps."""
        experiment = self.experiment
        sources = experiment.network.sources
        watched = [(n, s) for n, layer in self.unrolled.layers.items() for s in layer.initial]
        broken: dict[int, NotFinite] = {}
        pieces: list[Traced] = []
        for begin in range(0, experiment.trial_steps, self.piece):
            end = min(begin + self.piece, experiment.trial_steps)
            given = dense(trials, sources, begin, end, self.unrolled.dtype)
            state, traced = self.unrolled.advance(
                state, given, bound, sampled=watched, drives=changing.until(begin, end)
            )
            for name, layer in state.layers.items():
                for variable, last in layer.states.items():
                    # A state after step s is what is sampled before step s + 1.
                    seen = torch.cat([traced.sampled[name, variable][1:], last[None]])
                    self._check(name, variable, seen, first + begin, broken)
            kept = {k: v.flatten(2)[:, :, self.every[k][1]] for k, v in traced.sampled.items()
                    if k in self.every}  # fmt: skip
            pieces.append(Traced({n: v.bool() for n, v in traced.spikes.items()}, {}, kept))
        if broken:
            raise broken[min(broken)]
        names, keys = pieces[0].spikes, pieces[0].sampled
        return state, Traced(
            {name: torch.cat([p.spikes[name] for p in pieces]) for name in names},
            {},
            {key: torch.cat([p.sampled[key] for p in pieces]) for key in keys},
        )

    def _check(
        self, name: str, variable: str, seen: Tensor, first: int, broken: dict[int, NotFinite]
    ) -> None:
        """Note the first state of each trial that is not finite."""
        if bool(torch.isfinite(seen.sum())) or bool(torch.isfinite(seen).all()):
            return
        for trial, values in enumerate(seen.flatten(2).unbind(1)):
            wrong = ~torch.isfinite(values)
            if not bool(wrong.any()):
                continue
            step, unit = (int(k) for k in wrong.nonzero()[0])
            stamp = first + trial * self.experiment.trial_steps + step + 1
            if trial not in broken or broken[trial].step > stamp:
                broken[trial] = NotFinite(self.experiment, name, variable, unit, stamp)

    def _sampled(self, key: tuple[str, str], values: Tensor, first: int) -> NDArray[np.float64]:
        """Samples (sample, unit) of some trials, one after another."""
        every, _ = self.every[key]
        steps, trials, units = values.shape
        rows = values.transpose(0, 1).reshape(steps * trials, units).numpy()
        due = (first + np.arange(steps * trials)) % every == 0
        return np.asarray(rows[due])


def _listed(spikes: Tensor, first: int) -> Spikes:
    """Stamps in steps since the run began, and units, of (step, trial, ...)."""
    steps = len(spikes)
    trial, step, unit = spikes.flatten(2).transpose(0, 1).nonzero().numpy().T
    return first + trial * steps + step + 1, unit.astype(np.int32)


def _joined(rows: list[Spikes]) -> Spikes:
    step, unit = (np.concatenate(column) for column in zip(*rows, strict=True))
    return step, unit
