"""Whole commands beside those of an older tree: wall and CPU time of ``scnnbio run``, in turn.

``python -m benchmarks.whole_runs --base TREE``, where TREE is a checkout of an older commit with a
``.venv`` of its own. Each runs ``v1_features`` with the profiles full and quick on
``brian2-standalone``. A first run, which is not counted, compiles; so second runs are measured.
Both trees must learn the same weights, up to rounding. ``--write`` puts the table into
docs/background/performance.md. It takes seven minutes; ``make bench`` does not run it.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables import between, table

#: Option of Linux's ``prctl`` (linux/prctl.h).
_SUBREAPER = 36
HERE = Path(__file__).resolve().parents[1]
PROFILES = ("full", "quick")


@dataclass(frozen=True)
class Time:
    """Seconds of a command and of all its processes, and what it learned, by name."""

    wall: float
    cpu: float
    weights: dict[str, NDArray[np.float64]]


def run(tree: Path, profile: str, words: Sequence[str], folder: Path) -> Time:
    """Run the command of a tree once.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    # By its full path: it runs in another folder, so that it imports its own tree.
    program = str(tree.resolve() / ".venv" / "bin" / "scnnbio")
    command = [program, "run", "v1_features", "--profile", profile]
    command += ["--backend", "brian2-standalone", "--out", str(out), *words]
    # A second run finds bytecode, also where the environment says that Python writes none.
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    begin, before = time.perf_counter(), os.times()
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, env=env)
    wall = time.perf_counter() - begin
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-2000:]}")
    # The server of processes ends after the command, and becomes a child of this process.
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    after = os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])
    with np.load(out / "weights.npz") as weights:
        return Time(wall, cpu, dict(weights))


def same(one: Time, other: Time) -> bool:
    """Whether two runs learned the same weights, up to rounding."""
    return one.weights.keys() == other.weights.keys() and all(
        np.allclose(values, other.weights[name], rtol=0.0, atol=1e-9)
        for name, values in one.weights.items()
    )


def measure(
    base: Path, turns: int, words: Sequence[str], profiles: Sequence[str]
) -> list[list[str]]:
    """Rows of the table: medians of second runs in turn.

    Raises
    ------
    RuntimeError
        If the trees find different weights.
    """
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for profile in profiles:
            found: dict[Path, list[Time]] = {base: [], HERE: []}
            for turn in range(turns + 1):
                for tree, times in found.items():
                    times += [run(tree, profile, words if tree == HERE else (), folder)]
                    if turn == 0:
                        times.clear()  # it compiled
            first = found[base][0]
            if not all(same(first, one) for times in found.values() for one in times):
                raise RuntimeError(f"{profile}: the trees find different weights")
            row = [profile]
            for what in ("wall", "cpu"):
                spent = [median(getattr(one, what) for one in times) for times in found.values()]
                row += [*(f"{s:.1f}" for s in spent), f"{spent[1] / spent[0]:.2f}"]
            rows.append(row)
    return rows


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print and, if asked, write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--base", type=Path, required=True, metavar="TREE")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--profiles", nargs="+", default=PROFILES, choices=PROFILES)
    parser.add_argument("--jobs", metavar="N", help="of this tree; default: that of the command")
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args(words)
    jobs = ["--jobs", wanted.jobs] if wanted.jobs else []
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    heads = ["profile", "before, s", "now, s", "now over before"]
    heads += ["before, CPU s", "now, CPU s", "now over before"]
    text = table(heads, measure(wanted.base, wanted.turns, jobs, wanted.profiles))
    print(text)
    if wanted.write:
        between("whole runs", text)


if __name__ == "__main__":
    main()
