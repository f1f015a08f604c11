"""Runs a compiled program: sends input trial by trial, and reports progress."""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import struct
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import brian2 as b2
import numpy as np

from scnnbio.backends._finite import NotFinite
from scnnbio.backends._lock import locked
from scnnbio.backends.brian2.driving import DriveStream
from scnnbio.backends.brian2.finite import parse_not_finite
from scnnbio.backends.brian2.presentations import internal_trials
from scnnbio.backends.brian2.program_files import ProgramFiles
from scnnbio.errors import BackendMissing, DataError
from scnnbio.experiment import Experiment, Inputs, Report

_WHERE = "backend 'brian2-standalone'"
# As in presentations.h.
_FAILED, _NOT_FINITE = 3, 5
#: Bytes that the pipe to a program holds; the system may allow less.
_PIPE = 2**20
#: Number that means that no trial is watched.
_NONE = -1


@dataclass(frozen=True)
class OutputFolder:
    """The folder to which a program writes.

    Parameters
    ----------
    folder : Path
        If it holds a checkpoint of an interrupted run, the program resumes from it.
    checkpoint_seconds : float
        Time between two checkpoints; a last one is always written.
    """

    folder: Path
    checkpoint_seconds: float = math.inf


def run_trials(
    program: ProgramFiles,
    experiment: Experiment,
    inputs: Inputs,
    project: Path,
    results: OutputFolder,
    report: Report,
) -> None:
    """Run all trials of an experiment, or those that are left.

    Parameters
    ----------
    program : ProgramFiles
        A checkpoint of another program raises an error.
    experiment : Experiment
        After :attr:`Experiment.lowered`.
    inputs : Inputs
        Input, drawn while the program simulates earlier trials.
    project : Path
        Folder of the program and its arrays.
    results : OutputFolder
    report : callable

    Raises
    ------
    NotFinite
        If a state becomes infinite or NaN. The trial is then run again with a check after every
        step, to find the time.
    DataError
        If the program cannot write, the checkpoint belongs to another program or experiment, or
        another process uses the folder.
    BackendMissing
        If the program ends in any other way.
    """
    # A program whose Python process was killed ends by itself, but not immediately.
    with locked(results.folder / "lock", wait=30.0) as lock:
        run = _Run(program, experiment, inputs, project, results, report, lock)
        found = run.rest()
        if found is not None:
            raise run.rest(found.trial) or found


@dataclass(frozen=True, eq=False)
class _Run:
    """A run in a folder that this process has locked."""

    program: ProgramFiles
    experiment: Experiment
    inputs: Inputs
    project: Path
    results: OutputFolder
    report: Report
    lock: int

    def rest(self, watched: int = _NONE) -> NotFinite | None:
        """Run the trials that are left; returns an error if a state became NaN or infinite."""
        folder, n_trials = self.results.folder, self.experiment.n_trials
        first, self.inputs.drawn = self._begin()
        if first == n_trials:
            return None
        _trim_memory()
        with (
            _process(self.project, folder, self.lock) as (process, pipe),
            _progress(folder / "progress", n_trials, self.report),
        ):
            # If the program has ended, its exit code tells the reason, not the broken pipe.
            with contextlib.suppress(BrokenPipeError):
                seconds = self.results.checkpoint_seconds
                stream = input_stream(self.experiment, self.inputs, first, seconds, watched)
                pipe.writelines(stream)
                pipe.close()
            _trim_memory()
            code = process.wait()
        if code == _NOT_FINITE and (found := parse_not_finite(_errors(folder), self.experiment)):
            return found
        if code:
            raise _ended(code, folder)
        return None

    def _begin(self) -> tuple[int, int]:
        """Number of finished trials in the folder, and of input spikes until then."""
        folder = self.results.folder
        identity = {"program": self.program.key, "experiment": self.experiment.digest()}
        file = folder / "program.json"
        if not (folder / "state").exists():
            file.write_text(json.dumps(identity))
            return 0, 0
        try:
            found = json.loads(file.read_text())
        except (OSError, ValueError):
            found = {}
        for what, value in identity.items():
            if found.get(what) != value:
                raise DataError(
                    f"the checkpoint belongs to another {what} (the experiment, scnnbio, Brian2 or"
                    " the compiler has changed since); remove the folder, and run the experiment"
                    " again",
                    where=str(folder),
                )
        state = self.program.read_state(folder, check=True)
        return state.trial, state.drawn


def input_stream(
    experiment: Experiment,
    inputs: Inputs,
    first: int = 0,
    checkpoint_seconds: float = math.inf,
    watched: int = _NONE,
) -> Iterator[bytes | memoryview]:
    """Bytes that the program reads: a header, then spikes and drive of each trial.

    The program reads a drive piece by piece, as it steps through the trial.
    """
    trials = experiment.snapshot_trials()
    every = trials.step if trials else 0
    n_trials = experiment.n_trials
    yield struct.pack("=qqqqd", first, n_trials, every, watched, checkpoint_seconds)
    trial, sources = first, experiment.network.sources
    drive = DriveStream(experiment)
    for step, unit in internal_trials(inputs, sources, experiment.trial_steps, first):
        yield struct.pack("=q", len(step))
        yield step.astype(np.int32, copy=False).data
        yield unit.astype(np.int32, copy=False).data
        yield from drive.trial(trial)
        trial += 1


def _trim_memory() -> None:
    """Return free memory to the system, which glibc would keep, while the program runs."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _errors(folder: Path) -> str:
    """Error output of a program."""
    return " ".join((folder / "errors").read_text(errors="replace").split())


def _ended(code: int, folder: Path) -> DataError | BackendMissing:
    """The error for a program that ended early."""
    said = _errors(folder)
    if code == _FAILED:
        # On a full disk even the error message may be missing.
        said = said or "results cannot be written"
        return DataError(f"{said}; free some space, or choose another folder", where=str(folder))
    ended = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
    said = f" ({said[:200]})" if said else ""
    return BackendMissing(
        f"the compiled program {ended}{said}; check that there is enough memory", where=_WHERE
    )


def _environment() -> dict[str, str]:
    """Environment variables of the program: those of this process, and Brian2's preferences.

    Waiting threads sleep. If they spin, as is OpenMP's default, a step takes tens of times as long
    when other processes use the cores too.
    """
    own = b2.prefs["devices.cpp_standalone.run_environment_variables"]
    return {"OMP_WAIT_POLICY": "passive", **os.environ, **own}


@contextlib.contextmanager
def _process(
    project: Path, folder: Path, lock: int
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Start the program, with a pipe to it; killed at the end of the block if it runs."""
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [str(project / "main"), "--results_dir", f"{folder}/"],
            cwd=project,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=_environment(),
            # The program holds the lock too, until it ends.
            pass_fds=(lock,),
            # Ctrl-C must reach only Python.
            start_new_session=True,
        )
    pipe = cast(IO[bytes], process.stdin)
    _enlarge(pipe)
    try:
        yield process, pipe
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


def _enlarge(pipe: IO[bytes]) -> None:
    """Let a pipe hold more than one trial, so that neither end waits for the other at each."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)


@contextlib.contextmanager
def _progress(path: Path, total: int, report: Report) -> Iterator[None]:
    """Report the progress that the program writes to a file."""
    path.unlink(missing_ok=True)
    done = threading.Event()

    def poll() -> None:
        while not done.wait(0.2):
            with contextlib.suppress(OSError, ValueError):
                report("simulating", float(path.read_text()), total)

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    report("simulating", total, total)
