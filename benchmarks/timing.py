"""Times and memory, measured in the same way for every program.

Each program runs in its own process, :mod:`benchmarks.worker`, so that it imports only what it
needs. Programs take turns, so that other load on the machine affects all of them alike. Compared is
the median, over several rounds, of the CPU seconds of the simulation.
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

if TYPE_CHECKING:  # a program should not hold modules in memory that it does not need
    from scnnbio.backends.brian2.compiling import Precision


def of_children() -> float:
    """CPU seconds of child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass
class Measured:
    """One run of a program.

    Parameters
    ----------
    cpu_s : list of float
        CPU seconds of each segment of the simulation alone.
    peak_mb : float
        The most memory that was in use at once, Python's included, in MB resident.
    spikes : int
        Fired by the layer.
    wall_s : list of float
        Wall-clock seconds of each segment; empty if not measured.
    """

    cpu_s: list[float]
    peak_mb: float
    spikes: int
    wall_s: list[float] = field(default_factory=list)


class Program(ABC):
    """An implementation that is measured."""

    #: Name in the tables.
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
    """Peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident_mb() -> float:
    """Resident memory of this process now."""
    return _status("VmRSS") / 1024


def _status(field_name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field_name):
            return int(line.split()[1])
    raise OSError(f"no {field_name} in /proc/self/status")


def with_child(child_mb: float) -> float:
    """Peak memory of this process together with a program that it starts and waits for."""
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
            # Other lines are printed by simulators.
            if line.startswith('{"answer"'):
                return json.loads(line)["answer"]
        raise RuntimeError(f"{self.program} ended early on {self.configuration}")

    def wait(self) -> None:
        """Wait until the program is built and ready to run."""
        self.about = self._answer()

    def run(self) -> None:
        """Run the program once, and append the result to ``runs``."""
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
        """Seconds of a segment; None if this clock was not read."""
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
        Name of a configuration there.
    rounds : int
        Largest number of runs per program.
    budget : float
        Wall seconds of a program after which no further run begins; the first run always does.

    Returns
    -------
    dict of str to Worker
        Workers by program name, with their processes ended.
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
