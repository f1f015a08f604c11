"""An experiment as a value: a network, its input, and what is recorded."""

from __future__ import annotations

import math
import operator
import reprlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio._html import listed
from scnnbio.connectors import PoolingConnector
from scnnbio.encoding import Encoding
from scnnbio.errors import SpecError, hint
from scnnbio.experiment.drive import Drive, driven_ports
from scnnbio.experiment.driving import (
    canonical_inputs,
    check_grids,
    checked_inputs,
    drawn_trials,
    draws,
    files_of,
    frames_of,
    only_source,
    trial_columns,
)
from scnnbio.experiment.features import (
    Requirement,
    of_drives,
    of_gradient,
    of_network,
    of_signals,
    of_trials,
)
from scnnbio.experiment.gradient import Gradient, check_training
from scnnbio.experiment.inputs import Inputs, Report
from scnnbio.experiment.lowering import check_delays, lowered
from scnnbio.experiment.record import Record
from scnnbio.inputs import Draw, FromFrames, Input
from scnnbio.inputs.base import Trial
from scnnbio.network import Network, Projection
from scnnbio.neurons.parsing import check_name
from scnnbio.population import Population
from scnnbio.stimuli import Stimulus
from scnnbio.stimuli.base import Files
from scnnbio.units import Milliseconds, plain
from scnnbio.values import FrozenTable, Value, fields_of

_MOST_STEPS = 10**9
#: Neurons of sources, times steps, of the trials drawn together: none waits long for the others.
_MOST_AT_ONCE = 16_000_000


@dataclass(frozen=True, eq=False)
class Experiment(Value):
    """A network, the input of its sources, and what is recorded.

    Parameters
    ----------
    network : Network
    stimulus : Stimulus, optional
        Yields the trials of the only source: with ``encoding``, the short form of
        ``inputs={source: FromFrames(stimulus, encoding)}``.
    encoding : Encoding, optional
        Turns frames into spikes of the source.
    record : Record
        What the run records.
    dt : float
        Time step in ms.
    seed : int
        Determines every random draw of the experiment.
    stage : str
        Name of this part of a study.
    learning : bool
        If False, kernels and thresholds do not change.
    reset : bool
        Whether each trial starts from rest: states at their initial values, traces at zero, no
        spike in transit.
    input_dt : float, optional
        Step in ms of the grid on which input spikes are drawn, a multiple of ``dt``; ``dt`` if not
        given. A random code draws different spikes on different grids: with a common ``input_dt``,
        runs at several ``dt`` get the same spikes.
    inputs : mapping of str to Input
        Input of each source, instead of a stimulus and an encoding, and currents into other
        populations. All have the same number of trials of the same duration. The short form fills
        this in.
    training : Gradient, optional
        How it learns by gradient to classify its trials. Such an experiment records nothing; its
        weights are for other experiments.

    Raises
    ------
    SpecError
        If a source has no input or one of another shape, a delay is below dt or off the grid, a
        trial is not a whole number of steps, or the record names something that does not exist.
    """

    network: Network
    stimulus: Stimulus | None = None
    encoding: Encoding | None = None
    record: Record = field(default_factory=Record)
    dt: Milliseconds = 0.1
    seed: int = 1
    stage: str = "run"
    learning: bool = True
    reset: bool = True
    input_dt: Milliseconds | None = None
    inputs: Mapping[str, Input] = field(default_factory=FrozenTable)
    training: Gradient | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "dt", plain(self.dt, "ms", where="dt"))
        if self.dt <= 0:
            raise SpecError(f"{self.dt} ms is not positive", where="dt")
        object.__setattr__(self, "seed", checked_seed(self.seed))
        check_name(self.stage, "stage", dashes=True)
        for name in ("learning", "reset"):
            if not isinstance(getattr(self, name), bool):
                raise SpecError(f"{getattr(self, name)!r} is not true or false", where=name)
        inputs = checked_inputs(self.network, self.inputs, self.stimulus, self.encoding)
        object.__setattr__(self, "inputs", inputs)
        for projection in self.network.projections:
            self._check_times(projection)
            self.normalised_every(projection)
        for population in self.network.populations:
            if not population.is_source and population.model.refractory:
                for value in population.values()[population.model.refractory]:
                    if value > 0:
                        self.steps(float(value), f"population {population.name!r}.refractory")
        self.steps(self.trial_duration, self._where_duration)
        if self.input_dt is not None:
            object.__setattr__(self, "input_dt", plain(self.input_dt, "ms", where="input_dt"))
            self.steps(self.input_dt, "input_dt")
        check_grids(self.inputs, self.input_dt or self.dt)
        check_delays(self)
        self._check_record(driven_ports(self.network, self.inputs))
        if self.training is not None:
            check_training(self.training, self)
        if not self.learning:
            object.__setattr__(self, "network", self.network.without_plasticity())

    def __repr__(self) -> str:
        return (
            f"Experiment({self.stage!r}: {self.duration:g} ms in steps of {self.dt:g} ms,"
            f" populations {listed(p.name for p in self.network.populations)},"
            f" spikes of {listed(self.record.spikes)}, seed {self.seed})"
        )

    def _check_times(self, projection: Projection) -> None:
        """Check that delays are whole steps, and that windows of pooling divide a trial."""
        where = f"projection {projection.name!r}"
        self.steps(projection.delay, f"{where}.delay")
        for lag, delay in zip(projection.connector.lags or (), projection.delays, strict=False):
            self.steps(delay, f"{where}.connector.lags ({lag:g} ms)")
        self.reward_steps(projection)
        if isinstance(projection.connector, PoolingConnector) and projection.connector.window:
            path = f"{where}.connector.window"
            if self.trial_steps % self.steps(projection.connector.window, path):
                raise SpecError(
                    f"{projection.connector.window:g} ms do not divide a trial of"
                    f" {self.trial_duration:g} ms evenly; make them a divisor of it",
                    where=path,
                )

    def _check_record(self, driven: Mapping[str, tuple[str, ...]]) -> None:
        for name in self.record.spikes:
            if self.network.population(name).gives_values:
                raise SpecError(
                    f"{name!r} is a source of values and fires no spikes; remove it from"
                    f" record.spikes",
                    where="record.spikes",
                )
        for sampling in self.record.signals:
            population = self.network.population(sampling.population)
            known = {s.name for s in population.model.states} | {*driven.get(population.name, ())}
            missing = set(sampling.variables) - known
            if missing:
                first = min(missing)
                raise SpecError(
                    f"{population.neuron.name} has no variable {first!r};"
                    f" {hint(first, sorted(known), 'it has')}",
                    where="record.signals",
                )
            if any(not 0 <= u < population.size for u in sampling.units or ()):
                raise SpecError(
                    f"a unit is outside 0..{population.size - 1}", where="record.signals.units"
                )
            if sampling.period is not None:
                self.steps(sampling.period, "record.signals.period")

    def steps(self, time: Milliseconds, where: str) -> int:
        """Number of time steps in ``time`` ms; raises unless it is whole and at least one."""
        time = plain(time, "ms", where=where)
        if time < self.dt * (1 - 1e-9):
            raise SpecError(
                f"{time} ms is below the time step of {self.dt} ms; lengthen it or lower dt",
                where=where,
            )
        ratio = time / self.dt
        if ratio > _MOST_STEPS:
            raise SpecError(
                f"{time} ms is more than {_MOST_STEPS:,} steps of {self.dt} ms; shorten it or"
                f" raise dt",
                where=where,
            )
        count = round(ratio)
        if abs(ratio - count) > 1e-6:
            raise SpecError(
                f"{time} ms is not a whole number of steps of {self.dt} ms", where=where
            )
        return count

    def normalised_every(self, projection: Projection) -> int:
        """Number of steps between normalisations of a projection's kernel; 0 without any."""
        rule = projection.plasticity
        if rule is None or rule.normalisation is None:
            return 0
        period = rule.normalisation.period
        if period is None:
            return self.trial_steps
        return self.steps(period, f"projection {projection.name!r}.plasticity.normalisation.period")

    def reward_steps(self, projection: Projection) -> int:
        """Steps from a spike of reward to its arrival; 0 without a reward."""
        rule = projection.plasticity
        reward = None if rule is None else rule.as_traces().reward
        if reward is None:
            return 0
        return self.steps(reward.delay, f"projection {projection.name!r}.plasticity.reward.delay")

    def delay_steps(self, projection: Projection) -> tuple[int, ...]:
        """Steps from a spike to its arrival, one per lag of the kernel, increasing."""
        return tuple(self.steps(delay, "delay") for delay in projection.delays)

    def canonical_fields(self) -> dict[str, Any]:
        """Content; one source of frames is equal in its short form and among inputs."""
        short = ("stimulus", "encoding", "inputs")
        rest = {name: value for name, value in fields_of(self).items() if name not in short}
        if self.training is None:
            del rest["training"]  # experiments of earlier versions keep their identity
        return rest | canonical_inputs(self.inputs)

    @property
    def source(self) -> Population:
        """The only source; raises if there are several."""
        return only_source(self.network)

    @property
    def frames(self) -> FromFrames:
        """The input of the only source; raises unless it consists of frames."""
        return frames_of(self.inputs, self.source.name)

    @property
    def _where_duration(self) -> str:
        return "inputs" if self.stimulus is None else "stimulus.duration"

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return next(iter(self.inputs.values())).n_trials

    @property
    def trial_duration(self) -> float:
        """Duration of one trial in ms."""
        return next(iter(self.inputs.values())).duration

    @cached_property
    def trial_steps(self) -> int:
        """Time steps of one trial."""
        return self.steps(self.trial_duration, self._where_duration)

    @property
    def duration(self) -> float:
        """Duration of the whole run in ms."""
        return self.trial_duration * self.n_trials

    @property
    def files(self) -> Files:
        """The files that the inputs read, and those that they skipped."""
        return files_of(self.inputs)

    def drawing(self, trial: int, source: str) -> Draw:
        """Shape, grid and random generators from which the input of a source is drawn."""
        return self._drawing((trial,), source)[0]

    def _drawing(self, trials: Sequence[int], source: str) -> list[Draw]:
        shown, dt = [self.shown(trial) for trial in trials], self.input_dt or self.dt
        return draws(self.network, self.inputs, source, self.seed, shown, dt)

    def shown(self, trial: int) -> int:
        """Number of a trial among those of the inputs; in a portion it is another."""
        return trial

    def input_spikes(self, trial: int) -> Trial:
        """Input spikes of one trial as (stamp in steps within the trial, unit).

        Units count on from one source to the next, in the order of the network.
        """
        return self.input_spikes_of((trial,))[0]

    def input_spikes_of(self, trials: Sequence[int]) -> list[Trial]:
        """Input spikes of several trials, each as :meth:`input_spikes` gives them."""
        sources = (population.name for population in self.network.spike_sources)
        chance = {name: self._drawing(trials, name) for name in sources}
        every = self.steps(self.input_dt or self.dt, "input_dt")
        found = drawn_trials(self.inputs, [self.shown(trial) for trial in trials], chance)
        return [(step * every, unit) for step, unit in found]

    @property
    def drawn_at_once(self) -> int:
        """Number of trials whose input spikes are best drawn together; few of large ones."""
        sources = self.network.spike_sources
        size = sum(source.size for source in sources) * self.trial_steps or _MOST_AT_ONCE
        return max(min([_MOST_AT_ONCE // size, *(self.inputs[s.name].at_once for s in sources)]), 1)

    @cached_property
    def lowered(self) -> Experiment:
        """The experiment as simulators receive it: see :mod:`scnnbio.experiment.lowering`."""
        return lowered(self)

    @property
    def drives(self) -> dict[str, Drive]:
        """Drive of each driven population of a lowered experiment."""
        return {name: one for name, one in self.inputs.items() if isinstance(one, Drive)}

    def input_stream(
        self,
        report: Report | None = None,
        phase: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> Inputs:
        """Input spikes of all trials, the same for every backend; drawn on demand."""
        return Inputs(self, report, phase)

    def requires(self) -> tuple[Requirement, ...]:
        """Every feature that a backend needs to run this, with the element that needs it.

        Returns
        -------
        tuple of Requirement
            Each feature and element once, in the order of the description.

        Raises
        ------
        SpecError
            If the dimensions of an equation are inconsistent.
        """
        n_trials, kept = self.n_trials, len(self.snapshot_trials()) > 0
        # Driven ports are sampled above the backends, not by them.
        below = self.lowered
        signals = ((s.population, s.variables) for s in below.record.signals)
        network = self.network if self.training is None else self.training.simulated(self.network)
        found = [
            *of_network(network),
            *of_drives(below.network, below.drives, self.inputs),
            *of_trials(n_trials, reset=self.reset, snapshots=kept),
            *of_signals(signals),
            *of_gradient(gradient=self.training is not None),
        ]
        return tuple(dict.fromkeys(found))

    @property
    def learns(self) -> bool:
        """Whether a run of it leaves learned weights."""
        return self.network.learns or self.training is not None

    def snapshot_trials(self) -> range:
        """Trials at whose beginning snapshots of kernels and thresholds are taken."""
        if not self.record.snapshots or not self.network.learns:
            return range(0)
        every = math.ceil(self.n_trials / self.record.snapshots)
        return range(0, self.n_trials, every)

    def trial_table(self) -> dict[str, NDArray[Any]]:
        """One row per trial: stage, start and duration in ms, and the inputs' columns."""
        n_trials = self.n_trials
        return {
            "stage": np.array([self.stage] * n_trials),
            "start": np.arange(n_trials) * self.trial_duration,
            "duration": np.full(n_trials, self.trial_duration),
            **trial_columns(self.inputs),
        }


def checked_seed(seed: Any, where: str = "seed") -> int:
    """Return a seed as a plain integer of at least 0, or raise a SpecError."""
    try:
        number = -1 if isinstance(seed, bool) else operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**63:
        raise SpecError(
            f"{reprlib.repr(seed)} is not a whole number from 0 to 2**63 - 1", where=where
        )
    return number
