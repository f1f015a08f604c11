"""Backends and a task of tests that processes import: they fail in known ways, or tell much."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from dataclasses import dataclass
from typing import ClassVar

from scnnbio.backends.base import Stopwatch
from scnnbio.backends.outcome import Outcome
from scnnbio.backends.reference import ReferenceBackend
from scnnbio.errors import DataError, Unsupported
from scnnbio.experiment import Experiment, Inputs, Report
from scnnbio.experiment.portions import Portion
from scnnbio.jobs import Task


class Failing(ReferenceBackend):
    """Fails in the portion that begins with the second trial."""

    name: ClassVar[str] = "failing"

    def __init__(self, how: str = "error") -> None:
        self.how = how

    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        if isinstance(experiment, Portion) and experiment.first == 1:
            if self.how == "error":
                raise DataError("is damaged; mend it", where="trial 1")
            if self.how == "mistake":
                raise KeyError("a mistake")
            if self.how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            warnings.warn("one trial is odd", RuntimeWarning, stacklevel=1)
        return super()._simulate(experiment, inputs, watch, report)


class Fussy(ReferenceBackend):
    """Refuses all experiments in one kind of process: those that were started, or the first."""

    name: ClassVar[str] = "fussy"

    def __init__(self, *, first: bool) -> None:
        self.first = first

    def unsupported(self, experiment: Experiment) -> list[Unsupported]:
        """One problem in the processes that it refuses. See :meth:`Backend.unsupported`."""
        first = multiprocessing.parent_process() is None
        return (
            [Unsupported("all of it", "is refused", "ask elsewhere")] if first == self.first else []
        )


@dataclass(frozen=True, eq=False)
class Telling(Task):
    """Reports progress ten thousand times, and returns how often."""

    @property
    def about(self) -> str:
        """What it is about. See :attr:`Task.about`."""
        return "telling"

    def perform(self, report: Report) -> int:
        """Report. See :meth:`Task.perform`."""
        for done in range(1, 10_001):
            report("telling", done, 10_000)
        return 10_000


@dataclass(frozen=True, eq=False)
class Chorus(Task):
    """Reports progress from four threads at once, in phases so long that a pipe divides them."""

    @property
    def about(self) -> str:
        """What it is about. See :attr:`Task.about`."""
        return "a chorus"

    def perform(self, report: Report) -> int:
        """Report. See :meth:`Task.perform`."""

        def sing(voice: int) -> None:
            for verse in range(50):
                report(f"voice {voice}, verse {verse}: {'la' * 10_000}", 1, 1)

        threads = [threading.Thread(target=sing, args=(voice,)) for voice in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return 200
