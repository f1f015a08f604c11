"""Runs a compiled program: feeds it trial by trial and passes on how far it is."""

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
from scnnbio.backends.brian2.driving import fed_drive
from scnnbio.backends.brian2.finite import told_by
from scnnbio.backends.brian2.presentations import internal_trials
from scnnbio.backends.brian2.program import Program
from scnnbio.errors import BackendMissing, DataError
from scnnbio.experiment import Inputs, Report

_WHERE = "backend 'brian2-standalone'"
# As in presentations.h.
_FAILED, _NOT_FINITE = 3, 5
#: Of the trial to watch, where none is.
_NONE = -1


@dataclass(frozen=True)
class OutputFolder:
    """Where a program writes.

    Parameters
    ----------
    folder : Path
        If a run was cut off there, the program goes on from its latest checkpoint.
    checkpoint_seconds : float
        Time between two checkpoints; the last one is always made.
    """

    folder: Path
    checkpoint_seconds: float = math.inf


def present(
    program: Program, key: str, inputs: Inputs, project: Path, results: OutputFolder, report: Report
) -> None:
    """Show a program all trials of its experiment, or those that are left.

    Parameters
    ----------
    program : Program
    key : str
        Of the compiled program: a checkpoint of another one is refused.
    inputs : Inputs
        Drawn while the program simulates what came before.
    project : Path
        Where the program and its arrays are.
    results : OutputFolder
    report : callable

    Raises
    ------
    NotFinite
        If a state becomes infinite or not a number. That trial is shown once more then, and looked
        at after every step, to know the time.
    DataError
        If the program cannot write, or the checkpoint is of another program or experiment, or
        another process is at work in the folder.
    BackendMissing
        If the program ends in any other way.
    """
    # A program whose Python was killed ends by itself, but not at once.
    with locked(results.folder / "lock", wait=30.0) as lock:
        found = _shown(program, key, inputs, project, results, report, lock)
        if found is not None:
            raise _shown(program, key, inputs, project, results, report, lock, found.trial) or found


def _shown(
    program: Program,
    key: str,
    inputs: Inputs,
    project: Path,
    results: OutputFolder,
    report: Report,
    lock: int,
    watched: int = _NONE,
) -> NotFinite | None:
    """Show a program what is left; the state that became no number, if one did."""
    folder, experiment = results.folder, program.lowered.experiment
    n_trials = experiment.n_trials
    first, inputs.drawn = _begin(program, key, folder)
    if first == n_trials:
        return None
    _give_back()
    with (
        _process(project, folder, lock) as (process, pipe),
        _progress(folder / "progress", n_trials, report),
    ):
        # A program that has ended says why by its exit code, not by the broken pipe.
        with contextlib.suppress(BrokenPipeError):
            seconds = results.checkpoint_seconds
            pipe.writelines(fed(program, inputs, first, seconds, watched))
            pipe.close()
        _give_back()
        code = process.wait()
    if code == _NOT_FINITE and (found := told_by(_said(folder), experiment)):
        return found
    if code:
        raise _ended(code, folder)
    return None


def _begin(program: Program, key: str, folder: Path) -> tuple[int, int]:
    """Trials that are done in a folder, and input spikes until then."""
    stamp = {"program": key, "experiment": program.lowered.experiment.digest()}
    file = folder / "program.json"
    if not (folder / "state").exists():
        file.write_text(json.dumps(stamp))
        return 0, 0
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        found = {}
    for what, value in stamp.items():
        if found.get(what) != value:
            raise DataError(
                f"the checkpoint is of another {what} (the experiment, scnnbio, Brian2 or the"
                " compiler has changed since); begin anew",
                where=str(folder),
            )
    state = program.read_state(folder)
    return state.trial, state.drawn


def fed(
    program: Program,
    inputs: Inputs,
    first: int = 0,
    checkpoint_seconds: float = math.inf,
    watched: int = _NONE,
) -> Iterator[bytes | memoryview]:
    """What the program reads: what it has to do, then spikes and drive of one trial after another.

    A drive is read as the program steps through the trial, piece by piece.
    """
    experiment = program.lowered.experiment
    trials = experiment.snapshot_trials()
    every = trials.step if trials else 0
    n_trials = experiment.n_trials
    yield struct.pack("=qqqqd", first, n_trials, every, watched, checkpoint_seconds)
    trial = first
    for step, unit in internal_trials(inputs, experiment.network.sources, first):
        yield struct.pack("=q", len(step))
        yield step.astype(np.int32, copy=False).data
        yield unit.astype(np.int32, copy=False).data
        yield from fed_drive(experiment, inputs, trial)
        trial += 1


def _give_back() -> None:
    """Let the system have memory that is free: glibc keeps it, and the program is at work now."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _said(folder: Path) -> str:
    """What a program wrote of its errors."""
    return " ".join((folder / "errors").read_text(errors="replace").split())


def _ended(code: int, folder: Path) -> DataError | BackendMissing:
    """Why a program ended before its time."""
    said = _said(folder)
    if code == _FAILED:
        # On a full disk not even that may have been written.
        said = said or "results cannot be written"
        return DataError(f"{said}; free some space, or choose another place", where=str(folder))
    ended = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
    said = f" ({said[:200]})" if said else ""
    return BackendMissing(
        f"the compiled program {ended}{said}; is there enough memory?", where=_WHERE
    )


def _environment() -> dict[str, str]:
    """The program's environment: ours, unless Brian2's preferences say otherwise.

    Threads sleep while they wait for one another. If they spin, as OpenMP has it otherwise, a step
    takes tens of times as long where others need the cores too.
    """
    own = b2.prefs["devices.cpp_standalone.run_environment_variables"]
    return {"OMP_WAIT_POLICY": "passive", **os.environ, **own}


@contextlib.contextmanager
def _process(
    project: Path, folder: Path, lock: int
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The program and the pipe to it; it does not outlive this block."""
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [str(project / "main"), "--results_dir", f"{folder}/"],
            cwd=project,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=_environment(),
            # Nobody else begins there before this program has ended.
            pass_fds=(lock,),
            # An interrupt from the keyboard is for Python alone.
            start_new_session=True,
        )
    pipe = cast(IO[bytes], process.stdin)
    try:
        yield process, pipe
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


@contextlib.contextmanager
def _progress(path: Path, total: int, report: Report) -> Iterator[None]:
    """Pass on the progress that the compiled program writes to a file."""
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
