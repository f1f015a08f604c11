"""Runs a compiled program: feeds it trial by trial and passes on how far it is."""

from __future__ import annotations

import contextlib
import math
import os
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import brian2 as b2
import numpy as np

from scnnbio.backends.brian2.presentations import internal_trials
from scnnbio.backends.brian2.program import Program
from scnnbio.errors import BackendMissing, DataError
from scnnbio.experiment import Inputs, Report

_WHERE = "backend 'brian2-standalone'"
# As in presentations.h.
_FAILED = 3


def present(program: Program, inputs: Inputs, project: Path, folder: Path, report: Report) -> None:
    """Run all trials of an experiment.

    Parameters
    ----------
    program : Program
    inputs : Inputs
        Drawn while the program simulates what came before.
    project : Path
        Where the program and its arrays are.
    folder : Path
        Where it writes.
    report : callable

    Raises
    ------
    DataError
        If the program cannot write.
    BackendMissing
        If it ends in any other way.
    """
    n_trials = program.lowered.experiment.stimulus.n_trials
    with (
        _process(project, folder) as (process, pipe),
        _progress(folder / "progress", n_trials, report),
    ):
        # A program that has ended says why by its exit code, not by the broken pipe.
        with contextlib.suppress(BrokenPipeError):
            for part in fed(program, inputs):
                pipe.write(part)
            pipe.close()
        if code := process.wait():
            raise _ended(code, folder)


def fed(program: Program, inputs: Inputs) -> Iterator[bytes]:
    """What the program reads: what it has to do, then the spikes of one trial after another."""
    experiment = program.lowered.experiment
    trials = experiment.snapshot_trials()
    every = trials.step if trials else 0
    yield struct.pack("=qqqd", 0, experiment.stimulus.n_trials, every, math.inf)
    for step, unit in internal_trials(inputs, experiment.source):
        yield struct.pack("=q", len(step))
        yield step.astype(np.int32).tobytes()
        yield unit.astype(np.int32).tobytes()


def _ended(code: int, folder: Path) -> DataError | BackendMissing:
    """Why a program ended before its time."""
    said = " ".join((folder / "errors").read_text(errors="replace").split())
    if code == _FAILED:
        return DataError(f"{said}; free some space, or choose another place", where=str(folder))
    ended = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
    said = f" ({said[:200]})" if said else ""
    return BackendMissing(
        f"the compiled program {ended}{said}; is there enough memory?", where=_WHERE
    )


@contextlib.contextmanager
def _process(project: Path, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The program and the pipe to it; it does not outlive this block."""
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [str(project / "main"), "--results_dir", f"{folder}/"],
            cwd=project,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, **b2.prefs["devices.cpp_standalone.run_environment_variables"]},
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
