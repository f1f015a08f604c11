"""The NEST backend, for the wheel on the Python package index."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import ClassVar, Literal

import nest

from scnnbio._exclusive import ExclusiveResource
from scnnbio.backends import processes
from scnnbio.backends.base import Backend, Stopwatch
from scnnbio.backends.nest import kernel
from scnnbio.backends.nest.build import cache_folder, missing, no_compiler
from scnnbio.backends.nest.capacity import check_built, threads_needed, unsupported_size
from scnnbio.backends.nest.cells import Cells, CompiledCells, StandardCells
from scnnbio.backends.nest.driving import driver
from scnnbio.backends.nest.engines import engine_modules, unsupported_rules
from scnnbio.backends.nest.loader import foreign_thread
from scnnbio.backends.nest.lowering import InputSpikes, Lowered
from scnnbio.backends.nest.noting import take_notes
from scnnbio.backends.nest.recorders import Recorders
from scnnbio.backends.nest.schedule import Schedule
from scnnbio.backends.options import checked_threads
from scnnbio.backends.outcome import Outcome
from scnnbio.backends.promises import Promise, UnlessAtThreshold, Within
from scnnbio.backends.support import ON_A_GRID
from scnnbio.errors import SpecError, Unsupported, not_one_of
from scnnbio.experiment import Experiment, Feature, Inputs, Report, Run
from scnnbio.experiment.as_text import experiment_from, experiment_text

_CELLS: dict[str, type[Cells]] = {cells.name: cells for cells in (CompiledCells, StandardCells)}
_KERNELS = ("shared", "expanded")
# A run pauses about this often, to empty recorders and report progress.
_PARTS = 50
# NEST's unit of time is a microsecond.
_TICS = 1000
#: What to do in a thread that cannot use NEST.
_ELSEWHERE = (
    "run it there, or in a process of its own: by 'scnnbio run', or by a ProcessPoolExecutor with"
    " the context 'spawn'"
)


class NestBackend(Backend):
    """NEST, on this machine.

    NEST has one kernel per process. A run resets it, before and after, and restores its settings
    and the defaults of its models. If the kernel holds a network or modules of the user, a run
    raises an error. Copies of synapse models are lost, with a warning.

    Parameters
    ----------
    threads : int, optional
        Threads of the simulation. Default: ``OMP_NUM_THREADS``, or 1 if that is not set, and more
        if the network has too many nodes for this number. Spikes do not depend on it.
    cells : {"compiled", "standard"}
        Neurons compiled from their equations, or NEST's own cells where they are equivalent, which
        need no compiler but cannot be reset between trials.
    kernels : {"shared", "expanded"}, optional
        Projections by nodes that hold one shared kernel and can learn, or by NEST's static
        synapses, one per connection, which need no compiler. Default: ``"shared"`` with compiled
        neurons.
    """

    name: ClassVar[str] = "nest"
    supports: ClassVar[frozenset[Feature]] = ON_A_GRID
    spreads: ClassVar[bool] = True
    resource: ClassVar[ExclusiveResource | None] = ExclusiveResource("NEST")
    summary: ClassVar[str] = "NEST: neurons and shared kernels compiled once; needs g++ and NESTML"
    promises: ClassVar[tuple[Promise, ...]] = (
        UnlessAtThreshold(
            "spikes",
            distance=1e-9,
            why="NEST adds simultaneous input before it reaches the neuron, with other rounding",
        ),
        Within("signals", difference=1e-9),
        Within("weights", difference=1e-10),
    )

    def __init__(
        self,
        threads: int | None = None,
        cells: Literal["compiled", "standard"] = "compiled",
        kernels: Literal["shared", "expanded"] | None = None,
    ) -> None:
        #: Threads given by the user; None if not given.
        self._asked = threads
        if threads is None:
            words = os.environ.get("OMP_NUM_THREADS", "1").split(",")[0]
            threads = int(words) if words.isdigit() and int(words) > 0 else 1
        if cells not in _CELLS:
            raise SpecError(not_one_of(cells, _CELLS), where="cells")
        if kernels not in (*_KERNELS, None):
            raise SpecError(not_one_of(kernels, _KERNELS), where="kernels")
        self.threads = checked_threads(threads)
        self.cells = cells
        self.kernels = kernels or ("shared" if cells == CompiledCells.name else "expanded")
        self._cells = _CELLS[cells]

    @property
    def packages(self) -> tuple[str, ...]:
        """NEST, and NESTML if neurons are compiled."""
        return ("nest-simulator", *(["nestml"] if self._cells is CompiledCells else []))

    def versions(self) -> dict[str, str]:
        """Versions of the packages that results depend on; NEST reports its own version."""
        return {**super().versions(), "nest-simulator": nest.__version__}

    def missing(self) -> str:
        """What must be installed; empty if nothing, or if compiled modules are cached."""
        if elsewhere := foreign_thread():
            return f"{elsewhere}: {_ELSEWHERE}"
        if alone := processes.missing(nest.num_processes):
            return alone
        cache = cache_folder()
        if self._cells is CompiledCells and not any(cache.glob("scnnbio_*module-*/*.so")):
            return missing()
        if self.kernels == "shared" and not any(cache.glob("scnnbio_shared-*/*.so")):
            return no_compiler()
        return ""

    def unsupported(self, experiment: Experiment) -> list[Unsupported]:
        """Find everything in an experiment that NEST cannot run, without simulating."""
        if elsewhere := foreign_thread():
            return [Unsupported("this thread", elsewhere, _ELSEWHERE)]
        problems = super().unsupported(experiment)
        described, experiment = experiment, experiment.lowered
        if not problems:
            problems += self._cells().unsupported(experiment)
        shared = self.kernels == "shared"
        problems += unsupported_rules(experiment, shared)
        problems += unsupported_size(experiment, shared, self._asked, nest.num_processes)
        problems += kernel.in_use()
        started = processes.commanded().size
        if nest.num_processes == 1 < started:
            feature = f"this NEST was built without MPI, but MPI started {started} processes"
            remedy = "build it as in docs/how_to/mpi.md, or run one process with backend.threads"
            problems.append(Unsupported("mpiexec", feature, remedy))
        if experiment is not described and started > 1:
            feature = "values, currents and noise are not distributed over several processes"
            problems.append(Unsupported("inputs", feature, "run one process with backend.threads"))
        tics = experiment.dt * _TICS
        if abs(tics - round(tics)) > 1e-6:
            problems.append(
                Unsupported(
                    "dt",
                    f"{experiment.dt} ms is not a whole number of microseconds, as NEST needs",
                    "use a step such as 0.1 ms",
                )
            )
        return problems

    def threads_for(self, experiment: Experiment) -> int:
        """Threads of an experiment's run; increased if the network is too large for the default."""
        needed = threads_needed(experiment, self.kernels == "shared", nest.num_processes)
        return max(self.threads, needed) if self._asked is None else self.threads

    def run(
        self,
        experiment: Experiment,
        report: Report | None = None,
        *,
        checkpoint: Path | None = None,
    ) -> Run:
        """Simulate an experiment; its provenance contains the actual number of threads."""
        run = super().run(experiment, report, checkpoint=checkpoint)
        options = {**run.provenance["options"], "threads": self.threads_for(experiment)}
        provenance = {**run.provenance, "options": options}
        return dataclasses.replace(run, provenance=provenance)

    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        team = processes.team("NEST", nest.num_processes)
        # An error in writing the experiment must be raised before the other processes take part.
        leads = team.led and team.first
        text = experiment_text(experiment) if leads else ""
        before, models = kernel.settings(), kernel.defaults()
        with kernel.own_threads():
            try:
                with team.joint_work():
                    if leads:
                        options = {**self.options, "threads": self.threads_for(experiment)}
                        order = {"backend": self.name, "options": options, "experiment": text}
                        team.send_order(order)
                    return self._simulate_with(team, experiment, inputs, watch, report)
            finally:
                # If another process failed, NEST would wait for it endlessly.
                if not team.broken:
                    kernel.restore(before, models)

    def take_part(self, experiment: str) -> None:
        """Take part, in another process, in a run that the first process began.

        Parameters
        ----------
        experiment : str
            Text from :func:`~scnnbio.experiment.as_text.experiment_text`.
        """
        received = experiment_from(experiment)
        self._simulate(received, received.input_stream(), Stopwatch(), lambda *_: None)

    def _simulate_with(
        self,
        team: processes.Team,
        experiment: Experiment,
        inputs: Inputs,
        watch: Stopwatch,
        report: Report,
    ) -> Outcome:
        """Simulate in all processes, each of which has a part of the neurons."""
        with watch.phase("build"):
            cells = self._cells()
            report("compiling", 0, 1)
            modules = team.in_turns(lambda: self._modules(experiment, cells))
            report("compiling", 1, 1)
            if team.size > 1:
                team.agree([experiment.digest(), self.options], "experiment")
            spikes = InputSpikes.of(inputs, team)
            self._begin(experiment, modules)
            lowered = Lowered(
                experiment, spikes, Schedule.of(experiment), cells, self.kernels == "shared"
            )
            recorders = Recorders(lowered, team)
            check_built()
        with watch.phase("simulate"):
            self._run(lowered, inputs, recorders, modules, report)
            return recorders.outcome()

    def _modules(self, experiment: Experiment, cells: Cells) -> list[str]:
        """Modules to install, compiled if they are not cached."""
        engines = engine_modules(experiment) if self.kernels == "shared" else []
        return [*cells.modules(experiment), *engines]

    def _begin(self, experiment: Experiment, modules: list[str]) -> None:
        """Reset the kernel, set it up, and install the modules, which a reset unloads."""
        nest.verbosity = nest.VerbosityLevel.ERROR
        nest.ResetKernel()
        nest.set(
            resolution=experiment.dt,
            local_num_threads=self.threads_for(experiment),
            rng_seed=1 + experiment.seed % (2**31 - 1),
            print_time=False,
        )
        for path in modules:
            nest.Install(path)
        take_notes(modules)  # discard notes of an interrupted run

    def _run(
        self,
        lowered: Lowered,
        inputs: Inputs,
        recorders: Recorders,
        modules: list[str],
        report: Report,
    ) -> None:
        dt, total = lowered.experiment.dt, lowered.schedule.total
        done = 0

        def simulate(until: int) -> None:
            nonlocal done
            if until > done:
                nest.Simulate(round((until - done) * dt, 3))
                lowered.check_finite(modules)
                done = until

        simulate(lowered.schedule.gap)
        lowered.cells.start()
        driving = driver(lowered, inputs, modules)
        for end in lowered.schedule.ends(_PARTS):
            driving.advance(done, end, simulate)
            recorders.collect()
            report("simulating", done, total)
