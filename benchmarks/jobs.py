"""Processes side by side: wall and CPU time with one core and with two, in turn.

``python -m benchmarks.jobs`` runs the gratings of the full v1_features, whose trials are divided,
the same with eight times as many repeats, in which what happens once per process counts less, and
learning beside its control, two stages that need nothing from one another. Each run has a
process of its own, in which nothing is cached but programs; the server that forks has started.
On two cores, one process and two are measured, and on one core one process, since the program and
the drawing of its input are processes themselves. All results are compared. ``--write`` puts the
table into docs/background/performance.md. It takes five minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from statistics import median
from typing import Any, final

import numpy as np

from benchmarks.tables import between, table
from scnnbio.backends.choices import targets
from scnnbio.experiment import Report, Run, Stage, Study, load
from scnnbio.experiment.weights import read_weights, write_weights
from scnnbio.jobs import Crew, Task, prepare, run_stages
from scnnbio.recording import Recording

BACKEND = "brian2-standalone"
#: What is run, and how a table names it.
NAMES = {
    "gratings": "gratings, 485 trials",
    "repeated": "gratings, 3845 trials",
    "both": "learn and control",
}
#: Repeats of each grating in the second.
REPEATS = 40
#: What is compared: cores, and processes that are asked for.
SHARES = ((1, 1), (2, 1), (2, 2))


@final
@dataclass(frozen=True, eq=False)
class Nothing(Task):
    """Returns at once: the server has started when it is done."""

    @property
    def about(self) -> str:
        """What it is about. See :attr:`Task.about`."""
        return "nothing"

    def perform(self, report: Report) -> None:
        """Do nothing."""


def cpu_seconds() -> float:
    """CPU seconds of this process, of those it waited for, and of those that the server did."""
    own = os.times()
    spent = own.user + own.system + own.children_user + own.children_system
    server = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    # Fields 16 and 17 of proc(5), ticks of children, counted after the name in parentheses.
    ticks = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[13:15]
    return spent + sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def study(name: str, weights: Path) -> Study:
    """One of :data:`NAMES`; the gratings begin with these weights."""
    more = [f"stages.gratings.stimulus.repeats={REPEATS}"] if name == "repeated" else []
    whole = load("v1_features", profile="full", settings=more)
    learn, control, gratings = whole.stages
    if name == "both":
        return Study("both", (learn, control))
    learned = {key.split("/", 1)[1]: values for key, values in read_weights(weights).items()}
    ready = gratings.ready(
        {"learn": Run(learn.experiment, Recording({}, {}, {"duration": np.ones(1)}), learned, {})}
    )
    return Study("gratings", (Stage(ready, ready.network),))


def work(name: str, jobs: int, weights: Path) -> dict[str, Any]:
    """Run it in this process, or in others; seconds, and digests of the recordings."""
    asked = study(name, weights)
    made = targets([stage.name for stage in asked.stages], BACKEND, {})
    prepare(asked, BACKEND, 2)
    with Crew(1) as crew:
        crew.start(Nothing())
        crew.wait()
    begin, cpu = time.perf_counter(), cpu_seconds()
    runs = run_stages(asked, made, jobs=jobs)
    wall = time.perf_counter() - begin
    time.sleep(0.2)  # until the server has waited for its processes
    if name == "both":
        write_weights(weights, {"learn": runs["learn"].weights})
    digests = [run.recording.digest() for run in runs.values()]
    return {"wall": wall, "cpu": cpu_seconds() - cpu, "digests": digests}


def asked_for(name: str, cores: int, jobs: int, weights: Path) -> dict[str, Any]:
    """:func:`work` in a process of its own, on some of the cores."""
    words = ["--work", name, str(jobs), str(weights)]
    bound = ["taskset", "-c", ",".join(map(str, sorted(os.sched_getaffinity(0))[:cores]))]
    command = [*bound, sys.executable, "-m", "benchmarks.jobs", *words]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(name: str, found: dict[tuple[int, int], list[dict[str, Any]]]) -> list[str]:
    """A row of the table: medians of runs in turn.

    Raises
    ------
    RuntimeError
        If two processes give other results than one.
    """
    if len({str(one["digests"]) for times in found.values() for one in times}) > 1:
        raise RuntimeError(f"{name}: two processes give other results than one")
    wall, cpu = (
        {share: median(one[what] for one in times) for share, times in found.items()}
        for what in ("wall", "cpu")
    )
    one, alone, both = (wall[share] for share in SHARES)
    return [
        NAMES[name],
        *(f"{seconds[share]:.2f}" for seconds in (wall, cpu) for share in SHARES),
        f"{one / both:.2f}",
        f"{alone / both:.2f}",
        f"{2 * alone / cpu[2, 2]:.2f}",
    ]


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print and, if asked, write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", nargs=3, metavar=("NAME", "JOBS", "WEIGHTS"))
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args(words)
    if wanted.work:
        name, jobs, weights = wanted.work
        print(json.dumps(work(name, int(jobs), Path(weights))))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.npz"
        asked_for("both", 2, 2, weights)  # compiles, and learns what the gratings begin with
        asked_for("gratings", 2, 2, weights)
        for name in NAMES:
            found: dict[tuple[int, int], list[dict[str, Any]]] = {share: [] for share in SHARES}
            for _ in range(wanted.turns):
                for (cores, jobs), times in found.items():
                    times.append(asked_for(name, cores, jobs, weights))
            rows.append(row(name, found))
    shares = ["one core", "two cores, 1 process", "2 processes"]
    heads = [
        "", *(f"{what} s, {share}" for what in ("wall", "CPU") for share in shares),
        "faster than one core", "than 1 process", "most for that CPU time",
    ]  # fmt: skip
    text = table(heads, rows)
    print(text)
    if wanted.write:
        between("jobs", text)


if __name__ == "__main__":
    main()
