"""Times and memory, taken in the same way of every program.

A program runs in a process of its own, :mod:`benchmarks.worker`, so that it imports what it needs
and nothing else. Several take turns, so that what else the machine does falls on all of them alike;
what is compared is CPU seconds of the simulation, and of several rounds the median.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:  # what a program does not need is not in its memory
    from scnnbio.backends.brian2.compiling import Precision


@dataclass
class Measured:
    """One run of a program.

    Parameters
    ----------
    cpu_s : list of float
        CPU seconds of each segment of the simulation; nothing else is in them.
    peak_mb : float
        The most memory that was in use at once, Python's included, in MB resident.
    spikes : int
        Fired by the layer.
    wall_s : list of float
        What a clock on the wall says of each segment; empty if nobody looked.
    """

    cpu_s: list[float]
    peak_mb: float
    spikes: int
    wall_s: list[float] = field(default_factory=list)


class Program(ABC):
    """Something that simulates."""

    #: As in the tables.
    name: ClassVar[str]
    precision: ClassVar[Precision] = "double"

    def __init__(self, configuration: Any, folder: Path) -> None:
        self.configuration = configuration
        self.folder = folder

    @abstractmethod
    def construct(self) -> None:
        """Describe the network in the simulator's objects, or write the program."""

    @abstractmethod
    def build(self) -> None:
        """Compile, where something is compiled."""

    @abstractmethod
    def run(self) -> Measured:
        """Simulate once."""

    def counts(self) -> np.ndarray | None:
        """Spikes of each neuron (row, column, map) in the last run; None if they are not kept."""
        return None


def own_peak_mb() -> float:
    """Peak of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident_mb() -> float:
    """What this process holds now."""
    return _status("VmRSS") / 1024


def _status(field_name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field_name):
            return int(line.split()[1])
    raise OSError(f"no {field_name} in /proc/self/status")


def with_child(child_mb: float) -> float:
    """Peak of this process and of a program that it starts and waits for, together."""
    return max(own_peak_mb(), resident_mb() + child_mb)


@dataclass
class Worker:
    """A program in its own process."""

    program: str
    configuration: str
    process: subprocess.Popen[str] = field(init=False)
    about: dict[str, Any] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    #: Wall seconds that its runs took so far.
    spent: float = 0.0

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", self.program, self.configuration],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _answer(self) -> dict[str, Any]:
        for line in self.process.stdout or ():
            # What a simulator prints by itself is not ours.
            if line.startswith('{"answer"'):
                return json.loads(line)["answer"]
        raise RuntimeError(f"{self.program} ended early on {self.configuration}")

    def wait(self) -> None:
        """Until it is ready to run."""
        self.about = self._answer()

    def run(self) -> None:
        """Once."""
        begin = time.perf_counter()
        self._tell("run")
        self.runs.append(self._answer())
        self.spent += time.perf_counter() - begin

    def _tell(self, word: str) -> None:
        if self.process.stdin is None:
            raise RuntimeError("the worker has no input")
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        """End the process."""
        if self.process.poll() is None:
            self._tell("stop")
            self.process.wait(30)

    def median(self, segment: int, clock: str = "cpu_s") -> float | None:
        """Seconds of a segment; None if this clock was not looked at."""
        if not all(run[clock] for run in self.runs):
            return None
        return statistics.median(run[clock][segment] for run in self.runs)


def take_turns(
    programs: Sequence[str], configuration: str, rounds: int = 5, budget: float = 3.0
) -> dict[str, Worker]:
    """Build several programs, then run them in turn.

    Parameters
    ----------
    programs : sequence of str
        Names in :mod:`benchmarks.worker`.
    configuration : str
        Name there too.
    rounds : int
        At most so many runs of each.
    budget : float
        No run of a program begins once its runs have taken so many seconds; each has one.

    Returns
    -------
    dict of str to Worker
        By name, stopped.
    """
    waiting, workers = list(programs), {}
    while waiting:
        # Two build at a time: one compiler or simulator for each core of a small machine.
        pair = [Worker(waiting.pop(0), configuration) for _ in range(min(2, len(waiting)))]
        for worker in pair:
            worker.wait()
            workers[worker.program] = worker
    try:
        for _ in range(rounds):
            for worker in workers.values():
                if worker.spent < budget:
                    worker.run()
    finally:
        for worker in workers.values():
            worker.stop()
    return workers
