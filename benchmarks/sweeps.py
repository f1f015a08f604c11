"""A sweep of 64 points by one worker and by two, in turn.

``python -m benchmarks.sweeps`` writes plans of ``event_driven`` (two numbers of trials, 32 seeds)
and executes each by ``scnnbio work``, with ``--jobs 1`` and ``--jobs 2``. The program was compiled
before. Recordings of a point are compared. ``--write`` puts the table into
docs/background/performance.md. It takes five minutes; ``make bench`` does not run it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.tables import between, table
from benchmarks.timing import of_children
from scnnbio.recording import Recording

GRID, BACKEND = "trials=2,3", "brian2-standalone"


def scnnbio(*words: str) -> None:
    """Run a command.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    command = [sys.executable, "-m", "scnnbio", *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"scnnbio {' '.join(words)} failed: {done.stderr[-2000:]}")


def executed(plan: Path, seeds: int, jobs: int) -> tuple[float, float]:
    """Wall and CPU seconds of executing a new plan."""
    words = ("--grid", GRID, "--seeds", str(seeds), "--backend", BACKEND, "--plan", str(plan))
    scnnbio("sweep", "event_driven", *words)
    begin, before = time.perf_counter(), of_children()
    scnnbio("work", str(plan), "--jobs", str(jobs))
    return time.perf_counter() - begin, of_children() - before


def recorded(plan: Path) -> list[str]:
    """Digests of the recordings of all points."""
    folders = sorted((plan / "points").iterdir(), key=lambda folder: int(folder.name))
    return [Recording.load(folder / "run" / "recording.h5").digest() for folder in folders]


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print and, if asked, write the table.

    Raises
    ------
    RuntimeError
        If two workers record something else than one.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=32)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(words)
    found: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        executed(Path(folder) / "first", 1, 1)  # compiles
        for turn in range(asked.turns):
            plans = {jobs: Path(folder) / f"{turn}-{jobs}" for jobs in found}
            for jobs, times in found.items():
                times.append(executed(plans[jobs], asked.seeds, jobs))
            if recorded(plans[1]) != recorded(plans[2]):
                raise RuntimeError("two workers record something else than one")
    wall, cpu = (
        {jobs: median(one[k] for one in times) for jobs, times in found.items()} for k in (0, 1)
    )
    points = f"event_driven, {2 * asked.seeds} points"
    numbers = (f"{seconds[jobs]:.1f}" for seconds in (wall, cpu) for jobs in found)
    heads = ["", "wall s, 1 worker", "2", "CPU s, 1", "2", "faster"]
    text = table(heads, [[points, *numbers, f"{wall[1] / wall[2]:.2f}"]])
    print(text)
    if asked.write:
        between("sweeps", text)


if __name__ == "__main__":
    main()
