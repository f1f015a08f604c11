"""The two Brian2 backends: at runtime with numpy, and as a generated C++ program."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

import brian2 as b2
import numpy as np
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import RuntimeDevice

from scnnbio._exclusive import ExclusiveResource
from scnnbio.backends._finite import NotFinite
from scnnbio.backends._scratch import scratch_folder
from scnnbio.backends.base import Backend, Stopwatch
from scnnbio.backends.brian2 import known
from scnnbio.backends.brian2.borrowing import BRIAN2_STATE, borrowed, preferred
from scnnbio.backends.brian2.compiling import (
    NO_DENORMALS,
    Precision,
    compile_project,
    preferences,
)
from scnnbio.backends.brian2.finite import Finite
from scnnbio.backends.brian2.functions import FUNCTIONS, SELECT
from scnnbio.backends.brian2.lists import unsupported_lists
from scnnbio.backends.brian2.lowering import Lowered, clashes
from scnnbio.backends.brian2.program import Program, steady_names
from scnnbio.backends.brian2.program_files import ProgramFiles
from scnnbio.backends.brian2.recorders import Recorders
from scnnbio.backends.brian2.running import OutputFolder, run_trials
from scnnbio.backends.options import checked_threads
from scnnbio.backends.outcome import Outcome
from scnnbio.backends.promises import Exact, Promise, UnlessAtThreshold, Within
from scnnbio.backends.support import ON_A_GRID
from scnnbio.errors import BackendMissing, SpecError, Unsupported, unwritable
from scnnbio.experiment import Experiment, Feature, Inputs, Report
from scnnbio.units import In, plain

#: Begin of the names of folders for sources and results of programs.
_SCRATCH = "scnnbio-run-"
_PROMISES: tuple[Promise, ...] = (
    UnlessAtThreshold(
        "spikes",
        distance=1e-9,
        why="simultaneous input is added in the order of the layout, channels last",
    ),
    Within("signals", difference=1e-9),
    Within("weights", difference=1e-10),
)
#: Promises in single precision, for potentials in mV and weights of order one.
_SINGLE: tuple[Promise, ...] = (
    UnlessAtThreshold("spikes", distance=1e-2, why="numbers have 24 bits"),
    Within("signals", difference=1e-2),
    Within("weights", difference=1e-2),
)


#: Ctrl-C must raise an error: Brian2 would return the results so far, as if they were complete. All
#: numbers are without units here; Brian2's unit checks of functions would format whole arrays at
#: every call, for a possible error message.
_AT_RUNTIME = {
    "codegen.target": "numpy",
    "codegen.runtime.numpy.discard_units": True,
    "core.stop_on_keyboard_interrupt": False,
}


class _OnBrian2(Backend):
    """Base class of the backends that use Brian2's objects."""

    promises: ClassVar[tuple[Promise, ...]] = _PROMISES
    supports: ClassVar[frozenset[Feature]] = ON_A_GRID | {Feature.EACH_STEP}
    resource: ClassVar[ExclusiveResource | None] = BRIAN2_STATE
    forks: ClassVar[bool] = True

    @property
    def packages(self) -> tuple[str, ...]:
        """The package Brian2."""
        return ("brian2",)

    def unsupported(self, experiment: Experiment) -> list[Unsupported]:
        """Undeclared features, names that Brian2 uses itself, and unsupported lists."""
        problems = super().unsupported(experiment) + clashes(experiment.network)
        return problems + unsupported_lists(experiment)


class Brian2Backend(_OnBrian2):
    """Brian2's runtime with numpy: needs no compiler."""

    name: ClassVar[str] = "brian2"
    summary: ClassVar[str] = "Brian2 at runtime, with numpy: needs no compiler"

    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        try:
            return self._once(experiment, inputs, watch, report)
        except NotFinite as error:
            # Run again with a check after every step of that trial, to find the time.
            again = Inputs(experiment)
            self._once(experiment, again, watch, report, check_steps_from=error.trial)
            raise

    def _once(
        self,
        experiment: Experiment,
        inputs: Inputs,
        watch: Stopwatch,
        report: Report,
        check_steps_from: int | None = None,
    ) -> Outcome:
        """Run; check the states after each trial, or after each step from a given trial on."""
        with borrowed(RuntimeDevice(), _AT_RUNTIME):
            with watch.phase("build"):
                lowered = Lowered(experiment, inputs)
                recorders = Recorders(lowered)
                finite = Finite(lowered, check_steps_from)
                network = b2.Network(lowered.objects, recorders.objects, finite.objects)

            def report_progress(elapsed: Any, completed: float, start: Any, duration: Any) -> None:
                report("simulating", completed, 1.0)

            # An upstroke may overflow to infinity, which crosses any threshold.
            quiet = np.errstate(over="ignore", divide="ignore", invalid="ignore")
            with watch.phase("simulate"), quiet:
                network.run(
                    experiment.duration * b2.ms,
                    report=report_progress,
                    report_period=0.5 * b2.second,
                    namespace=FUNCTIONS | SELECT,
                )
                finite.check()
            return recorders.outcome()


class Brian2StandaloneBackend(_OnBrian2):
    """Brian2's C++ standalone mode: compiled, for speed.

    Parameters
    ----------
    precision : {"double", "single"}
        Precision of states, kernels and constants. Single is faster, as it uses less memory, but
        agrees less closely with other backends.
    threads : int
        Threads divide the neurons of a layer; spikes do not depend on their number. Learning uses
        one thread.
    checkpoint_seconds : float
        Time between checkpoints, in runs with checkpoints.

    Raises
    ------
    SpecError
        If the number of threads is out of range, or the time is negative.
    """

    name: ClassVar[str] = "brian2-standalone"
    summary: ClassVar[str] = "Brian2 as a generated C++ program: fast, needs g++ and make"
    neutral_options: ClassVar[frozenset[str]] = frozenset({"threads", "checkpoint_seconds"})

    def __init__(
        self,
        precision: Precision = "double",
        threads: int = 1,
        checkpoint_seconds: Annotated[float, In("s")] = 5.0,
    ) -> None:
        where = "backend.checkpoint_seconds"
        seconds = plain(checkpoint_seconds, "s", where=where)
        if seconds < 0:
            raise SpecError(f"{seconds:g} s is negative; write 0 or more", where=where)
        self.precision = precision
        self.threads = checked_threads(threads)
        self.checkpoint_seconds = seconds

    def promise(
        self, subject: str, experiment: Experiment, beside: Backend | None = None
    ) -> Promise | None:
        """The promise for one part of a run's results; weaker in single precision."""
        given = super().promise(subject, experiment, beside)
        if self.precision == "double" or isinstance(given, Exact):
            return given
        return next(p for p in _SINGLE if p.subject == subject)

    def missing(self) -> str:
        """What must be installed; empty if nothing."""
        absent = [tool for tool in ("g++", "make") if shutil.which(tool) is None]
        if not absent:
            return ""
        return f"{' and '.join(absent)} not found: install a C++ compiler, or use backend 'brian2'"

    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        with scratch_folder(_SCRATCH) as results:
            return self._present(experiment, inputs, watch, report, OutputFolder(results))

    def _simulate_with_checkpoints(
        self,
        experiment: Experiment,
        inputs: Inputs,
        watch: Stopwatch,
        report: Report,
        folder: Path,
    ) -> Outcome:
        results = OutputFolder(folder, self.checkpoint_seconds)
        return self._present(experiment, inputs, watch, report, results)

    def _present(
        self,
        experiment: Experiment,
        inputs: Inputs,
        watch: Stopwatch,
        report: Report,
        results: OutputFolder,
    ) -> Outcome:
        if self.missing():
            raise BackendMissing(self.missing(), where=self.name)
        with scratch_folder(_SCRATCH) as sources:
            with watch.phase("build"):
                report("compiling", 0, 1)
                settings = preferences(self.precision, self.threads)
                program = ready_program(experiment, inputs, sources, settings)
                report("compiling", 1, 1)
            with watch.phase("simulate"):
                run_trials(program, experiment, inputs, sources, results, report)
            with watch.phase("read"):
                return program.read(results.folder, experiment).outcome(experiment)


def ready_program(
    experiment: Experiment, inputs: Inputs, folder: Path, settings: dict[str, Any]
) -> ProgramFiles:
    """Make a folder in which the program of an experiment can run.

    Parameters
    ----------
    experiment : Experiment
        After :attr:`Experiment.lowered`.
    inputs : Inputs
    folder : Path
    settings : dict
        From :func:`~scnnbio.backends.brian2.compiling.preferences`.

    Returns
    -------
    ProgramFiles
        What it reads and writes.
    """

    def written() -> ProgramFiles:
        with lowered_program(experiment, inputs, folder, settings) as program:
            return program.files(compile_project(folder).key)

    with preferred(settings):
        name = known.name_of(experiment)
    if name is None:
        return written()
    return known.find(name, folder) or known.make(name, folder, written)


@contextlib.contextmanager
def lowered_program(
    experiment: Experiment, inputs: Inputs, folder: Path, settings: dict[str, Any] | None = None
) -> Iterator[Program]:
    """Write the sources of an experiment's program to a folder; uses a separate Brian2 device."""
    options = {"directory": str(folder), "build_on_run": False}
    with borrowed(CPPStandaloneDevice(), settings or preferences(), **options):
        b2.device.insert_code("before_start", NO_DENORMALS)
        with steady_names():
            program = Program(Lowered(experiment, inputs))
            try:
                program.generate(folder)
            except OSError as error:
                raise unwritable(error, folder, "the program's sources") from None
        yield program
