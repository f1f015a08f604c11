"""A training run that is killed at random moments, resumed, and killed again.

The uninterrupted run is the oracle: kernels, thresholds, snapshots and spikes are the same to the
last bit, however often a run was killed. ``SCNNBIO_KILLS`` sets the number of kills.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from scnnbio.backends._lock import locked
from scnnbio.verification import verify
from scnnbio.workflow.drafts import unfinished_runs
from tests.workflow.test_resume import MANY, assert_same, command


def start(words: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def wait_for_programs(runs: Path) -> None:
    """A program notices that its input has ended, and lets its checkpoints go."""
    for lock in runs.glob(".out.*/.kept/*/checkpoint/lock"):
        with locked(lock, wait=60):
            pass


@pytest.mark.validate
def test_a_run_that_is_killed_at_random_moments_ends_with_the_same_bits(tmp_path: Path) -> None:
    kills = int(os.environ.get("SCNNBIO_KILLS", "200"))
    rng = np.random.default_rng(kills)
    environment = {**os.environ, "SCNNBIO_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    whole, runs = tmp_path / "whole", tmp_path / "runs"
    runs.mkdir()
    words = command("run", str(MANY), "-b", "brian2-standalone")
    words += ["--set", "backend.checkpoint_seconds=0.05"]
    subprocess.run([*words, "--out", str(whole)], env=environment, check=True, capture_output=True)
    begin = time.monotonic()
    subprocess.run(
        [*words, "--out", str(tmp_path / "timed")], env=environment, check=True, capture_output=True
    )
    length = time.monotonic() - begin
    out, done, finished = runs / "out", 0, 0
    resume = command("resume", str(out), settings=[])
    while done < kills or not finished:
        again = out in unfinished_runs(runs).values()
        process = start(resume if again else [*words, "--out", str(out)], environment)
        try:
            # Longer than a run takes, so that some come to their end.
            process.wait(rng.uniform(0.0, 1.3 * length) if done < kills else None)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            done += 1
        said = process.communicate()[1]
        wait_for_programs(runs)
        assert process.returncode in (0, -signal.SIGKILL), said.decode()
        if process.returncode == 0:
            assert_same(out, whole)
            assert verify(out, trials=0).sound
            assert [path.name for path in runs.iterdir()] == ["out"]
            finished += 1
            out.rename(tmp_path / f"finished{finished}")
    print(f"\n{done} kills, {finished} runs finished with the same bits")
