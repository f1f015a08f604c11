"""Processes side by side: wall and CPU time with one and with two, in turn.

``python -m benchmarks.jobs`` runs the gratings of the full v1_features, whose trials are divided,
and its learning beside its control, two stages that need nothing from one another. Programs are in
the cache, and the server of processes runs; the results of one and of two processes are compared.
``--write`` puts the table into docs/background/performance.md. It takes two minutes.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from statistics import median

from benchmarks.tables import between, table
from scnnbio.backends.choices import targets
from scnnbio.experiment import Run, Stage, Study, load
from scnnbio.jobs import run_stages

BACKEND = "brian2-standalone"


@dataclass(frozen=True)
class Time:
    """Seconds of one run, and the digests of its recordings."""

    wall: float
    cpu: float
    digests: tuple[str, ...]


def cpu_seconds() -> float:
    """CPU seconds of this process, of those it waited for, and of those that the server did."""
    own = os.times()
    spent = own.user + own.system + own.children_user + own.children_system
    server = getattr(forkserver, "_forkserver")._forkserver_pid  # noqa: B009 (has no public name)
    if server is None:
        return spent
    # Fields 14 to 17 of proc(5): own and children's ticks, after the name in parentheses.
    ticks = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[11:15]
    return spent + sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def timed(study: Study, jobs: int) -> tuple[Time, dict[str, Run]]:
    """Run a study."""
    made = targets([stage.name for stage in study.stages], BACKEND, {})
    begin, cpu = time.perf_counter(), cpu_seconds()
    runs = run_stages(study, made, jobs=jobs)
    wall = time.perf_counter() - begin
    time.sleep(0.1)  # until the server has waited for its processes
    digests = tuple(run.recording.digest() for run in runs.values())
    return Time(wall, cpu_seconds() - cpu, digests), runs


def compared(name: str, study: Study, turns: int) -> list[str]:
    """A row of the table: medians of runs in turn.

    Raises
    ------
    RuntimeError
        If two processes give other results than one.
    """
    found: dict[int, list[Time]] = {1: [], 2: []}
    for _ in range(turns):
        for jobs, times in found.items():
            times.append(timed(study, jobs)[0])
    if len({one.digests for times in found.values() for one in times}) > 1:
        raise RuntimeError(f"{name}: two processes give other results than one")
    wall = {jobs: median(one.wall for one in times) for jobs, times in found.items()}
    cpu = {jobs: median(one.cpu for one in times) for jobs, times in found.items()}
    return [
        name,
        *(f"{wall[jobs]:.2f}" for jobs in found),
        f"{wall[1] / wall[2]:.2f}",
        *(f"{cpu[jobs]:.2f}" for jobs in found),
        f"{2 * cpu[1] / cpu[2]:.2f}",
    ]


def studies() -> dict[str, Study]:
    """What is run; programs are compiled, and the server started, on the way."""
    whole = load("v1_features", profile="full")
    learn, control, gratings = whole.stages
    both = Study("both", (learn, control))
    _, runs = timed(both, 2)
    ready = gratings.ready(runs)
    alone = Study("gratings", (Stage(ready, ready.network),))
    timed(alone, 2)
    return {
        f"gratings, {ready.n_trials} trials divided": alone,
        "learn and control, two stages": both,
    }


def main(words: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jobs", description=__doc__)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args(words)
    rows = [compared(name, study, wanted.turns) for name, study in studies().items()]
    heads = ["", "wall s, 1 process", "2", "speed-up", "CPU s, 1", "2", "speed-up that CPU allows"]
    text = table(heads, rows)
    print(text)
    if wanted.write:
        between("jobs", text)


if __name__ == "__main__":
    main()
