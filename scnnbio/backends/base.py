"""Base class of all backends, and the time conventions that all of them follow.

Time advances on NEST's grid. Each step, from t to t + dt, has these slots, in order:

1. **update**: states, traces and decaying thresholds advance from t to t + dt, by the
   :func:`~scnnbio.neurons.integrator.integrator` of their neuron: exact where it is linear;
2. **deliver**: spikes with ``time + delay == t + dt`` arrive: the receptor's variable jumps, a
   rule's ``on_pre`` changes the kernel, presynaptic traces jump;
3. **threshold**: neurons above threshold that are neither refractory nor silenced fire; their spike
   time is t + dt; competition decides which of them may learn;
4. **learn**: a rule's ``each_step`` changes the kernel; for neurons that may learn, its ``on_post``
   does, and postsynaptic traces jump; the shared threshold jumps for all that fired;
5. **reset**: neurons that fired or were silenced above threshold reset and are held for
   ``t_ref / dt`` whole steps;
6. **normalise**: at the end of a rule's period, kernels are rescaled to their norm.

A kernel with lags acts as one projection per lag, in the order of the lags, each with the delay of
the projection plus its lag, and with its own presynaptic traces.

An analog drive (:mod:`scnnbio.experiment.drive`) sets a port at the beginning of a step, before the
update, and holds it until its next change. The held variables of a refractory neuron ignore
arriving spikes. Winners and silenced neurons are determined per trial, whether or not states are
reset. With ``Experiment.reset``, a trial begins with all states at their initial values, traces at
zero and no spikes in flight. Sampled signals and snapshots show the state at the beginning of a
step, after such a reset.
"""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scnnbio._exclusive import ExclusiveResource
from scnnbio.backends.options import options_of
from scnnbio.backends.outcome import Outcome, pathways, recording
from scnnbio.backends.promises import Exact, Promise
from scnnbio.backends.support import Refusal, refused
from scnnbio.backends.versions import versions, versions_of_extensions
from scnnbio.errors import SpecError, Unsupported, UnsupportedError
from scnnbio.experiment import Experiment, Feature, Inputs, Report, Run
from scnnbio.neurons.integrator import Integrator, integrator


@dataclass
class Stopwatch:
    """Wall-clock seconds by phase; time in an inner phase is not added to the outer one."""

    seconds: dict[str, float] = field(default_factory=dict)
    _inner: float = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time of the block to a phase."""
        begin, inner = time.perf_counter(), self._inner
        self._inner = 0.0
        try:
            yield
        finally:
            elapsed = time.perf_counter() - begin
            self.seconds[name] = self.seconds.get(name, 0.0) + elapsed - self._inner
            self._inner = inner + elapsed


class Backend(ABC):
    """Translates an experiment for a simulator and runs it.

    A backend declares its features in ``supports``. This class refuses experiments that require any
    other feature, so that a backend without declarations refuses everything;
    :mod:`scnnbio.testing.contract` tests the declarations.

    The arguments of a constructor are the backend's options. Each must be an attribute of the same
    name, from which provenance reads it.
    """

    #: Name on the command line.
    name: ClassVar[str]
    #: One line for ``scnnbio backends``.
    summary: ClassVar[str]
    #: Promises for spikes, signals and weights; the first that covers an experiment applies.
    promises: ClassVar[tuple[Promise, ...]] = ()
    #: Options that do not change results, to the last bit.
    neutral_options: ClassVar[frozenset[str]] = frozenset()
    #: Supported features; an experiment that requires any other is refused.
    supports: ClassVar[frozenset[Feature]] = frozenset()
    #: Messages for features that it lacks, where it knows more than the default message.
    refusals: ClassVar[Mapping[Feature, Refusal]] = {}
    #: Whether it has a time step. Without one, a finer ``dt`` changes only the input spikes.
    grid: ClassVar[bool] = True
    #: Whether a run distributes a network over the processes that MPI started; otherwise each
    #: process runs its own.
    spreads: ClassVar[bool] = False
    #: Whether its module may be imported before a process forks: it starts no simulator or thread.
    forks: ClassVar[bool] = False
    #: Lock on state of this process that runs cannot share; None if there is none.
    resource: ClassVar[ExclusiveResource | None] = None

    @property
    def options(self) -> dict[str, Any]:
        """Value of each option, by name."""
        return {name: getattr(self, name) for name in options_of(type(self))}

    @property
    def packages(self) -> tuple[str, ...]:
        """Names of the packages that it needs in addition to scnnbio's; provenance lists them."""
        return ()

    def versions(self) -> dict[str, str]:
        """Versions of Python and of the packages that its results depend on."""
        return versions(self.packages)

    def promise(
        self, subject: str, experiment: Experiment, beside: Backend | None = None
    ) -> Promise | None:
        """The promise for one part of a run's results.

        Parameters
        ----------
        subject : str
            One of :data:`~scnnbio.backends.promises.SUBJECTS`.
        experiment : Experiment
        beside : Backend, optional
            The backend to compare with. Compared with itself, with options that do not change
            results, everything is exact.

        Returns
        -------
        Promise or None
            None without a promise. Input spikes are the same on all backends, since none of them
            draws input.
        """
        if type(beside) is type(self) and self._same_but_for_neutral(beside):
            return Exact(subject)
        given = (Exact("input"), *self.promises)
        return next((p for p in given if p.subject == subject and p.covers(experiment)), None)

    def _same_but_for_neutral(self, other: Backend) -> bool:
        ours, theirs = self.options, other.options
        return all(theirs[name] == ours[name] for name in ours if name not in self.neutral_options)

    def missing(self) -> str:
        """What must be installed before this backend can run; empty if nothing."""
        return ""

    def no_spikes(self) -> Unsupported | None:
        """Why its runs record no spikes of neurons, for instance if it only maps; else None."""
        return None

    def unsupported(self, experiment: Experiment) -> list[Unsupported]:
        """Find everything in an experiment that this backend cannot run, without simulating.

        Parameters
        ----------
        experiment : Experiment

        Returns
        -------
        list of Unsupported
            Empty if the experiment can run.

        Raises
        ------
        SpecError
            If the dimensions of an equation do not fit.
        """
        problems = self._undeclared(experiment)
        for population in experiment.lowered.network.populations:
            if population.is_source:
                continue
            element = f"population {population.name!r}"
            try:
                step = integrator(population.model)
            except SpecError as error:
                remedy = "write its equations with smooth functions"
                problems.append(Unsupported(element, error.message, remedy))
                continue
            rule = population.homeostasis
            if rule is not None and rule.parameter in _in_exact_rates(step):
                problems.append(
                    Unsupported(
                        element,
                        f"homeostasis changes {rule.parameter!r}, but the exact step of"
                        f" {population.neuron.name} is computed from its initial value",
                        "name a parameter that only the threshold uses",
                    )
                )
        return problems

    def run(
        self,
        experiment: Experiment,
        report: Report | None = None,
        *,
        checkpoint: Path | None = None,
    ) -> Run:
        """Simulate an experiment.

        Parameters
        ----------
        experiment : Experiment
        report : callable, optional
            Called as ``report(phase, done, total)`` during the run.
        checkpoint : Path, optional
            Folder for checkpoints: a killed run resumes from the latest one, with equal results. A
            backend without checkpoints starts anew.

        Returns
        -------
        Run

        Raises
        ------
        UnsupportedError
            If the experiment requires a feature that this backend lacks.
        BackendMissing
            If the simulator or its compiler is not installed.
        SpecError
            If learning produced a NaN or infinite weight, or the run begins inside another one that
            uses the same simulator, in the same thread.
        DataError
            If the checkpoints in ``checkpoint`` belong to another experiment or program.

        Notes
        -----
        Several threads can run experiments; on simulators with global state, one run waits.
        """
        self.check(experiment)
        return self.run_checked(experiment, report, checkpoint=checkpoint)

    def check(self, experiment: Experiment) -> None:
        """Raise unless this backend can run an experiment.

        Parameters
        ----------
        experiment : Experiment

        Raises
        ------
        UnsupportedError
            With everything that it cannot run.
        SpecError
            If the dimensions of an equation do not fit.
        """
        # A subclass may override ``unsupported``: undeclared features are refused in any case.
        problems = self.unsupported(experiment) or self._undeclared(experiment)
        if problems:
            raise UnsupportedError(self.name, problems)

    def run_checked(
        self,
        experiment: Experiment,
        report: Report | None = None,
        *,
        checkpoint: Path | None = None,
    ) -> Run:
        """Simulate an experiment, or a portion of one, that :meth:`check` has accepted.

        As :meth:`run`, for processes that are started by one that has checked it: the check
        solves the equations.

        Parameters
        ----------
        experiment : Experiment
        report : callable, optional
        checkpoint : Path, optional

        Returns
        -------
        Run
        """
        watch = Stopwatch()
        # A backend that trains needs the weights of values too.
        below = experiment.lowered if experiment.training is None else experiment
        inputs = below.input_stream(report, lambda: watch.phase("input"))
        report = report or _silent
        with contextlib.nullcontext() if self.resource is None else self.resource.held():
            if checkpoint is None:
                outcome = self._simulate(below, inputs, watch, report)
            else:
                outcome = self._simulate_with_checkpoints(below, inputs, watch, report, checkpoint)
        _check_weights(outcome.weights)
        return Run(
            experiment,
            recording(experiment, outcome),
            outcome.weights,
            {
                "backend": self.name,
                "options": self.options,
                "grid": self.grid,
                "stage": experiment.stage,
                "seed": experiment.seed,
                "experiment": experiment.digest(),
                "pathways": pathways(experiment, outcome),
                "versions": self.versions() | versions_of_extensions(self, experiment),
                "wall_seconds": {k: round(v, 3) for k, v in watch.seconds.items()},
                "trials": experiment.n_trials,
                "input_spikes": inputs.drawn,
                "output_spikes": dict(outcome.output_spikes),
                **experiment.files.provenance(),
                **outcome.details,
            },
        )

    def _undeclared(self, experiment: Experiment) -> list[Unsupported]:
        """Features that an experiment requires and this backend does not declare."""
        return refused(self.name, experiment.requires(), self.supports, self.refusals)

    def take_part(self, experiment: str) -> None:
        """Take part, in another process, in a run that the first process began.

        Parameters
        ----------
        experiment : str
            Text from :func:`~scnnbio.experiment.as_text.experiment_text`.

        Raises
        ------
        UnsupportedError
            If this backend does not distribute a network over processes.
        """
        feature, remedy = "a run in several processes is not available", "start one process"
        raise UnsupportedError(self.name, [Unsupported("mpiexec", feature, remedy)])

    @abstractmethod
    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        """Translate and run an experiment, of which ``experiment.lowered`` is the same.

        One that trains is as it was described.
        """

    def _simulate_with_checkpoints(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report, folder: Path
    ) -> Outcome:
        """As :meth:`_simulate`, with checkpoints in a folder if the backend makes any."""
        return self._simulate(experiment, inputs, watch, report)


def _silent(phase: str, done: float, total: float) -> None:
    """Ignore progress."""


def _check_weights(weights: Mapping[str, NDArray[np.float64]]) -> None:
    for name, values in weights.items():
        if not np.isfinite(values).all():
            raise SpecError(
                "learning produced a NaN or infinite weight; check the rule for a division by zero,"
                " or for a root, logarithm or power of a negative number",
                where=f"{name}.plasticity",
            )


def _in_exact_rates(step: Integrator) -> set[str]:
    """Names in the equations that the exact propagator integrates."""
    rates = step.model.sympy()
    exact = [update.state for update in step.updates if update.exact]
    return {str(symbol) for name in exact for symbol in rates[name].free_symbols}
