"""CPU time of drawing input, beside another tree of scnnbio and numpy's generator.

``python -m benchmarks.inputs --base TREE``, where TREE is a checkout of an older commit. Both trees
and the floor run in turn, each in a process of its own. The floor draws one exponential and one
uniform number per spike, which is the least that Poisson input takes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parents[1]
#: Stages of the full v1_features, and how many trials are drawn.
STAGES = {"gratings": 485, "learn": 4000}

#: Runs in either tree: prints CPU seconds, spikes and a digest of them.
_DRAWN = """
import hashlib, itertools, json, sys, time
from pathlib import Path
import scnnbio
path, stage, trials = sys.argv[1], sys.argv[2], int(sys.argv[3])
try:
    from scnnbio.experiment import load
except ImportError:
    from scnnbio.experiment.study import load
study = load(path, profile="full")
experiment = {s.experiment.stage: s.experiment for s in study.stages}[stage]
experiment.input_spikes(0)
digest, spikes, begin = hashlib.sha256(), 0, time.process_time()
# Until there were inputs of several kinds, "inputs" was what is now "input_stream".
stream = getattr(experiment, "input_stream", experiment.inputs)
for step, unit in itertools.islice(stream().trials(), trials):
    spikes += len(step)
    digest.update(step.tobytes() + unit.tobytes())
seconds = time.process_time() - begin
print(json.dumps([seconds, spikes, digest.hexdigest(), scnnbio.__file__]))
"""
_FLOOR = """
import json, sys, time
import numpy as np
spikes, trials = int(sys.argv[1]), int(sys.argv[2])
rng, begin = np.random.default_rng(0), time.process_time()
for _ in range(trials):
    rng.standard_exponential(spikes // trials)
    rng.random(spikes // trials)
print(json.dumps(time.process_time() - begin))
"""


@contextmanager
def environment(tree: Path) -> Iterator[dict[str, str]]:
    """Variables with which Python imports scnnbio, its models and experiments from a tree."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("models", "experiments"):
            (Path(folder) / f"scnnbio_{name}").symlink_to(tree / name)
        path = os.pathsep.join([str(tree), folder])
        yield {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def answer(program: str, *words: object, env: dict[str, str], folder: Path) -> Any:
    """What a program in a process of its own prints."""
    command = [sys.executable, "-c", program, *map(str, words)]
    done = subprocess.run(command, env=env, cwd=folder, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def drawn(tree: Path, stage: str, trials: int) -> tuple[float, int, str]:
    """CPU seconds, number and digest of the spikes of some trials, as a tree draws them."""
    with environment(tree) as env:
        path = tree / "experiments" / "v1_features.toml"
        found = answer(_DRAWN, path, stage, trials, env=env, folder=tree)
    if not Path(found[3]).is_relative_to(tree):
        raise SystemExit(f"{found[3]} was imported, which is not in {tree}")
    return found[0], found[1], found[2]


def measure(base: Path | None, rounds: int) -> list[str]:
    """Rows of a table, from medians of runs in turn."""
    lines = [
        "| | spikes | CPU s | million spikes per CPU s | trials per CPU s | floor | base over it |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for stage, trials in STAGES.items():
        ours, theirs, floor = [], [], []
        for _ in range(rounds):
            ours.append(drawn(HERE, stage, trials))
            if base is not None:
                theirs.append(drawn(base, stage, trials))
            floor.append(answer(_FLOOR, ours[0][1], trials, env=dict(os.environ), folder=HERE))
        if base is not None and theirs[0][1:] != ours[0][1:]:
            raise SystemExit(f"{stage}: the trees draw different spikes")
        cpu, spikes = median(row[0] for row in ours), ours[0][1]
        before = f"{median(row[0] for row in theirs) / cpu:.1f}" if theirs else "–"
        lines.append(
            f"| {stage}, {trials} trials | {spikes:,} | {cpu:.2f} | {spikes / cpu / 1e6:.2f} |"
            f" {trials / cpu:,.0f} | {median(floor) / cpu:.2f} | {before} |"
        )
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=lambda text: Path(text).resolve(), help="an older tree")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print("\n".join(measure(given.base, given.rounds)))


if __name__ == "__main__":
    main()
