"""Processes that do parts of a study's work side by side, each with the results of one process.

A task is a stage, a portion of one whose trials are independent, a fit or a figure. Each task has a
process of its own, which a server forks that has imported this package and nothing else has
happened in: a fork of a process with a simulator or threads in it could hang.
"""

from __future__ import annotations

import contextlib
import logging
import math
import multiprocessing
import os
import signal
import threading
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing import connection, forkserver
from pathlib import Path
from typing import Any, final

from scnnbio._allocator import keep_freed_memory
from scnnbio._passing import portable, received, send
from scnnbio.backends import Backend
from scnnbio.errors import DataError
from scnnbio.experiment import Experiment, Report, Run
from scnnbio.stimuli.base import count

#: Steps times neurons and source units below which a process costs more than it saves: where its
#: simulator is imported before it is forked, and elsewhere.
_WORTH = {True: 5e7, False: 1e9}
#: Imported by the server once, so that the processes that it forks need not: first and last.
_FIRST, _LAST = ("scnnbio._lean", "scnnbio.jobs.stages"), "scnnbio.jobs.frozen"
#: Seconds between two reports of progress in one phase.
_REPORTED_EVERY = 0.05


def usable_cores() -> int:
    """Number of cores that this process may use; 1 where no server can fork processes."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def checked_jobs(jobs: Any) -> int:
    """A number of processes, at least 1.

    Raises
    ------
    SpecError
        If it is not a whole number of at least 1.
    """
    return count(jobs, "jobs")


def size(experiment: Experiment) -> float:
    """Steps of an experiment times its neurons and source units: a measure of its work."""
    units = sum(population.size for population in experiment.network.populations)
    return float(experiment.n_trials * experiment.trial_steps * units)


def worth_a_process(experiment: Experiment, *, forks: bool) -> bool:
    """Whether an experiment is so large that a process of its own saves time.

    Parameters
    ----------
    experiment : Experiment
    forks : bool
        Whether processes find its simulator imported, see :attr:`Backend.forks`.
    """
    return size(experiment) >= _WORTH[forks]


@dataclass(frozen=True, eq=False)
class Task(ABC):
    """What a process does; it is sent to the process, and its result back.

    Parameters
    ----------
    place : int
        Its place among the tasks that are shown as one.
    """

    place: int = 0

    @property
    @abstractmethod
    def about(self) -> str:
        """What it is about, as errors say it: ``"stage 'learn'"``."""

    @property
    def shown(self) -> str:
        """What is added to the phases that it reports; tasks of which it is equal are added up."""
        return ""

    @abstractmethod
    def perform(self, report: Report) -> Any:
        """Do it, in the process."""


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Simulation(Task):
    """A stage, or a portion of its trials, that the backend has checked.

    Parameters
    ----------
    backend : Backend
    experiment : Experiment
        The stage or the portion.
    checkpoint : Path, optional
        Folder for its checkpoints.
    """

    backend: Backend
    experiment: Experiment
    checkpoint: Path | None = None

    @property
    def about(self) -> str:
        """The stage. See :attr:`Task.about`."""
        return f"stage {self.experiment.stage!r}"

    @property
    def shown(self) -> str:
        """The stage. See :attr:`Task.shown`."""
        return f" ({self.experiment.stage})"

    def perform(self, report: Report) -> Run:
        """Simulate. See :meth:`Task.perform`."""
        return self.backend.run_checked(self.experiment, report, checkpoint=self.checkpoint)


@dataclass(eq=False)
class _Running:
    task: Task
    process: Any
    messages: connection.Connection


def start_server(modules: Iterable[str]) -> None:
    """Start the server that forks the processes, and return while it imports.

    Called early, it has imported what they need by the time that the first of them starts.

    Parameters
    ----------
    modules : iterable of str
        Further modules that it imports; none that starts a simulator or a thread.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*_FIRST, *dict.fromkeys(modules), _LAST])
    forkserver.ensure_running()


def stop_server() -> None:
    """End the server of processes, also in the middle of its imports.

    Only for a process of ours: another one may use the server that Python keeps for itself.
    """
    server: Any = forkserver._forkserver  # type: ignore[attr-defined]
    pid = server._forkserver_pid
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        server._stop()  # waits for it, so that another one can start


class Crew:
    """Processes at work, at most ``jobs`` at a time; a context that ends them all.

    Parameters
    ----------
    jobs : int
    report : callable, optional
        Called as ``report(phase, done, total)``; tasks of one stage are added up.
    meanwhile : callable, optional
        Called once, before the first wait.
    """

    def __init__(
        self,
        jobs: int,
        report: Report | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        self.jobs = checked_jobs(jobs)
        self._report = report
        self._meanwhile = meanwhile
        self._running: list[_Running] = []
        self._progress: dict[tuple[str, str], dict[int, tuple[float, float]]] = {}
        self._context = multiprocessing.get_context("forkserver")

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *error: object) -> None:
        for one in self._running:
            one.process.terminate()
        for one in self._running:
            one.process.join()
            one.messages.close()
        self._running.clear()

    @property
    def free(self) -> bool:
        """Whether another task can start."""
        return len(self._running) < self.jobs

    @property
    def busy(self) -> bool:
        """Whether a task is running."""
        return bool(self._running)

    def start(self, task: Task) -> None:
        """Start a task in a process of its own.

        Raises
        ------
        DataError
            If the server of processes has ended, for instance for lack of memory.
        """
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, task), daemon=True)
        try:
            process.start()
        except (EOFError, ConnectionError) as error:
            raise DataError(
                f"the process that starts others ended ({type(error).__name__}); if memory is"
                " short, use --jobs 1",
                where="jobs",
            ) from None
        theirs.close()
        self._running.append(_Running(task, process, ours))

    def start_from(self, *waiting: list[Task]) -> None:
        """Start tasks while a process is free, the first lists first, and take them out."""
        for tasks in waiting:
            while tasks and self.free:
                self.start(tasks.pop(0))

    def wait(self) -> tuple[Task, Any]:
        """Wait until a task is done.

        Returns
        -------
        task : Task
        found : object
            What it returned.

        Raises
        ------
        DataError
            If a process was killed, for instance for lack of memory.
        Exception
            What the task raised.
        """
        if self._meanwhile is not None:
            self._meanwhile()
            self._meanwhile = None
        while True:
            ready = connection.wait([one.messages for one in self._running])
            for one in [one for one in self._running if one.messages in ready]:
                try:
                    kind, content = received(one.messages)
                except (EOFError, ConnectionResetError):
                    raise self._killed(one) from None
                if kind == "progress":
                    self._add(one.task, *content)
                    continue
                if kind == "warning":
                    warnings.warn_explicit(*content)
                    continue
                self._running.remove(one)
                one.messages.close()
                one.process.join()
                if kind == "error":
                    raise content
                return one.task, content

    def _add(self, task: Task, phase: str, done: float, total: float) -> None:
        """Report the progress of all tasks of a stage together."""
        if self._report is None:
            return
        parts = self._progress.setdefault((task.shown, phase), {})
        parts[task.place] = (done, total)
        self._report(
            f"{phase}{task.shown}",
            sum(part[0] for part in parts.values()),
            sum(part[1] for part in parts.values()),
        )

    @staticmethod
    def _killed(one: _Running) -> DataError:
        one.process.join()
        code = one.process.exitcode
        how = f"by signal {-code}" if code and code < 0 else f"with status {code}"
        return DataError(
            f"a process of {one.task.about} ended {how}; if memory is short, use fewer --jobs",
            where="jobs",
        )


def _work(messages: connection.Connection, task: Task) -> None:
    """Do a task, and send its progress and its result, or its error."""
    # The terminal interrupts all its processes; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    keep_freed_memory()
    threading.Thread(target=_end_with_parent, daemon=True).start()

    latest: dict[str, float] = {}
    sending = threading.RLock()  # a program's progress is read by a thread of its own

    def tell(*message: Any) -> None:
        with sending:
            send(messages, message)

    def report(phase: str, done: float, total: float) -> None:
        now = time.monotonic()
        # A trial may take less than it takes to send how many are done, and to receive that.
        if done >= total or now - latest.get(phase, -math.inf) >= _REPORTED_EVERY:
            latest[phase] = now
            tell("progress", (phase, done, total))

    def warn(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, *rest: object
    ) -> None:
        tell("warning", (str(message), category, filename, lineno))

    warnings.showwarning = warn  # type: ignore[assignment]
    try:
        found: tuple[str, Any] = ("found", task.perform(report))
    except Exception as error:
        found = ("error", portable(error))
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        tell(*found)


def _end(number: int, frame: object) -> None:
    # Brian2 warns of each object that was built and never run.
    logging.getLogger("brian2.core.base.unused_brian_object").setLevel(logging.ERROR)
    raise SystemExit(128 + number)


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, so that no orphan goes on writing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)
